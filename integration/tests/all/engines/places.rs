//! A configuration may stand inside another: every problem of it is told by its whole path.

use cases::File;
use integration::envoy::repository;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, ConfigError, Load, Problems};
use serde_json::Value;

/// What is wrong with a configuration that stands there, and what is said of it.
fn told(filter: &catalog::Filter, config: Value, at: At<'_>) -> [Vec<ConfigError>; 2] {
    let problems = Problems::default();
    let world = FakeWorld::new();
    let load = Load {
        at,
        problems: &problems,
        world: &world,
    };
    let _ = filter.load_at(config, &load);
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

fn check(filter: &catalog::Filter) -> usize {
    let root = At::root();
    let (mesh, part) = (root.field("mesh"), root.field("rateLimit"));
    let mut told_of = 0;
    for file in File::read_filters(&repository().join("filters")).unwrap() {
        let suites = file
            .suites
            .into_iter()
            .filter(|_| file.filter == filter.name());
        for suite in suites {
            let whole = told(filter, suite.config.clone(), root);
            for at in [part, mesh.index(7)] {
                let path = at.to_string();
                let inside = told(filter, suite.config.clone(), at).map(|mut errors| {
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
    for filter in catalog::filters() {
        let problems = check(filter);
        assert!(problems > 20, "{filter:?}: only {problems} problems");
    }
}
