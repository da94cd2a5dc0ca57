//! What Istio's Telemetry means here.

use crate::world;
use crate::world::{ENDPOINT, Proxy, SERVICE, warnings, world};

/// How many series of each kind a server's side has, and a client's.
fn metrics(config: &str) -> [Vec<String>; 2] {
    [1i64, 2].map(|direction| {
        let world = world();
        world.set_property(&["xds", "listener_direction"], direction.to_le_bytes());
        let mut proxy = Proxy::new(config);
        proxy.send(&world, &[]);
        let name = |series: &String| series.split('[').next().unwrap().to_owned();
        proxy.series.keys().map(name).collect()
    })
}

const ALL: [&str; 4] = [
    "istio_request_bytes",
    "istio_request_duration_milliseconds",
    "istio_requests_total",
    "istio_response_bytes",
];

#[test]
fn the_telemetry_objects_of_the_tutorials_work() {
    let mut proxy = Proxy::new(
        r#"{"apiVersion": "telemetry.istio.io/v1alpha1", "kind": "Telemetry", "metadata": {"name": "mesh-default"},
            "spec": {"tracing": [{"randomSamplingPercentage": 100.0, "customTags": {"my-tag": {"literal": {"value": "123"}}}}]}}"#,
    );
    proxy.send(&world(), &[]);
    assert_eq!(proxy.tag("my-tag"), Some("123"));
    assert!(proxy.series.is_empty());
    let metrics = r#"{"kind": "Telemetry", "spec": {"metrics": [{"providers": [{"name": "prometheus"}], "overrides": [
        {"match": {"metric": "REQUEST_COUNT", "mode": "CLIENT_AND_SERVER"},
         "tagOverrides": {"response_code": {"operation": "UPSERT", "value": "response.code"}}}]}]}}"#;
    assert_eq!(
        warnings(metrics),
        [
            "spec.metrics[0].overrides[0].tagOverrides.response_code.value: changes nothing: `response_code` is `response.code` already"
        ]
    );
    let mut proxy = Proxy::new(metrics);
    proxy.send(&world(), &[]);
    assert_eq!(proxy.labels("istio_requests_total")["response_code"], "200");
    let logging = r#"{"spec": {"accessLogging": [{"providers": [{"name": "envoy"}]}]}}"#;
    assert!(warnings(logging)[0].starts_with("spec.accessLogging: changes nothing here"));
}

#[test]
fn samples_are_counted_once_each() {
    let mut proxy = Proxy::new(r#"{"metrics": [{}], "labels": ["reporter"]}"#);
    proxy.send(&world(), &[]);
    let series: Vec<(&str, u64)> = proxy.series.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    assert_eq!(
        series,
        [
            ("istio_request_bytes[reporter=source]", 321),
            ("istio_request_duration_milliseconds[reporter=source]", 12),
            ("istio_requests_total[reporter=source]", 1),
            ("istio_response_bytes[reporter=source]", 654),
        ]
    );
}

#[test]
fn a_request_that_an_earlier_filter_answered_is_counted_once() {
    let mut proxy = Proxy::new(
        r#"{"metrics": [{}], "labels": [], "tags": [{"name": "user", "header": {"name": "x-user"}},
            {"name": "class", "expression": "response.code / 100"}]}"#,
    );
    proxy.send_answered(&world(), &[("x-user", b"alice")]);
    assert_eq!(
        (proxy.tag("user"), proxy.tag("class")),
        (Some("alice"), Some("2"))
    );
    assert_eq!(proxy.series["istio_requests_total[class=2][user=alice]"], 1);
}

#[test]
fn grpc_messages_are_those_of_grpc_stats() {
    let world = world();
    world.set_property(&["filter_state", "envoy.filters.http.grpc_stats"], "3,5");
    world.set_property(&["response", "grpc_status"], 14i64.to_le_bytes());
    let mut proxy = Proxy::new(
        r#"{"metrics": [{"overrides": [{"tagOverrides": {"response_code": {"value": "'x'"}, "own": {"value": "'y'"}}}]}],
            "labels": ["reporter", "request_protocol", "grpc_response_status"]}"#,
    );
    proxy.send(&world, &[("content-type", b"application/grpc")]);
    // Istio counts messages while a stream goes on: without the five labels of its end, overridden or not.
    let early = "[reporter=source][own=y]";
    let late =
        "[reporter=source][request_protocol=grpc][grpc_response_status=14][own=y][response_code=x]";
    for (name, labels, value) in [
        ("istio_request_messages_total", early, 3),
        ("istio_response_messages_total", early, 5),
        ("istio_requests_total", late, 1),
    ] {
        assert_eq!(
            proxy.series.get(&format!("{name}{labels}")),
            Some(&value),
            "{:?}",
            proxy.series
        );
    }
}

#[test]
fn disabled_metrics_are_left_out_and_come_back() {
    let of = |overrides: &str| {
        metrics(&format!(
            r#"{{"metrics": [{{"overrides": [{overrides}]}}]}}"#
        ))
    };
    assert_eq!(of(""), [ALL, ALL]);
    assert_eq!(of(r#"{"disabled": true}"#), [[""; 0]; 2]);
    assert_eq!(
        of(r#"{"match": {"mode": "CLIENT"}, "disabled": true}"#),
        [&ALL[..], &[]]
    );
    assert_eq!(
        of(r#"{"match": {"metric": "REQUEST_SIZE", "mode": "SERVER"}, "disabled": true}"#),
        [&ALL[1..], &ALL]
    );
    // Any later override brings all of them back, as in Istio.
    assert_eq!(
        of(
            r#"{"disabled": true}, {"match": {"metric": "REQUEST_SIZE"}, "tagOverrides": {"a": {"value": "'b'"}}}"#
        ),
        [ALL, ALL]
    );
    // Also one for what this filter does not count; one that only names a provider does not.
    for other in [
        "\"metric\": \"TCP_SENT_BYTES\"",
        "\"customMetric\": \"foo\"",
    ] {
        assert_eq!(
            of(&format!(
                r#"{{"disabled": true}}, {{"match": {{{other}}}}}"#
            )),
            [ALL, ALL]
        );
    }
    assert_eq!(
        metrics(
            r#"{"metrics": [{"overrides": [{"disabled": true}]}, {"providers": [{"name": "prometheus"}]}]}"#
        ),
        [[""; 0]; 2]
    );
    assert_eq!(metrics(r#"{"metrics": [], "tags": []}"#), [[""; 0]; 2]);
}

#[test]
fn labels_are_replaced_removed_and_added() {
    let mut proxy = Proxy::new(
        r#"{"metrics": [{"overrides": [
            {"tagOverrides": {"response_code": {"value": "response.code / 100"}, "reporter": {"operation": "REMOVE"}}},
            {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {"method": {"value": "request.method"}, "broken": {"value": "request.referer"}}}
        ]}], "labels": ["reporter", "response_code"], "tags": [{"name": "kept", "literal": {"value": "in"}}]}"#,
    );
    proxy.send(&world(), &[]);
    let names: Vec<&str> = proxy.series.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "istio_request_bytes[response_code=2][kept=in]",
            "istio_request_duration_milliseconds[response_code=2][kept=in]",
            "istio_requests_total[response_code=2][broken=unknown][kept=in][method=GET]",
            "istio_response_bytes[response_code=2][kept=in]",
        ]
    );
}

#[test]
fn a_servers_side_names_itself_and_its_peer() {
    let world = world();
    world.set_property(&["xds", "listener_direction"], 1i64.to_le_bytes());
    for (name, value) in [
        ("WORKLOAD_NAME", "reviews-v1"),
        ("NAMESPACE", "bookinfo"),
        ("CLUSTER_ID", "east"),
    ] {
        world.set_property(&["xds", "node", "metadata", name], value);
    }
    world.set_property(
        &[
            "xds",
            "node",
            "metadata",
            "LABELS",
            "service.istio.io/canonical-name",
        ],
        "reviews",
    );
    world.set_property(
        &["connection", "uri_san_peer_certificate"],
        "spiffe://cluster.local/ns/default/sa/sleep",
    );
    world.set_property(
        &["connection", "uri_san_local_certificate"],
        "spiffe://cluster.local/ns/bookinfo/sa/reviews",
    );
    let mut proxy = Proxy::new(r#"{"metrics": [{}]}"#);
    proxy.send(&world, &[]);
    let labels = proxy.labels("istio_requests_total");
    for (name, value) in [
        ("reporter", "destination"),
        ("source_workload", "unknown"),
        ("source_canonical_revision", "latest"),
        ("source_workload_namespace", "default"),
        (
            "source_principal",
            "spiffe://cluster.local/ns/default/sa/sleep",
        ),
        ("destination_workload", "reviews-v1"),
        ("destination_workload_namespace", "bookinfo"),
        ("destination_service", "reviews"),
        ("destination_service_namespace", "bookinfo"),
        ("destination_cluster", "east"),
        ("request_protocol", "http"),
        ("response_code", "200"),
        ("response_flags", "-"),
        ("connection_security_policy", "mutual_tls"),
    ] {
        assert_eq!(labels.get(name).map(String::as_str), Some(value), "{name}");
    }
    // Empty in Istio too, and no label without a value is one in Prometheus.
    assert_eq!(labels.get("destination_app"), None);
    assert_eq!(labels.get("grpc_response_status"), None);
}

#[test]
fn a_clients_side_names_the_service_by_its_cluster() {
    let world = world();
    world.set_property(&["xds", "listener_direction"], 2i64.to_le_bytes());
    world.set_property(
        &["xds", "cluster_name"],
        "outbound|9080||reviews.bookinfo.svc.cluster.local",
    );
    for (name, value) in [
        ("host", "reviews.bookinfo.svc.cluster.local"),
        ("namespace", "bookinfo"),
    ] {
        world.set_property(&[&SERVICE[..], &[name]].concat(), value);
    }
    world.set_property(&ENDPOINT, "reviews-v2;bookinfo;reviews;v2;east");
    let mut proxy = Proxy::new(r#"{"metrics": [{}]}"#);
    proxy.send(&world, &[]);
    let labels = proxy.labels("istio_requests_total");
    for (name, value) in [
        ("reporter", "source"),
        ("destination_workload", "reviews-v2"),
        ("destination_canonical_revision", "v2"),
        ("destination_service", "reviews.bookinfo.svc.cluster.local"),
        ("destination_service_name", "reviews"),
        ("destination_service_namespace", "bookinfo"),
        ("destination_principal", "unknown"),
        ("connection_security_policy", "unknown"),
    ] {
        assert_eq!(labels.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn every_source_of_a_tag() {
    let mut proxy = Proxy::new(
        r#"{"tags": [
            {"name": "literal", "literal": {"value": "a b"}},
            {"name": "environment", "environment": {"name": "MESH_FILTERS_NOT_SET", "defaultValue": "default"}},
            {"name": "header", "header": {"name": "X-User", "defaultValue": "nobody"}},
            {"name": "absent", "header": {"name": "x-none"}},
            {"name": "fallback", "header": {"name": "x-none", "defaultValue": "none"}},
            {"name": "format", "formatter": {"value": "%REQ(:method)%-%REQ(x-none?x-user)%-%REQ(x-user):2%-%REQ(x-none)%-100%%"}},
            {"name": "empty_format", "formatter": {"value": "%REQ(x-none)%"}},
            {"name": "answer", "formatter": {"value": "%RESPONSE_CODE% %RESP(x-cache)% %DURATION% %RESPONSE_FLAGS%"}},
            {"name": "route", "expression": "request.url_path", "templates": ["/users/{name}", "/api/orders/{id}"]},
            {"name": "log_only", "label": false, "expression": "request.path"}
        ]}"#,
    );
    proxy.send(&world(), &[("x-user", b"alice"), ("x-user", b"bob")]);
    let tags: Vec<(&str, &str)> = proxy
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        tags,
        [
            ("answer", "200 hit 12 -"),
            ("environment", "default"),
            ("fallback", "none"),
            ("format", "GET-alice-al--100%"),
            ("header", "alice"),
            ("literal", "a b"),
            ("log_only", "/api/orders/7?x=1"),
            ("route", "/api/orders/{id}"),
        ]
    );
}

#[test]
fn tags_of_the_request_are_there_before_it_goes_on() {
    use sdk_helpers::{Decision, Filter as _};
    let proxy = Proxy::new(
        r#"{"tags": [{"name": "now", "expression": "request.host + '!'"}, {"name": "later", "expression": "response.code"}]}"#,
    );
    let decision = proxy
        .filter
        .on_request(&world::request(&[]), &world(), &mut Default::default());
    let Decision::Continue(edits) = decision else {
        panic!("it answered")
    };
    assert_eq!(
        edits.record.state,
        [(
            "mesh_filters.tag.now".into(),
            b"app.example!".as_slice().into()
        )]
    );
}

/// What another filter leaves in filter state may come after the request's headers.
#[test]
fn a_tag_of_filter_state_waits_for_it() {
    let config = r#"{"tags": [
        {"name": "class", "expression": "string(filter_state['wasm.class'])"},
        {"name": "bare", "expression": "class"},
        {"name": "peer", "formatter": {"value": "%FILTER_STATE(wasm.class:PLAIN)%"}},
        {"name": "never", "expression": "filter_state['wasm.never']"},
        {"name": "nothing", "formatter": {"value": "%FILTER_STATE(wasm.never:PLAIN)%"}}
    ]}"#;
    let world = world();
    let mut proxy = Proxy::new(config);
    proxy.send(&world, &[]);
    let tags = |proxy: &Proxy| {
        let names = ["class", "bare", "peer", "never", "nothing"];
        names.map(|name| proxy.tag(name).unwrap_or("-").to_owned())
    };
    assert_eq!(tags(&proxy), ["unknown", "unknown", "-", "unknown", "-"]);

    use sdk_helpers::Filter as _;
    proxy.tags.clear();
    let mut memory = Default::default();
    let request = world::request(&[]);
    let _ = proxy.filter.on_request(&request, &world, &mut memory);
    world.set_property(&["filter_state", "wasm.class"], "2xx");
    world.set_property(&["class"], "2xx");
    proxy.send_rest(&world, &request, &mut memory);
    assert_eq!(tags(&proxy), ["2xx", "2xx", "2xx", "unknown", "-"]);

    // And a filter may write another one, which the access log then has.
    let mut memory = Default::default();
    let decision = proxy.filter.on_request(&request, &world, &mut memory);
    let sdk_helpers::Decision::Continue(edits) = decision else {
        panic!("it answered")
    };
    proxy.tags.clear();
    proxy.note(&edits.record);
    assert_eq!(proxy.tag("class"), Some("2xx"));
    world.set_property(&["filter_state", "wasm.class"], "5xx");
    proxy.send_rest(&world, &request, &mut memory);
    assert_eq!(tags(&proxy), ["5xx", "2xx", "5xx", "unknown", "-"]);
}

/// An upstream may break off after its headers, and a filter on the way back change them.
#[test]
fn what_is_read_of_an_answer_is_read_again_at_the_end() {
    use sdk_helpers::Filter as _;
    let config = r#"{"labels": [], "metrics": [{}], "tags": [
        {"name": "details", "expression": "response.code_details"},
        {"name": "format", "formatter": {"value": "%RESPONSE_CODE_DETAILS%"}},
        {"name": "code", "expression": "response.code", "maxValues": 1},
        {"name": "larger", "expression": "response.code >= 500 ? 'bad' : 'good'", "label": false},
        {"name": "cache", "formatter": {"value": "%RESP(x-cache)%"}, "label": false}
    ]}"#;
    let world = world();
    world.set_property(&["response", "code_details"], "via_upstream");
    let mut proxy = Proxy::new(config);
    let mut memory = Default::default();
    let request = world::request(&[]);
    let _ = proxy.filter.on_request(&request, &world, &mut memory);
    let response = world::response();
    let early = proxy.filter.on_response(&response, &world, &mut memory);
    // Spans and filters on the way back have what is known by then.
    let names: Vec<&str> = early.record.state.iter().map(|(name, _)| &**name).collect();
    let tag = |name: &str| format!("mesh_filters.tag.{name}");
    assert_eq!(
        names,
        ["details", "format", "code", "larger", "cache"].map(tag)
    );
    proxy.note(&early.record);

    world.set_property(&["response", "code_details"], "upstream_reset");
    world.set_property(&["response", "code"], 503i64.to_le_bytes());
    let changed =
        sdk_helpers::Response::new(sdk_helpers::Headers::from_pairs([(":status", "503")]));
    let exchange = sdk_helpers::Exchange {
        request: &request,
        response: &changed,
    };
    let record = proxy.filter.on_end(&exchange, &world, &mut memory);
    proxy.note(&record);
    let tags = ["details", "format", "code", "larger", "cache"].map(|name| proxy.tag(name));
    let reset = Some("upstream_reset");
    assert_eq!(tags, [reset, reset, Some("other"), Some("bad"), Some("")]);
    let labels = proxy.labels("istio_requests_total");
    assert_eq!(
        (&*labels["details"], &*labels["code"]),
        ("upstream_reset", "other")
    );
}

#[test]
fn a_claim_is_a_tag_and_a_label() {
    let config = r#"{"labels": ["reporter"], "tags": [{"name": "plan", "claim": "plan"}],
        "metrics": [{"overrides": [
            {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {
                "reporter": {"claim": "[a.b][c]", "maxValues": 1}, "roles": {"claim": "roles"}}}]}]}"#;
    let world = world();
    let mut proxy = Proxy::new(config);
    world.set_property(
        &sdk_helpers::claims::PATH,
        r#"{"plan": "gold", "roles": ["a", "b"], "a.b": {"c": "deep"}}"#,
    );
    proxy.send(&world, &[]);
    assert_eq!(proxy.tag("plan"), Some("gold"));
    let labels = "[reporter=deep][plan=gold][roles=a,b]";
    assert_eq!(proxy.series[&format!("istio_requests_total{labels}")], 1);
    // However many ask, the claims of a stream are read once when it comes and once when it ends.
    let asked = world.asked();
    let reads = asked
        .iter()
        .filter(|path| path.contains("mesh_filters.claims"));
    assert_eq!(reads.count(), 2);

    // Without a token no tag, and a label of an override as for any other value that is missing.
    let world = world::world();
    let mut proxy = Proxy::new(config);
    proxy.send(&world, &[]);
    assert_eq!(proxy.tag("plan"), None);
    let labels = "[reporter=unknown][roles=unknown]";
    assert_eq!(proxy.series[&format!("istio_requests_total{labels}")], 1);
}

#[test]
fn the_line_of_what_is_in_force_names_the_metrics() {
    use sdk_helpers::Filter as _;
    let summary = |config: &str| Proxy::new(config).filter.summary();
    let all = "requests_total, request_duration_milliseconds, request_bytes, response_bytes, \
               request_messages_total, response_messages_total";
    assert_eq!(summary(r#"{"metrics": [{}]}"#), format!("0 tags, {all}"));
    assert_eq!(summary("{}"), "0 tags, no metrics");
    let servers = r#"{"tags": [{"name": "a", "literal": {"value": "b"}}], "metrics": [{"overrides": [
        {"match": {"mode": "CLIENT"}, "disabled": true},
        {"match": {"metric": "REQUEST_SIZE", "mode": "SERVER"}, "disabled": true}]}]}"#;
    assert_eq!(
        summary(servers),
        "1 tags, for clients no metrics, for servers requests_total, request_duration_milliseconds, \
         response_bytes, request_messages_total, response_messages_total"
    );
}

#[test]
fn formats_are_written_as_envoy_writes_them() {
    let world = world();
    world.set_property(&["response", "grpc_status"], 2i64.to_le_bytes());
    let mut proxy = Proxy::new(
        r#"{"tags": [
            {"name": "grpc", "formatter": {"value": "%GRPC_STATUS_NUMBER%"}},
            {"name": "first", "formatter": {"value": "%REQ(x-user)%"}},
            {"name": "code", "formatter": {"value": "%RESPONSE_CODE%"}}
        ]}"#,
    );
    proxy.send(&world, &[("x-user", b"alice"), ("x-user", b"bob")]);
    // Envoy derives a gRPC status for every answer, and shows it for gRPC alone.
    let tags = ["grpc", "first", "code"].map(|name| proxy.tag(name));
    assert_eq!(tags, [None, Some("alice"), Some("200")]);
    proxy.send(&world, &[("content-type", b"application/grpc")]);
    assert_eq!(proxy.tag("grpc"), Some("2"));
}

/// A stream that goes on after another filter's pause: Envoy evaluates nothing for it until its own
/// callbacks come, and with the response's headers it no longer has those of the request.
#[test]
fn what_envoy_could_not_evaluate_is_read_at_the_end() {
    use sdk_helpers::Filter as _;
    let config = r#"{"tags": [
        {"name": "api", "expression": "request.url_path.matches('/api/.*') ? 'api' : 'web'", "label": false},
        {"name": "path", "expression": "request.url_path", "label": false}
    ]}"#;
    let world = world();
    let mut proxy = Proxy::new(config);
    let mut memory = Default::default();
    let request = world::request(&[]);
    world.set_shows_stream(false);
    let decision = proxy.filter.on_request(&request, &world, &mut memory);
    let sdk_helpers::Decision::Continue(edits) = decision else {
        panic!("{decision:?}");
    };
    proxy.note(&edits.record);
    assert_eq!(
        (proxy.tag("api"), proxy.tag("path")),
        (None, Some("/api/orders/7"))
    );

    world.set_shows_stream(true);
    let response = world::response();
    let edits = proxy.filter.on_response(&response, &world, &mut memory);
    assert!(edits.record.is_empty(), "{edits:?}");
    let exchange = sdk_helpers::Exchange {
        request: &request,
        response: &response,
    };
    let record = proxy.filter.on_end(&exchange, &world, &mut memory);
    proxy.note(&record);
    assert_eq!(proxy.tag("api"), Some("api"));
}
