//! A configuration may stand inside another: every problem of it is told by its whole path.

use cases::File;
use integration::envoy::repository;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, ConfigError, Filter, Load, Problems, load_at};
use serde_json::Value;

/// What is wrong with a configuration that stands there, and what is said of it.
fn told<F: Filter>(config: Value, at: At<'_>) -> [Vec<ConfigError>; 2] {
    let problems = Problems::default();
    let world = FakeWorld::new();
    let load = Load {
        at,
        problems: &problems,
        world: &world,
    };
    let _ = load_at::<F>(config, &load);
    [problems.errors(), problems.warnings()]
}

/// As it would be told below that place, of which problems quote what else they name.
fn below(at: &str, error: &ConfigError) -> ConfigError {
    let dot = match error.at.as_str() {
        "" => "",
        path if path.starts_with('[') => "",
        _ => ".",
    };
    ConfigError {
        at: [at, dot, &error.at].concat(),
        problem: error.problem.clone(),
    }
}

fn check<F: Filter>() -> usize {
    let root = At::root();
    let (mesh, part) = (root.field("mesh"), root.field("rateLimit"));
    let mut told_of = 0;
    for file in File::read_filters(&repository().join("filters")).unwrap() {
        let suites = file.suites.into_iter().filter(|_| file.filter == F::NAME);
        for suite in suites {
            let whole = told::<F>(suite.config.clone(), root);
            for at in [part, mesh.index(7)] {
                let path = at.to_string();
                let inside = told::<F>(suite.config.clone(), at).map(|mut errors| {
                    for error in &mut errors {
                        error.problem = error.problem.replace(&format!("{path}."), "");
                    }
                    errors
                });
                let expected = whole.each_ref().map(|errors| {
                    let errors = errors.iter().map(|error| below(&path, error));
                    errors.collect::<Vec<_>>()
                });
                assert_eq!(inside, expected, "{}: {}", file.name, suite.description);
            }
            told_of += whole.iter().map(Vec::len).sum::<usize>();
        }
    }
    told_of
}

#[test]
fn a_configuration_inside_another_is_told_by_its_whole_path() {
    for (name, problems) in [
        (
            "authorization-policy",
            check::<authorization_policy::AuthorizationPolicy>(),
        ),
        (
            "fault-injection",
            check::<fault_injection::FaultInjection>(),
        ),
        ("rate-limit", check::<rate_limit::RateLimit>()),
        (
            "request-authentication",
            check::<request_authentication::RequestAuthentication>(),
        ),
        ("telemetry-tags", check::<telemetry_tags::TelemetryTags>()),
    ] {
        assert!(problems > 20, "{name}: only {problems} problems");
    }
}
