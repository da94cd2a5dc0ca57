//! EnvoyFilters and WasmPlugins of a shop, and what they do to its proxies.

use serde_json::json;

use crate::support::{chain, configuration, hosts, names, proxies};

/// As tutorials print it: no cluster, no descriptors, and first of all filters.
const AS_PRINTED: &str = "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits, namespace: istio-system}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match: {context: SIDECAR_INBOUND, listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: page
          rate_limit_service: {grpc_service: {envoy_grpc: {cluster_name: limiter}}, transport_api_version: V3}
";

/// What mends it.
const MENDED: &str = "  - applyTo: CLUSTER
    patch:
      operation: ADD
      value: {name: limiter, type: STATIC, connect_timeout: 1s}
  - applyTo: VIRTUAL_HOST
    match: {context: SIDECAR_INBOUND, routeConfiguration: {vhost: {name: 'inbound|http|9080'}}}
    patch: {operation: MERGE, value: {rate_limits: [{actions: [{request_headers: {header_name: ':path', descriptor_key: path}}]}]}}
";

#[test]
fn an_envoy_filter_is_patched_in_where_istiod_would() {
    let (all, said) = proxies(&[AS_PRINTED, MENDED].concat());
    assert_eq!(said, [""; 0]);
    for name in ["page", "reviews"] {
        let proxy = &all[name];
        assert_eq!(names(proxy, "INBOUND")[0], "envoy.filters.http.ratelimit");
        assert!(!names(proxy, "OUTBOUND").contains(&"envoy.filters.http.ratelimit"));
        let limiters = proxy.clusters.iter().filter(|one| one["name"] == "limiter");
        assert_eq!(limiters.count(), 1, "{name}");
        let inbound = proxy
            .listeners
            .iter()
            .find(|one| one["traffic_direction"] == "INBOUND");
        let host = "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0";
        let host = inbound.unwrap().pointer(host).unwrap();
        assert_eq!(
            host["rate_limits"][0]["actions"][0]["request_headers"]["descriptor_key"],
            "path"
        );
        // In a mesh it has another name, and here its own.
        let own = inbound.unwrap()["name"].as_str().unwrap();
        assert!(
            own.starts_with("127.10.1.") && own.ends_with("_9080"),
            "{own}"
        );
    }
    assert!(!names(&all["gateway"], "OUTBOUND").contains(&"envoy.filters.http.ratelimit"));
    let limiters = all["gateway"]
        .clusters
        .iter()
        .filter(|one| one["name"] == "limiter");
    assert_eq!(limiters.count(), 1);
}

#[test]
fn filters_are_found_by_istiods_names() {
    let policies = "kind: AuthorizationPolicy
metadata: {name: all}
spec: {rules: [{}]}
---
kind: RequestAuthentication
metadata: {name: tokens}
spec: {jwtRules: [{issuer: given}]}
---
";
    let before = |name: &str, filter: &str| {
        format!(
            "  - applyTo: HTTP_FILTER
    match: {{context: SIDECAR_INBOUND, listener: {{portNumber: 9080, filterChain: {{filter: {{name: envoy.filters.network.http_connection_manager, subFilter: {{name: {filter}}}}}}}}}}}
    patch: {{operation: INSERT_BEFORE, value: {{name: {name}}}}}
"
        )
    };
    let filter = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: around}\nspec:\n  configPatches:\n";
    let (all, said) = proxies(
        &[
            policies.to_owned(),
            filter.to_owned(),
            before("first", "envoy.filters.http.jwt_authn"),
            before("between", "envoy.filters.http.rbac"),
            before("behind", "istio.stats"),
            before("last", "envoy.filters.http.router"),
        ]
        .concat(),
    );
    assert_eq!(said, [""; 0]);
    assert_eq!(
        names(&all["page"], "INBOUND"),
        [
            "first",
            "mesh-filters",
            "between",
            "mesh-filters.2",
            "envoy.filters.http.cors",
            "behind",
            "last",
            "envoy.filters.http.router"
        ]
    );
}

#[test]
fn routes_of_calls_are_found_by_their_port() {
    let (all, said) = proxies(
        "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: routes}
spec:
  workloadSelector: {labels: {app: page}}
  configPatches:
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_OUTBOUND, routeConfiguration: {portNumber: 9080, vhost: {name: 'reviews.default.svc.cluster.local:9080'}}}
    patch: {operation: MERGE, value: {route: {rate_limits: [{actions: [{remote_address: {}}]}]}}}
  - applyTo: CLUSTER
    match: {context: SIDECAR_OUTBOUND, cluster: {service: reviews.default.svc.cluster.local}}
    patch: {operation: MERGE, value: {connect_timeout: 3s}}
",
    );
    assert_eq!(said, [""; 0]);
    for (name, expected) in [("page", true), ("reviews", false)] {
        let all_hosts = hosts(&all[name]);
        let limited = |host: &str| {
            all_hosts[host]["routes"][0]["route"]
                .get("rate_limits")
                .is_some()
        };
        assert_eq!(limited("reviews.default.svc.cluster.local:9080"), expected);
        assert!(!limited("page.default.svc.cluster.local:9080"));
        let cluster = all[name].clusters.iter();
        let cluster = cluster
            .clone()
            .find(|one| one["name"] == "outbound|9080||reviews.default.svc.cluster.local");
        assert_eq!(cluster.unwrap()["connect_timeout"] == "3s", expected);
        assert_eq!(all[name].routes.len(), 1);
    }
}

#[test]
fn what_does_nothing_is_said_once_with_its_place() {
    let (_, said) = proxies(
        "apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: nothing}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match: {context: SIDECAR_OUTBOUND, listener: {portNumber: 9080}}
    patch: {operation: INSERT_FIRST, value: {name: a}}
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: istio.stats}}}}}
    patch: {operation: MERGE, value: {typed_config: {'@type': type.googleapis.com/stats.PluginConfig, a: 1}}}
  - applyTo: BOOTSTRAP
    patch: {operation: MERGE, value: {a: 1}}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: elsewhere}
spec: {workloadSelector: {labels: {app: none}}, configPatches: []}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: bad}
spec:
  configPatches:
  - applyTo: HTTP_FILTERS
    patch: {operation: MERGE}
",
    );
    let expected = [
        "shop.yaml:57:5: default/nothing spec.configPatches[0]: INSERT_FIRST matched no http filter: it does nothing in this mesh",
        "shop.yaml:60:5: default/nothing spec.configPatches[1] merges into `istio.stats`, which no proxy of this mesh has: \
         it does nothing; a stock Envoy has no filters of Istio's own, and policies are in a module of ours",
        "shop.yaml:63:5: default/nothing spec.configPatches[2]: MERGE changed no bootstrap: the bootstrap is none of what is \
         patched here: it does nothing in this mesh",
        "shop.yaml:69:26: EnvoyFilter default/elsewhere selects no sidecar and no gateway of this mesh: it does nothing",
    ];
    assert_eq!(said.len(), expected.len() + 1, "{said:#?}");
    for expected in expected {
        assert!(
            said.iter().any(|one| one == expected),
            "{expected}\n{said:#?}"
        );
    }
    let bad = said
        .iter()
        .find(|one| one.contains("default/bad") || one.contains("HTTP_FILTERS"));
    assert!(
        bad.unwrap()
            .ends_with("istiod refuses it: it is not in the mesh"),
        "{bad:?}"
    );
}

#[test]
fn plugins_of_ours_stand_by_their_phase() {
    let plugin = |name: &str, url: &str, phase: &str| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: {name}}}\nspec: {{url: '{url}', {phase} \
             match: [{{mode: SERVER}}], pluginConfig: {{limits: []}}}}\n---\n"
        )
    };
    let (all, said) = proxies(
        &[
            plugin(
                "last",
                "oci://registry.example/mesh-filters/rate-limit:0.1.0",
                "",
            ),
            plugin("first", "file:///opt/telemetry-tags.wasm", "phase: AUTHN,"),
            plugin("theirs", "oci://registry.example/theirs:1", ""),
            "kind: AuthorizationPolicy\nmetadata: {name: all}\nspec: {rules: [{}]}\n".to_owned(),
        ]
        .concat(),
    );
    assert_eq!(
        said,
        [
            "shop.yaml:65:13: the module `oci://registry.example/theirs:1` is none of mesh-filters: it is left out; a local mesh \
          has the modules of mesh-filters"
        ]
    );
    assert_eq!(
        names(&all["page"], "INBOUND"),
        [
            "extensions.istio.io/trafficextension/default.first~istio-translated-wasmplugin",
            "mesh-filters.peer",
            "mesh-filters",
            "extensions.istio.io/trafficextension/default.last~istio-translated-wasmplugin",
            "envoy.filters.http.cors",
            "envoy.filters.http.router"
        ]
    );
    let file = |index: usize| {
        let filter = &chain(&all["page"], "INBOUND")[index];
        let file = filter.pointer("/typed_config/config/vm_config/code/local/filename");
        file.cloned()
    };
    assert_eq!(file(0), Some(json!("/modules/telemetry-tags.wasm")));
    assert_eq!(file(3), Some(json!("/modules/rate-limit.wasm")));
    assert_eq!(names(&all["page"], "OUTBOUND").len(), 3);
    assert_eq!(
        configuration(&all["page"], "INBOUND")["resources"][0]["metadata"]["name"],
        "all"
    );
}
