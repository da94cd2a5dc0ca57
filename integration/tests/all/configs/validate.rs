//! `docs/check.md`: what Envoy says of a configuration before it is loaded.

use integration::demo::Shipped;
use integration::envoy::{Builder, Capability, has};

use super::pages::Page;
use super::{bootstraps, uses_formats_in_spans};

fn page() -> Page {
    Page::read("docs/check.md")
}

/// The last line of Envoy for an exit code, as the table of the page has it.
fn last_line(exit: i32) -> Vec<String> {
    let page = page();
    let row = format!("| {exit} | `");
    let mut lines = page.text().lines();
    let line = lines.find_map(|line| line.strip_prefix(&row)).unwrap();
    let said = line.strip_suffix("` |").unwrap();
    said.split('…').map(str::to_owned).collect()
}

#[track_caller]
fn answers(builder: Builder, exit: i32) -> String {
    let (code, log) = builder.verdict();
    let problems = || log.lines().filter(|line| !line.contains("[info]"));
    assert_eq!(code, exit, "{}", problems().collect::<Vec<_>>().join("\n"));
    // Envoy's two streams are read side by side, so the last line is only among the last.
    let said = last_line(exit);
    let ends = log
        .lines()
        .any(|line| said.iter().all(|part| line.contains(part)));
    assert!(ends, "{log}");
    log
}

#[test]
fn envoy_accepts_every_file_as_it_is() {
    let commands = page().commands();
    let checks_all = "for file in envoy-configs/local/*.yaml";
    assert!(commands.iter().any(|line| line.starts_with(checks_all)));
    for file in bootstraps() {
        assert!(file.path().starts_with("envoy-configs/local/"));
        if uses_formats_in_spans(&file) && !has(Capability::FormatsInSpans) {
            let (exit, log) = file.envoy().verdict();
            assert!(exit == 1 && log.contains("custom_tags"), "{log}");
            continue;
        }
        let log = answers(file.envoy(), 0);
        assert!(log.contains(": configured: "), "{}: {log}", file.path());
    }
}

#[test]
fn a_broken_file_is_told_as_the_page_says() {
    let page = page();
    let broken = "`per: soon` in the place of `1m`, and `httpStatus: 99` in the place of 503";
    assert!(page.text().contains(broken));
    let file = Shipped::read("envoy-configs/local/mesh-filters.yaml");
    let file = file
        .with("per: 1m", "per: soon")
        .with("httpStatus: 503", "httpStatus: 99");

    let log = answers(file.envoy(), 1);

    let mut blocks = page.blocks();
    blocks.retain(|block| block.language == "text");
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0].is_in(&log), "{log}");
}

#[test]
fn a_filter_tells_all_its_errors_and_envoy_stops_at_the_first_filter() {
    let file = Shipped::read("envoy-configs/local/authorization-policy-claims.yaml");
    let file = file
        .with("issuer: testing@secure.istio.io", "isuer: a")
        .with("fromHeaders:", "fromHaeders:")
        .with("policies:", "polices:");

    let log = answers(file.envoy(), 1);

    for first in ["jwtRules[0].isuer: ", "jwtRules[1].fromHaeders: "] {
        assert!(log.contains(first), "{log}");
    }
    assert!(!log.contains("polices"), "{log}");
    let mended = file
        .with("isuer: a", "issuer: a")
        .with("fromHaeders:", "fromHeaders:");
    let log = answers(mended.envoy(), 1);
    assert!(log.contains(" polices: "), "{log}");
}

#[test]
fn a_warning_is_a_line_and_no_failure() {
    let file = Shipped::read("envoy-configs/local/authorization-policy.yaml");
    let log = answers(file.with("methods: [GET]", "methods: [G*T]").envoy(), 0);
    let warned = |line: &str| line.contains("[warning][wasm]") && line.contains("methods");
    assert!(log.lines().any(warned), "{log}");
}
