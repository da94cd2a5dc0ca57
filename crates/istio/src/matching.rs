//! Whether a clause means an object. Each function takes for granted that the clause means what the
//! object is in.

use super::clause::{ListenerMatch, RouteAction};
use super::json;
use super::proxy::{Context, Proxy};
use super::resource::{ApplyTo, Patch};
use serde_json::Value;

/// Listeners that catch every port, so that a port clause is about their filter chains.
const VIRTUAL: &[&str] = &["virtualInbound", "virtualOutbound"];

/// Whether a listener catches every port.
pub(super) fn is_virtual(listener: &Value) -> bool {
    VIRTUAL.contains(&json::name(listener))
}

/// Whether the patch means this listener.
pub(super) fn listener(patch: &Patch, listener: &Value) -> bool {
    let Some(clause) = patch.listener() else {
        return true;
    };
    let name = json::name(listener);
    if !agrees(&clause.name, name) {
        return false;
    }
    if patch.apply_to != ApplyTo::Listener && is_virtual(listener) {
        return true;
    }
    clause.port_number == 0 || listener_port(listener) == Some(clause.port_number)
}

/// Whether the patch means this filter chain.
pub(super) fn filter_chain(patch: &Patch, listener: &Value, chain: &Value) -> bool {
    let Some(clause) = patch.listener() else {
        return true;
    };
    let port = chain_port(chain);
    if is_virtual(listener) && clause.port_number > 0 && port != Some(clause.port_number) {
        return false;
    }
    let Some(clause) = &clause.filter_chain else {
        return true;
    };
    let conditions = chain.get("filter_chain_match").unwrap_or(&Value::Null);
    let lists = |key: &str, wanted: &str| {
        json::items(conditions, key)
            .iter()
            .any(|item| item.as_str() == Some(wanted))
    };
    agrees(&clause.name, json::name(chain))
        && (clause.sni.is_empty() || lists("server_names", &clause.sni))
        && agrees(
            &clause.transport_protocol,
            json::text(conditions, "transport_protocol"),
        )
        && (clause.application_protocols.is_empty()
            || clause
                .application_protocols
                .split(',')
                .all(|protocol| lists("application_protocols", protocol)))
        && (clause.destination_port == 0 || port == Some(clause.destination_port))
}

/// The listener filter the patch names.
pub(super) fn listener_filter_name(patch: &Patch) -> Option<&str> {
    patch
        .listener()
        .map(|clause| clause.listener_filter.as_str())
        .filter(|name| !name.is_empty())
}

/// The network filter the patch names.
pub(super) fn network_filter_name(patch: &Patch) -> Option<&str> {
    network_filter_clause(patch.listener()?).map(|filter| filter.name.as_str())
}

/// The HTTP filter the patch names.
pub(super) fn http_filter_name(patch: &Patch) -> Option<&str> {
    let filter = network_filter_clause(patch.listener()?)?;
    filter
        .sub_filter
        .as_ref()
        .map(|sub_filter| sub_filter.name.as_str())
}

fn network_filter_clause(clause: &ListenerMatch) -> Option<&super::clause::FilterMatch> {
    clause.filter_chain.as_ref()?.filter.as_ref()
}

/// Whether the patch means this route configuration.
pub(super) fn route_configuration(patch: &Patch, routes: &Value, proxy: &Proxy) -> bool {
    let Some(clause) = patch.route_configuration() else {
        return true;
    };
    let name = json::name(routes);
    if !agrees(&clause.name, name) {
        return false;
    }
    if proxy.context != Context::Gateway {
        let port = if name.starts_with("inbound") {
            SubsetKey::parse(name).port
        } else {
            name.parse().unwrap_or(0)
        };
        return clause.port_number == 0 || clause.port_number == port;
    }
    let (port, port_name, gateway) = gateway_routes(name);
    let is_port = match proxy.gateway_ports.get(&port) {
        Some(service_ports) => service_ports.contains(&clause.port_number),
        None => port == clause.port_number,
    };
    agrees(&clause.port_name, port_name)
        && agrees(&clause.gateway, &gateway)
        && (clause.port_number == 0 || is_port)
}

/// Whether the patch means this virtual host.
pub(super) fn virtual_host(patch: &Patch, host: &Value) -> bool {
    let Some(clause) = patch
        .route_configuration()
        .and_then(|routes| routes.vhost.as_ref())
    else {
        return true;
    };
    agrees(&clause.name, json::name(host))
        && (clause.domain_name.is_empty()
            || json::items(host, "domains")
                .iter()
                .any(|domain| domain.as_str() == Some(&clause.domain_name)))
}

/// Whether the patch names a route at all.
pub(super) fn has_route_clause(patch: &Patch) -> bool {
    patch
        .route_configuration()
        .and_then(|routes| routes.vhost.as_ref())
        .is_some_and(|host| host.route.is_some())
}

/// Whether the patch means this route; one that was removed is null, and only meant by no clause.
pub(super) fn route(patch: &Patch, route: &Value) -> bool {
    let clause = patch
        .route_configuration()
        .and_then(|routes| routes.vhost.as_ref())
        .and_then(|host| host.route.as_ref());
    let Some(clause) = clause else { return true };
    if route.is_null() || !agrees(&clause.name, json::name(route)) {
        return false;
    }
    let action = [
        ("route", RouteAction::Route),
        ("redirect", RouteAction::Redirect),
        ("direct_response", RouteAction::DirectResponse),
    ]
    .into_iter()
    .find(|(field, _)| route.get(field).is_some());
    clause.action == RouteAction::Any || action.is_none_or(|(_, action)| clause.action == action)
}

/// Whether the patch means this cluster; `services` are the hosts an inbound one stands for.
pub(super) fn cluster(patch: &Patch, cluster: &Value, services: &[String]) -> bool {
    let Some(clause) = patch.cluster() else {
        return true;
    };
    let name = json::name(cluster);
    if !clause.name.is_empty() {
        return clause.name == name;
    }
    let key = SubsetKey::parse(name);
    let is_service = if key.direction == "inbound" && !services.is_empty() {
        services.contains(&clause.service)
    } else {
        clause.service == key.host
    };
    agrees(&clause.subset, key.subset)
        && (clause.service.is_empty() || is_service)
        && (clause.port_number == 0 || clause.port_number == key.port)
}

/// Whether a name in a clause is absent or equal.
fn agrees(wanted: &str, found: &str) -> bool {
    wanted.is_empty() || wanted == found
}

/// The port Istio would listen on. The bases listen on port 0, so there it is the one in the name.
pub(super) fn listener_port(listener: &Value) -> Option<u32> {
    let port = listener.pointer("/address/socket_address/port_value");
    match port.and_then(Value::as_u64) {
        None => None,
        Some(0) => port_in_name(json::name(listener)),
        Some(port) => u32::try_from(port).ok(),
    }
}

/// The port Istio would have the chain serve. Nothing redirects to a base's listener, so there the
/// chain matches any port and the one it stands for is in its name.
pub(super) fn chain_port(chain: &Value) -> Option<u32> {
    let port = chain.pointer("/filter_chain_match/destination_port");
    match port.and_then(Value::as_u64) {
        None => port_in_name(json::name(chain)),
        Some(port) => u32::try_from(port).ok(),
    }
}

/// `0.0.0.0_8080` → 8080.
fn port_in_name(name: &str) -> Option<u32> {
    name.rsplit_once('_')
        .and_then(|(_, port)| port.parse().ok())
}

/// `direction|port|subset|host`, the name of a cluster.
#[derive(Default)]
struct SubsetKey<'a> {
    direction: &'a str,
    port: u32,
    subset: &'a str,
    host: &'a str,
}

impl<'a> SubsetKey<'a> {
    fn parse(name: &'a str) -> SubsetKey<'a> {
        match name.split('|').collect::<Vec<_>>()[..] {
            [direction, port, subset, host] => SubsetKey {
                direction,
                port: port.parse().unwrap_or(0),
                subset,
                host,
            },
            _ => SubsetKey::default(),
        }
    }
}

/// Port, port name and gateway in the name of a gateway's route configuration: `http.8080` or
/// `https.443.tls.my-gateway.my-namespace`.
fn gateway_routes(name: &str) -> (u32, &str, String) {
    match name.split('.').collect::<Vec<_>>()[..] {
        ["http", port] => (port.parse().unwrap_or(0), "", String::new()),
        ["https", port, port_name, gateway, namespace] => (
            port.parse().unwrap_or(0),
            port_name,
            format!("{namespace}/{gateway}"),
        ),
        _ => (0, "", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EnvoyFilter;
    use serde_json::json;

    fn means(clause: &str, routes: &str, proxy: &Proxy) -> bool {
        let filter = EnvoyFilter::parse(&format!(
            "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {{name: test}}, \
             spec: {{configPatches: [{{applyTo: ROUTE_CONFIGURATION, match: {{routeConfiguration: {clause}}}, \
             patch: {{operation: MERGE, value: {{}}}}}}]}}}}"
        ))
        .unwrap();
        route_configuration(&filter.patches[0], &json!({ "name": routes }), proxy)
    }

    #[test]
    fn gateway_routes_are_meant_by_the_service_ports_that_lead_to_them() {
        let mut proxy = Proxy::new(Context::Gateway, "default");
        assert!(means("{portNumber: 8080}", "http.8080", &proxy));
        proxy.gateway_ports.insert(8080, vec![80]);
        assert!(means("{portNumber: 80}", "http.8080", &proxy));
        assert!(!means("{portNumber: 8080}", "http.8080", &proxy));
        let https = "https.443.tls.gw.ns";
        assert!(means(
            "{portNumber: 443, portName: tls, gateway: ns/gw}",
            https,
            &proxy
        ));
        assert!(!means("{gateway: gw/ns}", https, &proxy));
    }

    #[test]
    fn sidecar_routes_are_meant_by_the_port_in_their_name() {
        let proxy = Proxy::new(Context::SidecarInbound, "default");
        assert!(means("{portNumber: 8080}", "inbound|8080||", &proxy));
        assert!(means("{portNumber: 8080}", "8080", &proxy));
        assert!(!means("{portNumber: 80}", "8080", &proxy));
        assert!(!means("{portNumber: 80}", "a.test:80", &proxy));
    }
}
