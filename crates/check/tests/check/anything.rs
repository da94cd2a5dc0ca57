//! Whatever stands in a file, it is read to its end, and places in it are places of it.

use check::{Options, Source, check, rules};
use documents::Document;
use proptest::prelude::*;

/// Checks a file, and that what is found stands in it; and reads it as the other verbs do.
fn read(text: &str) {
    if let Ok(documents) = Document::read_text("any.yaml", text) {
        let _ = policies::gather(&documents, &policies::Settings::default());
    }
    let _ = cases::File::parse("mesh-filters", "any.yaml", text);
    let source = Source {
        name: "any.yaml".to_owned(),
        text: text.to_owned(),
    };
    for filter in [None, catalog::find("mesh-filters").ok()] {
        let options = Options {
            filter,
            ..Options::default()
        };
        let report = check(std::slice::from_ref(&source), &options);
        let lines = u64::try_from(text.lines().count()).unwrap();
        for finding in &report.findings {
            assert!(finding.line >= 1 && finding.column >= 1, "{finding:?}");
            assert!(finding.line <= lines + 1, "{finding:?} of {lines}");
        }
        let _ = check::sarif(&report, std::slice::from_ref(&source), "0").to_string();
        let _ = check::json(&report).to_string();
    }
}

/// The examples of all rules, which have every kind and most fields.
fn examples() -> Vec<&'static str> {
    let rules = rules().iter();
    rules.flat_map(|rule| [rule.bad, rule.good]).collect()
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("~".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("[[{}]]".to_owned()),
        Just("*anchor".to_owned()),
        Just("&anchor [a]".to_owned()),
        "[a-z*/{}?é]{0,8}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let fields = prop::sample::select(vec![
            "spec",
            "rules",
            "from",
            "http",
            "fault",
            "value",
            "@type",
            "kind",
            "hosts",
            "servers",
            "port",
            "tls",
            "match",
            "route",
            "host",
            "subsets",
            "labels",
            "egress",
            "endpoints",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|all| format!("[{}]", all.join(", "))),
            (fields, inner).prop_map(|(field, value)| format!("{{{field:?}: {value}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn yaml_is_read(letters in "[-:{}\\[\\], a-z\n&*!|>'\"#%@`?~0-9]{0,200}") {
        read(&letters);
    }

    #[test]
    fn examples_with_something_else_in_them_are_read(
        example in prop::sample::select(examples()),
        line in any::<prop::sample::Index>(),
        value in value(),
    ) {
        let mut lines: Vec<String> = example.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        if let Some((name, _)) = lines[at].split_once(": ") {
            lines[at] = format!("{name}: {value}");
        }
        read(&lines.join("\n"));
    }

    #[test]
    fn examples_that_end_early_are_read(
        example in prop::sample::select(examples()),
        end in any::<prop::sample::Index>(),
    ) {
        let letters = example.chars().count();
        read(&example.chars().take(end.index(letters)).collect::<String>());
    }
}

/// Whatever an editor, a download or a program may have made of a file.
#[test]
fn odd_texts_are_read() {
    let example = rules()
        .iter()
        .map(|rule| rule.bad.trim_start())
        .collect::<Vec<_>>()
        .join("\n---\n");
    let utf_16: Vec<u8> = example.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in [
        format!("\u{feff}{example}"),
        example.replace('\n', "\r\n"),
        example.replace('\n', "\r"),
        example.replace("  ", "\t"),
        example.replace(": ", ":\u{a0}"),
        example.replace('e', "\0"),
        String::from_utf8_lossy(&utf_16).into_owned(),
        example.replace("kind:", "kind: Gateway\nkind:"),
        example.replace("spec:", "spec: &spec"),
        example.replace("spec:", "<<: *spec\nspec:"),
        example.replace("spec:", "spec: !!binary"),
        "---\n".repeat(10_000),
        format!("kind: {}", "x".repeat(1 << 20)),
        format!("spec: '{}", "\u{1f4a5}".repeat(1 << 16)),
        format!("? {}\n: x", "[a, ".repeat(100)),
        "%YAML 9.9\n%TAG ! tag:x\n---\n!<x> a".to_owned(),
    ] {
        read(&text);
    }
}

/// Rules that compare things with each other do not take the square of what a file can hold.
#[test]
fn long_files_are_read() {
    let many = |count: usize, each: &str| each.repeat(count);
    let header = |kind: &str, name: usize| {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{name: a{name}, namespace: b}}\n"
        )
    };
    let routes = many(
        200,
        "  - {match: [{uri: {regex: a}}], route: [{destination: {host: a, subset: b}}]}\n",
    );
    read(&format!(
        "{}spec:\n  hosts: [a]\n  http:\n{routes}",
        header("VirtualService", 0)
    ));
    let servers = many(
        100,
        "  - {port: {number: 443, name: a, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE}}\n",
    );
    read(&format!(
        "{}spec:\n  selector: {{a: b}}\n  servers:\n{servers}",
        header("Gateway", 0)
    ));
    let rules: String = (0..100)
        .map(|name| {
            header("DestinationRule", name)
                + "spec: {host: a, trafficPolicy: {tls: {mode: DISABLE}}}\n"
        })
        .collect();
    read(&rules);
}

#[test]
fn depth_and_aliases_are_bounded() {
    // A program's first thread has so much; what is not optimised needs more than the others have.
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    thread.spawn(deep).unwrap().join().unwrap();
}

fn deep() {
    read(&"[".repeat(20_000));
    read(&"{a: ".repeat(20_000));
    read(&format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)));
    read(
        &(0..1_000)
            .map(|depth| format!("{}- a:\n", "  ".repeat(depth)))
            .collect::<String>(),
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{uses}]\n");
    }
    read(&bomb);
}
