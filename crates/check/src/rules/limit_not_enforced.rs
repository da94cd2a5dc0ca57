//! Rate limits that are not enforced.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0212",
    severity: Severity::Warning,
    title: "a local rate limit is not enabled, or not enforced",
    text: "Envoy's `local_ratelimit` looks at the share of requests that `filter_enabled` says, and refuses of \
           those the share that `filter_enforced` says. Both are 0 % where they are not written: the bucket is \
           there, and nothing is refused.",
    help: "write `filter_enabled` and `filter_enforced`, each with `default_value: {numerator: 100, denominator: HUNDRED}`",
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
        name: envoy.filters.http.local_ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          stat_prefix: limits
          token_bucket: {max_tokens: 10, fill_interval: 60s}
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
        name: envoy.filters.http.local_ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          stat_prefix: limits
          token_bucket: {max_tokens: 10, fill_interval: 60s}
          filter_enabled: {default_value: {numerator: 100}}
          filter_enforced: {default_value: {numerator: 100}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        item.root.walk(&mut |spot| {
            if !spot.text("@type").ends_with(LOCAL) && !spot.text("type_url").ends_with(LOCAL) {
                return;
            }
            let limit = spot.field("value").unwrap_or_else(|| spot.clone());
            if limit.envoy("token_bucket").is_none() {
                return;
            }
            for field in ["filter_enabled", "filter_enforced"] {
                if !is_on(&limit, field) {
                    found.at(item, &limit, format!("limits nothing: `{field}` is 0 %"));
                    break;
                }
            }
        });
    }
}

fn is_on(limit: &Spot<'_>, field: &str) -> bool {
    let share = limit.envoy(field).and_then(|it| it.envoy("default_value"));
    let numerator = share.and_then(|it| it.field("numerator"));
    numerator.is_some_and(|it| it.value().as_f64() != Some(0.0))
}

const LOCAL: &str = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
