//! The shop, and what its proxies are told.

use std::path::{Path, PathBuf};

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Certificates, Mesh, Proxy};
use serde_json::Value;

pub(crate) const SHOP: &str = include_str!("../shop.yaml");

pub(crate) struct Shop {
    pub(crate) model: Model,
    pub(crate) addresses: Addresses,
}

impl Shop {
    pub(crate) fn with(more: &str) -> (Self, Vec<String>) {
        let text = format!("{SHOP}---\n{more}");
        let documents = Document::read_text("shop.yaml", &text).unwrap();
        let (model, said) = Model::read(&documents);
        let addresses = Addresses::assign(&model, 10);
        let said = said.iter().map(ToString::to_string).collect();
        (Shop { model, addresses }, said)
    }

    pub(crate) fn mesh(&self) -> Mesh<'_> {
        Mesh {
            model: &self.model,
            addresses: &self.addresses,
            trust_domain: self.model.trust_domain(),
            outside: self.model.outside(),
        }
    }

    /// The sidecars of these workloads, and every gateway.
    pub(crate) fn proxies(&self, workloads: &[&str]) -> Vec<Proxy> {
        let sidecars = workloads.iter().map(|name| self.sidecar(name));
        let mesh = self.mesh();
        let gateways = mesh.gateways();
        let gateways = gateways.iter().map(|gateway| {
            let address = self.addresses.gateway(1);
            mesh.gateway(gateway, address, &certificates(), Path::new("/run/g"))
        });
        sidecars.chain(gateways).collect()
    }

    pub(crate) fn sidecar(&self, name: &str) -> Proxy {
        let workloads = &self.model.workloads;
        let workload = workloads.iter().find(|one| one.name == name).unwrap();
        let address = self.addresses.of(workload).next().unwrap();
        self.mesh()
            .sidecar(workload, address, &certificates(), Path::new("/run/a"))
    }

    pub(crate) fn gateway(&self) -> Proxy {
        let mesh = self.mesh();
        let gateways = mesh.gateways();
        let [gateway] = gateways.as_slice() else {
            panic!("{gateways:?}");
        };
        let address = self.addresses.gateway(1);
        mesh.gateway(gateway, address, &certificates(), Path::new("/run/g"))
    }
}

pub(crate) fn certificates() -> Certificates {
    let file = |name: &str| PathBuf::from("/run/certs").join(name);
    Certificates {
        chain: file("chain.pem"),
        key: file("key.pem"),
        roots: file("roots.pem"),
    }
}

/// The resources of a file, by their names.
pub(crate) fn resources(proxy: &Proxy, file: &str) -> Vec<(String, Value)> {
    let files = proxy.files(Path::new("/run/a"), ([127, 0, 0, 1], 0).into());
    // A gateway has a file for each of its routes.
    let is_asked = |name: &str| match file {
        mesh::proxy::files::ROUTES => mesh::proxy::files::has_routes(name),
        _ => name == file,
    };
    let found = files.into_iter().filter(|(name, _)| is_asked(name));
    let lists = found.map(|(_, value)| value["resources"].as_array().unwrap().clone());
    lists
        .flatten()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one))
        .collect()
}

pub(crate) fn find(all: &[(String, Value)], name: &str) -> Value {
    let found = all.iter().find(|(one, _)| one == name);
    let names: Vec<&String> = all.iter().map(|(name, _)| name).collect();
    found
        .unwrap_or_else(|| panic!("{name} is none of {names:?}"))
        .1
        .clone()
}

pub(crate) fn hosts(routes: &Value) -> Vec<(String, Value)> {
    let list = routes["virtual_hosts"].as_array().unwrap().clone();
    list.into_iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one))
        .collect()
}
