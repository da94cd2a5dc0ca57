//! The catalog is whole, and what it hands out is the filter itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::path::Path;

use catalog::{Loaded, filters, find};
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
        "no filter is named `rate_limit`; there are: authorization-policy, fault-injection, rate-limit, \
         request-authentication, telemetry-tags"
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

fn telemetry(world: &FakeWorld) -> Loaded {
    let configuration = br#"{"tags": [{"name": "route", "header": {"name": "x-route"}}]}"#;
    let filter = find("telemetry-tags").unwrap();
    filter.load(configuration, world).unwrap()
}

#[test]
fn a_stream_goes_through_all_of_its_filters_callbacks() {
    let world = FakeWorld::new();
    let loaded = telemetry(&world);
    let request = Request::new(Headers::from_pairs([(":method", "GET"), (":path", "/")]));
    let response = Response::new(Headers::from_pairs([(":status", "200")]));
    let mut stream = loaded.stream();
    assert!(matches!(
        stream.on_request(&request, &world),
        Ok(Decision::Continue(_))
    ));
    let _ = stream.on_response(&response, &world);
    let exchange = Exchange {
        request: &request,
        response: &response,
    };
    let _ = stream.on_end(&exchange, &world);
    assert_eq!(
        loaded
            .background(BackgroundEvent::Loaded, &world)
            .unwrap()
            .calls,
        []
    );
}

#[test]
fn a_record_without_outcomes_has_no_reason() {
    let loaded = telemetry(&FakeWorld::new());
    assert_eq!(loaded.reason(&Record::default()), None);
}

#[test]
fn every_filter_has_fields_and_a_schema() {
    for filter in filters() {
        assert!(!filter.fields().fields.is_empty(), "{filter:?}");
        assert_eq!(filter.schema()["title"], filter.name());
    }
}
