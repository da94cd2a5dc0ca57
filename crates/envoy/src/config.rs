//! A bootstrap configuration that is adjusted before Envoy sees it.
//!
//! Files that people read have fixed ports, for people to type. Who starts several Envoys side by
//! side asks for free ones, and points clusters at servers of their own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};

use crate::Error;
use crate::bootstrap::any_admin;

/// A bootstrap configuration: `envoy.config.bootstrap.v3.Bootstrap` as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Config(Value);

impl Config {
    /// From YAML, which JSON is as well.
    ///
    /// # Errors
    /// It is not YAML: with the place and what is wrong there.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text)
            .map(Self)
            .map_err(|error| Error::Invalid(format!("the configuration is not YAML: {error}")))
    }

    /// From a file of YAML or JSON.
    ///
    /// # Errors
    /// It cannot be read, or is not YAML.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        serde_saphyr::from_str(&text)
            .map(Self)
            .map_err(|error| Error::file(path, format_args!("not YAML: {error}")))
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
    #[must_use]
    pub fn any_ports(mut self) -> Self {
        let anywhere = address((Ipv4Addr::LOCALHOST, 0).into());
        if let Some(admin) = self.0.get_mut("admin") {
            set(admin, "address", anywhere.clone());
        }
        for listener in list(&mut self.0, "listeners") {
            set(listener, "address", anywhere.clone());
            for another in items(listener.get_mut("additional_addresses")) {
                set(another, "address", anywhere.clone());
            }
        }
        self
    }

    /// Points the only endpoint of a static cluster at an address.
    ///
    /// # Errors
    /// There is no such cluster, or it has not exactly one endpoint.
    pub fn endpoint(mut self, cluster: &str, addr: SocketAddr) -> Result<Self, Error> {
        let named =
            |candidate: &&mut Value| candidate.get("name").and_then(Value::as_str) == Some(cluster);
        let Some(found) = list(&mut self.0, "clusters").iter_mut().find(named) else {
            return Err(Error::Invalid(format!("no static cluster `{cluster}`")));
        };
        let localities = items(found.pointer_mut("/load_assignment/endpoints"));
        let mut endpoints: Vec<_> = localities
            .iter_mut()
            .flat_map(|locality| items(locality.get_mut("lb_endpoints")))
            .collect();
        let [endpoint] = &mut endpoints[..] else {
            return Err(Error::Invalid(format!(
                "cluster `{cluster}` has {} endpoints instead of one",
                endpoints.len()
            )));
        };
        if let Some(endpoint) = endpoint.get_mut("endpoint") {
            set(endpoint, "address", address(addr));
        }
        Ok(self)
    }

    /// As Envoy reads it, with an admin interface in any case.
    pub(super) fn into_json(mut self) -> String {
        if self.0.get("admin").is_none() {
            set(&mut self.0, "admin", any_admin());
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

/// Sets a field of a message; what is no message is left to Envoy to refuse.
fn set(message: &mut Value, field: &str, value: Value) {
    if let Some(fields) = message.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// `envoy.config.core.v3.Address`.
pub(super) fn address(addr: SocketAddr) -> Value {
    let ip = addr.ip();
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

    fn shipped() -> Config {
        Config::from_yaml(SHIPPED).unwrap()
    }

    #[test]
    fn a_shipped_configuration_moves_to_free_ports() {
        let config = shipped().any_ports();
        for pointer in ["/admin/address", "/static_resources/listeners/0/address"] {
            let address = &config.value().pointer(pointer).unwrap()["socket_address"];
            assert_eq!(address, &json!({ "address": "127.0.0.1", "port_value": 0 }));
        }
    }

    #[test]
    fn a_cluster_is_pointed_at_another_server() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 4711));
        let config = shipped().endpoint("backend", addr).unwrap();
        let endpoints = "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints";
        let endpoint = &config.value().pointer(endpoints).unwrap()[0]["endpoint"];
        let expected = json!({ "address": "127.0.0.1", "port_value": 4711 });
        assert_eq!(endpoint["address"]["socket_address"], expected);
    }

    #[test]
    fn a_cluster_that_is_not_there_is_an_error() {
        let addr = ([127, 0, 0, 1], 1).into();
        let problem = shipped().endpoint("frontend", addr).unwrap_err();
        assert_eq!(problem.to_string(), "no static cluster `frontend`");
    }

    #[test]
    fn what_is_no_configuration_is_an_error_or_left_to_envoy() {
        assert!(matches!(Config::from_yaml("a: [}"), Err(Error::Invalid(_))));
        let problem = Config::from_file(Path::new("/no/such/file.yaml")).unwrap_err();
        assert!(matches!(problem, Error::File { .. }), "{problem}");
        for odd in [
            json!([]),
            json!("text"),
            json!({"admin": 7, "static_resources": []}),
        ] {
            let text = odd.to_string();
            assert_eq!(Config::from_value(odd).any_ports().into_json(), text);
        }
        let admin = Config::from_value(json!({})).into_json();
        assert!(admin.contains("127.0.0.1"), "{admin}");
    }
}
