//! Rate limits that ask nothing.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0210",
    severity: Severity::Warning,
    title: "a rate limit filter has no descriptors to ask with",
    text: "Envoy's `ratelimit` filter asks its service about the descriptors that `rate_limits` of the route, \
           the virtual host or the filter itself make of a request. Without any it asks nothing, and nothing is \
           limited.",
    help: "add `rate_limits` with `actions` to the routes, by a patch of HTTP_ROUTE or VIRTUAL_HOST",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: shop
          rate_limit_service:
            grpc_service: {envoy_grpc: {cluster_name: 'outbound|8081||ratelimit.shop.svc.cluster.local'}}
            transport_api_version: V3
",
    good: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limits, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: shop
          rate_limit_service:
            grpc_service: {envoy_grpc: {cluster_name: 'outbound|8081||ratelimit.shop.svc.cluster.local'}}
            transport_api_version: V3
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: MERGE
      value: {route: {rate_limits: [{actions: [{remote_address: {}}]}]}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut has_actions = false;
    for item in &mesh.items {
        item.root.walk(&mut |spot| {
            let limits = spot.envoy("rate_limits");
            has_actions |= limits.is_some_and(|it| !it.elements().is_empty());
        });
    }
    if has_actions {
        return;
    }
    for item in &mesh.items {
        item.root.walk(&mut |spot| {
            if spot.text("@type").ends_with(RATE_LIMIT) {
                let message = "limits nothing: no route among the files has `rate_limits`, so there are no descriptors to ask with";
                found.at(item, spot, message);
            }
        });
    }
}

const RATE_LIMIT: &str = "extensions.filters.http.ratelimit.v3.RateLimit";
