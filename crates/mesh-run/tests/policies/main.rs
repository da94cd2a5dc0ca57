//! Policies of a shop, and what each of its proxies gets of them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

mod hostile;
mod patches;
mod support;

use serde_json::{Value, json};
use support::{KEYS, configuration, hosts, names, proxies};

fn policy_names(configuration: &Value) -> Vec<&str> {
    let all = configuration["resources"].as_array().into_iter().flatten();
    all.map(|one| one["metadata"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn without_policies_no_proxy_has_a_module() {
    let (all, said) = proxies("");
    assert_eq!(said, [""; 0]);
    for (name, proxy) in &all {
        let text = format!("{:?}", proxy.listeners);
        assert!(!text.contains("wasm"), "{name}");
        assert!(!text.contains("mesh-filters"), "{name}");
    }
    assert_eq!(
        names(&all["page"], "OUTBOUND"),
        [
            "envoy.filters.http.cors",
            "envoy.filters.http.dynamic_forward_proxy",
            "envoy.filters.http.router"
        ]
    );
}

#[test]
fn policies_are_for_those_they_select() {
    let policy = |name: &str, namespace: &str, spec: &str| {
        format!(
            "kind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}rules: [{{}}]}}\n---\n"
        )
    };
    let of_page = "selector: {matchLabels: {app: page}}, ";
    let of_gateway = "selector: {matchLabels: {istio: ingressgateway}}, ";
    let (all, said) = proxies(
        &[
            policy("all", "istio-system", ""),
            policy("here", "default", ""),
            policy("page", "default", of_page),
            policy("elsewhere", "other", of_page),
            policy("edge", "istio-system", of_gateway),
            "kind: RequestAuthentication\nmetadata: {name: tokens}\nspec: {selector: {matchLabels: {app: page}}, jwtRules: [{issuer: given}]}\n".to_owned(),
        ]
        .concat(),
    );
    let of = |name: &str, direction: &str| {
        let configuration = configuration(&all[name], direction);
        let names = policy_names(&configuration);
        names
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    assert_eq!(of("page", "INBOUND"), ["tokens", "all", "here", "page"]);
    assert_eq!(of("reviews", "INBOUND"), ["all", "here"]);
    assert_eq!(of("gateway", "OUTBOUND"), ["all", "edge"]);
    assert_eq!(of("page", "OUTBOUND"), [""; 0]);
    assert_eq!(
        names(&all["page"], "INBOUND"),
        [
            "mesh-filters.peer",
            "mesh-filters",
            "envoy.filters.http.cors",
            "envoy.filters.http.router"
        ]
    );
    let configuration = configuration(&all["page"], "INBOUND");
    assert_eq!(
        configuration["authorizationPolicy"]["trustDomain"],
        "cluster.local"
    );
    // The keys that were given are there, so none are fetched.
    assert_eq!(
        configuration["resources"][0]["spec"]["jwtRules"],
        json!([{"issuer": "given", "jwks": KEYS}])
    );
    assert_eq!(
        said,
        [
            "shop.yaml:66:18: AuthorizationPolicy other/elsewhere selects no sidecar and no gateway of this mesh: it does nothing"
        ]
    );
}

#[test]
fn keys_that_are_not_given_are_fetched() {
    let (all, said) = proxies(
        "kind: RequestAuthentication\nmetadata: {name: tokens}\nspec: {jwtRules: [{issuer: a, jwksUri: 'https://issuer.example/keys'}, {issuer: b, jwksUri: 'http://reviews:9080/keys'}]}\n",
    );
    assert_eq!(said, [""; 0]);
    let named = |name: &str| {
        let mut clusters = all["page"].clusters.iter();
        clusters.find(|cluster| cluster["name"] == name).cloned()
    };
    let cluster = named("outbound|443||issuer.example").unwrap();
    assert_eq!(cluster["type"], "LOGICAL_DNS");
    let trusted =
        "/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca/filename";
    assert_eq!(cluster.pointer(trusted).unwrap(), "/roots.pem");
}

#[test]
fn what_the_filters_refuse_is_said_and_the_rest_is_there() {
    let (all, said) = proxies(
        "kind: AuthorizationPolicy
metadata: {name: bad}
spec: {rules: [{to: [{operation: {path: /a}}]}]}
---
kind: AuthorizationPolicy
metadata: {name: good}
spec: {rules: [{}]}
",
    );
    let configuration = configuration(&all["page"], "INBOUND");
    assert_eq!(policy_names(&configuration), ["good"]);
    let [said] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert!(said.starts_with("shop.yaml:54:"), "{said}");
    assert!(said.contains("did you mean `paths`?"), "{said}");
    assert!(said.ends_with("the object is not in the mesh"), "{said}");
}

#[test]
fn a_fault_is_on_the_route_that_has_it() {
    let (all, said) = proxies(
        "kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews}}]
  - name: slow
    match: [{uri: {prefix: /slow}}, {sourceLabels: {app: other}, name: never}]
    fault: {delay: {percentage: {value: 10}, fixedDelay: 5s}}
    route: [{destination: {host: reviews}}]
  - fault: {abort: {percentage: {value: 100}, httpStatus: 503}}
    route: [{destination: {host: reviews}}]
---
kind: VirtualService
metadata: {name: edge}
spec:
  hosts: ['*']
  gateways: [edge]
  http:
  - fault: {abort: {percentage: {value: 1}, httpStatus: 500}}
    route: [{destination: {host: page}}]
---
kind: VirtualService
metadata: {name: bad}
spec:
  hosts: [page]
  http:
  - fault: {abort: {percentage: {value: 1}, httpStatus: 9}}
    route: [{destination: {host: page}}]
",
    );
    assert_eq!(
        configuration(&all["page"], "OUTBOUND")["faultInjection"]["http"],
        json!([
            {"name": "default/reviews.http-1", "match": [{"route": {"exact": "slow"}}, {"route": {"exact": "slow.never"}}],
             "fault": {"delay": {"percentage": {"value": 10}, "fixedDelay": "5s"}}},
            {"name": "default/reviews.http-2", "match": [{"route": {"exact": "default/reviews.http-2"}}],
             "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}},
        ])
    );
    let hosts = hosts(&all["page"]);
    let routes = hosts["reviews.default.svc.cluster.local:9080"]["routes"]
        .as_array()
        .unwrap();
    let routes: Vec<&Value> = routes.iter().map(|route| &route["name"]).collect();
    assert_eq!(
        routes,
        [
            &Value::Null,
            &json!("slow"),
            &json!("default/reviews.http-2")
        ]
    );
    assert_eq!(
        configuration(&all["gateway"], "OUTBOUND")["faultInjection"]["http"],
        json!([{"name": "default/edge", "match": [{"route": {"exact": "default/edge"}}],
                "fault": {"abort": {"percentage": {"value": 1}, "httpStatus": 500}}}])
    );
    assert_eq!(configuration(&all["page"], "INBOUND"), Value::Null);
    let [said] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert!(said.starts_with("shop.yaml:80:12: fault.abort"), "{said}");
    assert!(said.contains("abort.httpStatus"), "{said}");
    assert!(said.ends_with("the fault is not in the mesh"), "{said}");
}

#[test]
fn mixers_quotas_are_said_to_limit_nothing() {
    let (_, said) = proxies(
        "apiVersion: config.istio.io/v1alpha2\nkind: handler\nmetadata: {name: quotahandler}\nspec: {compiledAdapter: memquota}\n",
    );
    assert_eq!(
        said,
        [
            "shop.yaml:53:7: handler default/quotahandler is of Mixer, which is gone from Istio since 1.8: nothing enforces it; \
          `mesh-filters convert` makes a rate limit of a quota"
        ]
    );
}

#[test]
fn what_telemetry_changes_of_metrics_is_on_both_sides() {
    let (all, said) = proxies(
        "apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: metrics, namespace: istio-system}
spec:
  metrics:
  - providers: [{name: prometheus}]
    overrides: [{match: {metric: REQUEST_COUNT}, tagOverrides: {response_code: {operation: UPSERT, value: response.code}}}]
",
    );
    assert_eq!(said, [""; 0]);
    for (name, direction) in [
        ("page", "INBOUND"),
        ("page", "OUTBOUND"),
        ("gateway", "OUTBOUND"),
    ] {
        let found = configuration(&all[name], direction);
        let overrides = &found["telemetryTags"]["metrics"][0]["overrides"][0];
        assert_eq!(
            overrides["match"]["metric"], "REQUEST_COUNT",
            "{name} {direction}"
        );
    }
}

#[test]
fn routes_by_claims_are_said_to_take_nothing() {
    let (_, said) = proxies(
        "kind: VirtualService
metadata: {name: claims}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {'@request.auth.claims.group': {exact: a}, plain: {exact: b}}}]
    route: [{destination: {host: reviews}}]
",
    );
    let [said] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert!(
        said.starts_with(
            "shop.yaml:57:54: a route by the claim `@request.auth.claims.group`: no request has it"
        ),
        "{said}"
    );
}
