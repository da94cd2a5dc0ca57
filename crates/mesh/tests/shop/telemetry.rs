//! What proxies trace, log and count.

use serde_json::{Value, json};

use crate::support::{Shop, find, resources};

fn telemetry(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "kind: Telemetry\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
    )
}

fn root(spec: &str) -> String {
    telemetry("istio-system", "mesh-default", spec)
}

/// The connection manager of a workload's own port, and the one for what it calls.
fn managers(shop: &Shop, workload: &str) -> [Value; 2] {
    let listeners = resources(&shop.sidecar(workload), "listeners.json");
    let manager =
        |listener: &Value| listener["filter_chains"][0]["filters"][0]["typed_config"].clone();
    let inbound = listeners
        .iter()
        .find(|(name, _)| name != "http_proxy")
        .unwrap();
    [
        manager(&inbound.1),
        manager(&find(&listeners, "http_proxy")),
    ]
}

fn tag(tracing: &Value, name: &str) -> Value {
    let tags = tracing["custom_tags"].as_array().unwrap();
    let found = tags.iter().find(|tag| tag["tag"] == name);
    found.cloned().unwrap_or(Value::Null)
}

/// What is said of the objects together.
fn said(shop: &Shop) -> Vec<String> {
    let said = shop.mesh().said();
    said.iter().map(ToString::to_string).collect()
}

#[test]
fn without_a_word_nothing_is_traced_or_logged() {
    let (shop, _) = Shop::with("");
    for manager in managers(&shop, "page-v1") {
        assert_eq!(manager.get("tracing"), None);
        assert_eq!(manager.get("access_log"), None);
    }
    assert_eq!(said(&shop), [""; 0]);
}

#[test]
fn a_constant_tag_is_on_every_span() {
    let printed = "{tracing: [{randomSamplingPercentage: 100.0, customTags: {my-tag: {literal: {value: '123'}}}}]}";
    let (shop, notes) = Shop::with(&root(printed));
    assert_eq!(notes, Shop::with("").1);
    for manager in managers(&shop, "page-v1") {
        let tracing = &manager["tracing"];
        assert_eq!(tracing["random_sampling"]["value"], 100.0);
        assert_eq!(tag(tracing, "my-tag")["literal"]["value"], "123");
        assert_eq!(
            tag(tracing, "istio.canonical_service")["literal"]["value"],
            "page"
        );
        assert_eq!(
            tag(tracing, "istio.canonical_revision")["literal"]["value"],
            "v1"
        );
        let provider = &tracing["provider"]["typed_config"];
        assert_eq!(provider["collector_cluster"], "outbound|9411||127.0.0.1");
    }
    let clusters = resources(&shop.sidecar("page-v1"), "clusters.json");
    find(&clusters, "outbound|9411||127.0.0.1");
    // Where spans go without a word is said once.
    let said = said(&shop);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("no provider is named"), "{said:?}");
    // A gateway has them too.
    let listeners = resources(&shop.gateway(), "listeners.json");
    let manager = &listeners[0].1["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(
        tag(&manager["tracing"], "my-tag")["literal"]["value"],
        "123"
    );
}

#[test]
fn a_mesh_config_says_where_spans_go() {
    let printed = root("{tracing: [{randomSamplingPercentage: 10}]}");
    let service = "kind: Service\nmetadata: {name: zipkin, namespace: istio-system}\nspec: {ports: [{name: http, port: 9411}]}\n---\n";
    let in_mesh = "outbound|9411||zipkin.istio-system.svc.cluster.local";
    for (more, cluster) in [
        ("defaultConfig: {tracing: {zipkin: {address: '127.0.0.2:9999'}}}\n".to_owned(), "outbound|9999||127.0.0.2"),
        (service.to_owned(), in_mesh),
        (
            format!("{service}defaultConfig: {{tracing: {{zipkin: {{address: 'zipkin.istio-system:9411'}}}}}}\n"),
            in_mesh,
        ),
        (
            "extensionProviders: [{name: z, zipkin: {service: 127.0.0.3, port: 9411}}]\ndefaultProviders: {tracing: [z]}\n"
                .to_owned(),
            "outbound|9411||127.0.0.3",
        ),
    ] {
        // No Sidecar keeps a proxy from its collector.
        let hidden = "kind: Sidecar\nmetadata: {name: a}\nspec: {egress: [{hosts: ['~/*']}]}\n---\n";
        for hidden in ["", hidden] {
            let (shop, _) = Shop::with(&[&printed, hidden, &more].concat());
            let [_, outbound] = managers(&shop, "page-v1");
            let provider = &outbound["tracing"]["provider"]["typed_config"];
            assert_eq!(provider["collector_cluster"], cluster, "{more}");
            let clusters = resources(&shop.sidecar("page-v1"), "clusters.json");
            find(&clusters, cluster);
            assert_eq!(said(&shop), [""; 0]);
        }
    }
}

#[test]
fn a_mesh_config_may_trace_by_itself() {
    let address = "defaultConfig: {tracing: {sampling: 7, zipkin: {address: '127.0.0.2:9999'}}}\n";
    for (word, expected) in [
        ("", true),
        ("enableTracing: true\n", true),
        ("enableTracing: false\n", false),
    ] {
        let (shop, _) = Shop::with(&format!("{word}{address}"));
        let [inbound, _] = managers(&shop, "page-v1");
        let sampling = inbound.pointer("/tracing/random_sampling/value");
        assert_eq!(sampling, expected.then_some(&json!(7.0)), "{word}");
    }
}

#[test]
fn spans_may_go_by_otlp() {
    let provider = |more: &str| {
        format!(
            "extensionProviders: [{{name: otel, opentelemetry: {{service: 127.0.0.1, port: 4317{more}}}}}]\n"
        )
    };
    let named = root("{tracing: [{providers: [{name: otel}]}]}");
    let (shop, _) = Shop::with(&(named.clone() + &provider("")));
    let [_, outbound] = managers(&shop, "page-v1");
    let otlp = &outbound["tracing"]["provider"]["typed_config"];
    let grpc = &otlp["grpc_service"]["envoy_grpc"];
    assert_eq!(grpc["cluster_name"], "outbound|4317||127.0.0.1");
    assert_eq!(otlp["service_name"], "page.default");
    let (shop, _) = Shop::with(&(named + &provider(", http: {path: v1/traces}")));
    let [_, outbound] = managers(&shop, "page-v1");
    let otlp = &outbound["tracing"]["provider"]["typed_config"];
    assert_eq!(
        otlp["http_service"]["http_uri"]["uri"],
        "http://127.0.0.1/v1/traces"
    );
}

#[test]
fn the_nearest_word_counts_and_tags_are_replaced_as_a_whole() {
    let text = root(
        "{tracing: [{randomSamplingPercentage: 10, customTags: {a: {literal: {value: x}}}}]}",
    ) + &telemetry(
        "default",
        "own",
        "{tracing: [{customTags: {b: {header: {name: x-b, defaultValue: none}}}}]}",
    ) + &telemetry(
        "default",
        "page",
        "{selector: {matchLabels: {app: page}}, tracing: [{match: {mode: CLIENT}, disableSpanReporting: true}]}",
    );
    let (shop, _) = Shop::with(&text);
    let [inbound, outbound] = managers(&shop, "page-v1");
    assert_eq!(outbound.get("tracing"), None);
    let tracing = &inbound["tracing"];
    assert_eq!(tracing["random_sampling"]["value"], 10.0);
    assert_eq!(tag(tracing, "a"), Value::Null);
    assert_eq!(
        tag(tracing, "b")["request_header"],
        json!({"name": "x-b", "default_value": "none"})
    );
    let [_, outbound] = managers(&shop, "reviews-v1");
    assert!(outbound.get("tracing").is_some());
}

#[test]
fn the_access_log_is_a_file_of_the_proxy() {
    let (shop, _) = Shop::with(&root("{accessLogging: [{providers: [{name: envoy}]}]}"));
    for manager in managers(&shop, "page-v1") {
        let logs = manager["access_log"].as_array().unwrap();
        assert_eq!(logs.len(), 1);
        let file = &logs[0]["typed_config"];
        assert_eq!(file["path"], "/run/a/access.log");
        let line = file["log_format"]["text_format_source"]["inline_string"].as_str();
        let line = line.unwrap();
        assert!(line.starts_with("[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "));
        assert!(line.ends_with(" %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"));
    }
}

#[test]
fn what_is_logged_may_be_chosen() {
    let provider = "extensionProviders:\n- name: mine\n  envoyFileAccessLog: {path: /var/log/mine.log, logFormat: {text: '%REQ_WITHOUT_QUERY(:PATH)%'}}\n";
    let text = root("{accessLogging: [{providers: [{name: mine}, {name: envoy}]}]}")
        + &telemetry(
            "default",
            "own",
            "{accessLogging: [{filter: {expression: response.code >= 400}, match: {mode: SERVER}}, \
              {providers: [{name: mine}], match: {mode: CLIENT}, disabled: true}]}",
        )
        + provider;
    let (shop, _) = Shop::with(&text);
    let [inbound, outbound] = managers(&shop, "page-v1");
    // The last element that names any says which there are.
    assert_eq!(outbound.get("access_log"), None);
    let logs = inbound["access_log"].as_array().unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0]["typed_config"]["path"], "/run/a/mine.log");
    let format = &logs[0]["typed_config"]["log_format"];
    assert_eq!(
        format["text_format_source"]["inline_string"],
        "%REQ_WITHOUT_QUERY(:PATH)%\n"
    );
    assert_eq!(
        format["formatters"][0]["name"],
        "envoy.formatter.req_without_query"
    );
    let filter = &logs[0]["filter"]["extension_filter"]["typed_config"];
    assert_eq!(filter["expression"], "response.code >= 400");
    let [_, outbound] = managers(&shop, "orders");
    assert_eq!(outbound["access_log"].as_array().unwrap().len(), 2);
}

#[test]
fn a_mesh_config_turns_the_log_on_where_no_telemetry_speaks() {
    let config = "accessLogFile: /dev/stdout\naccessLogEncoding: JSON\naccessLogFormat: '{\"path\": \"%REQ(:PATH)%\"}'\n";
    let (shop, _) = Shop::with(config);
    let [inbound, _] = managers(&shop, "page-v1");
    let file = &inbound["access_log"][0]["typed_config"];
    assert_eq!(
        file["log_format"]["json_format"],
        json!({"path": "%REQ(:PATH)%"})
    );
    let off = root("{accessLogging: [{providers: [{name: envoy}], disabled: true}]}");
    let (shop, _) = Shop::with(&(off + config));
    let [inbound, _] = managers(&shop, "page-v1");
    assert_eq!(inbound.get("access_log"), None);
    // A format that is no JSON is not lost in silence.
    let (shop, notes) =
        Shop::with("accessLogFile: /dev/stdout\naccessLogEncoding: JSON\naccessLogFormat: '{'\n");
    assert!(
        notes
            .iter()
            .any(|said| said.contains("accessLogFormat is no JSON")),
        "{notes:?}"
    );
    let [inbound, _] = managers(&shop, "page-v1");
    let fields = &inbound["access_log"][0]["typed_config"]["log_format"]["json_format"];
    assert_eq!(fields["method"], "%REQ(:METHOD)%");
}

#[test]
fn metrics_are_the_filters_and_their_labels_the_bootstraps() {
    let printed = "{metrics: [{providers: [{name: prometheus}], overrides: [{match: {metric: REQUEST_COUNT, mode: \
                   CLIENT_AND_SERVER}, tagOverrides: {response_code: {operation: UPSERT, value: response.code}, \
                   my.own: {value: request.method}}}]}]}";
    let (shop, _) = Shop::with(&root(printed));
    let labels = &shop.model.workloads[0].labels;
    let metrics = shop.mesh().metrics("default", labels).unwrap();
    assert_eq!(
        metrics["metrics"][0]["overrides"][0]["match"]["metric"],
        "REQUEST_COUNT"
    );
    let files = shop
        .sidecar("page-v1")
        .files("/run/a".as_ref(), ([127, 0, 0, 1], 0).into());
    let bootstrap = &files[0].1;
    let tags = bootstrap["stats_config"]["stats_tags"].as_array().unwrap();
    assert_eq!(tags.len(), 26);
    assert_eq!(
        tags[25],
        json!({"tag_name": "my.own", "regex": "(\\[my\\.own=([^\\]]*)\\])"})
    );
    assert_eq!(bootstrap["node"]["metadata"]["WORKLOAD_NAME"], "page-v1");
    assert_eq!(bootstrap["node"]["cluster"], "page.default");
    assert!(said(&shop)[0].contains("telemetry-tags"));

    let other = "extensionProviders: [{name: sd, stackdriver: {}}]\n";
    let (shop, _) = Shop::with(&(root("{metrics: [{providers: [{name: sd}]}]}") + other));
    assert_eq!(
        shop.mesh()
            .metrics("default", &shop.model.workloads[0].labels),
        None
    );
}

#[test]
fn what_never_counts_is_said() {
    for (text, what) in [
        (
            root("{tracing: [{}]}") + &telemetry("istio-system", "second", "{accessLogging: [{}]}"),
            "another Telemetry for all of namespace istio-system stands before it",
        ),
        (
            root("{tracing: [{providers: [{name: nobody}]}]}"),
            "no extensionProvider is called nobody",
        ),
        (
            root("{tracing: [{providers: [{name: envoy}]}]}"),
            "the extensionProvider envoy takes no spans here",
        ),
        (
            root("{accessLogging: [{providers: [{name: prometheus}]}]}"),
            "the extensionProvider prometheus logs to no file",
        ),
        (
            root("{tracing: [{providers: [{name: z}]}]}")
                + "extensionProviders: [{name: z, zipkin: {service: zipkin.other.svc.cluster.local, port: 9411}}]\n",
            "no service here is called zipkin.other.svc.cluster.local",
        ),
    ] {
        let (shop, _) = Shop::with(&text);
        let said = said(&shop);
        assert!(
            said.iter().any(|one| one.contains(what)),
            "{what}: {said:?}"
        );
    }
    let (_, notes) = Shop::with(&root(
        "{targetRefs: [{kind: Service, name: a}], tracing: [{}]}",
    ));
    assert!(
        notes
            .iter()
            .any(|one| one.contains("a Telemetry for what it names"))
    );
}
