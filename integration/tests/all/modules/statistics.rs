//! Which statistics a module has as soon as its configuration is in force, and which it does not.

use wasm_host::{Host, Level};

use super::{DELAY, KEYED, POLICIES, RULE};
use super::{authorization, fault, limits, loaded, module, telemetry};

/// The gauge of held streams is of the filters that hold them by time, and of no other.
#[test]
fn only_filters_that_delay_have_the_gauge_of_it() {
    for (host, name, delays) in [
        (authorization(POLICIES), "authorization-policy", false),
        (fault(DELAY), "fault-injection", true),
        (limits(KEYED), "rate-limit", false),
        (loaded("noop", ""), "noop", false),
        (loaded("probe", r#"{ "cluster": "silent" }"#), "probe", true),
        (
            loaded("request-authentication", RULE),
            "request-authentication",
            false,
        ),
        (telemetry("{}"), "telemetry-tags", false),
    ] {
        let metric = |suffix: &str| {
            host.world()
                .metric(&format!("mesh_filters.{name}.{suffix}"))
        };
        assert!(metric("config_hash").is_some(), "{name}");
        assert_eq!(metric("active").is_some(), delays, "{name}");
    }
}

/// Whether Envoy reads an expression is known only by asking it, and a configuration that it refuses leaves
/// no trace of having been in force.
#[test]
fn a_configuration_that_envoy_cannot_use_has_no_statistics() {
    let host = Host::new(&module("telemetry-tags")).unwrap();
    host.log_level(Level::Info);
    // This host has no CEL.
    let config = r#"{"tags": [{"name": "a", "expression": "request.path + request.host"}]}"#;
    assert!(!host.configure(config.as_bytes()));
    let log = host.log();
    let errors = log.iter().filter(|(level, _)| *level == Level::Error);
    assert_eq!(errors.count(), 1, "{log:?}");
    assert!(!log.iter().any(|(_, line)| line.contains("configured")));
    for metric in ["config_hash", "series_overflow"] {
        let name = format!("mesh_filters.telemetry-tags.{metric}");
        assert_eq!(host.world().metric(&name), None, "{name}");
    }
}
