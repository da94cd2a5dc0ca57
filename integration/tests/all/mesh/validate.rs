//! What the objects of `envoy-configs/mesh` are written as is what Envoy takes, proxy by proxy. `--mode validate` reads a
//! bootstrap and none of the files that it watches, so here everything stands in the bootstrap itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use documents::Document;
use integration::envoy::{Envoy, Launcher, Scratch, repository};
use integration::tls::{Authority, Names};
use mesh::model::Model;
use mesh::proxy::files;
use mesh::{Addresses, Certificates, Mesh, Proxy};
use serde_json::{Value, json};

/// What most files say something of.
const BASES: [&str; 2] = [
    "envoy-configs/mesh/bookinfo.yaml",
    "envoy-configs/mesh/httpbin.yaml",
];
const SHOP: &str = "crates/mesh/tests/shop.yaml";

#[test]
fn envoy_takes_every_proxy_of_every_file() {
    let folder = repository().join("envoy-configs/mesh");
    let shipped = fs::read_dir(folder).unwrap();
    let shipped = shipped.map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = shipped
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .chain([repository().join(SHOP)])
        .collect();
    all.sort();
    let scratch = Scratch::new().unwrap();
    let certificates = certificates(&scratch);
    let secret = secret();
    let mut asked = BTreeSet::new();
    let mut refused = Vec::new();
    for file in &all {
        let mut paths: Vec<PathBuf> = BASES.map(|base| repository().join(base)).to_vec();
        // The shop has services of its own.
        paths.retain(|base| base != file && !file.ends_with(SHOP));
        paths.push(file.clone());
        let mut documents = Document::read_all(&paths, &mut std::io::empty()).unwrap();
        documents.extend(Document::read_text("secret.yaml", &secret).unwrap());
        for (name, proxy) in proxies(&documents, &certificates, scratch.path()) {
            for secret in &proxy.secrets {
                scratch
                    .write(&secret.name, &String::from_utf8_lossy(&secret.bytes))
                    .unwrap();
            }
            let bootstrap = in_one(&proxy, scratch.path()).to_string();
            // Most are told the same with most files.
            if asked.insert(bootstrap.clone())
                && let Err(log) = Envoy::from_text(&bootstrap)
                    .launcher(Launcher::Process)
                    .workers(1)
                    .validate()
            {
                refused.push(format!("{}: {name}: {log}", file.display()));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(asked.len() > all.len(), "{}", asked.len());
}

fn proxies(
    documents: &[Document],
    certificates: &Certificates,
    folder: &Path,
) -> BTreeMap<String, Proxy> {
    let (model, _) = Model::read(documents);
    let addresses = Addresses::assign(&model, 10);
    let mesh = Mesh {
        model: &model,
        addresses: &addresses,
        trust_domain: model.trust_domain(),
        outside: model.outside(),
    };
    let mut all = BTreeMap::new();
    for workload in &model.workloads {
        if let (Some(address), true) = (addresses.of(workload).next(), model.has_sidecar(workload))
        {
            let proxy = mesh.sidecar(workload, address, certificates, folder);
            all.insert(workload.name.clone(), proxy);
        }
    }
    for gateway in mesh.gateways() {
        let proxy = mesh.gateway(&gateway, addresses.gateway(1), certificates, folder);
        all.insert(gateway.name.clone(), proxy);
    }
    all
}

/// A bootstrap that has in it what a proxy would read from files.
fn in_one(proxy: &Proxy, folder: &Path) -> Value {
    let files: BTreeMap<String, Value> = proxy
        .files(folder, ([127, 0, 0, 1], 0).into())
        .into_iter()
        .collect();
    let resources = |name: &str| {
        let mut list = files[name]["resources"].as_array().unwrap().clone();
        for resource in &mut list {
            resource.as_object_mut().unwrap().remove("@type");
        }
        list
    };
    let routes: Vec<Value> = files
        .keys()
        .filter(|file| files::has_routes(file))
        .flat_map(|file| resources(file))
        .collect();
    let mut listeners = resources(files::LISTENERS);
    let chains = listeners
        .iter_mut()
        .flat_map(|listener| listener["filter_chains"].as_array_mut().unwrap());
    for chain in chains {
        let manager = chain["filters"].as_array_mut().unwrap().last_mut().unwrap();
        let manager = manager["typed_config"].as_object_mut().unwrap();
        if let Some(rds) = manager.remove("rds") {
            let named = |one: &&Value| one["name"] == rds["route_config_name"];
            let routes = routes.iter().find(named).unwrap();
            manager.insert("route_config".to_owned(), routes.clone());
        }
    }
    let mut bootstrap = files[files::BOOTSTRAP].clone();
    let fields = bootstrap.as_object_mut().unwrap();
    fields.remove("dynamic_resources");
    fields.insert(
        "static_resources".to_owned(),
        json!({"listeners": listeners, "clusters": resources(files::CLUSTERS)}),
    );
    bootstrap
}

/// Those of a proxy of the mesh.
fn certificates(scratch: &Scratch) -> Certificates {
    let authority = Authority::new("mesh");
    let issued = authority.issue(&Names::spiffe("cluster.local/ns/default/sa/default"));
    let write = |name: &str, text: &str| scratch.write(name, text).unwrap();
    Certificates {
        chain: write("chain.pem", &issued.certificate),
        key: write("key.pem", &issued.key),
        roots: write("roots.pem", &authority.pem()),
    }
}

/// The Secret that the file with the gateway tells its reader to make.
fn secret() -> String {
    let issued = Authority::new("edge").issue(&Names::none().dns("shop.example"));
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop-credential", "namespace": "istio-system"},
        "stringData": {"tls.crt": issued.certificate, "tls.key": issued.key},
    })
    .to_string()
}
