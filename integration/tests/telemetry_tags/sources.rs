//! Where values come from that no request brings: the environment of the VM, metadata of the route.

use integration::listener::Listener;
use serde_json::{Value, json};

use crate::rig::{client, labelled, lines, start, tag_format};

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
        "name": crate::FILTER,
        "root_id": crate::FILTER,
        "vm_config": {
            "vm_id": crate::FILTER,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": format!("dist/{}.wasm", crate::FILTER)}},
            "environment_variables": {"key_values": {"ZONE": "eu-west [1]"}},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": config},
    }});
    let listener = Listener::new("ours").filter(crate::FILTER, "wasm.v3.Wasm", module);
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
        .module(crate::FILTER, &json!({"tags": config}))
        .routes(vec![route]);
    assert_eq!(
        tags(listener, &[&names[..], &["larger"]].concat()),
        ["a text", "true", "12", "1.5", "unknown", "on"]
    );
}
