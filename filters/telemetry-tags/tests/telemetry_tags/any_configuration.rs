//! Any configuration is taken or refused, and any request can then come.

use crate::world::{Proxy, world};
use proptest::prelude::*;
use sdk_helpers::config::arbitrary;
use sdk_helpers::load;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::{Value, json};
use telemetry_tags::TelemetryTags;
use telemetry_tags::config::Wire;

fn any_json() -> impl Strategy<Value = Value> {
    arbitrary::tree::<Wire>(arbitrary::leaf::<Wire>(&[
        "Telemetry",
        "response_code",
        "response.code",
        "%REQ(a?b):3%",
        "/a/{id}",
        "request.path == 'x' ? 'a' : 'b'",
    ]))
}

fn any_tag() -> impl Strategy<Value = Value> {
    let source = prop_oneof![
        ".{0,8}".prop_map(|text| ("literal", json!({"value": text}))),
        "[a-z-]{0,6}".prop_map(|name| ("header", json!({"name": name, "defaultValue": "none"}))),
        "(%|a|REQ\\(x\\)|PROTOCOL|:2){0,6}".prop_map(|text| ("formatter", json!({"value": text}))),
        "(request|\\.|path|host|\\[|\\]|'x'| == | \\+ |size|\\(|\\)|\\?|:|1|!|has){0,9}"
            .prop_map(|text| ("expression", text.into())),
    ];
    (source, "[a-z_]{0,5}", 0u32..12).prop_map(
        |((kind, value), name, most)| json!({"name": name, kind: value, "maxValues": most}),
    )
}

proptest! {
    #[test]
    fn any_tree_is_taken_or_refused(tree in any_json()) {
        if load::<TelemetryTags>(tree.to_string().as_bytes(), &FakeWorld::new()).is_ok() {
            Proxy::new(&tree.to_string()).send(&world(), &[("a", b"\xff")]);
        }
    }

    #[test]
    fn any_tags_are_taken_or_refused(tags in prop::collection::vec(any_tag(), 0..4), header in prop::collection::vec(any::<u8>(), 0..40)) {
        let config = json!({"tags": tags, "metrics": [{}]}).to_string();
        if load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new()).is_ok() {
            let mut proxy = Proxy::new(&config);
            proxy.send(&world(), &[("x", &header)]);
            proxy.send_answered(&world(), &[("x", &header)]);
        }
    }

    #[test]
    fn any_text_is_an_expression_or_refused(text in ".{0,60}") {
        let config = json!({"tags": [{"name": "a", "expression": text}]}).to_string();
        let _ = load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new()).is_ok();
    }
}
