//! `docs/watch.md`: what its queries ask for is there, in a Prometheus that reads a real Envoy; its lines of
//! Envoy's log are Envoy's; and it has every alert.

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Envoy, Scratch, repository};
use integration::listener::{Listener, bootstrap};
use integration::service::Service;
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use super::pages::{Block, Page};
use crate::telemetry_tags::prometheus::{SCRAPED, query};
use crate::trapping::trapping;

const MODULE: &str = "mesh-filters";
const SOON: Duration = Duration::from_secs(15);

fn page() -> Page {
    Page::read("docs/watch.md")
}

/// One on each line of its blocks.
fn queries() -> Vec<String> {
    let blocks = page().blocks().into_iter();
    let asked = blocks.filter(|block| block.language == "promql");
    let queries: Vec<String> = asked
        .flat_map(|block| {
            let lines = block.text.lines().map(str::to_owned);
            lines.collect::<Vec<_>>()
        })
        .collect();
    assert!(!queries.is_empty());
    queries
}

/// The lines of Envoy's log that it shows: of a configuration in force, of one refused, and of a death.
fn logs() -> [Block; 3] {
    let mut blocks = page().blocks();
    blocks.retain(|block| block.language == "text");
    let count = blocks.len();
    let blocks = blocks.try_into();
    blocks.unwrap_or_else(|_| panic!("{count} blocks of log"))
}

/// Something of all that the page counts.
fn configuration() -> Value {
    json!({
        "requestAuthentication": {"shadow": true, "jwtRules": [{
            "name": "issuer",
            "issuer": "https://issuer.example",
            "jwksUri": "https://issuer.example/keys",
            "jwksCluster": "nobody",
        }]},
        "authorizationPolicy": {"policies": [
            {"name": "open", "rules": [{"to": [{"operation": {"paths": ["/open*"]}}]}]},
            {"name": "debug", "action": "DENY", "dryRun": true,
             "rules": [{"to": [{"operation": {"paths": ["/open/debug"]}}]}]},
            {"name": "one-day", "dryRun": true,
             "rules": [{"to": [{"operation": {"paths": ["/open/soon"]}}]}]},
        ]},
        "rateLimit": {"limits": [
            {"name": "all", "key": [{"header": "x-tenant"}], "requests": 100, "per": "1m", "candidate": {"requests": 1, "per": "1h"}},
            {"name": "one-day", "requests": 1, "per": "1h", "shadow": true},
        ]},
        "faultInjection": {"http": [{
            "name": "idle",
            "match": [{"uri": {"prefix": "/never"}}],
            "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": "1s"}},
        }]},
        "telemetryTags": {
            "tags": [{"name": "tenant", "header": {"name": "x-tenant"}}],
            "metrics": [{}],
            "labels": ["response_code"],
        },
    })
}

fn listener(config: &Value) -> Value {
    Listener::new("http").module(MODULE, config).build()
}

/// With the labels that our files make.
fn start() -> Envoy {
    let shipped = Shipped::read("envoy-configs/local/all.yaml");
    let shipped: Value = serde_saphyr::from_str(shipped.text()).unwrap();
    let builder = updates::builder(&[listener(&configuration())], |bootstrap| {
        bootstrap["stats_config"] = shipped["stats_config"].clone();
    });
    builder.start()
}

fn prometheus(envoy: &Envoy) -> Service {
    let config = json!({
        "global": {"evaluation_interval": "1s"},
        "rule_files": [repository().join("dashboards/alerts.yaml")],
        "scrape_configs": [{
            "job_name": "envoy",
            "scrape_interval": "1s",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{"targets": [envoy.admin().addr().to_string()]}],
        }],
    });
    Service::prometheus(&config.to_string())
}

#[test]
fn what_the_page_asks_for_is_there_and_what_it_shows_of_the_log_too() {
    let [in_force, refused, _] = logs();
    let envoy = start();
    let prometheus = prometheus(&envoy);
    let asked = Client::http1(prometheus.addr());
    let client = Client::http1(envoy.addr("http"));
    for (path, status) in [("/open", 200), ("/open/debug", 200), ("/elsewhere", 403)] {
        assert_eq!(client.get(path).send().status, status, "{path}");
    }
    assert!(in_force.is_in(&envoy.log()), "{}", envoy.log());

    let hash = || {
        envoy
            .admin()
            .stat("wasmcustom.mesh_filters.mesh-filters.config_hash")
    };
    let taken = hash();
    let mut bad = configuration();
    bad["rateLimit"]["limits"][0]["per"] = json!("soon");
    updates::update(&envoy, &[listener(&bad)]);
    let rejected = "listener_manager.lds.update_rejected";
    envoy.admin().wait_stat(rejected, |count| count == 1, SOON);
    let told = until(SOON, || refused.is_in(&envoy.log()).then_some(()));
    assert!(told.is_some(), "{}", envoy.log());
    assert_eq!(hash(), taken);

    for asks in queries() {
        let found = until(SCRAPED, || {
            let found = query(&asked, &asks);
            (!found.is_empty()).then_some(found)
        });
        let found = found.unwrap_or_else(|| panic!("`{asks}` finds nothing"));
        if asks.starts_with("count_values") {
            let [(labels, count)] = &found[..] else {
                panic!("{found:?}");
            };
            assert_eq!(labels["configuration"], taken.to_string());
            assert_eq!(count, "1");
        }
    }
    // What each shadow said, and nothing of what was refused.
    let page = envoy.admin().prometheus();
    for line in [
        "mesh_filters_authorization_policy_dry_run_deny{policy=\"debug\"} 1",
        "mesh_filters_authorization_policy_dry_run_no_allow{policy=\"one-day\"} 3",
        "mesh_filters_rate_limit_shadow_limited{policy=\"one-day\"} 1",
        "mesh_filters_rate_limit_candidate_limited{policy=\"all\"} 1",
        "mesh_filters_authorization_policy_no_allow{policy=\"open\"} 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in {page}");
    }
}

#[test]
fn a_module_that_died_is_seen_as_the_page_says() {
    let [_, _, died] = logs();
    let scratch = Scratch::new().unwrap();
    let path = trapping(MODULE, "proxy_on_request_headers", &scratch);
    let listener = Listener::new("http")
        .module_at(
            MODULE,
            path.to_str().unwrap(),
            &configuration(),
            "FAIL_RELOAD",
        )
        .log("details", "%RESPONSE_CODE_DETAILS%");
    let envoy = Envoy::builder(bootstrap([listener], []))
        .args(["--file-flush-interval-msec", "20"])
        .scratch(scratch)
        .workers(1)
        .start();
    let client = Client::http1(envoy.addr("http"));

    let response = client.get("/open").send();

    assert_eq!((response.status, response.text()), (503, String::new()));
    envoy.wait_log("\"details\":\"wasm_fail_stream\"", SOON);
    assert!(died.is_in(&envoy.log()), "{}", envoy.log());
    let name = "envoy_wasm_mesh_filters_vm_reload_success{} ";
    assert!(queries().join("\n").contains(name.trim_end_matches("{} ")));
    let counted = until(SOON, || {
        // Each request ends the VM anew, and a later one finds another in its place.
        client.get("/open").send();
        let page = envoy.admin().prometheus();
        let mut lines = page.lines();
        let count = lines.find_map(|line| line.strip_prefix(name));
        count.filter(|count| *count != "0").map(drop)
    });
    assert!(counted.is_some(), "{}", envoy.admin().prometheus());
}

#[test]
fn every_alert_has_its_row() {
    let rules = std::fs::read_to_string(repository().join("dashboards/alerts.yaml")).unwrap();
    let alerts = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: Vec<&str> = alerts.collect();
    assert!(alerts.len() > 5);
    let page = page();
    let rows = page
        .text()
        .lines()
        .filter(|line| line.starts_with("| `MeshFilters"));
    let listed: String = rows.collect();
    for alert in &alerts {
        assert!(listed.contains(&format!("`{alert}`")), "{alert}");
    }
    assert_eq!(listed.matches("`MeshFilters").count(), alerts.len());
}
