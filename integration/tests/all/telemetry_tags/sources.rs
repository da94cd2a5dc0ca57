//! Where values come from that no request brings: the environment of the VM, metadata of the route.

use integration::envoy::{Capability, has};
use integration::listener::Listener;
use serde_json::{Value, json};

use crate::telemetry_tags::rig::{client, labelled, lines, start, tag_format};

/// The values of these tags for one request.
fn tags(listener: Listener, tags: &[&str]) -> Vec<Value> {
    let logged = tags.iter().fold(listener, |listener, tag| {
        listener.log(tag, &tag_format(tag))
    });
    let envoy = start(labelled([logged], []));
    assert_eq!(client(&envoy).get("/").send().status, 200);
    let line = &lines(&envoy, "/", 1)[0];
    tags.iter().map(|tag| line[*tag].clone()).collect()
}

#[test]
fn a_variable_is_what_the_vm_is_given() {
    let config = json!({"tags": [
        {"name": "zone", "environment": {"name": "ZONE", "defaultValue": "nowhere"}},
        {"name": "unset", "environment": {"name": "MESH_FILTERS_NOT_SET", "defaultValue": "default"}},
        {"name": "none", "environment": {"name": "MESH_FILTERS_NOT_SET"}},
    ]});
    let module = json!({"config": {
        "name": crate::telemetry_tags::FILTER,
        "root_id": crate::telemetry_tags::FILTER,
        "vm_config": {
            "vm_id": crate::telemetry_tags::FILTER,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": format!("dist/{}.wasm", crate::telemetry_tags::FILTER)}},
            "environment_variables": {"key_values": {"ZONE": "eu-west [1]"}},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": config},
    }});
    let listener =
        Listener::new("ours").filter(crate::telemetry_tags::FILTER, "wasm.v3.Wasm", module);
    assert_eq!(
        tags(listener, &["zone", "unset", "none"]),
        [json!("eu-west _1_"), json!("default"), json!(null)]
    );
}

/// The leaves of metadata have no kind before they are read.
#[test]
fn metadata_of_a_route_is_written_whatever_its_kind() {
    let leaf = |name: &str| format!("xds.route_metadata.filter_metadata['shop']['{name}']");
    let names = ["text", "flag", "whole", "fraction", "absent"];
    let of = |name: &&str| json!({"name": name, "expression": leaf(name), "label": false});
    let mut config: Vec<Value> = names.iter().map(of).collect();
    let larger = format!("{} ? 'on' : 'off'", leaf("flag"));
    config.push(json!({"name": "larger", "expression": larger, "label": false}));
    let route = json!({
        "name": "all", "match": {"prefix": "/"}, "direct_response": {"status": 200},
        "metadata": {"filter_metadata": {"shop": {
            "text": "a text", "flag": true, "whole": 12, "fraction": 1.5,
        }}},
    });
    let listener = Listener::new("ours")
        .module(crate::telemetry_tags::FILTER, &json!({"tags": config}))
        .routes(vec![route]);
    let flag = match has(Capability::Booleans) {
        true => "true",
        false => "unknown",
    };
    assert_eq!(
        tags(listener, &[&names[..], &["larger"]].concat()),
        ["a text", flag, "12", "1.5", "unknown", "on"]
    );
}

/// Names alone that Envoy answers itself, by the module and by an expression.
#[test]
fn names_of_the_module_and_of_the_connection_are_attributes() {
    let names = [
        "plugin_name",
        "plugin_root_id",
        "plugin_vm_id",
        "connection_id",
    ];
    let of = |(index, name): (usize, &&str)| {
        let larger = match *name {
            "connection_id" => "connection_id == connection.id ? 'same' : 'other'".to_owned(),
            name => format!("{name} + '!'"),
        };
        let tag =
            |name: String, text: &str| json!({"name": name, "expression": text, "label": false});
        [
            tag(format!("plain{index}"), name),
            tag(format!("larger{index}"), &larger),
        ]
    };
    let config: Vec<Value> = names.iter().enumerate().flat_map(of).collect();
    let listener =
        Listener::new("ours").module(crate::telemetry_tags::FILTER, &json!({"tags": config}));
    let tag_names = [
        "plain0", "larger0", "plain1", "larger1", "plain2", "larger2", "plain3", "larger3",
    ];
    let mut values = tags(listener, &tag_names);
    let connection = values.remove(6);
    assert!(
        connection.as_str().unwrap().parse::<u64>().is_ok(),
        "{connection}"
    );
    assert_eq!(
        values,
        [
            "telemetry-tags",
            "telemetry-tags!",
            "telemetry-tags",
            "telemetry-tags!",
            "telemetry-tags-FAIL_CLOSED",
            "telemetry-tags-FAIL_CLOSED!",
            "same",
        ]
    );
}

/// `matches` reads texts as UTF-8: of other bytes `.` is none, and `\C` is any. Envoy's own matchers read
/// bytes.
#[test]
fn a_byte_that_is_no_utf_8_is_no_character_to_matches() {
    let value = "request.headers['x-raw']";
    let matches = |pattern: &str| format!("{value}.matches({pattern})");
    let config = [
        ("all", matches("'^.*$'")),
        ("bytes", matches(r"r'^a\C*$'")),
        ("latin", matches(r"r'\xff'")),
        ("somewhere", matches("'a'")),
        ("size", format!("size({value})")),
        ("value", value.to_owned()),
    ];
    let names = config.clone().map(|(name, _)| name);
    let config =
        config.map(|(name, text)| json!({"name": name, "expression": text, "label": false}));
    let listener =
        Listener::new("ours").module(crate::telemetry_tags::FILTER, &json!({"tags": config}));
    let logged = names.iter().fold(listener, |listener, tag| {
        listener.log(tag, &tag_format(tag))
    });
    let envoy = start(labelled([logged], []));
    let mut seen = Vec::new();
    for (path, raw) in [("/raw", &b"a\xff"[..]), ("/text", "a\u{ff}".as_bytes())] {
        let call = client(&envoy).get(path).header("x-raw", raw);
        assert_eq!(call.send().status, 200);
        let line = &lines(&envoy, path, 1)[0];
        seen.push(names.map(|name| line[name].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen[0], ["false", "true", "false", "true", "2", "a_"]);
    assert_eq!(seen[1], ["true", "true", "true", "true", "2", "a\u{ff}"]);
}
