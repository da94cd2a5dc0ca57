//! A report tells what differs and nothing else.

use cases::{File, Report, natively, run};

fn report(filter: &str, text: &str) -> Report {
    run(&File::parse(filter, "mine.yaml", text).unwrap(), &natively)
}

const ABORT: &str = "{http: [{fault: {abort: {httpStatus: 503, percentage: {value: 100}}}}]}";

#[test]
fn what_is_as_expected_is_only_counted() {
    let text = format!(
        "[{{description: a, config: {ABORT}, cases: [{{name: n, expect: {{reason: 'abort:http-0', status: 503, body: fault filter abort}}}}]}}]"
    );
    let report = report("fault-injection", &text);
    assert!(report.is_well());
    assert_eq!(report.to_string(), "2 passed, 0 failed\n");
}

#[test]
fn a_configuration_that_is_taken_or_refused_against_expectation() {
    let text = format!("[{{description: a, config: {ABORT}, refused: ['http: is bad']}}]");
    assert_eq!(
        report("fault-injection", &text).to_string(),
        "mine.yaml: a\n  \
           the configuration was taken, and not refused with\n  \
           http: is bad\n\
         0 passed, 1 failed\n"
    );
    let text = "[{description: a, config: {htp: 1}, refused: ['http: is bad']}]";
    let told = report("fault-injection", text).to_string();
    assert!(
        told.starts_with(
            "mine.yaml: a\n  \
               the configuration was refused\n  \
               expected, and not seen: http: is bad\n  \
               seen, and not expected: htp: unknown field"
        ),
        "{told}"
    );
}

#[test]
fn warnings_that_are_others() {
    let text = format!("[{{description: a, config: {ABORT}, warnings: ['http: is odd']}}]");
    assert_eq!(
        report("fault-injection", &text).to_string(),
        "mine.yaml: a\n  \
           the warnings are others\n  \
           expected, and not seen: http: is odd\n\
         0 passed, 1 failed\n"
    );
}

#[test]
fn an_engine_that_cannot_tell_says_why() {
    let text = format!("[{{description: a, config: {ABORT}, warnings: [w]}}]");
    let told = report("fault-inject", &text).to_string();
    assert!(
        told.starts_with("mine.yaml: a\n  no filter is named `fault-inject`; there are: "),
        "{told}"
    );
}
