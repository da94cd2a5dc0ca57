//! A bootstrap configuration that tests adjust before Envoy sees it.
//!
//! What we ship has fixed ports, for people to type. Tests run side by side, so they ask for free
//! ones and point clusters at servers of their own.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

/// A bootstrap configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config(Value);

impl Config {
    /// From YAML, which JSON is as well.
    #[track_caller]
    pub fn from_yaml(text: &str) -> Self {
        match serde_saphyr::from_str(text) {
            Ok(value) => Self(value),
            Err(error) => panic!("the configuration is not YAML: {error}"),
        }
    }

    /// From a file; a relative path starts from the root of the repository.
    #[track_caller]
    pub fn from_file(path: &str) -> Self {
        let path = crate::repository().join(path);
        match fs::read_to_string(&path) {
            Ok(text) => Self::from_yaml(&text),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// From a value that is at hand.
    pub fn from_value(value: Value) -> Self {
        Self(value)
    }

    /// The configuration as it stands.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The configuration, for any change.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// Moves admin and every static listener to a free port of 127.0.0.1.
    pub fn any_ports(mut self) -> Self {
        let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
        if let Some(admin) = self.0.get_mut("admin") {
            admin["address"] = address(anywhere);
        }
        for listener in list(&mut self.0, "listeners") {
            listener["address"] = address(anywhere);
            for another in items(listener.get_mut("additional_addresses")) {
                another["address"] = address(anywhere);
            }
        }
        self
    }

    /// Points the only endpoint of a static cluster at an address.
    #[track_caller]
    pub fn endpoint(mut self, cluster: &str, addr: SocketAddr) -> Self {
        let clusters = list(&mut self.0, "clusters");
        let found = clusters
            .iter_mut()
            .find(|candidate| candidate["name"] == cluster);
        let Some(found) = found else {
            panic!("no static cluster `{cluster}`");
        };
        let localities = items(found.pointer_mut("/load_assignment/endpoints"));
        let mut endpoints: Vec<_> = localities
            .iter_mut()
            .flat_map(|locality| items(locality.get_mut("lb_endpoints")))
            .collect();
        let [endpoint] = &mut endpoints[..] else {
            panic!(
                "cluster `{cluster}` has {} endpoints instead of one",
                endpoints.len()
            );
        };
        endpoint["endpoint"]["address"] = address(addr);
        self
    }

    /// As Envoy reads it, with an admin interface in any case.
    pub(super) fn into_json(mut self) -> String {
        if self.0.get("admin").is_none() {
            self.0["admin"] = json!({ "address": address((Ipv4Addr::LOCALHOST, 0).into()) });
        }
        self.0.to_string()
    }
}

fn list<'a>(config: &'a mut Value, name: &str) -> &'a mut [Value] {
    items(config.pointer_mut(&format!("/static_resources/{name}")))
}

fn items(value: Option<&mut Value>) -> &mut [Value] {
    value
        .and_then(Value::as_array_mut)
        .map(Vec::as_mut_slice)
        .unwrap_or_default()
}

fn address(addr: SocketAddr) -> Value {
    let ip: IpAddr = addr.ip();
    json!({ "socket_address": { "address": ip.to_string(), "port_value": addr.port() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = r#"
        admin: { address: { socket_address: { address: 0.0.0.0, port_value: 9901 } } }
        static_resources:
          listeners:
            - name: http
              address: { socket_address: { address: 0.0.0.0, port_value: 10000 } }
          clusters:
            - name: backend
              load_assignment:
                cluster_name: backend
                endpoints:
                  - lb_endpoints:
                      - endpoint: { address: { socket_address: { address: backend, port_value: 80 } } }
    "#;

    #[test]
    fn a_shipped_configuration_moves_to_free_ports() {
        let config = Config::from_yaml(SHIPPED).any_ports();
        for pointer in ["/admin/address", "/static_resources/listeners/0/address"] {
            let address = &config.value().pointer(pointer).unwrap()["socket_address"];
            assert_eq!(address, &json!({ "address": "127.0.0.1", "port_value": 0 }));
        }
    }

    #[test]
    fn a_cluster_is_pointed_at_a_server_of_the_test() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 4711));
        let config = Config::from_yaml(SHIPPED).endpoint("backend", addr);
        let endpoints = "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints";
        let endpoint = &config.value().pointer(endpoints).unwrap()[0]["endpoint"];
        let expected = json!({ "address": "127.0.0.1", "port_value": 4711 });
        assert_eq!(endpoint["address"]["socket_address"], expected);
    }

    #[test]
    #[should_panic(expected = "no static cluster `frontend`")]
    fn a_cluster_that_is_not_there_is_an_error() {
        let _ = Config::from_yaml(SHIPPED).endpoint("frontend", ([127, 0, 0, 1], 1).into());
    }
}
