//! Names that no filter has any more.

use super::patched::{Patched, clause, patches};
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use sdk_helpers::config::Remedy;

pub(super) const RULE: Rule = Rule {
    code: "MF0208",
    severity: Severity::Warning,
    title: "an EnvoyFilter matches a name that Envoy's filters had before",
    text: "istiod compares names as they stand, and the filters it makes have those of today, \
           `envoy.filters.…`. A patch that matches `envoy.http_connection_manager` or `envoy.router` matches \
           nothing, and does nothing, without a word.",
    help: "write the name of today: `envoy.filters.network.http_connection_manager`, `envoy.filters.http.router`",
    bad: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.router}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: lua
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
",
    good: "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: lua
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
",
    find,
};

/// The names of HTTP filters that Envoy 1.14 gave up, without `envoy.` and `envoy.filters.http.`, as far as the
/// filters are still there.
const HTTP: [(&str, &str); 13] = [
    ("buffer", "buffer"),
    ("cors", "cors"),
    ("csrf", "csrf"),
    ("ext_authz", "ext_authz"),
    ("fault", "fault"),
    ("grpc_http1_bridge", "grpc_http1_bridge"),
    ("grpc_json_transcoder", "grpc_json_transcoder"),
    ("grpc_web", "grpc_web"),
    ("health_check", "health_check"),
    ("ip_tagging", "ip_tagging"),
    ("lua", "lua"),
    ("rate_limit", "ratelimit"),
    ("router", "router"),
];
/// Those of network filters, which are called the same behind `envoy.filters.network.`.
const NETWORK: [&str; 7] = [
    "echo",
    "ext_authz",
    "http_connection_manager",
    "mongo_proxy",
    "ratelimit",
    "redis_proxy",
    "tcp_proxy",
];

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("EnvoyFilter") {
        for Patched { spot, .. } in patches(item) {
            let filter = clause(&spot);
            let network = filter.as_ref().and_then(|filter| filter.field("name"));
            let http = filter.and_then(|filter| filter.at(&["subFilter", "name"]));
            let names = [(network, network_name as Today), (http, http_name)];
            for (name, today) in names {
                let text = name.as_ref().and_then(|name| name.value().as_str());
                let (Some(name), Some(text)) = (&name, text) else {
                    continue;
                };
                if !text.starts_with("envoy.") || text.starts_with("envoy.filters.") {
                    continue;
                }
                let today = today(text);
                let advice = match &today {
                    Some(today) => format!("; today it is `{today}`"),
                    None => String::new(),
                };
                let message = format!(
                    "matches nothing, so that the patch does nothing: no filter is called `{}` any more{advice}",
                    text.escape_debug()
                );
                found.at(item, name, message);
                if let Some(today) = today {
                    found.mended_by(item, name.path(), Remedy::Write(today.into()));
                }
            }
        }
    }
}

/// What a name of before is today.
type Today = fn(&str) -> Option<String>;

fn network_name(name: &str) -> Option<String> {
    let short = name.strip_prefix("envoy.")?;
    let is_known = NETWORK.contains(&short);
    is_known.then(|| format!("envoy.filters.network.{short}"))
}

fn http_name(name: &str) -> Option<String> {
    let short = name.strip_prefix("envoy.")?;
    let (_, today) = HTTP.iter().find(|(before, _)| *before == short)?;
    Some(format!("envoy.filters.http.{today}"))
}
