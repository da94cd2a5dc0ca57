//! A request that an earlier filter answers never reaches ours, and is counted all the same: once.

use serde_json::json;

use crate::telemetry_tags::rig::{client, labelled, lines, ours, requests_by, start, wait_counted};

use integration::listener::Listener;

#[test]
fn what_an_earlier_filter_answered_is_counted_once() {
    let config = json!({
        "tags": [{"name": "tenant", "header": {"name": "x-tenant", "defaultValue": "nobody"}}],
        "metrics": [{"overrides": [{"tagOverrides": {"shape": {"value": "request.url_path"}}}]}],
    });
    let abort = json!({
        "abort": {"http_status": 418, "percentage": {"numerator": 100}},
        "headers": [{"name": "x-abort", "string_match": {"exact": "yes"}}],
    });
    let listener = Listener::new("ours").filter("fault", "fault.v3.HTTPFault", abort);
    let listener = listener
        .module(crate::telemetry_tags::FILTER, &config)
        .log("tenant", &crate::telemetry_tags::rig::tag_format("tenant"));
    let envoy = start(labelled([listener], []));

    for _ in 0..5 {
        let call = client(&envoy).get("/stopped").header("x-abort", "yes");
        assert_eq!(call.header("x-tenant", "acme").send().status, 418);
    }
    for _ in 0..3 {
        assert_eq!(client(&envoy).get("/through").send().status, 200);
    }

    wait_counted(&envoy, 8);
    let by = |label| requests_by(&envoy, label);
    let counts =
        |pairs: [(&str, u64); 2]| pairs.map(|(value, count)| (value.to_owned(), count)).into();
    assert_eq!(by("response_code"), counts([("418", 5), ("200", 3)]));
    assert_eq!(by("tenant"), counts([("acme", 5), ("nobody", 3)]));
    assert_eq!(by("shape"), counts([("/stopped", 5), ("/through", 3)]));
    for line in lines(&envoy, "/stopped", 5) {
        assert_eq!(line["tenant"], "acme", "{line}");
    }
}

/// A client that goes away while its request waits for the upstream.
#[test]
fn what_the_client_left_is_counted_once_without_a_status() {
    use integration::listener::cluster;
    use integration::upstream::{Answer, Upstream};
    use std::time::Duration;

    let slow = Upstream::with(|_| Answer::status(200).after(Duration::from_secs(20)));
    let config = json!({"metrics": [{"providers": [{"name": "prometheus"}]}]});
    let listener = ours(&config, &[]).to("slow");
    let envoy = start(labelled([listener], [cluster("slow", slow.addr(), false)]));

    client(&envoy)
        .get("/left")
        .abandon_after(Duration::from_millis(200));

    wait_counted(&envoy, 1);
    assert_eq!(
        requests_by(&envoy, "response_code"),
        [("0".to_owned(), 1)].into()
    );
    assert_eq!(
        requests_by(&envoy, "response_flags"),
        [("DC".to_owned(), 1)].into()
    );
}
