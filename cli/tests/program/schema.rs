//! `mesh-filters schema`, run as people run it.

use crate::harness::{ended, run, text};
use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use tempfile::tempdir;

#[test]
fn without_a_name_it_lists_them() {
    let folder = tempdir().unwrap();
    let listed = run(folder.path(), &["schema"]);
    ended(&listed, 0);
    assert_eq!(
        text(&listed.stdout),
        "  authorization-policy    the configuration of the filter\n  \
           fault-injection         the configuration of the filter\n  \
           mesh-filters            the configuration of all filters in one module\n  \
           rate-limit              the configuration of the filter\n  \
           request-authentication  the configuration of the filter\n  \
           telemetry-tags          the configuration of the filter\n  \
           cases                   files with cases, for `mesh-filters test`\n"
    );
    let listed = run(folder.path(), &["schema", "--format", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["schemas"][6], "cases");
}

#[test]
fn what_it_prints_is_a_schema_that_takes_and_refuses() {
    let suite = |config: Value| json!([{"description": "a", "config": config, "cases": [{"name": "n", "expect": {}}]}]);
    let limits = json!({"limits": [{"name": "l", "requests": 1, "per": "1s"}]});
    for (name, good, bad) in [
        (
            "rate-limit",
            limits.clone(),
            json!({"limits": [{"name": "l", "requests": "many"}]}),
        ),
        (
            "mesh-filters",
            json!({"rateLimit": limits}),
            json!({"rateLimits": {}}),
        ),
        (
            "cases",
            suite(json!({})),
            json!([{"description": "a", "cases": []}]),
        ),
    ] {
        let folder = tempdir().unwrap();
        let printed = run(folder.path(), &["schema", name]);
        ended(&printed, 0);
        let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
        let mut compiler = Compiler::new();
        compiler
            .add_resource("https://mesh-filters.example/it.json", schema)
            .unwrap();
        let mut schemas = Schemas::new();
        let index = compiler
            .compile("https://mesh-filters.example/it.json", &mut schemas)
            .unwrap();
        let valid = schemas
            .validate(&good, index)
            .map_err(|error| format!("{error:#}"));
        assert_eq!(valid, Ok(()), "{name}");
        assert!(schemas.validate(&bad, index).is_err(), "{name} takes {bad}");
    }
}

#[test]
fn a_name_that_is_none_is_told_with_those_there_are() {
    let folder = tempdir().unwrap();
    let told = run(folder.path(), &["schema", "ratelimit"]);
    ended(&told, 2);
    assert_eq!(
        text(&told.stderr),
        "mesh-filters: no filter is named `ratelimit`; there are: authorization-policy, fault-injection, mesh-filters, \
         rate-limit, request-authentication, telemetry-tags, and `cases`\n"
    );
}
