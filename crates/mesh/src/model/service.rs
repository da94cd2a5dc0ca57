//! Services: Kubernetes' and those that a ServiceEntry adds.

use std::collections::BTreeMap;
use std::net::IpAddr;

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
    /// What certificates of those outside are for: a ServiceEntry's `subjectAltNames`.
    pub names: Vec<String>,
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
    let external = spec.word("externalName").filter(|name| !name.is_empty());
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
        let protocol = Protocol::of(port.word("appProtocol"), &name);
        say_connections(port, number, protocol);
        Some(ServicePort {
            number,
            protocol,
            name,
            target,
        })
    });
    let backing = match external {
        // Who is called is asked by that name, at the port that was called.
        Some(name) => Backing::Names(vec![Address::named(name)]),
        None => Backing::Workloads(spec.get("selector").map(|s| s.texts()).unwrap_or_default()),
    };
    Some(Service {
        host: format!("{name}.{namespace}.svc.{domain}"),
        namespace,
        ports: ports.collect(),
        backing,
        names: Vec::new(),
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
        let protocol = Protocol::parse(port.word("protocol").unwrap_or_default());
        say_connections(port, number, protocol);
        Some(ServicePort {
            number,
            protocol,
            target: Target::Number(port.whole("targetPort").unwrap_or(number)),
            name,
        })
    });
    let ports: Vec<ServicePort> = ports.collect();
    let resolution = spec.word("resolution").unwrap_or("NONE");
    let endpoints = spec.list("endpoints");
    let endpoints = endpoints
        .iter()
        .filter(|one| resolution != "STATIC" || is_numeric(one));
    let endpoints: Vec<Address> = endpoints.filter_map(address).collect();
    let selector = spec
        .at(&["workloadSelector", "labels"])
        .map(|labels| labels.texts());
    // Where its hosts are: inside, Istio would expect sidecars; endpoints given by address have none here.
    let _ = spec.get("location");
    if let Some(addresses) = spec.get("addresses") {
        addresses.take();
        addresses.say(
            "addresses are for connections that say no name",
            "here a request says its host, so they change nothing",
        );
    }
    let names = spec.list("subjectAltNames");
    let names = names.iter().filter_map(|name| name.text());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let export = Export::of_spec(&spec);
    let hosts = spec.list("hosts");
    let by_name = matches!(resolution, "DNS" | "DNS_ROUND_ROBIN");
    let nameless = by_name && endpoints.is_empty() && selector.is_none();
    let hosts = hosts.iter().filter_map(|host| {
        let text = host.text()?;
        let known = !(nameless && text.starts_with('*'));
        if !known {
            host.say(
                format!("{text} is no name to ask for, and there are no endpoints"),
                "Istio refuses the ServiceEntry; nobody answers for the host. With resolution NONE whoever is called does",
            );
        }
        known.then_some(text)
    });
    let service = |host: &str| Service {
        host: host.to_ascii_lowercase(),
        namespace: namespace.clone(),
        ports: ports.clone(),
        backing: match (&selector, resolution) {
            (Some(labels), _) => Backing::Workloads(labels.clone()),
            (None, "STATIC") => Backing::Addresses(endpoints.clone()),
            (None, _) if nameless => Backing::Names(vec![Address::named(host)]),
            (None, _) if by_name => Backing::Names(endpoints.clone()),
            _ => Backing::Anybody,
        },
        names: names.clone(),
        export: export.clone(),
        place: root.place(),
    };
    hosts.map(service).collect()
}

/// A port for anything but HTTP has no routes here.
fn say_connections(port: &Field<'_>, number: u16, protocol: Protocol) {
    if !protocol.is_http() {
        let what = match protocol {
            Protocol::Tls => "TLS",
            _ => "TCP",
        };
        port.say(
            format!("port {number} is for {what}"),
            "nobody is led there: only HTTP is routed here",
        );
    }
}

/// Whether an endpoint is an IP address, as STATIC ones are: Envoy refuses any other.
fn is_numeric(endpoint: &Field<'_>) -> bool {
    let address = endpoint.word("address").unwrap_or_default();
    let is_numeric = address.parse::<IpAddr>().is_ok();
    if !is_numeric {
        endpoint.say(
            format!("{address:?} is no IP address"),
            "the endpoint is left out; with resolution DNS it may be a name",
        );
    }
    is_numeric
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use documents::Document;

    fn read(text: &str) -> (Vec<Service>, Vec<String>) {
        let (model, said) = Model::read(&Document::read_text("a.yaml", text).unwrap());
        let said = said.iter().map(ToString::to_string).collect();
        (model.services, said)
    }

    fn entry(spec: &str) -> (Vec<Service>, Vec<String>) {
        read(&format!(
            "kind: ServiceEntry\nmetadata: {{name: a}}\nspec: {{ports: [{{number: 80, protocol: HTTP}}], {spec}}}\n"
        ))
    }

    #[test]
    fn who_answers_for_a_host_outside_is_what_its_resolution_says() {
        let named = |name: &str| Backing::Names(vec![Address::named(name)]);
        for (spec, expected) in [
            ("hosts: [a.example], resolution: DNS", named("a.example")),
            (
                "hosts: [a.example], resolution: DNS, endpoints: [{address: b.example}]",
                named("b.example"),
            ),
            (
                "hosts: ['*.example'], resolution: DNS, endpoints: [{address: b.example}]",
                named("b.example"),
            ),
            (
                "hosts: [a.example], resolution: STATIC, endpoints: [{address: 127.0.0.1}, {address: '::1'}]",
                Backing::Addresses(vec![Address::named("127.0.0.1"), Address::named("::1")]),
            ),
            ("hosts: ['*.example'], resolution: NONE", Backing::Anybody),
            ("hosts: [a.example]", Backing::Anybody),
        ] {
            let (services, said) = entry(spec);
            assert_eq!(services[0].backing, expected, "{spec}");
            assert_eq!(said, [""; 0], "{spec}");
        }
    }

    #[test]
    fn what_envoy_or_istio_would_refuse_is_left_out_and_said() {
        let (services, said) = entry("hosts: ['*.example', a.example], resolution: DNS");
        assert_eq!(services.len(), 1);
        assert!(
            said[0].contains("*.example is no name to ask for"),
            "{said:?}"
        );
        let endpoints = "[{address: a.example}, {address: unix:///a}, {address: 127.0.0.1}]";
        let (services, said) = entry(&format!(
            "hosts: [a.example], resolution: STATIC, endpoints: {endpoints}"
        ));
        assert_eq!(
            services[0].backing,
            Backing::Addresses(vec![Address::named("127.0.0.1")])
        );
        assert_eq!(said.len(), 2, "{said:?}");
    }

    #[test]
    fn an_external_name_is_asked_for() {
        let (services, said) = read(
            "kind: Service\nmetadata: {name: a}\nspec: {type: ExternalName, externalName: a.example, ports: [\
             {name: http, port: 80}, {name: tcp-own, port: 81}]}\n",
        );
        assert_eq!(services[0].host, "a.default.svc.cluster.local");
        let named = vec![Address::named("a.example")];
        assert_eq!(services[0].backing, Backing::Names(named));
        assert_eq!(
            said,
            ["a.yaml:3:85: port 81 is for TCP: nobody is led there: only HTTP is routed here"]
        );
    }
}
