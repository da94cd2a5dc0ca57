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
    /// The last place that was given to anybody.
    last: u16,
    /// Processes that somebody else runs, by the addresses of their replicas.
    elsewhere: BTreeMap<Ipv4Addr, SocketAddr>,
}

impl Addresses {
    /// Gives every replica an address of `127.NETWORK.0.0/16`, in the order of the files, so that two meshes with
    /// different networks do not meet. The process itself, which only its sidecar calls, is at the same place of the
    /// network above, so networks are even numbers.
    #[must_use]
    pub fn assign(model: &Model, network: u8) -> Self {
        let none = Addresses {
            network: network & !1,
            of_workloads: BTreeMap::new(),
            // Those below are for gateways.
            last: u16::from(u8::MAX),
            elsewhere: BTreeMap::new(),
        };
        none.again(model)
    }

    /// The addresses of the same mesh when its objects have changed: who was there keeps those he had, and those of who
    /// is gone are not given to another.
    #[must_use]
    pub fn again(&self, model: &Model) -> Self {
        let mut last = self.last;
        let of_workloads = model.workloads.iter().map(|workload| {
            let key = (workload.namespace.clone(), workload.name.clone());
            let had = self.of_workloads.get(&key).into_iter().flatten().copied();
            let new = std::iter::from_fn(|| {
                last = last.wrapping_add(1);
                Some(last)
            });
            let count = usize::try_from(workload.replicas).unwrap_or(usize::MAX);
            (key, had.chain(new).take(count).collect())
        });
        let of_workloads = of_workloads.collect();
        Addresses {
            network: self.network,
            of_workloads,
            last,
            elsewhere: self.elsewhere.clone(),
        }
    }

    /// Has a process that somebody else runs stand for every replica of a workload that has a sidecar.
    pub fn elsewhere(&mut self, workload: &Workload, process: SocketAddr) {
        let replicas: Vec<Ipv4Addr> = self.of(workload).collect();
        let all = replicas.into_iter().map(|address| (address, process));
        self.elsewhere.extend(all);
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
        if let (true, Some(process)) = (has_sidecar, self.elsewhere.get(&address)) {
            return *process;
        }
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

    #[test]
    fn who_stays_keeps_the_address() {
        let workloads = |all: &[(&str, u32)]| {
            let pod = |(name, replicas): &(&str, u32)| {
                format!(
                    "kind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: {replicas}, template: {{spec: {{}}}}}}\n---\n"
                )
            };
            let text: String = all.iter().map(pod).collect();
            Model::read(&Document::read_text("a.yaml", &text).unwrap()).0
        };
        let told = |model: &Model, addresses: &Addresses| {
            let all = model.workloads.iter().flat_map(|one| addresses.of(one));
            let last =
                all.map(|address| format!("{}.{}", address.octets()[2], address.octets()[3]));
            last.collect::<Vec<_>>().join(" ")
        };
        let before = workloads(&[("a", 1), ("b", 1)]);
        let addresses = Addresses::assign(&before, 10);
        assert_eq!(told(&before, &addresses), "1.0 1.1");
        let after = workloads(&[("c", 1), ("b", 2)]);
        let mut addresses = addresses.again(&after);
        assert_eq!(told(&after, &addresses), "1.2 1.1 1.3");
        let back = addresses.again(&before);
        assert_eq!(told(&before, &back), "1.4 1.1");

        let process = SocketAddr::from(([127, 0, 0, 1], 9080));
        addresses.elsewhere(&after.workloads[1], process);
        for last in [1, 3] {
            let address = Ipv4Addr::new(127, 10, 1, last);
            assert_eq!(addresses.process(address, 80, true), process);
        }
    }
}
