//! Who answers for a service at a port.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::addresses::{Addresses, real_port};
use crate::model::Model;
use crate::model::peer_authentication::Mode;
use crate::model::service::{Address, Backing, Service, ServicePort, Target};
use crate::model::workload::Workload;

/// The endpoints of a service, or of a part of it.
pub(crate) struct Endpoints<'a> {
    all: Vec<Endpoint>,
    workloads: Vec<&'a Workload>,
}

struct Endpoint {
    address: String,
    port: u16,
    weight: u32,
    speaks_mutual: bool,
    /// Whose it is, as istiod writes it for whoever counts requests.
    workload: Option<String>,
}

impl<'a> Endpoints<'a> {
    /// Those with all of the labels, where there are any.
    pub(crate) fn of(
        model: &'a Model,
        service: &'a Service,
        port: &'a ServicePort,
        labels: Option<&BTreeMap<String, String>>,
        addresses: &Addresses,
    ) -> Self {
        let has_all = |of: &BTreeMap<String, String>| {
            let mut labels = labels.into_iter().flatten();
            labels.all(|(name, value)| of.get(name) == Some(value))
        };
        let mut all = Vec::new();
        let mut workloads = Vec::new();
        for (workload, number) in model.backends(service, port) {
            if !has_all(&workload.labels) {
                continue;
            }
            workloads.push(workload);
            let speaks_mutual =
                model.has_sidecar(workload) && model.mode(workload, number) != Mode::Disable;
            all.extend(addresses.of(workload).map(|address| Endpoint {
                address: address.to_string(),
                port: real_port(number),
                weight: 1,
                speaks_mutual,
                workload: Some(workload.in_short()),
            }));
        }
        if let Backing::Addresses(fixed) | Backing::Names(fixed) = &service.backing {
            let fixed = fixed.iter().filter(|one| has_all(&one.labels));
            all.extend(fixed.map(|one| Endpoint {
                address: one.address.clone(),
                port: port_of(one, port),
                weight: one.weight,
                speaks_mutual: false,
                workload: None,
            }));
        }
        Endpoints { all, workloads }
    }

    /// The identities that may answer: those of the workloads behind the service.
    pub(crate) fn identities(&self, trust_domain: &str) -> Vec<String> {
        let all = self
            .workloads
            .iter()
            .map(|workload| workload.identity(trust_domain));
        let unique: BTreeSet<String> = all.collect();
        unique.into_iter().collect()
    }

    pub(crate) fn load_assignment(&self, cluster: &str) -> Value {
        let endpoints = self.all.iter().map(|one| {
            let address = json!({"address": one.address, "port_value": one.port});
            let mut endpoint = json!({
                "endpoint": {"address": {"socket_address": address}},
                "load_balancing_weight": one.weight,
            });
            let mut metadata = Map::new();
            if one.speaks_mutual {
                // By this the cluster knows that it may speak mutual TLS.
                let mode = json!({"tlsMode": "istio"});
                metadata.insert("envoy.transport_socket_match".to_owned(), mode);
            }
            if let Some(workload) = &one.workload {
                metadata.insert("istio".to_owned(), json!({"workload": workload}));
            }
            if let (false, Value::Object(fields)) = (metadata.is_empty(), &mut endpoint) {
                let metadata = json!({"filter_metadata": metadata});
                fields.insert("metadata".to_owned(), metadata);
            }
            endpoint
        });
        let endpoints: Vec<Value> = endpoints.collect();
        let localities = match endpoints.is_empty() {
            true => json!([]),
            false => json!([{"lb_endpoints": endpoints}]),
        };
        json!({"cluster_name": cluster, "endpoints": localities})
    }
}

fn port_of(address: &Address, port: &ServicePort) -> u16 {
    let own = address.ports.get(&port.name).copied();
    own.unwrap_or(match port.target {
        Target::Number(number) => number,
        Target::Name(_) => port.number,
    })
}
