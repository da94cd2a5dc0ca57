//! Rate limits whose service is nowhere.

use super::patched::{Patched, patches};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use istio::ApplyTo;
use std::collections::BTreeSet;

pub(super) const RULE: Rule = Rule {
    code: "MF0211",
    severity: Severity::Warning,
    title: "a rate limit filter names a cluster that nothing defines",
    text: "The filter asks a service behind a cluster of Envoy's. No patch of CLUSTER and no static cluster \
           among the files has that name, and it is none that istiod makes (`outbound|PORT||HOST`). Every \
           question fails, and with `failure_mode_deny` unset every request passes.",
    help: "add the cluster, or name one of istiod's: `outbound|8081||ratelimit.shop.svc.cluster.local`",
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
            grpc_service: {envoy_grpc: {cluster_name: limits}}
            transport_api_version: V3
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: MERGE
      value: {route: {rate_limits: [{actions: [{remote_address: {}}]}]}}
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
            grpc_service: {envoy_grpc: {cluster_name: limits}}
            transport_api_version: V3
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: MERGE
      value: {route: {rate_limits: [{actions: [{remote_address: {}}]}]}}
  - applyTo: CLUSTER
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: ADD
      value: {name: limits, type: STRICT_DNS, connect_timeout: 1s}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let mut defined = BTreeSet::new();
    for item in &mesh.items {
        for Patched { spot, patch } in patches(item) {
            if patch.apply_to == ApplyTo::Cluster {
                defined.extend(spot.at(&["patch", "value"]).map(|it| it.text("name")));
            }
        }
        let resources = item.root.envoy("static_resources");
        let clusters = resources.map(|it| it.list("clusters")).unwrap_or_default();
        defined.extend(clusters.iter().map(|cluster| cluster.text("name")));
    }
    for item in &mesh.items {
        item.root.walk(&mut |spot| {
            if !spot.text("@type").ends_with(RATE_LIMIT) {
                return;
            }
            let service = spot
                .envoy("rate_limit_service")
                .and_then(|it| it.envoy("grpc_service"));
            let cluster = service.and_then(|it| it.envoy("envoy_grpc")?.envoy("cluster_name"));
            let Some((place, name)) =
                cluster.and_then(|it| Some((it.clone(), it.value().as_str()?)))
            else {
                return;
            };
            if !name.starts_with("outbound|") && !defined.contains(name) {
                let fails = match spot.envoy("failure_mode_deny").map(|it| it.value() == true) {
                    Some(true) => "every request is refused",
                    _ => "every request passes",
                };
                let name = name.escape_debug();
                found.at(
                    item,
                    &place,
                    format!(
                        "no cluster among the files is called `{name}`: asking fails, and {fails}"
                    ),
                );
            }
        });
    }
}

const RATE_LIMIT: &str = "extensions.filters.http.ratelimit.v3.RateLimit";
