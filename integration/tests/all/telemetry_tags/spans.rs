//! Spans carry the tags, as Envoy's own `custom_tags` take them from filter state.

use integration::envoy::{Capability, lacks};
use integration::service::spans::Spans;
use serde_json::json;

use crate::telemetry_tags::SOON;
use crate::telemetry_tags::rig::{client, labelled, lines, ours, start, tag_format};

#[test]
fn a_span_and_a_line_of_the_log_carry_the_same_tags() {
    if lacks(Capability::FormatsInSpans) {
        return;
    }
    let config = json!({
        "tags": [
            {"name": "tenant", "header": {"name": "x-tenant"}, "maxValues": 2, "overflow": "other"},
            {"name": "shape", "expression": "request.url_path", "templates": ["/orders/{id}", "/{**}"]},
            {"name": "outcome", "expression": "response.code < 400 ? 'good' : 'bad'", "label": false},
        ],
        "tracing": [{"customTags": {"my-tag": {"literal": {"value": "123"}}}}],
    });
    let tags = ["tenant", "shape", "outcome", "my-tag"];
    let formats = tags.map(|tag| (tag, tag_format(tag)));
    let formats: Vec<(&str, &str)> = formats
        .iter()
        .map(|(tag, format)| (*tag, format.as_str()))
        .collect();
    let spans = Spans::start();
    let listener = ours(&config, &tags).manager("tracing", Spans::tracing(&formats));
    let mut config = labelled([listener], [spans.cluster()]);
    config.value_mut()["layered_runtime"] = Spans::runtime();
    let envoy = start(config);

    client(&envoy)
        .get("/orders/7")
        .header("x-tenant", "acme")
        .send();
    client(&envoy).get("/plain").send();

    let line = &lines(&envoy, "/orders/7", 1)[0];
    let span = spans.wait(SOON, |span| span.tag("shape") == Some("/orders/{id}"));
    let span = span.unwrap_or_else(|| panic!("{:#?}", spans.all()));
    for (tag, value) in [
        ("tenant", "acme"),
        ("shape", "/orders/{id}"),
        ("my-tag", "123"),
    ] {
        assert_eq!(span.tag(tag), Some(value), "{span:?}");
        assert_eq!(line[tag], value, "{line}");
    }
    // What only the response tells is there in time for both.
    assert_eq!(line["outcome"], "good", "{line}");
    assert_eq!(span.tag("outcome"), Some("good"), "{span:?}");
    // A tag without a value is no tag.
    let span = spans.wait(SOON, |span| span.tag("shape") == Some("/{**}"));
    let span = span.unwrap_or_else(|| panic!("{:#?}", spans.all()));
    assert_eq!(
        (span.tag("tenant"), span.tag("my-tag")),
        (None, Some("123"))
    );
    assert_eq!(lines(&envoy, "/plain", 1)[0]["tenant"], json!(null));
}
