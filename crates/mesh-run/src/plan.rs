//! What a mesh of these objects is on this machine, before anything runs: every proxy with the texts of its files, every
//! server with its addresses, and what is to be said.

mod notes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use mesh::model::Model;
use mesh::model::service::Service;
use mesh::model::workload::Workload;
use mesh::proxy::files;
use mesh::{Addresses, Certificates, GatewayProxy, Mesh, Said, SecretFile, real_port};
use serde_json::Value;

use crate::calls::{self, Calls, CallsOf};
use crate::folder::{self, of_proxy};
use crate::policies::{self, Policies};
use crate::{Error, Objects};

/// The port of every proxy's admin interface.
pub(crate) const ADMIN_PORT: u16 = 15000;

/// What is the same for all objects that a mesh ever has.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where the files of the mesh are.
    pub folder: PathBuf,
    /// Who calls whom, beside what pods say themselves.
    pub calls: Vec<Calls>,
    /// Workloads that are processes of the user's, by name or label `app`, and where each is.
    pub elsewhere: Vec<(String, SocketAddr)>,
    /// What is said of policies beside the objects.
    pub policies: policies::Settings,
}

/// A mesh that could run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every gateway and sidecar, by its name.
    pub proxies: BTreeMap<String, PlannedProxy>,
    /// A server for each replica that no process of the user's is.
    pub servers: Vec<PlannedServer>,
    /// What does nothing, or other things than in a cluster.
    pub notes: Vec<Said>,
    /// `127.NETWORK.0.0/16` and the one above it.
    pub network: u8,
    /// What the plan was made of.
    pub model: Model,
    /// Where everything is.
    pub addresses: Addresses,
    /// Which place each gateway has.
    gateways: BTreeMap<String, u8>,
}

/// Where a proxy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At the edge.
    Gateway,
    /// Beside a workload.
    Sidecar,
}

/// An Envoy to be.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedProxy {
    /// `reviews-v1.default`, `reviews-v1@2.default` for the second replica; its folder has this name.
    pub name: String,
    /// Where it stands.
    pub kind: Kind,
    /// `spiffe://cluster.local/ns/default/sa/bookinfo-reviews`.
    pub identity: String,
    /// Where it is.
    pub address: Ipv4Addr,
    /// Its files and what they say, but for those of its certificate.
    pub files: Vec<(String, String)>,
    /// The Secrets that it uses, which are written before its other files.
    pub secrets: Vec<SecretFile>,
    /// Where it listens.
    pub listens: BTreeSet<SocketAddr>,
    /// Of a gateway: its name, its namespace and its servers' ports.
    pub gateway: Option<PlannedGateway>,
}

/// What is told of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedGateway {
    /// `istio-ingressgateway`.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// Its Gateways, as VirtualServices name them: `istio-system/public`.
    pub objects: BTreeSet<String>,
    /// Port and protocol of each server, as its Gateways have them.
    pub ports: BTreeSet<(u16, String)>,
}

/// A server that stands for a replica of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedServer {
    /// `reviews-v1.default`, as the proxy's.
    pub name: String,
    /// Where it listens: each port of the workload.
    pub addresses: Vec<SocketAddr>,
    /// Who answers, and whom it calls.
    pub workload: workload::Workload,
}

impl PlannedProxy {
    /// Its admin interface.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        (self.address, ADMIN_PORT).into()
    }
}

/// The version of what a file says, which Envoy tells once it has taken it: a hash, the same for the same text.
pub(crate) fn version(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

impl Plan {
    /// Puts the objects in place in a network, where the mesh of `before` is, if there is one: who stays keeps his
    /// address.
    ///
    /// # Errors
    /// Calls that cannot be, or workloads that nobody has.
    pub fn new(
        objects: &Objects,
        settings: &Settings,
        network: u8,
        before: Option<&Plan>,
    ) -> Result<Self, Error> {
        let (model, mut notes) = Model::read(&objects.documents);
        notes.splice(0..0, objects.notes.iter().cloned());
        let addresses = match before {
            Some(before) => before.addresses.again(&model),
            None => Addresses::assign(&model, network),
        };
        let mut plan = Plan {
            proxies: BTreeMap::new(),
            servers: Vec::new(),
            notes,
            addresses,
            network,
            gateways: before
                .map(|before| before.gateways.clone())
                .unwrap_or_default(),
            model: Model::default(),
        };
        let elsewhere = plan.elsewhere(&model, settings)?;
        let calls = CallsOf::read(&objects.documents, &model, &settings.calls)?;
        plan.place(&model, objects, settings, &elsewhere, &calls)?;
        plan.notes.extend(plan.mesh(&model, &plan.addresses).said());
        plan.notes.extend(notes::unserved(&model, &plan.addresses));
        plan.notes.extend(notes::unknown(&objects.documents));
        plan.notes.extend(notes::uncalled(&model, &calls));
        plan.model = model;
        Ok(plan)
    }

    /// Every address that something of the mesh listens on.
    #[must_use]
    pub fn listens(&self) -> BTreeSet<SocketAddr> {
        let proxies = self.proxies.values();
        let mut all: BTreeSet<SocketAddr> = proxies
            .flat_map(|proxy| proxy.listens.iter().copied().chain([proxy.admin()]))
            .collect();
        all.extend(
            self.servers
                .iter()
                .flat_map(|one| one.addresses.iter().copied()),
        );
        all
    }

    /// The files of the modules that proxies load.
    pub(crate) fn modules(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for (_, text) in self.proxies.values().flat_map(|proxy| &proxy.files) {
            // Read again only where there can be one.
            if text.contains(".wasm\"")
                && let Ok(value) = serde_json::from_str(text)
            {
                modules(&value, &mut found);
            }
        }
        found
    }

    /// The same in another network.
    pub(crate) fn listens_in(&self, network: u8) -> BTreeSet<SocketAddr> {
        let moved = |address: SocketAddr| match address {
            SocketAddr::V4(place) => {
                let [first, second, third, fourth] = place.ip().octets();
                let second = network | (second & 1);
                (Ipv4Addr::new(first, second, third, fourth), place.port()).into()
            }
            SocketAddr::V6(_) => address,
        };
        self.listens().into_iter().map(moved).collect()
    }

    /// The ports of a workload.
    pub(crate) fn ports(&self, workload: &Workload) -> BTreeSet<u16> {
        self.mesh(&self.model, &self.addresses).ports(workload)
    }

    fn mesh<'a>(&self, model: &'a Model, addresses: &'a Addresses) -> Mesh<'a> {
        Mesh {
            model,
            addresses,
            trust_domain: model.trust_domain(),
            outside: model.outside(),
        }
    }

    /// The workloads that the user runs, by their index.
    fn elsewhere(&mut self, model: &Model, settings: &Settings) -> Result<BTreeSet<usize>, Error> {
        let mut all = BTreeSet::new();
        for (said, process) in &settings.elsewhere {
            let mut is_there = false;
            for (index, workload) in model.workloads.iter().enumerate() {
                if !calls::is_called(said, workload) {
                    continue;
                }
                if !model.has_sidecar(workload) {
                    return Err(Error::Calls(format!(
                        "`--workload {said}` has no sidecar that could lead to {process}: turn injection on for it"
                    )));
                }
                is_there = true;
                all.insert(index);
                self.addresses.elsewhere(workload, *process);
            }
            if !is_there {
                return Err(Error::Calls(calls::nobody("workload", said, model)));
            }
        }
        Ok(all)
    }

    fn place(
        &mut self,
        model: &Model,
        objects: &Objects,
        settings: &Settings,
        elsewhere: &BTreeSet<usize>,
        calls: &CallsOf,
    ) -> Result<(), Error> {
        let addresses = self.addresses.clone();
        let mesh = self.mesh(model, &addresses);
        let mut policies = Policies::read(&objects.documents, &mesh, &settings.policies);
        let gateways = mesh.gateways();
        for gateway in &gateways {
            let proxy = self.gateway(&mesh, gateway, &mut policies, &settings.folder)?;
            self.proxies.insert(proxy.name.clone(), proxy);
        }
        for (index, workload) in model.workloads.iter().enumerate() {
            let is_gateway = |one: &GatewayProxy<'_>| {
                one.name == workload.name && one.namespace == workload.namespace
            };
            if gateways.iter().any(is_gateway) {
                continue;
            }
            let ports = mesh.ports(workload);
            let has_sidecar = model.has_sidecar(workload);
            for (replica, address) in addresses.of(workload).enumerate() {
                let name = replica_name(workload, replica);
                if has_sidecar {
                    let proxy = sidecar(
                        &mesh,
                        &mut policies,
                        workload,
                        (address, &name),
                        &settings.folder,
                    );
                    self.proxies.insert(name.clone(), proxy);
                }
                if elsewhere.contains(&index) {
                    continue;
                }
                let own = has_sidecar.then_some(address);
                let all = calls.of(model, index);
                let calls = all.iter().filter_map(|call| {
                    Some(workload::Call {
                        service: call.authority(),
                        path: call.target.path.clone(),
                        address: call.address(model, &addresses, own)?,
                    })
                });
                self.servers.push(PlannedServer {
                    name,
                    addresses: ports
                        .iter()
                        .map(|port| addresses.process(address, *port, has_sidecar))
                        .collect(),
                    workload: workload::Workload {
                        name: workload.name.clone(),
                        version: workload.labels.get("version").cloned().unwrap_or_default(),
                        namespace: workload.namespace.clone(),
                        address: address.into(),
                        identity: has_sidecar.then(|| workload.identity(mesh.trust_domain)),
                        calls: calls.collect(),
                    },
                });
            }
        }
        self.notes.extend(policies.said());
        Ok(())
    }

    fn gateway(
        &mut self,
        mesh: &Mesh<'_>,
        gateway: &GatewayProxy<'_>,
        policies: &mut Policies<'_>,
        folder: &Path,
    ) -> Result<PlannedProxy, Error> {
        let GatewayProxy {
            name, namespace, ..
        } = gateway;
        let full = format!("{name}.{namespace}");
        let place = match self.gateways.get(&full) {
            Some(place) => *place,
            None => u8::try_from(self.gateways.len() + 1)
                .map_err(|_| Error::Objects("a mesh here has 255 gateways at most".to_owned()))?,
        };
        self.gateways.insert(full.clone(), place);
        let address = self.addresses.gateway(place);
        let own = of_proxy(folder, &full);
        let certificates = certificates(folder, &full);
        let mut proxy = mesh.gateway(gateway, address, &certificates, &own);
        policies.gateway(gateway, &mut proxy);
        let servers = gateway.gateways.iter().flat_map(|one| &one.servers);
        let ports: BTreeSet<(u16, String)> = servers
            .map(|server| match server.tls {
                Some(_) => (server.port, "HTTPS".to_owned()),
                None => (server.port, "HTTP".to_owned()),
            })
            .collect();
        let account = format!("{name}-service-account");
        Ok(PlannedProxy {
            kind: Kind::Gateway,
            identity: identity(mesh.trust_domain, namespace, &account),
            address,
            secrets: proxy.secrets.clone(),
            files: texts(&proxy.files(&own, (address, ADMIN_PORT).into())),
            listens: ports
                .iter()
                .map(|(port, _)| (address, real_port(*port)).into())
                .collect(),
            gateway: Some(PlannedGateway {
                name: name.clone(),
                namespace: namespace.clone(),
                objects: gateway.gateways.iter().map(|one| one.full_name()).collect(),
                ports,
            }),
            name: full,
        })
    }
}

fn sidecar(
    mesh: &Mesh<'_>,
    policies: &mut Policies<'_>,
    workload: &Workload,
    (address, name): (Ipv4Addr, &str),
    folder: &Path,
) -> PlannedProxy {
    let own = of_proxy(folder, name);
    let certificates = certificates(folder, name);
    let mut proxy = mesh.sidecar(workload, address, &certificates, &own);
    policies.sidecar(workload, &mut proxy);
    let ports = mesh.ports(workload).into_iter().map(real_port);
    let ports = ports.chain([mesh::OUTBOUND_PORT]);
    PlannedProxy {
        name: name.to_owned(),
        kind: Kind::Sidecar,
        identity: workload.identity(mesh.trust_domain),
        address,
        secrets: proxy.secrets.clone(),
        files: texts(&proxy.files(&own, (address, ADMIN_PORT).into())),
        listens: ports.map(|port| (address, port).into()).collect(),
        gateway: None,
    }
}

/// `reviews-v1.default`, and `reviews-v1@2.default` for the second one.
pub(crate) fn replica_name(workload: &Workload, replica: usize) -> String {
    let Workload {
        name, namespace, ..
    } = workload;
    match replica {
        0 => format!("{name}.{namespace}"),
        _ => format!("{name}@{}.{namespace}", replica + 1),
    }
}

fn identity(trust_domain: &str, namespace: &str, account: &str) -> String {
    format!("spiffe://{trust_domain}/ns/{namespace}/sa/{account}")
}

pub(crate) fn certificates(folder: &Path, proxy: &str) -> Certificates {
    let own = of_proxy(folder, proxy);
    Certificates {
        chain: own.join(folder::of_proxy::CHAIN),
        key: own.join(folder::of_proxy::KEY),
        roots: folder.join(folder::ROOTS),
    }
}

/// The files as they are written: what Envoy watches says which version it is.
fn texts(files: &[(String, Value)]) -> Vec<(String, String)> {
    let text = |(name, value): &(String, Value)| {
        let mut value = value.clone();
        if let (true, Value::Object(fields)) = (name != files::BOOTSTRAP, &mut value) {
            let version = version(&Value::Object(fields.clone()).to_string());
            fields.insert("version_info".to_owned(), Value::String(version));
        }
        (name.clone(), format!("{value:#}\n"))
    };
    files.iter().map(text).collect()
}

fn modules(value: &Value, found: &mut BTreeSet<PathBuf>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| modules(one, found)),
        Value::Object(fields) => {
            let file = fields.get("filename").and_then(Value::as_str);
            found.extend(
                file.filter(|file| file.ends_with(".wasm"))
                    .map(PathBuf::from),
            );
            fields.values().for_each(|one| modules(one, found));
        }
        _ => {}
    }
}

/// Whether somebody answers for a service.
fn is_served(model: &Model, service: &Service) -> bool {
    let mut ports = service.ports.iter();
    ports.any(|port| model.backends(service, port).next().is_some())
}

#[cfg(test)]
mod tests;
