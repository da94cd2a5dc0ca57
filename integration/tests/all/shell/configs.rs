//! A configuration is taken whole or refused whole, and the log says which.

use serde_json::{Value, json};

use crate::shell::rig::{Plan, upstream};

/// Envoy's exit code and log when it is started with this configuration of the probe.
fn refused(configuration: Value) -> (Option<i32>, String) {
    let upstream = upstream();
    let plan = Plan::before(&upstream).configured(configuration);
    let failure = plan.builder().try_start().expect_err("a refusal");
    (failure.exit, failure.log)
}

#[test]
fn a_refused_configuration_ends_envoy_at_the_start() {
    for (configuration, complaints) in [
        (
            json!({}),
            &["probe: cluster: is missing; name a cluster of Envoy's"][..],
        ),
        (
            json!({ "unknown": "http1", "fetch": "perhaps" }),
            &[
                "probe: unknown: ",
                "probe: fetch: ",
                "probe: cluster: is missing",
            ],
        ),
        (
            json!({ "clutser": "http1" }),
            &["probe: clutser: unknown field; did you mean `cluster`?"],
        ),
    ] {
        let (exit, log) = refused(configuration);
        assert_eq!(exit, Some(1), "{log}");
        for complaint in complaints {
            let lines = log.lines().filter(|line| line.contains(complaint)).count();
            assert_eq!(lines, 1, "`{complaint}` in {log}");
        }
        assert!(!log.contains("configured:"), "{log}");
        // Envoy names the filter already, and what is missing because of a slip is not told.
        assert!(!log.contains("probe: probe:"), "{log}");
        let told = log.contains("cluster: is missing");
        assert_eq!(
            told,
            complaints
                .last()
                .is_some_and(|last| last.contains("is missing"))
        );
    }
}

#[test]
fn a_configuration_is_announced_by_one_vm_of_many() {
    let upstream = upstream();
    let rig = Plan::before(&upstream).start();
    rig.lives();
    assert_eq!(rig.logged("probe: configured: probing, config_hash "), 1);
    let hash = rig.metric("config_hash");
    assert_eq!(rig.logged(&format!("config_hash {hash}")), 1);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(rig.metric(&format!("build_info[version={version}]")), 1);
}
