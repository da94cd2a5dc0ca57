//! Envoy's rate limits as limits of ours.

use crate::common::{converted, refused};
use serde_json::{Value, json};

/// A filter with these fields, which counts and refuses.
fn local(fields: &str) -> String {
    format!(
        "
name: envoy.filters.http.local_ratelimit
typed_config:
  '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
  filter_enabled: {{default_value: {{numerator: 100}}}}
  filter_enforced: {{default_value: {{numerator: 100}}}}
{fields}"
    )
}

/// A filter that asks a service.
fn global(fields: &str) -> String {
    format!(
        "
name: envoy.filters.http.ratelimit
typed_config:
  '@type': type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
  domain: shop
  rate_limit_service: {{transport_api_version: V3, grpc_service: {{envoy_grpc: {{cluster_name: rls}}}}}}
{fields}"
    )
}

#[track_caller]
fn limits(text: &str) -> Value {
    let mut native = converted(text);
    assert_eq!(native.losses, [], "{:#}", native.tree);
    native.tree["rateLimit"]["limits"].take()
}

#[track_caller]
fn losses(text: &str) -> Vec<String> {
    let native = converted(text);
    native
        .losses
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.what))
        .collect()
}

#[test]
fn a_bucket_is_a_limit() {
    assert_eq!(
        limits(&local(
            "  token_bucket: {max_tokens: 20, tokens_per_fill: 100, fill_interval: 60s}"
        )),
        json!([{
            "name": "all", "requests": 100, "per": "1m", "burst": 20,
            "grpcStatus": "UNAVAILABLE", "rateLimitHeaders": "none",
        }])
    );
    assert_eq!(
        limits(&local(
            "  tokenBucket: {maxTokens: 5, fillInterval: 0.050s}
  status: {code: ServiceUnavailable}
  rate_limited_as_resource_exhausted: true
  enable_x_ratelimit_headers: DRAFT_VERSION_03
  response_headers_to_add: [{append: false, header: {key: X-Limit, value: local}}]"
        )),
        json!([{
            "name": "all", "requests": 1, "per": "50ms", "burst": 5, "status": 503,
            "headers": {"x-limit": "local"}, "rateLimitHeaderFamilies": ["x-ratelimit"],
        }])
    );
}

#[test]
fn shares_are_enforced_and_what_is_off_is_left_out() {
    let with = |enabled: &str, enforced: &str| {
        converted(&format!(
            "
'@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
token_bucket: {{max_tokens: 1, fill_interval: 1s}}
{enabled}
{enforced}
"
        ))
    };
    let off = with("", "filter_enforced: {default_value: {numerator: 100}}");
    assert_eq!(off.tree, json!({}));
    assert_eq!(off.losses[0].what, "`filter_enabled` is 0 %");
    let shadow = with("filter_enabled: {default_value: {numerator: 100}}", "");
    assert_eq!(shadow.tree["rateLimit"]["limits"][0]["shadow"], json!(true));
    let some = with(
        "filter_enabled: {default_value: {numerator: 50}}",
        "filter_enforced: {default_value: {numerator: 2500, denominator: TEN_THOUSAND}, runtime_key: x}",
    );
    assert_eq!(
        some.tree["rateLimit"]["limits"][0]["enforcedPercent"],
        json!(12.5)
    );
    let paths: Vec<&str> = some.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(paths, ["filter_enforced.runtime_key", "filter_enabled"]);
}

const ACTIONS: &str = "
  token_bucket: {max_tokens: 100, tokens_per_fill: 100, fill_interval: 1s}
  descriptors:
  - entries: [{key: client}, {key: path, value: /api}]
    token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 60s}
  - entries: [{key: client, value: bot}, {key: path, value: /api}]
    token_bucket: {max_tokens: 1, fill_interval: 60s}
  rate_limits:
  - actions:
    - request_headers: {header_name: X-Client, descriptor_key: client}
    - header_value_match:
        descriptor_key: path
        descriptor_value: /api
        headers: [{name: ':path', string_match: {prefix: /api}}]
";

#[test]
fn descriptors_are_keys_and_matches() {
    let common = json!({"grpcStatus": "UNAVAILABLE", "rateLimitHeaders": "none", "per": "1m"});
    let mut each = json!({
        "name": "client-path./api", "requests": 10, "key": [{"header": "x-client"}], "onMissingKey": "skip",
        "match": [{"headers": {":path": {"prefix": "/api"}}, "withoutHeaders": {"x-client": {"exact": "bot"}}}],
    });
    let mut bot = json!({
        "name": "client.bot-path./api", "requests": 1,
        "match": [{"headers": {":path": {"prefix": "/api"}, "x-client": {"exact": "bot"}}}],
    });
    for limit in [&mut each, &mut bot] {
        limit
            .as_object_mut()
            .unwrap()
            .extend(common.as_object().unwrap().clone());
    }
    let mut made = limits(&local(ACTIONS));
    let all = made.as_array_mut().unwrap().pop().unwrap();
    assert_eq!(
        (&all["name"], &all["requests"]),
        (&json!("all"), &json!(100))
    );
    assert_eq!(made, json!([each, bot]));
}

#[test]
fn the_default_bucket_is_for_what_has_no_descriptor() {
    let made = limits(&local(&format!(
        "{ACTIONS}  always_consume_default_token_bucket: false"
    )));
    let matches = &made[2]["match"];
    assert_eq!(
        matches,
        &json!([
            {"withoutHeaders": {":path": {"prefix": "/api"}}},
            {"withoutHeaders": {"x-client": {}}},
        ])
    );
}

#[test]
fn entries_that_may_be_absent_are_two_descriptors() {
    let made = limits(&local(
        "  descriptors:
  - {entries: [{key: a, value: '1'}], token_bucket: {max_tokens: 1, fill_interval: 1s}}
  - {entries: [{key: a, value: '1'}, {key: b}], token_bucket: {max_tokens: 2, fill_interval: 1s}}
  rate_limits:
  - actions:
    - generic_key: {descriptor_key: a, descriptor_value: '1'}
    - request_headers: {header_name: b, descriptor_key: b, skip_if_absent: true}",
    ));
    assert_eq!(made[0]["match"], json!([{"withoutHeaders": {"b": {}}}]));
    assert_eq!(made[1]["match"], json!([{"headers": {"b": {}}}]));
    assert_eq!(made[1]["key"], json!([{"header": "b"}]));
}

#[test]
fn addresses_are_blocks_and_keys() {
    let made = limits(&local(
        "  descriptors:
  - {entries: [{key: remote_address, value: 10.0.0.7}], token_bucket: {max_tokens: 1, fill_interval: 1s}}
  - {entries: [{key: masked_remote_address}], token_bucket: {max_tokens: 2, fill_interval: 1s}}
  - {entries: [{key: who, value: us}], token_bucket: {max_tokens: 3, fill_interval: 1s}}
  rate_limits:
  - actions: [{remote_address: {}}]
  - actions: [{masked_remote_address: {v4_prefix_mask_len: 24, v6_prefix_mask_len: 48}}]
  - actions:
    - remote_address_match:
        descriptor_key: who
        descriptor_value: us
        address_matcher: {ranges: [{address_prefix: 10.1.2.3, prefix_len: 8}], invert_match: true}",
    ));
    assert_eq!(made[0]["match"], json!([{"sourceCIDR": ["10.0.0.7"]}]));
    assert_eq!(
        made[1]["key"],
        json!([{"remoteAddress": {"v4PrefixMaskLen": 24, "v6PrefixMaskLen": 48}}])
    );
    assert_eq!(made[2]["match"], json!([{"notSourceCIDR": ["10.0.0.0/8"]}]));
}

#[test]
fn an_envoy_filter_puts_limits_on_routes() {
    let native = converted(
        "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits, namespace: shop}
spec:
  workloadSelector: {labels: {app: web}}
  configPatches:
  - applyTo: HTTP_FILTER
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.local_ratelimit
        typed_config:
          '@type': type.googleapis.com/udpa.type.v1.TypedStruct
          type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          value: {stat_prefix: http_local_rate_limiter}
  - applyTo: HTTP_ROUTE
    match:
      context: SIDECAR_INBOUND
      routeConfiguration: {vhost: {name: 'inbound|http|9080', route: {name: default}}}
    patch:
      operation: MERGE
      value:
        typed_per_filter_config:
          envoy.filters.http.local_ratelimit:
            '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
            stat_prefix: route
            token_bucket: {max_tokens: 4, tokens_per_fill: 4, fill_interval: 60s}
            filter_enabled: {default_value: {numerator: 100}}
            filter_enforced: {default_value: {numerator: 100}}
",
    );
    let limits = native.tree["rateLimit"]["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0]["name"], json!("route"));
    assert_eq!(
        limits[0]["match"],
        json!([{"port": 9080, "route": {"exact": "default"}}])
    );
    let paths: Vec<&str> = native
        .losses
        .iter()
        .map(|loss| loss.path.as_str())
        .collect();
    for path in [
        "spec.workloadSelector",
        "spec.configPatches[0].match.context",
        "spec.configPatches[0].patch.value.typed_config.value.stat_prefix",
    ] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    assert_eq!(native.taken, [0]);
}

#[test]
fn a_service_is_asked_with_the_same_descriptors() {
    let native = converted(&format!(
        "{}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: actions}}
spec:
  configPatches:
  - applyTo: VIRTUAL_HOST
    patch:
      operation: MERGE
      value:
        rate_limits:
        - actions: [{{request_headers: {{header_name: ':path', descriptor_key: PATH}}}}, {{destination_cluster: {{}}}}]
        - {{stage: 1, actions: [{{remote_address: {{}}}}]}}
  - applyTo: CLUSTER
    patch: {{operation: ADD, value: {{name: rls, type: STRICT_DNS}}}}
",
        global("  failure_mode_deny: true\n  timeout: 0.1s\n  request_type: external")
    ));
    assert_eq!(native.taken, [0, 1]);
    assert_eq!(
        native.tree["rateLimit"],
        json!({
            "limits": [{
                "name": "PATH-destination_cluster", "global": true, "onMissingKey": "skip",
                "match": [{"withoutHeaders": {"x-envoy-internal": {"exact": "true"}}}],
                "key": [{"header": ":path", "descriptorKey": "PATH"}, {"destination": {}, "descriptorKey": "destination_cluster"}],
                "grpcStatus": "UNAVAILABLE", "rateLimitHeaders": "none", "headers": {"x-envoy-ratelimited": "true"},
            }],
            "global": {"domain": "shop", "cluster": "rls", "timeout": "100ms", "failureMode": "deny"},
        })
    );
    let cluster = &native.losses[0];
    assert_eq!(cluster.what, "cluster `rls` is not converted");
    assert_eq!(cluster.place, "a.yaml:24:36");
}

#[test]
fn what_is_not_carried_over_is_told() {
    let told = losses(&local(
        "  stat_prefix: s
  token_bucket: {max_tokens: 1, fill_interval: 1s}
  local_rate_limit_per_downstream_connection: true
  local_cluster_rate_limit: {}
  max_dynamic_descriptors: 5
  request_headers_to_add_when_not_enforced: []
  tomorrow: {x: 1}",
    ));
    for field in [
        "stat_prefix",
        "local_cluster_rate_limit",
        "max_dynamic_descriptors",
        "tomorrow",
    ] {
        assert!(
            told.iter().any(|loss| loss.contains(&format!("`{field}`"))),
            "{field}: {told:?}"
        );
    }
    let told = losses(&local(
        "  descriptors:
  - {entries: [{key: a}], token_bucket: {max_tokens: 1, fill_interval: 1s}}
  rate_limits:
  - actions: [{source_cluster: {}}]
  - actions: [{extension: {name: x}}]",
    ));
    assert_eq!(
        told.iter()
            .map(|loss| loss.split(':').next().unwrap())
            .collect::<Vec<_>>(),
        [
            "typed_config.rate_limits[0].actions[0].source_cluster",
            "typed_config.rate_limits[1].actions[0].extension",
            "typed_config.descriptors[0]",
        ]
    );
}

#[test]
fn what_is_no_configuration_of_envoys_is_refused() {
    assert_eq!(
        refused(&local(
            "  token_bucket: {max_tokens: none, fill_interval: 1s}"
        )),
        [
            "a.yaml:7:30: typed_config.token_bucket.max_tokens: is no whole number",
            "a.yaml:7:17: typed_config.token_bucket: `max_tokens` and `tokens_per_fill` have to be more than 0, as in Envoy",
        ]
    );
    let two = format!(
        "{}\n---\n{}",
        global(""),
        global("").replace("shop", "other")
    );
    assert!(
        refused(&two)[0].contains("asks another service"),
        "{:?}",
        refused(&two)
    );
}

#[test]
fn other_documents_are_passed_over() {
    let native = converted("kind: Service\n---\nrateLimit: {limits: []}\n---\n- 1\n");
    assert_eq!(
        (native.tree, native.taken, native.losses),
        (json!({}), vec![], vec![])
    );
}

/// As in the sample of Istio's documentation: `name: ""` is any virtual host.
#[test]
fn a_virtual_host_without_a_name_is_any() {
    let native = converted(&format!(
        "{}
---
kind: EnvoyFilter
spec:
  configPatches:
  - applyTo: VIRTUAL_HOST
    match: {{routeConfiguration: {{vhost: {{name: '', route: {{action: ANY}}}}}}}}
    patch: {{operation: MERGE, value: {{rate_limits: [{{actions: [{{remote_address: {{}}}}]}}]}}}}
",
        global("")
    ));
    assert_eq!(native.losses, []);
    let limit = &native.tree["rateLimit"]["limits"][0];
    assert_eq!(limit.get("match"), None);
}

/// The page's example is what its limit is made from.
#[test]
fn the_page_has_what_is_made() {
    let page = include_str!("../../../../docs/convert-native.md");
    let mut blocks = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let (theirs, mine) = (blocks.next().unwrap(), blocks.next().unwrap());
    let indented: String = theirs.lines().map(|line| format!("  {line}\n")).collect();
    let mut made = limits(&local(&indented));
    let expected = crate::common::documents(mine)[0].object().value()["limits"].clone();
    for (field, value) in expected[0].as_object().unwrap() {
        assert_eq!(&made[0][field].take(), value, "{field}");
    }
}
