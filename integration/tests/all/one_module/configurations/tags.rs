//! What is told of a request: of what came, of what filters made of it, and of its answer.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::one_module::pick::{once_in, some};

/// The names of all tags.
pub(crate) const TAGS: [&str; 15] = [
    "literal",
    "tenant",
    "sub",
    "custom",
    "token",
    "plan",
    "groups",
    "shape",
    "class",
    "guarded",
    "down",
    "remaining",
    "limited",
    "details",
    "claims",
];

pub(super) fn configuration(dice: &mut Rng) -> Value {
    let count = dice.usize(..TAGS.len());
    let mut config = json!({"tags": some(dice, &tags(), count)});
    if dice.bool() {
        config["labels"] = json!(["reporter", "response_code", "request_protocol"]);
        config["metrics"] = json!([{}]);
    } else if dice.bool() {
        config["labels"] = json!(["reporter", "response_code", "grpc_response_status"]);
        config["metrics"] = json!([{"overrides": [
            {"match": {"metric": "REQUEST_DURATION"}, "disabled": true},
            {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {
                "who": {"value": "request.headers['x-sub']"},
                "which": {"claim": "plan"},
                "how": {"value": "response.code >= 400 ? 'bad' : 'good'"},
            }},
        ]}]);
    }
    if once_in(dice, 3) {
        config["tracing"] = json!([{"customTags": {"traced": {"header": {"name": "x-custom"}}}}]);
    }
    config
}

fn tags() -> Vec<Value> {
    vec![
        json!({"name": "literal", "literal": {"value": "123"}}),
        json!({"name": "tenant", "header": {"name": "x-tenant", "defaultValue": "nobody"}, "maxValues": 2}),
        json!({"name": "sub", "header": {"name": "x-sub"}}),
        json!({"name": "custom", "formatter": {"value": "%REQ(x-custom?x-key):5%"}}),
        json!({"name": "token", "expression": "'authorization' in request.headers ? 'there' : 'gone'"}),
        json!({"name": "plan", "claim": "plan"}),
        json!({"name": "groups", "claim": "groups", "label": false}),
        json!({"name": "shape", "expression": "request.url_path", "templates": ["/orders/{id}/items", "/{**}"]}),
        json!({"name": "class", "expression": "response.code < 400 ? 'good' : 'bad'"}),
        json!({"name": "guarded", "expression": "request.headers['x-plan'].matches('g.*')"}),
        json!({"name": "down", "formatter": {"value": "%RESP(x-down)%"}, "label": false}),
        json!({"name": "remaining", "expression": "response.headers['x-ratelimit-remaining']", "label": false}),
        json!({"name": "limited", "formatter": {"value": "%FILTER_STATE(wasm.mesh_filters.rate-limit:PLAIN)%"}}),
        json!({"name": "details", "formatter": {"value": "%RESPONSE_CODE_DETAILS%"}, "label": false}),
        json!({"name": "claims", "formatter": {"value": "%FILTER_STATE(wasm.mesh_filters.claims:PLAIN)%"}, "label": false}),
    ]
}
