//! Values that are no text, as keys: no two of them are one key, here and in what the service is
//! asked, where Envoy's own filter sends bytes that a service may refuse to read.

use std::collections::{BTreeMap, BTreeSet};

use integration::client::{Client, Request};
use integration::listener::cluster;
use integration::shared::Shared;
use integration::upstream::{Answer, Upstream};
use sdk_helpers::protobuf::{Fields, Message};
use serde_json::{Value, json};

use crate::rate_limit::differences::asking;
use crate::rate_limit::ours;

const VALUES: [&[u8]; 10] = [
    b"jason",
    b"caf\xc3\xa9",
    b"caf\xe9",
    b"caf\xea",
    b"\xff",
    b"\xfe",
    b"%ff",
    b"\xef\xbf\xbd",
    b"\xef\xbf\xbdff",
    b"-",
];

fn keyed(part: Value, global: bool) -> Value {
    let mut limit = json!({"name": "one", "key": [part]});
    let mut config = json!({});
    if global {
        limit["global"] = json!(true);
        config["global"] = json!({"domain": "d", "cluster": "rls", "timeout": "3s"});
    } else {
        limit["requests"] = json!(1);
        limit["per"] = json!("1h");
    }
    config["limits"] = json!([limit]);
    config
}

#[test]
fn every_value_has_a_bucket_of_its_own() {
    let listener = ours(&keyed(json!({"header": "x-key"}), false));
    let envoy = Shared::start([listener], []);
    let client = Client::http2(envoy.addr("ours"));
    for status in [200, 429] {
        for value in VALUES {
            let answer = client.send(Request::get("/").header("x-key", value));
            assert_eq!(answer.status, status, "{value:?}");
        }
    }
}

/// Every spelling of a parameter is one key, and of a path each its own.
#[test]
fn escapes_count_in_a_path_and_not_in_a_query() {
    let status = |part: Value, paths: &[&str]| {
        let listener = ours(&keyed(part, false));
        let envoy = Shared::start([listener], []);
        let client = Client::http2(envoy.addr("ours"));
        let statuses = paths.iter().map(|path| client.get(path).send().status);
        statuses.collect::<Vec<_>>()
    };
    let query = [
        "/?k=a%ff",
        "/?k=%61%FF",
        "/?%6b=a%ff&k=b",
        "/?k=a%fe",
        "/?k=a%25ff",
    ];
    assert_eq!(
        status(json!({"query": "k"}), &query),
        [200, 429, 429, 200, 200]
    );
    let path = ["/a%ff", "/a%FF", "/%61%ff", "/a%ff?x", "/a%ff"];
    assert_eq!(
        status(json!({"path": {}}), &path),
        [200, 200, 200, 429, 429]
    );
}

/// The values of the entries that a service was asked about, as they came.
fn asked(service: &Upstream) -> Vec<Vec<u8>> {
    let messages = service
        .requests()
        .into_iter()
        .flat_map(|request| request.messages());
    let inner = |bytes: &[u8], number: u32| -> Vec<Vec<u8>> {
        let fields = Fields::of(bytes).map(|field| field.unwrap());
        let fields = fields.filter(|(found, _)| *found == number);
        fields
            .map(|(_, field)| field.bytes().unwrap().to_vec())
            .collect()
    };
    messages
        .flat_map(|message| inner(&message, 2))
        .flat_map(|descriptor| inner(&descriptor, 1))
        .map(|entry| inner(&entry, 2).pop().unwrap_or_default())
        .collect()
}

#[test]
fn the_service_is_told_text_and_no_two_values_alike() {
    let service = Upstream::with(|_| Answer::grpc(&Message::new().number(1, 1).into_bytes()));
    let upstream = Upstream::start();
    let action = json!({"request_headers": {"header_name": "x-key", "descriptor_key": "x-key"}});
    let native = asking(&action).to("upstream");
    let mine = ours(&keyed(json!({"header": "x-key"}), true)).to("upstream");
    let clusters = [
        cluster("rls", service.addr(), true),
        cluster("upstream", upstream.addr(), false),
    ];
    let envoy = Shared::start([native, mine], clusters);
    let told = |listener| -> BTreeMap<&[u8], Vec<u8>> {
        service.forget();
        let client = Client::http2(envoy.addr(listener));
        for value in VALUES {
            let answer = client.send(Request::get("/").header("x-key", value));
            assert_eq!(answer.status, 200, "{listener} {value:?}");
        }
        VALUES.into_iter().zip(asked(&service)).collect()
    };
    let (theirs, mine) = (told("native"), told("ours"));
    for value in VALUES {
        assert_eq!(theirs[value], value);
        let text = std::str::from_utf8(&mine[value]).expect("what a service can read");
        let is_text = std::str::from_utf8(value).is_ok_and(|value| !value.contains('\u{fffd}'));
        assert_eq!(text.as_bytes() == value, is_text, "{value:?}: {text}");
    }
    assert_eq!(mine.values().collect::<BTreeSet<_>>().len(), VALUES.len());
}
