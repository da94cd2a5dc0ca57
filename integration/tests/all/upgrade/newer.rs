//! A configuration that is newer than the module: refused whole, and the one of before goes on.

use integration::client::{Client, Request};
use integration::engines::stored;
use integration::envoy::Envoy;
use integration::listener::Listener;
use integration::updates;
use serde_json::{Map, Value, json};

use super::SOON;

/// The version whose configurations are taken.
const VERSION: &str = "0.1.0";
/// What no module knows yet.
const FIELD: &str = "fieldOfTomorrow";

/// A filter with a configuration that was shipped, and a request that tells whether it works.
struct Running {
    filter: String,
    config: Value,
    request: Request,
    status: u16,
}

/// Each filter with a request that it answers itself, but for the one that answers none.
fn running() -> Vec<Running> {
    let requests = [
        ("authorization-policy", Request::get("/admin/x"), 403),
        (
            "fault-injection",
            Request::get("/ratings").header("end-user", "jason"),
            503,
        ),
        ("mesh-filters", Request::get("/admin"), 403),
        (
            "rate-limit",
            Request::get("/export").header("x-cost", "10"),
            429,
        ),
        (
            "request-authentication",
            Request::get("/").header("authorization", "Bearer x.y.z"),
            401,
        ),
        ("telemetry-tags", Request::get("/"), 200),
    ];
    let files = stored(VERSION).into_iter();
    let running = files
        .zip(requests)
        .map(|(file, (filter, request, status))| {
            assert_eq!(file.filter, filter);
            let shipped = format!("envoy-configs/local/{filter}.yaml");
            let mut suites = file.suites.into_iter();
            let suite = suites.find(|suite| suite.description == shipped).unwrap();
            Running {
                filter: filter.to_owned(),
                config: suite.config,
                request,
                status,
            }
        });
    running.collect()
}

impl Running {
    fn listener(&self, config: &Value) -> Value {
        Listener::new(&self.filter)
            .module(&self.filter, config)
            .build()
    }

    #[track_caller]
    fn assert_works(&self, envoy: &Envoy) {
        let answer = Client::http1(envoy.addr(&self.filter)).send(self.request.clone());
        assert_eq!(answer.status, self.status, "{}", self.filter);
    }

    /// What is in force.
    fn hash(&self, envoy: &Envoy) -> u64 {
        envoy.admin().stat(&format!(
            "wasmcustom.mesh_filters.{}.config_hash",
            self.filter
        ))
    }
}

/// The fields of the first entry of the first list, which is where most things are said.
fn entry(fields: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    fields.values_mut().find_map(|value| match value {
        Value::Array(list) => list.first_mut().and_then(Value::as_object_mut),
        Value::Object(fields) => entry(fields),
        _ => None,
    })
}

fn newer(config: &Value, nested: bool) -> Value {
    let mut config = config.clone();
    let fields = config.as_object_mut().unwrap();
    let fields = if nested {
        entry(fields).unwrap()
    } else {
        fields
    };
    fields.insert(FIELD.to_owned(), json!(true));
    config
}

#[test]
fn a_newer_configuration_is_refused_whole_and_the_last_good_one_goes_on() {
    let running = running();
    let listeners = |config: &dyn Fn(&Running) -> Value| -> Vec<Value> {
        running
            .iter()
            .map(|one| one.listener(&config(one)))
            .collect()
    };
    let envoy = updates::builder(&listeners(&|one| one.config.clone()), |_| {});
    let envoy = envoy.workers(1).start();
    // The limit is used up by its first request.
    let limited = running
        .iter()
        .find(|one| one.filter == "rate-limit")
        .unwrap();
    let first = Client::http1(envoy.addr("rate-limit")).send(limited.request.clone());
    assert_eq!(first.status, 200);
    let hashes: Vec<u64> = running.iter().map(|one| one.hash(&envoy)).collect();

    for (count, nested) in [(1, false), (2, true)] {
        updates::update(&envoy, &listeners(&|one| newer(&one.config, nested)));
        let rejected = "listener_manager.lds.update_rejected";
        envoy
            .admin()
            .wait_stat(rejected, |rejected| rejected == count, SOON);
        for (one, hash) in running.iter().zip(&hashes) {
            one.assert_works(&envoy);
            assert_eq!(one.hash(&envoy), *hash, "{}", one.filter);
        }
    }
    let said = |one: &Running, field: &str| {
        let log = envoy.log();
        let said = |line: &str| {
            line.contains(&one.filter) && line.contains(field) && line.contains("unknown field")
        };
        log.lines().any(said)
    };
    for one in &running {
        assert!(said(one, &format!(": {FIELD}: ")), "{}", one.filter);
        assert!(said(one, &format!("[0].{FIELD}: ")), "{}", one.filter);
    }
}

#[test]
fn a_newer_configuration_at_start_ends_envoy() {
    let running = running();
    let one = running
        .iter()
        .find(|one| one.filter == "mesh-filters")
        .unwrap();
    let listener = Listener::new("one").module(&one.filter, &newer(&one.config, false));
    let log = updates::refused_at_start(listener);
    updates::told_once(&log, FIELD, |line, field| {
        line.contains("wasm log") && line.contains(field)
    });
}
