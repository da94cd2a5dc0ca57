//! A filter whose configuration is discovered, as Istio's agent and WasmPlugins have it: each from a file
//! here, which changes while Envoy runs.

use std::collections::BTreeMap;

use integration::envoy::{Config, Envoy, Scratch, repository};
use integration::listener::{cluster, typed};
use integration::module::{built, relabelled, sha256};
use integration::service::wait::until;
use serde_json::{Value, json};

use super::files::{Files, response};
use super::rig::{Filter, LAST, MODULE, NEW, REFUSED, local, observed, outcome, remote, wait_stat};
use super::{POLICIES, SOON, page};

const SERVER: &str = "modules";
const NOWHERE: &str = "nowhere";

/// The module's place on the server, and that of another one.
const PATH: &str = "/module.wasm";
const OTHER: &str = "/other.wasm";

/// What the file has.
#[derive(Clone, Copy)]
enum Has {
    Nothing,
    /// A module at hand that takes or refuses this.
    Local(u16),
    /// A file that is not there.
    Missing,
    /// The filter by which Istio's agent denies everything.
    Deny,
    /// The module of the server, configured so.
    Remote(u16),
    /// Another module of the server; refused, where it is not there yet.
    Another {
        nack: bool,
        timeout: &'static str,
    },
    /// One whose server is nowhere.
    Nowhere,
}

/// A row: its name on the page, what the file has first and then, and a default.
struct Row {
    name: &'static str,
    has: Vec<Has>,
    default: bool,
}

impl Row {
    fn first(name: &'static str, has: Has) -> Self {
        Self {
            name,
            has: vec![has],
            default: false,
        }
    }

    fn update(name: &'static str, first: Has, then: Has) -> Self {
        Self {
            name,
            has: vec![first, then],
            default: false,
        }
    }
}

fn rows() -> Vec<Row> {
    let refusing = Has::Another {
        nack: true,
        timeout: "60s",
    };
    let changed = Has::Another {
        nack: true,
        timeout: "61s",
    };
    vec![
        Row::first("a configuration", Has::Local(NEW)),
        Row::first("one that the module refuses", Has::Local(REFUSED)),
        Row {
            default: true,
            ..Row::first("the same, and `default_config` denies", Has::Local(REFUSED))
        },
        Row::first("one whose module is not there", Has::Missing),
        Row::first("nothing", Has::Nothing),
        Row::first("`remote`, and the server has it", Has::Remote(NEW)),
        Row::first("`remote`, and nobody listens", Has::Nowhere),
        Row::update("another configuration", Has::Local(LAST), Has::Local(NEW)),
        Row::update(
            "another that the module refuses",
            Has::Local(LAST),
            Has::Local(REFUSED),
        ),
        Row::update(
            "another whose module is not there",
            Has::Local(LAST),
            Has::Missing,
        ),
        Row::update("nothing any more", Has::Local(LAST), Has::Nothing),
        Row::update(
            "a filter that denies, which is what Istio's agent writes",
            Has::Local(LAST),
            Has::Deny,
        ),
        Row::update(
            "`remote` with the same `sha256`",
            Has::Remote(LAST),
            Has::Remote(NEW),
        ),
        Row::update(
            "`remote` with the same `sha256`, which the module refuses",
            Has::Remote(LAST),
            Has::Remote(REFUSED),
        ),
        Row::update(
            "`remote` with another `sha256`, and the server has it",
            Has::Remote(LAST),
            Has::Another {
                nack: false,
                timeout: "60s",
            },
        ),
        Row::update(
            "the same with `nack_on_code_cache_miss`",
            Has::Remote(LAST),
            refusing,
        ),
        Row {
            name: "the same, pushed again as it was",
            has: vec![Has::Remote(LAST), refusing, refusing],
            default: false,
        },
        Row {
            name: "the same, pushed again with any change",
            has: vec![Has::Remote(LAST), refusing, changed],
            default: false,
        },
    ]
}

/// `envoy.extensions.filters.http.rbac.v3.RBAC` without a policy that allows anything.
fn deny() -> Value {
    typed(
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        json!({"rules": {"action": "ALLOW"}}),
    )
}

/// A row under a policy.
struct Place {
    row: usize,
    policy: &'static str,
}

impl Place {
    fn name(&self) -> String {
        format!("row-{}-{}", self.row, self.policy)
    }

    fn file(&self) -> String {
        format!("{}.json", self.name())
    }

    /// What the file says.
    fn resources(&self, has: Has) -> String {
        let module = built(MODULE);
        // Each has another one of its own, since Envoy keeps what it has fetched.
        let other = sha256(&relabelled(&module, &self.name()));
        let path = format!("{OTHER}?{}", self.name());
        let dist = format!("dist/{MODULE}.wasm");
        let vm_id = match has {
            Has::Another { .. } | Has::Nowhere => self.name(),
            _ => MODULE.to_owned(),
        };
        let (code, abort, nack) = match has {
            Has::Nothing => return json!({"resources": []}).to_string(),
            Has::Deny => return self.resource(deny()),
            Has::Local(abort) => (local(&dist), abort, false),
            Has::Missing => (local("dist/missing.wasm"), NEW, false),
            Has::Remote(abort) => (
                remote(SERVER, PATH, &sha256(&module), json!({})),
                abort,
                false,
            ),
            Has::Nowhere => (remote(NOWHERE, PATH, &other, json!({})), NEW, false),
            Has::Another { nack, timeout } => {
                let mut code = remote(SERVER, &path, &other, json!({}));
                code["remote"]["http_uri"]["timeout"] = json!(timeout);
                (code, NEW, nack)
            }
        };
        let filter = Filter {
            name: self.name(),
            vm_id,
            code,
            policy: self.policy,
            abort,
            nack,
        };
        self.resource(filter.typed())
    }

    fn resource(&self, config: Value) -> String {
        let resource = typed(
            "envoy.config.core.v3.TypedExtensionConfig",
            json!({"name": self.name(), "typed_config": config}),
        );
        json!({"resources": [resource]}).to_string()
    }

    fn listener(&self, scratch: &Scratch, row: &Row) -> Value {
        let mut discovery = json!({
            "config_source": {
                "path_config_source": {"path": scratch.path().join(self.file())},
                "resource_api_version": "V3",
                "initial_fetch_timeout": "0s",
            },
            "type_urls": [
                "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            ],
        });
        if row.default {
            discovery["default_config"] = deny();
        }
        let mut listener = observed(&self.name()).build();
        let filters = "/filter_chains/0/filters/0/typed_config/http_filters";
        let filters = listener.pointer_mut(filters).and_then(Value::as_array_mut);
        let filter = json!({"name": self.name(), "config_discovery": discovery});
        filters.unwrap().insert(0, filter);
        listener
    }

    fn statistic(&self, name: &str) -> String {
        format!(
            "extension_config_discovery.http_filter.{}.{name}",
            self.name()
        )
    }
}

fn places(rows: &[Row]) -> Vec<Place> {
    let rows = 0..rows.len();
    rows.flat_map(|row| POLICIES.map(|policy| Place { row, policy }))
        .collect()
}

#[test]
fn each_row_is_what_traffic_sees() {
    let rows = rows();
    let places = places(&rows);
    let module = built(MODULE);
    let mut files = BTreeMap::from([(PATH.to_owned(), vec![response("200 OK", "", &module)])]);
    for place in &places {
        let other = relabelled(&module, &place.name());
        let path = format!("{OTHER}?{}", place.name());
        files.insert(path, vec![response("200 OK", "", &other)]);
    }
    let server = Files::serve(files);
    let envoy = start(&rows, &places, &server);

    // Each file changes as often as its row has it.
    for step in 1..=2 {
        let changing = places
            .iter()
            .filter(|place| rows[place.row].has.len() > step);
        let changing: Vec<&Place> = changing.collect();
        for place in &changing {
            let text = place.resources(rows[place.row].has[step]);
            envoy.scratch().write(&place.file(), &text).unwrap();
        }
        for place in changing {
            let read = place.statistic("update_attempt");
            let attempts = u64::try_from(step).unwrap() + 1;
            wait_stat(&envoy, &read, |count| count == attempts);
        }
        if step == 1 {
            fetched_meanwhile(&rows, &places, &envoy);
        }
    }

    let first = page::table("### When the first configuration comes");
    let then = page::table("### When another comes");
    assert_eq!(first.len() + then.len(), rows.len());
    for (number, row) in rows.iter().enumerate() {
        let page = if row.has.len() == 1 { &first } else { &then };
        let cells = page.get(row.name);
        let Some([closed, open]) = cells.map(Vec::as_slice) else {
            panic!("{}: {cells:?}", row.name);
        };
        for (policy, wanted) in POLICIES.into_iter().zip([closed, closed, open]) {
            let place = Place {
                row: number,
                policy,
            };
            let mut seen = String::new();
            let come = until(SOON, || {
                seen = outcome(&envoy, &place.name());
                (seen == *wanted).then_some(())
            });
            assert!(
                come.is_some(),
                "{} {policy}: {seen} and not {wanted}",
                row.name
            );
        }
    }
    never_asked(&rows, &places, &server);
    told(&rows, &envoy);
}

fn start(rows: &[Row], places: &[Place], server: &Files) -> Envoy {
    let scratch = Scratch::new().unwrap();
    let mut listeners = Vec::new();
    for place in places {
        let row = &rows[place.row];
        let text = place.resources(row.has[0]);
        scratch.write(&place.file(), &text).unwrap();
        listeners.push(place.listener(&scratch, row));
    }
    let clusters = [
        cluster(SERVER, server.addr(), false),
        cluster(NOWHERE, Files::nowhere(), false),
    ];
    let config = json!({
        "node": {"id": "discovery", "cluster": "discovery"},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    });
    assert!(repository().join("dist").is_dir());
    let envoy = Envoy::builder(Config::from_value(config)).scratch(scratch);
    let envoy = envoy.args(["--file-flush-interval-msec", "10"]).workers(1);
    envoy.ready_within(SOON).start()
}

/// What was refused because it was not there has come in the background.
fn fetched_meanwhile(rows: &[Row], places: &[Place], envoy: &Envoy) {
    let refusing = places.iter().filter(|place| {
        let then = rows[place.row].has.get(1);
        matches!(then, Some(Has::Another { nack: true, .. }))
    });
    let count = u64::try_from(refusing.count()).unwrap();
    let fetched = "wasm.remote_load_fetch_successes";
    let before = u64::try_from(
        places
            .iter()
            .filter(|place| matches!(rows[place.row].has[0], Has::Remote(_)))
            .count(),
    )
    .unwrap();
    wait_stat(envoy, fetched, |fetched| fetched >= before + count);
}

/// Where nothing filters and the server was well, Envoy did not even ask for the module.
fn never_asked(rows: &[Row], places: &[Place], server: &Files) {
    let name = "`remote` with another `sha256`, and the server has it";
    let mut open = places.iter().filter(|place| rows[place.row].name == name);
    assert!(open.all(|place| server.asked(&format!("{OTHER}?{}", place.name())) == 0));
}

/// A filter without a configuration has a flag of its own, and statistics say so.
fn told(rows: &[Row], envoy: &Envoy) {
    let text = page::text();
    let row = rows.iter().position(|row| row.name == "nothing").unwrap();
    let place = Place {
        row,
        policy: POLICIES[0],
    };
    let line = envoy.wait_log(&format!("\"listener\":\"{}\"", place.name()), SOON);
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["flags"], &line["details"]),
        (&json!("NFCF"), &json!(""))
    );
    assert!(text.contains("`NFCF`"));
    assert_eq!(envoy.admin().stat(&place.statistic("config_fail")), 1);
    assert_eq!(envoy.admin().stat(&place.statistic("update_rejected")), 1);
    assert!(text.contains("`extension_config_discovery.http_filter.<name>.update_rejected`"));
}
