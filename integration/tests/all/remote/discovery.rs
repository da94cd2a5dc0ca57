//! A filter whose configuration is discovered, as Istio's agent and WasmPlugins have it: each from a file
//! here, which changes while Envoy runs.

mod rows;

use std::collections::BTreeMap;

use integration::envoy::{Config, Envoy, Scratch};
use integration::listener::cluster;
use integration::module::{built, relabelled};
use integration::service::wait::until;
use serde_json::{Value, json};

use rows::{Has, NOWHERE, OTHER, PATH, Place, Row, SERVER, rows};

use super::files::{Files, response};
use super::rig::{MODULE, outcome, wait_stat};
use super::{POLICIES, SOON, page};

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
