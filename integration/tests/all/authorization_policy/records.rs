//! What is left for people: the reason in the access log, counters with labels, and dry runs that are
//! told and not enforced, beside what Envoy's own filter tells of them.

use std::time::Duration;

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::{Listener, bootstrap};
use serde_json::{Value, json};

use crate::authorization_policy::FILTER;
use crate::authorization_policy::rig::{Manager, native};

const SOON: Duration = Duration::from_secs(10);

fn policies() -> Value {
    let path = |path: &str| json!([{"to": [{"operation": {"paths": [path]}}]}]);
    json!({"policies": [
        {"name": "open", "namespace": "shop", "rules": path("/open*")},
        {"name": "closed", "namespace": "shop", "action": "DENY", "rules": path("/open/closed*")},
        {"name": "watched", "namespace": "shop", "action": "AUDIT", "rules": path("/open/watched")},
        {"name": "strict", "namespace": "shop", "dryRun": true, "rules": path("/open/strict")},
        {"name": "trial", "namespace": "shop", "action": "DENY", "dryRun": true, "rules": path("/open/trial")},
    ]})
}

/// Paths, whether they pass, and what our filter says of them.
const REQUESTS: [(&str, bool, &str); 6] = [
    (
        "/open/strict",
        true,
        "dry_run_allow:shop/strict.rules[0],allow:shop/open.rules[0]",
    ),
    (
        "/open",
        true,
        "dry_run_no_allow:shop/strict.rules[0].to[0].operation.paths,allow:shop/open.rules[0]",
    ),
    (
        "/open/watched",
        true,
        "audit:shop/watched.rules[0],dry_run_no_allow:shop/strict.rules[0].to[0].operation.paths,allow:shop/open.rules[0]",
    ),
    (
        "/open/trial",
        true,
        "dry_run_deny:shop/trial.rules[0],dry_run_no_allow:shop/strict.rules[0].to[0].operation.paths,allow:shop/open.rules[0]",
    ),
    ("/open/closed", false, "deny:shop/closed.rules[0]"),
    (
        "/shut",
        false,
        "dry_run_no_allow:shop/strict.rules[0].to[0].operation.paths,no_allow:shop/open.rules[0].to[0].operation.paths",
    ),
];

fn start() -> Envoy {
    let shadow = |action: &str| {
        format!(
            "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_{action}_shadow_engine_result)%"
        )
    };
    let listeners = [
        Listener::new("ours").module(FILTER, &policies()),
        native("native", &policies(), &Manager::default())
            .log("dry_allow", &shadow("allow"))
            .log("dry_deny", &shadow("deny")),
    ];
    let mut config = bootstrap(listeners, []);
    config.value_mut()["stats_config"] = json!({"stats_tags": [
        {"tag_name": "policy", "regex": r"(\[policy=([^\]]*)\])"},
        {"tag_name": "version", "regex": r"(\[version=([^\]]*)\])"},
    ]});
    Envoy::builder(config)
        .args(["--file-flush-interval-msec", "20"])
        .start()
}

/// The line of the access log about a request, by its listener and its path.
fn line(envoy: &Envoy, listener: &str, path: &str) -> Value {
    let wanted = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["listener"] == listener && line["path"] == path).then_some(line)
    };
    let found = integration::service::wait::until(SOON, || envoy.log().lines().find_map(wanted));
    found.unwrap_or_else(|| panic!("no line about {path} of {listener}: {}", envoy.log()))
}

#[test]
fn the_access_log_says_why_and_what_a_dry_run_would_have_done() {
    let envoy = start();
    for (path, passes, reason) in REQUESTS {
        for listener in ["ours", "native"] {
            let answer = Client::http1(envoy.addr(listener)).send(Request::get(path));
            assert_eq!(answer.status == 200, passes, "{listener} {path}");
        }
        let mine = line(&envoy, "ours", path);
        assert_eq!(mine["reason"], reason, "{path}");
        if !passes {
            let last = reason.rsplit(',').next().unwrap();
            let details = format!("mesh_filters.{FILTER}{{{last}}}");
            assert_eq!(mine["details"], details.as_str(), "{path}");
        }
        // Envoy's own dry runs come to the same.
        let theirs = line(&envoy, "native", path);
        let dry_deny = reason.contains("dry_run_deny:");
        let dry_allow = !reason.contains("dry_run_no_allow:");
        let result = |denied: bool| if denied { "denied" } else { "allowed" };
        assert_eq!(theirs["dry_deny"], result(dry_deny), "{path}: {theirs}");
        // A filter that has denied a request ends the chain before the ALLOW policies are asked.
        if !reason.starts_with("deny:") {
            assert_eq!(theirs["dry_allow"], result(!dry_allow), "{path}: {theirs}");
        }
    }
}

#[test]
fn prometheus_reads_policies_as_labels() {
    let envoy = start();
    for (path, ..) in REQUESTS {
        Client::http1(envoy.addr("ours")).get(path).send();
    }
    let page = envoy.admin().prometheus();
    let prefix = "mesh_filters_authorization_policy_";
    let lines: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with(prefix))
        .collect();
    for (reason, policy, count) in [
        ("allow", "open", 4),
        ("deny", "closed", 1),
        ("audit", "watched", 1),
        ("dry_run_allow", "strict", 1),
        ("dry_run_deny", "trial", 1),
        ("no_allow", "open", 1),
        ("dry_run_no_allow", "strict", 4),
    ] {
        let line = format!("{prefix}{reason}{{policy=\"shop/{policy}\"}} {count}");
        assert!(lines.contains(&line.as_str()), "{line} in {lines:#?}");
    }
    let version = format!(
        "{prefix}build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    assert!(lines.contains(&version.as_str()), "{lines:#?}");
}
