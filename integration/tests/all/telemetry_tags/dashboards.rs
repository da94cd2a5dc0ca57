//! The dashboard and the alert rules: they are what Prometheus reads, and speak of all counters that
//! the filters have, and of no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cases::File;
use integration::client::Client;
use integration::envoy::{Config, Envoy, read_config, repository};
use integration::service::wait::until;
use integration::service::{Scratch, Service, tool};
use regex_lite::Regex;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::{Value, json};

use crate::telemetry_tags::SOON;

fn file(name: &str) -> PathBuf {
    repository().join("dashboards").join(name)
}

fn promtool(arguments: &[&str]) {
    let program = tool("promtool", "prometheus").unwrap_or_else(|problem| panic!("{problem}"));
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

fn dashboard() -> Value {
    let text = fs::read_to_string(file("mesh-filters.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every query of the dashboard, with something in place of its variables: `tenant` is the label.
pub(crate) fn queries() -> Vec<String> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array());
    let queries: Vec<String> = targets
        .flatten()
        .map(|target| {
            let query = target["expr"].as_str().unwrap();
            let query = query.replace("$__rate_interval", "5m");
            let query = query.replace("$job", ".*").replace("$instance", ".*");
            query.replace("$label", "tenant")
        })
        .collect();
    assert!(!queries.is_empty());
    queries
}

#[test]
fn alert_rules_are_rules_and_fire_when_they_should() {
    let path = |name| file(name).display().to_string();
    promtool(&["check", "rules", &path("alerts.yaml")]);
    promtool(&["test", "rules", &path("alerts-test.yaml")]);
}

#[test]
fn every_query_of_the_dashboard_is_one() {
    let rules: Vec<Value> = queries()
        .iter()
        .enumerate()
        .map(|(index, query)| json!({"record": format!("query:{index}"), "expr": query}))
        .collect();
    assert!(
        rules
            .iter()
            .all(|rule| !rule["expr"].as_str().unwrap().contains('$'))
    );
    let rules = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let scratch = Scratch::new().unwrap();
    let path = scratch.write("rules.yaml", &rules.to_string()).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()]);
}

#[test]
fn the_dashboard_has_no_two_panels_in_one_place() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} at {x}, {y}", panel["title"]);
            }
        }
    }
}

/// What the dashboard lets one choose are labels of one's own: none of Istio's, and no other.
#[test]
fn the_label_to_choose_is_one_of_ones_own() {
    let dashboard = dashboard();
    let mut variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let variable = variables.find(|variable| variable["name"] == "label");
    let pattern = variable.unwrap()["regex"].as_str().unwrap();
    let left_out = pattern
        .strip_prefix("/^(?!")
        .and_then(|rest| rest.strip_suffix("$).+/"));
    let left_out = Regex::new(&format!("^{}$", left_out.unwrap())).unwrap();

    let shipped = read_config("envoy-configs/local/telemetry-tags.yaml");
    let labels = shipped.value()["stats_config"]["stats_tags"].as_array();
    let labels = labels.unwrap().iter();
    let chosen: Vec<&str> = labels
        .map(|label| label["tag_name"].as_str().unwrap())
        .filter(|label| !left_out.is_match(label))
        .collect();
    assert_eq!(chosen, ["route", "tenant"]);
    for scraped in ["job", "instance", "__name__", "le"] {
        assert!(left_out.is_match(scraped));
    }
}

/// The names of Envoy's own that the alerts on configurations go by, and when they move.
#[test]
fn envoy_counts_what_it_refuses_and_what_it_cannot_read() {
    const REFUSED: &str = "envoy_listener_manager_lds_update_rejected";
    const UNREAD: &str = "envoy_listener_manager_lds_update_failure";
    const TAKEN: &str = "envoy_listener_manager_lds_update_time";
    let rules = fs::read_to_string(file("alerts.yaml")).unwrap();
    assert!(
        [REFUSED, UNREAD, TAKEN]
            .iter()
            .all(|name| rules.contains(name))
    );
    let scratch = Scratch::new().unwrap();
    let nothing = scratch.write("listeners.yaml", "resources: []").unwrap();
    let config = json!({
        "node": {"id": "a", "cluster": "a"},
        "dynamic_resources": {"lds_config": {"path_config_source": {"path": nothing}}},
    });
    let envoy = Envoy::builder(Config::from_value(config))
        .scratch(scratch)
        .start();
    let value = |name: &str| -> Option<f64> {
        let page = envoy.admin().prometheus();
        let mut lines = page.lines();
        let line = lines.find_map(|line| line.strip_prefix(&format!("{name}{{}} ")));
        line.map(|value| value.parse().unwrap())
    };
    let move_in = |text: &str| {
        // Envoy looks at a file when another takes its place.
        let new = envoy.scratch().write("new.yaml", text).unwrap();
        fs::rename(new, envoy.scratch().path().join("listeners.yaml")).unwrap();
    };
    let becomes = |name: &str, expected: f64| {
        let seen = until(SOON, || value(name).filter(|value| *value == expected));
        assert!(seen.is_some(), "{name}: {:?}", value(name));
    };
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let ago = now.as_secs_f64() - value(TAKEN).unwrap() / 1000.0;
    assert!((0.0..60.0).contains(&ago), "{ago}");
    assert_eq!((value(REFUSED), value(UNREAD)), (Some(0.0), Some(0.0)));

    let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
    move_in(&format!(
        "resources: [{{'@type': {kind}, name: no-address}}]"
    ));
    becomes(REFUSED, 1.0);
    assert_eq!(value(UNREAD), Some(0.0));
    move_in("resources: [{'@type': type.googleapis.com/envoy.config.Nothing}]");
    becomes(UNREAD, 1.0);
    move_in("resources: [");
    becomes(UNREAD, 2.0);
    assert_eq!(value(REFUSED), Some(1.0));
}

#[test]
fn prometheus_takes_the_rules_and_can_evaluate_them() {
    let config = json!({
        "global": {"evaluation_interval": "1s"},
        "rule_files": [file("alerts.yaml")],
    });
    let prometheus = Service::prometheus(&config.to_string());
    let client = Client::http1(prometheus.addr());

    let health = || {
        let page = client.get("/api/v1/rules").send().json().unwrap();
        let groups = page["data"]["groups"].as_array().unwrap().clone();
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap().clone());
        let health: Vec<String> = rules
            .map(|rule| rule["health"].as_str().unwrap().to_owned())
            .collect();
        let done = !health.is_empty() && health.iter().all(|health| health != "unknown");
        done.then_some(health)
    };
    let health = until(SOON, health).expect("rules that were evaluated");
    assert!(health.iter().all(|health| health == "ok"), "{health:?}");
}

/// Every word of the queries and rules that names a counter or gauge of ours.
fn named() -> BTreeSet<String> {
    let rules = fs::read_to_string(file("alerts.yaml")).unwrap();
    let text = rules + "\n" + &queries().join("\n");
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words
        .filter(|word| word.starts_with("mesh_filters_"))
        .map(str::to_owned)
        .collect()
}

/// A name as Prometheus has it.
fn prefix(name: &str) -> String {
    format!("mesh_filters_{}", name.replace('-', "_"))
}

/// The gauges that every module has, by the filter's name or its own.
fn gauges_of(name: &str) -> BTreeSet<String> {
    let gauges = ["build_info", "config_hash"];
    gauges
        .map(|gauge| format!("{}_{gauge}", prefix(name)))
        .into()
}

/// What the filter counts under the configurations of its cases and of the file we ship, as Prometheus
/// has it. What several do in one chain is counted under the name of each, and the chain has gauges alone.
fn counted(filter: &catalog::Filter) -> BTreeSet<String> {
    let name = filter.name();
    let prefix = prefix(name);
    let mut names = gauges_of(name);
    if !filter.parts().is_empty() {
        return names;
    }
    let mut files = File::read_filters(&repository().join("filters")).unwrap();
    files.retain(|file| file.filter == name);
    let suites = files.into_iter().flat_map(|file| file.suites);
    let configs = suites.map(|suite| suite.config).chain([shipped(name)]);
    for config in configs {
        let Ok(loaded) = filter.load(config.to_string().as_bytes(), &FakeWorld::new()) else {
            continue;
        };
        for (stage, of) in loaded.stages().iter().enumerate() {
            let reasons = loaded.outcomes(stage).iter().map(|outcome| outcome.reason);
            let gauges = loaded.gauges(stage).iter().map(|gauge| gauge.name);
            names.extend(reasons.chain(gauges).map(|name| format!("{prefix}_{name}")));
            if of.needs.delays {
                names.insert(format!("{prefix}_active"));
            }
        }
    }
    names
}

/// The configuration of a filter in `envoy-configs/local/`.
fn shipped(filter: &str) -> Value {
    let file = read_config(&format!("envoy-configs/local/{filter}.yaml"));
    let listener = &file.value()["static_resources"]["listeners"][0];
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    let filters = manager["http_filters"].as_array().unwrap();
    let ours = filters.iter().find(|candidate| candidate["name"] == filter);
    ours.unwrap()["typed_config"]["config"]["configuration"]["value"].clone()
}

#[test]
fn the_dashboard_and_the_rules_speak_of_what_there_is() {
    let there_is: BTreeSet<String> = catalog::filters().iter().flat_map(counted).collect();
    let named = named();
    let unknown: Vec<_> = named.difference(&there_is).collect();
    assert_eq!(unknown, [""; 0], "no filter counts these");
    let missing: Vec<_> = there_is.difference(&named).collect();
    assert_eq!(missing, [""; 0], "neither dashboard nor rules show these");
}

/// Envoy counts what becomes of a VM under the name of the plugin, which our files have from the module.
#[test]
fn the_dashboard_and_the_rules_know_when_any_module_dies() {
    let rules = fs::read_to_string(file("alerts.yaml")).unwrap();
    let queries = queries().join("\n");
    for filter in catalog::filters() {
        let plugin = filter.name().replace('-', "_");
        for result in ["success", "failure"] {
            let name = format!("envoy_wasm_{plugin}_vm_reload_{result}");
            assert!(rules.contains(&format!("increase({name}[")), "{name}");
            assert!(queries.contains(&format!("increase({name}{{")), "{name}");
        }
    }
}
