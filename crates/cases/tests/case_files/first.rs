//! First cases pass, whatever the configuration, and reach rules.

use std::path::Path;

use cases::{File, first, natively, run};
use serde_json::json;

#[test]
fn they_pass_for_every_configuration_of_the_filters() {
    let filters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters");
    let (mut cases, mut unreached, mut left_out) = (0, 0, 0);
    for file in File::read_filters(&filters).unwrap() {
        for suite in file.suites.iter().filter(|it| it.refused.is_empty()) {
            let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
            let made = first(&file.filter, &suite.config);
            let made = made.unwrap_or_else(|errors| panic!("{id}: {errors:?}"));
            unreached += made.unreached.len();
            if made.cases.is_empty() {
                left_out += 1;
                continue;
            }
            cases += made.cases.len();
            let written =
                json!([{"description": "a", "config": suite.config, "cases": made.cases}]);
            let read = File::parse(&file.filter, "mine.yaml", &written.to_string());
            let report = run(
                &read.unwrap_or_else(|error| panic!("{id}: {error}")),
                &natively,
            );
            // Of warnings nothing is said.
            let failed = report
                .failures
                .iter()
                .filter(|failure| failure.case.is_some());
            assert_eq!(failed.count(), 0, "{id}: {report}");
        }
    }
    assert!(
        cases > 400 && unreached < cases / 2 && left_out < 20,
        "{cases} cases, {unreached} rules unreached, {left_out} configurations left out"
    );
}

#[test]
fn a_configuration_that_is_refused_is_told() {
    let config = json!({"limits": [{"name": "l", "requests": 1, "per": "soon"}]});
    let errors = first("rate-limit", &config).unwrap_err();
    assert!(errors[0].starts_with("limits[0].per: "), "{errors:?}");
    let unknown = first("limits", &config).unwrap_err();
    assert!(
        unknown[0].starts_with("no filter is named `limits`"),
        "{unknown:?}"
    );
}
