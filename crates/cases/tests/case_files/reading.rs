//! A file that is none of cases is told where it is not.

use std::path::Path;
use std::time::Duration;

use cases::{Bytes, File};

fn refusal(text: &str) -> String {
    let error = File::parse("fault-injection", "folder/mine.yaml", text).unwrap_err();
    error.to_string()
}

/// A suite with this case in it.
fn with_case(case: &str) -> String {
    format!(
        "- {{description: first, config: {{}}, warnings: [a]}}\n- description: second\n  config: {{}}\n  cases:\n  - {case}\n"
    )
}

#[test]
fn values_are_read_from_their_text() {
    let case = r#"{name: n, now: "2026-01-01T00:00:01Z", attributes: {a/b: text, c: 7}, before: [{wait: 2s}],
      request: {rawPath: '/\xff'}, expect: {delay: 250ms}}"#;
    let file = File::parse("rate-limit", "folder/mine.yaml", &with_case(case)).unwrap();
    assert_eq!(
        (file.name.as_str(), file.filter.as_str()),
        ("mine", "rate-limit")
    );
    let case = &file.suites[1].cases[0];
    assert_eq!(case.time().as_nanos(), 1_767_225_601_000_000_000);
    let attributes: Vec<_> = case.attributes.iter().collect();
    assert_eq!(attributes[0].1, b"text");
    assert_eq!(attributes[0].0, &["a", "b"]);
    assert_eq!(attributes[1].1, &7i64.to_le_bytes());
    assert_eq!(case.request.raw_path, Some(Bytes(b"/\xff".to_vec())));
    assert_eq!(case.expect.delay, Some(Duration::from_millis(250)));
    let waits: Vec<Duration> = case.steps().map(|step| step.wait).collect();
    assert_eq!(waits, [Duration::from_secs(2), Duration::ZERO]);
}

#[test]
fn a_value_that_is_none_is_told_with_its_suite_and_line() {
    for (case, problem) in [
        (
            "{name: n, now: today, expect: {}}",
            "`today` is not a time such as",
        ),
        (
            "{name: n, expect: {delay: 60}}",
            "`60` is not a duration; write `60s`",
        ),
        (
            "{name: n, expect: {delay: 60 s}}",
            "`60 s` is not a duration; write `60s`",
        ),
        (
            "{name: n, attributes: {a: [1]}, expect: {}}",
            "`a`: `[1]` is neither text nor a whole number",
        ),
        (
            r"{name: n, request: {rawPath: '\xfg'}, expect: {}}",
            r"`\xfg` in `\xfg` is no byte",
        ),
        ("{name: n, expects: {}}", "expects"),
    ] {
        let told = refusal(&with_case(case));
        assert!(
            told.starts_with("folder/mine.yaml: suite `second`: ")
                && told.contains(problem)
                && !told.contains('\n'),
            "{told}"
        );
        assert!(told.contains("line 5"), "{told}");
    }
}

#[test]
fn what_is_no_yaml_is_told_with_its_line() {
    assert_eq!(
        refusal("- description: ["),
        "folder/mine.yaml:1:16: is no YAML: unclosed bracket '['"
    );
}

#[test]
fn a_suite_expects_one_thing_and_has_names_of_its_own() {
    assert_eq!(
        refusal("[{description: a, config: {}}]"),
        "folder/mine.yaml: suite `a`: must have cases, warnings, or the errors it is refused with"
    );
    assert_eq!(
        refusal("[{description: a, config: {}, refused: [e], cases: [{name: n, expect: {}}]}]"),
        "folder/mine.yaml: suite `a`: must have cases, warnings, or the errors it is refused with"
    );
    assert_eq!(
        refusal(
            "[{description: a, config: {}, warnings: [e]}, {description: a, config: {}, warnings: [e]}]"
        ),
        "folder/mine.yaml: suite `a`: another suite has this description too"
    );
    assert_eq!(
        refusal(&with_case(
            "{name: n, expect: {}}\n  - {name: n, expect: {}}"
        )),
        "folder/mine.yaml: suite `second`: two cases are named `n`"
    );
}

#[test]
fn a_path_that_cannot_be_read_is_told() {
    let read = File::read("rate-limit", "no/such.yaml").unwrap_err();
    assert!(read.to_string().starts_with("no/such.yaml: "), "{read}");
    let folder = File::read_folder("rate-limit", Path::new("no/such")).unwrap_err();
    assert!(folder.to_string().starts_with("no/such: "), "{folder}");
    let filters = File::read_filters(Path::new("no/such")).unwrap_err();
    assert!(filters.to_string().starts_with("no/such: "), "{filters}");
}
