//! Services: Kubernetes' and those that a ServiceEntry adds.

use std::collections::BTreeMap;

use super::protocol::Protocol;
use crate::field::Field;
use crate::model::{Export, name_of, namespace_of};

/// A name that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `reviews.default.svc.cluster.local`, or a host of a ServiceEntry, which may be a wildcard.
    pub host: String,
    /// Whose it is.
    pub namespace: String,
    /// Where it is called.
    pub ports: Vec<ServicePort>,
    /// Who answers.
    pub backing: Backing,
    /// Who may see it.
    pub export: Export,
    /// Where it stands in the files.
    pub place: String,
}

/// A port of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// The number that clients call.
    pub number: u16,
    /// Its name, which may be empty.
    pub name: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// The container's port that it leads to.
    pub target: Target,
}

/// The port of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By its number.
    Number(u16),
    /// By its name.
    Name(String),
}

/// Who answers for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// The workloads with these labels; none where there are no labels.
    Workloads(BTreeMap<String, String>),
    /// Fixed addresses.
    Addresses(Vec<Address>),
    /// Whoever a name server gives for these names.
    Names(Vec<Address>),
    /// Whoever the client called.
    Anybody,
}

/// An endpoint of a ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// An IP address or a name.
    pub address: String,
    /// Ports that differ from the service's, by the port's name.
    pub ports: BTreeMap<String, u16>,
    /// What subsets choose it by.
    pub labels: BTreeMap<String, String>,
    /// Its share of requests beside the others.
    pub weight: u32,
}

impl Service {
    /// The port with this number.
    #[must_use]
    pub fn port(&self, number: u16) -> Option<&ServicePort> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// Whether it is outside of the mesh.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        !matches!(self.backing, Backing::Workloads(_))
    }
}

/// Reads Kubernetes' `Service`.
pub(crate) fn kubernetes(root: &Field<'_>, domain: &str) -> Option<Service> {
    let (name, namespace) = (name_of(root)?, namespace_of(root));
    let spec = root.get("spec")?;
    if let Some(external) = spec.word("externalName") {
        spec.say(
            format!("an ExternalName service, for {external}"),
            "nobody answers for it here; a ServiceEntry for that name does",
        );
    }
    // What matters to a cluster alone.
    for only_there in [
        "type",
        "clusterIP",
        "clusterIPs",
        "ipFamilies",
        "ipFamilyPolicy",
        "sessionAffinity",
        "internalTrafficPolicy",
        "externalTrafficPolicy",
        "publishNotReadyAddresses",
        "allocateLoadBalancerNodePorts",
    ] {
        let _ = spec.get(only_there);
    }
    let ports = spec.list("ports");
    let ports = ports.iter().filter_map(|port| {
        let number: u16 = port.whole("port")?;
        let name = port.word("name").unwrap_or_default().to_owned();
        let _ = port.get("nodePort");
        if port.word("protocol").is_some_and(|word| word == "UDP") {
            port.say(
                "a UDP port",
                "Istio leaves it to the cluster, and so it is not there",
            );
            return None;
        }
        let target = port.get("targetPort").and_then(|target| target.scalar());
        let target = match target.map(|text| text.parse().map_err(|_| text)) {
            None => Target::Number(number),
            Some(Ok(number)) => Target::Number(number),
            Some(Err(name)) => Target::Name(name),
        };
        Some(ServicePort {
            number,
            protocol: Protocol::of(port.word("appProtocol"), &name),
            name,
            target,
        })
    });
    Some(Service {
        host: format!("{name}.{namespace}.svc.{domain}"),
        namespace,
        ports: ports.collect(),
        backing: Backing::Workloads(spec.get("selector").map(|s| s.texts()).unwrap_or_default()),
        export: Export::of_annotation(root),
        place: root.place(),
    })
}

/// Reads a `ServiceEntry`: a service for each of its hosts.
pub(crate) fn entries(root: &Field<'_>) -> Vec<Service> {
    let Some(spec) = root.get("spec") else {
        return Vec::new();
    };
    let namespace = namespace_of(root);
    let ports = spec.list("ports");
    let ports = ports.iter().filter_map(|port| {
        let number: u16 = port.whole("number")?;
        let name = port.word("name").unwrap_or_default().to_owned();
        Some(ServicePort {
            number,
            protocol: Protocol::parse(port.word("protocol").unwrap_or_default()),
            target: Target::Number(port.whole("targetPort").unwrap_or(number)),
            name,
        })
    });
    let ports: Vec<ServicePort> = ports.collect();
    let endpoints: Vec<Address> = spec.list("endpoints").iter().filter_map(address).collect();
    let selector = spec
        .at(&["workloadSelector", "labels"])
        .map(|labels| labels.texts());
    let resolution = spec.word("resolution").unwrap_or("NONE");
    // Where its hosts are: inside, Istio would expect sidecars; endpoints given by address have none here.
    let _ = spec.get("location");
    if let Some(addresses) = spec.get("addresses") {
        addresses.take();
        addresses.say(
            "addresses are for connections that say no name",
            "here a request says its host, so they change nothing",
        );
    }
    let export = Export::of_spec(&spec);
    let hosts = spec.list("hosts");
    let hosts = hosts.iter().filter_map(|host| host.text());
    let service = |host: &str| Service {
        host: host.to_ascii_lowercase(),
        namespace: namespace.clone(),
        ports: ports.clone(),
        backing: match (&selector, resolution) {
            (Some(labels), _) => Backing::Workloads(labels.clone()),
            (None, "STATIC") => Backing::Addresses(endpoints.clone()),
            (None, "DNS" | "DNS_ROUND_ROBIN") if endpoints.is_empty() => {
                Backing::Names(vec![Address::named(host)])
            }
            (None, "DNS" | "DNS_ROUND_ROBIN") => Backing::Names(endpoints.clone()),
            _ => Backing::Anybody,
        },
        export: export.clone(),
        place: root.place(),
    };
    hosts.map(service).collect()
}

impl Address {
    fn named(host: &str) -> Self {
        Address {
            address: host.to_owned(),
            ports: BTreeMap::new(),
            labels: BTreeMap::new(),
            weight: 1,
        }
    }
}

fn address(field: &Field<'_>) -> Option<Address> {
    let ports = field.get("ports").map(|ports| {
        let fields = ports.fields().into_iter();
        fields
            .filter_map(|(name, port)| Some((name, port.scalar()?.parse().ok()?)))
            .collect()
    });
    Some(Address {
        address: field.word("address")?.to_owned(),
        ports: ports.unwrap_or_default(),
        labels: field
            .get("labels")
            .map(|labels| labels.texts())
            .unwrap_or_default(),
        weight: field
            .whole("weight")
            .filter(|weight| *weight > 0)
            .unwrap_or(1),
    })
}
