//! Where workloads are: an address of the loopback network for each replica, as each pod has one in a cluster.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use crate::model::Model;
use crate::model::workload::Workload;

/// The port at which a sidecar takes what its workload calls.
pub const OUTBOUND_PORT: u16 = 15080;

/// Ports below 1,024 are for the machine's owner alone, so they are this much higher: 80 is 8080, and 443 is 8443, as
/// Istio's own gateways have them.
const SHIFT: u16 = 8000;

/// The port that is really listened on.
#[must_use]
pub fn real_port(port: u16) -> u16 {
    match port {
        0..1024 => port + SHIFT,
        _ => port,
    }
}

/// The addresses of a mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    network: u8,
    of_workloads: BTreeMap<(String, String), Vec<u16>>,
}

impl Addresses {
    /// Gives every replica an address of `127.NETWORK.0.0/16`, in the order of the files, so that two meshes with
    /// different networks do not meet. The process itself, which only its sidecar calls, is at the same place of the
    /// network above, so networks are even numbers.
    #[must_use]
    pub fn assign(model: &Model, network: u8) -> Self {
        // Those below are for gateways.
        let mut next = u16::from(u8::MAX);
        let of_workloads = model.workloads.iter().map(|workload| {
            let all = (0..workload.replicas).map(|_| {
                next = next.wrapping_add(1);
                next
            });
            let key = (workload.namespace.clone(), workload.name.clone());
            (key, all.collect())
        });
        Addresses {
            of_workloads: of_workloads.collect(),
            network: network & !1,
        }
    }

    /// Where others call a workload, one address for each replica.
    pub fn of(&self, workload: &Workload) -> impl Iterator<Item = Ipv4Addr> {
        let key = (workload.namespace.clone(), workload.name.clone());
        let found = self.of_workloads.get(&key).into_iter().flatten();
        found.map(|place| at(self.network, *place))
    }

    /// Where the process of the replica with this address is: the same place where nothing stands before it.
    #[must_use]
    pub fn process(&self, address: Ipv4Addr, port: u16, has_sidecar: bool) -> SocketAddr {
        let [first, second, third, fourth] = address.octets();
        let second = if has_sidecar { second | 1 } else { second };
        (Ipv4Addr::new(first, second, third, fourth), real_port(port)).into()
    }

    /// Where a gateway is, of which there are 255 at most.
    #[must_use]
    pub fn gateway(&self, index: u8) -> Ipv4Addr {
        at(self.network, u16::from(index).max(1))
    }
}

fn at(network: u8, place: u16) -> Ipv4Addr {
    let [high, low] = place.to_be_bytes();
    Ipv4Addr::new(127, network, high, low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::Document;

    #[test]
    fn every_replica_has_an_address_of_its_own() {
        let pod = |name: &str| {
            format!(
                "kind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: 2, template: {{spec: {{containers: []}}}}}}\n---\n"
            )
        };
        let text = [pod("a"), pod("b")].concat();
        let (model, _) = Model::read(&Document::read_text("a.yaml", &text).unwrap());
        let addresses = Addresses::assign(&model, 7);
        let all: Vec<String> = model
            .workloads
            .iter()
            .flat_map(|workload| addresses.of(workload))
            .map(|address| address.to_string())
            .collect();
        assert_eq!(all, ["127.6.1.0", "127.6.1.1", "127.6.1.2", "127.6.1.3"]);
        let first = Ipv4Addr::new(127, 6, 1, 0);
        let process = |has_sidecar| addresses.process(first, 80, has_sidecar).to_string();
        assert_eq!(
            [process(true), process(false)],
            ["127.7.1.0:8080", "127.6.1.0:8080"]
        );
        assert_eq!(addresses.gateway(1), Ipv4Addr::new(127, 6, 0, 1));
    }
}
