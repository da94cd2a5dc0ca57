//! The catalog is whole, and what it hands out is the filter itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::path::Path;

use catalog::{Decided, Loaded, Stream, filters, find};
use sdk_helpers::filter::{BackgroundEvent, Exchange};
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Decision, Headers, Record, Request, Response};

#[test]
fn every_folder_of_a_filter_is_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    let mut folders: Vec<String> = folders
        .filter(|folder| folder.path().join("Cargo.toml").is_file())
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let names: Vec<&str> = filters().iter().map(|filter| filter.name()).collect();
    assert_eq!(names, folders);
}

#[test]
fn a_name_that_is_none_is_told_the_names_there_are() {
    assert_eq!(find("rate-limit").unwrap().name(), "rate-limit");
    assert_eq!(
        find("rate_limit").unwrap_err().to_string(),
        "no filter is named `rate_limit`; there are: authorization-policy, fault-injection, mesh-filters, \
         rate-limit, request-authentication, telemetry-tags"
    );
}

#[test]
fn every_filter_tells_every_error_with_its_path() {
    for filter in filters() {
        let errors = filter
            .load(
                br#"{"nonsense": 1, "http": 2, "telemetry": 3}"#,
                &FakeWorld::new(),
            )
            .unwrap_err();
        let name = filter.name();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(
            texts
                .iter()
                .any(|text| text.starts_with("nonsense: unknown field; ")),
            "{name}: {texts:?}"
        );
    }
}

fn request(path: &str) -> Request {
    Request::new(Headers::from_pairs([(":method", "GET"), (":path", path)]))
}

fn telemetry(world: &FakeWorld) -> Loaded {
    let configuration = br#"{"tags": [{"name": "route", "header": {"name": "x-route"}}]}"#;
    let filter = find("telemetry-tags").unwrap();
    filter.load(configuration, world).unwrap()
}

#[test]
fn a_stream_goes_through_all_of_its_filters_callbacks() {
    let world = FakeWorld::new();
    let loaded = telemetry(&world);
    let mut response = Response::new(Headers::from_pairs([(":status", "200")]));
    let mut stream = loaded.stream(request("/"));
    let decided = stream.next(&world).unwrap().unwrap();
    assert_eq!(decided.stage, 0);
    assert!(matches!(decided.decision, Decision::Continue(_)));
    assert_eq!(stream.next(&world), Ok(None));
    let _ = stream.respond(&mut response, &world);
    let exchange = Exchange {
        request: &request("/"),
        response: &response,
    };
    let _ = stream.end(&exchange, &world);
    assert_eq!(
        loaded
            .background(0, BackgroundEvent::Loaded, &world)
            .unwrap()
            .calls,
        []
    );
}

#[test]
fn a_record_without_outcomes_has_no_reason() {
    let loaded = telemetry(&FakeWorld::new());
    assert_eq!(loaded.reason(0, &Record::default()), None);
}

/// Faults of every request, limits of the path `/limited`, and a tag.
fn several(world: &FakeWorld) -> Loaded {
    let configuration = br#"{
        "rateLimit": {"limits": [{"name": "l", "match": [{"uri": {"exact": "/limited"}}], "requests": 1, "per": "1m"}]},
        "faultInjection": {"http": [{"fault": {"delay": {"fixedDelay": "5s", "percentage": {"value": 100}}}}]},
        "telemetryTags": {"tags": [{"name": "mine", "literal": {"value": "1"}}]}
    }"#;
    find("mesh-filters")
        .unwrap()
        .load(configuration, world)
        .unwrap()
}

/// Which filter decided what, until none did.
fn decided(loaded: &Loaded, stream: &mut Stream<'_>, world: &FakeWorld) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(Decided { stage, decision }) = stream.next(world).unwrap() {
        let (what, record) = match &decision {
            Decision::Continue(edits) => ("continues", &edits.record),
            Decision::Reply(reply) => ("replies", &reply.record),
            Decision::Delay { record, .. } => ("delays", record),
            other => panic!("{other:?}"),
        };
        let name = loaded.stages()[stage].name;
        let reason = loaded.reason(stage, record).unwrap_or_default();
        all.push(format!("{name} {what} {reason}"));
    }
    all
}

#[test]
fn a_request_is_told_of_filter_by_filter() {
    let world = FakeWorld::new();
    let loaded = several(&world);
    let names: Vec<&str> = loaded.stages().iter().map(|stage| stage.name).collect();
    assert_eq!(names, ["rate-limit", "fault-injection", "telemetry-tags"]);
    let mut stream = loaded.stream(request("/limited"));
    let passed = [
        "rate-limit continues ",
        "fault-injection delays delay:http-0",
        "telemetry-tags continues ",
    ];
    assert_eq!(decided(&loaded, &mut stream, &world), passed);
    let state: Vec<String> = stream.filter_state().into_keys().collect();
    let named = [
        "wasm.mesh_filters.fault-injection",
        "wasm.mesh_filters.tag.mine",
    ];
    assert_eq!(state, named);

    // Who answers is the last that is asked, and who comes after it does not see the response.
    let mut stream = loaded.stream(request("/limited"));
    assert_eq!(
        decided(&loaded, &mut stream, &world),
        ["rate-limit replies limited:l"]
    );
    let mut response = Response::new(Headers::from_pairs([(":status", "429")]));
    let responded = stream.respond(&mut response, &world);
    let stages: Vec<usize> = responded.iter().map(|responded| responded.stage).collect();
    assert_eq!(stages, [0]);
}

#[test]
fn parts_are_filters_and_fields() {
    let whole = find("mesh-filters").unwrap();
    let mut names: Vec<&str> = whole.parts().iter().map(|(_, name)| *name).collect();
    names.push(whole.name());
    names.sort_unstable();
    let all: Vec<&str> = filters().iter().map(|filter| filter.name()).collect();
    assert_eq!(names, all);
    let fields = whole.fields().fields;
    for (field, name) in whole.parts() {
        assert!(fields.iter().any(|one| one.name == *field), "{field}");
        assert_eq!(find(name).unwrap().parts(), []);
    }
}

#[test]
fn every_filter_has_fields_and_a_schema() {
    for filter in filters() {
        assert!(!filter.fields().fields.is_empty(), "{filter:?}");
        assert_eq!(filter.schema()["title"], filter.name());
    }
}
