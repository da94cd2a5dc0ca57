//! Each rule finds what its bad example is for, and nothing of the kind in its good one; and the page of
//! the documentation is made of the rules as they are.

use std::path::Path;

use check::{Options, Severity, Source, check, rules};

fn found(text: &str) -> Vec<check::Finding> {
    let source = Source {
        name: "example.yaml".to_owned(),
        text: text.trim_start().to_owned(),
    };
    check(&[source], &Options::default()).findings
}

#[test]
fn bad_examples_are_found_and_good_ones_are_not() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let bad = found(rule.bad);
        if !bad.iter().any(|finding| finding.code == rule.code) {
            wrong.push((rule, bad));
        }
        let mut good = found(rule.good);
        good.retain(|it| it.code == rule.code || it.severity == Severity::Error);
        if !good.is_empty() {
            wrong.push((rule, good));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn codes_are_in_order_and_texts_are_whole() {
    let codes: Vec<&str> = rules().iter().map(|rule| rule.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for rule in rules() {
        assert!(
            rule.code.len() == 6 && rule.code.starts_with("MF"),
            "{rule:?}"
        );
        for text in [rule.title, rule.text, rule.help] {
            assert!(!text.is_empty() && text == text.trim(), "{rule:?}: {text}");
        }
        assert!(
            rule.text.ends_with('.') && !rule.help.ends_with('.'),
            "{rule:?}"
        );
    }
}

#[test]
fn the_page_is_made_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check-rules.md");
    let page = check::page();
    if std::env::var_os("MESH_FILTERS_REWRITE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/check-rules.md is another; MESH_FILTERS_REWRITE=1 cargo test -p check writes it"
    );
}
