//! A proxy as istiod has it, while EnvoyFilters are held against it.
//!
//! A mesh has one listener, `virtualInbound`, for what is sent to any port of a pod, and a listener and routes for each
//! port that a workload calls. Here each port of a pod has a listener, and one takes all calls: see `mesh`. The names and
//! ports that match clauses ask for are those of a mesh.

use istio::Parts;
use mesh::Proxy;
use serde_json::{Map, Value, json};

const INBOUND: &str = "virtualInbound";

/// Marks a listener with the name that it has here.
const OWN_NAME: &str = "mesh_listener";

/// The routes of what a workload calls, which a mesh has by port.
const CALLS: &str = "http_proxy";

/// Takes a proxy apart, in istiod's names.
pub(super) fn apart(proxy: &mut Proxy) -> Parts {
    let mut parts = Parts {
        clusters: std::mem::take(&mut proxy.clusters),
        ..Parts::default()
    };
    for mut listener in std::mem::take(&mut proxy.listeners) {
        match text(&listener, "traffic_direction") {
            "INBOUND" => {
                let name = text(&listener, "name").to_owned();
                put(&mut listener, OWN_NAME, json!(name));
                put(&mut listener, "name", json!(INBOUND));
                parts.inbound.push(listener);
            }
            _ => parts.outbound.push(listener),
        }
    }
    for routes in std::mem::take(&mut proxy.routes) {
        match text(&routes, "name") {
            CALLS => parts.routes.extend(by_port(&routes)),
            _ => parts.routes.push(routes),
        }
    }
    parts
}

/// Puts it together again. Whether all of it could be: of the routes by port nothing but their hosts can be told apart.
pub(super) fn together(parts: Parts, proxy: &mut Proxy) -> bool {
    proxy.clusters = parts.clusters;
    proxy.listeners = parts.outbound;
    for mut listener in parts.inbound {
        if let Value::Object(fields) = &mut listener
            && let Some(name) = fields.remove(OWN_NAME)
        {
            fields.insert("name".to_owned(), name);
        }
        proxy.listeners.push(listener);
    }
    let is_port = |routes: &Value| text(routes, "name").parse::<u16>().is_ok();
    let (ports, others): (Vec<Value>, Vec<Value>) = parts.routes.into_iter().partition(is_port);
    proxy.routes = others;
    if ports.is_empty() {
        return true;
    }
    let (routes, is_whole) = of_all_ports(&ports);
    proxy.routes.push(routes);
    is_whole
}

/// The port of a virtual host: `reviews.default.svc.cluster.local:9080`. What takes the rest is of every port.
fn port(host: &Value) -> Option<u16> {
    let (_, port) = text(host, "name").rsplit_once(':')?;
    port.parse().ok()
}

fn by_port(routes: &Value) -> Vec<Value> {
    let hosts = routes.get("virtual_hosts").and_then(Value::as_array);
    let hosts = hosts.map(Vec::as_slice).unwrap_or_default();
    let mut ports: Vec<u16> = hosts.iter().filter_map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    let of_port = |number: &u16| {
        let own = hosts
            .iter()
            .filter(|host| port(host).is_none_or(|port| port == *number));
        let own: Vec<Value> = own.cloned().collect();
        let mut routes = routes.clone();
        put(&mut routes, "name", json!(number.to_string()));
        put(&mut routes, "virtual_hosts", Value::Array(own));
        routes
    };
    match ports.is_empty() {
        // Nothing but what takes the rest, which is of some port in a mesh as well.
        true => vec![of_port(&80)],
        false => ports.iter().map(of_port).collect(),
    }
}

fn of_all_ports(ports: &[Value]) -> (Value, bool) {
    let mut hosts: Vec<Value> = Vec::new();
    let all = ports
        .iter()
        .filter_map(|routes| routes.get("virtual_hosts")?.as_array());
    for host in all.flatten() {
        let there = hosts
            .iter_mut()
            .find(|one| one.get("name") == host.get("name"));
        match there {
            None => hosts.push(host.clone()),
            // The same one of several ports: what a patch added to one of them counts.
            Some(there) if size(host) > size(there) => *there = host.clone(),
            Some(_) => {}
        }
    }
    let rest = |routes: &Value| {
        let mut fields = routes.as_object().cloned().unwrap_or_default();
        fields.remove("virtual_hosts");
        fields.remove("name");
        fields
    };
    let all: Vec<Map<String, Value>> = ports.iter().map(rest).collect();
    let mut fields = all.first().cloned().unwrap_or_default();
    let is_whole = all.iter().all(|other| *other == fields);
    fields.retain(|name, value| all.iter().all(|other| other.get(name) == Some(value)));
    fields.insert("name".to_owned(), json!(CALLS));
    fields.insert("virtual_hosts".to_owned(), Value::Array(hosts));
    (Value::Object(fields), is_whole)
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn put(value: &mut Value, name: &str, field: Value) {
    if let Value::Object(fields) = value {
        fields.insert(name.to_owned(), field);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::Path;

    use mesh::model::Model;
    use mesh::{Addresses, Certificates, GatewayProxy, Mesh, Outside};

    use super::*;

    fn proxy() -> Proxy {
        let listener =
            |name: &str, direction: &str| json!({"name": name, "traffic_direction": direction});
        let host = |name: &str| json!({"name": name, "domains": [name]});
        let (model, _) = Model::read(&[]);
        let mesh = Mesh {
            model: &model,
            addresses: &Addresses::assign(&model, 10),
            trust_domain: "cluster.local",
            outside: Outside::RegistryOnly,
        };
        let empty = GatewayProxy {
            name: "a".to_owned(),
            namespace: "a".to_owned(),
            labels: [].into(),
            gateways: Vec::new(),
        };
        let certificates = Certificates {
            chain: "chain".into(),
            key: "key".into(),
            roots: "roots".into(),
        };
        let address = Ipv4Addr::LOCALHOST;
        let mut proxy = mesh.gateway(&empty, address, &certificates, Path::new("/run"));
        proxy.listeners = vec![
            listener("http_proxy", "OUTBOUND"),
            listener("127.10.1.0_9080", "INBOUND"),
            listener("127.10.1.0_80", "INBOUND"),
        ];
        proxy.routes = vec![json!({
            "name": "http_proxy",
            "validate_clusters": false,
            "virtual_hosts": [host("a:80"), host("a:9080"), host("b:9080"), host("allow_any")],
        })];
        proxy
    }

    #[test]
    fn a_proxy_is_taken_apart_and_put_together() {
        let mut one = proxy();
        let parts = apart(&mut one);
        let names = |list: &[Value]| -> Vec<String> {
            list.iter()
                .map(|one| text(one, "name").to_owned())
                .collect()
        };
        assert_eq!(names(&parts.inbound), ["virtualInbound", "virtualInbound"]);
        assert_eq!(names(&parts.outbound), ["http_proxy"]);
        assert_eq!(names(&parts.routes), ["80", "9080"]);
        let hosts = parts.routes[1]["virtual_hosts"].as_array().unwrap();
        assert_eq!(names(hosts), ["a:9080", "b:9080", "allow_any"]);
        assert!(together(parts, &mut one));
        let hosts = one.routes[0]["virtual_hosts"].as_array_mut().unwrap();
        hosts.sort_by_key(|host| text(host, "name").to_owned());
        let mut expected = proxy();
        let hosts = expected.routes[0]["virtual_hosts"].as_array_mut().unwrap();
        hosts.sort_by_key(|host| text(host, "name").to_owned());
        assert_eq!(one, expected);
    }

    #[test]
    fn what_one_port_alone_is_told_is_not_passed_over() {
        let mut one = proxy();
        let mut parts = apart(&mut one);
        parts.routes[1]["virtual_hosts"][2]["more"] = json!(1);
        parts.routes[0]["max_direct_response_body_size_bytes"] = json!(1);
        assert!(!together(parts, &mut one));
        let hosts = one.routes[0]["virtual_hosts"].as_array().unwrap();
        let rest = hosts.iter().find(|host| text(host, "name") == "allow_any");
        assert_eq!(rest.unwrap()["more"], 1);
    }
}
