//! The files of `envoy-configs/mesh`: what their comments tell people to run is there, and what is said of each is
//! known.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Certificates, Mesh, Outside, Proxy, Said};
use serde_json::Value;

const FOLDER: &str = "envoy-configs/mesh/";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all files, in order.
fn names() -> Vec<String> {
    let folder = std::fs::read_dir(repository().join(FOLDER)).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
    names.sort();
    names
}

fn text(name: &str) -> String {
    std::fs::read_to_string(repository().join(FOLDER).join(name)).unwrap()
}

/// The files of the folder that the first `mesh up` in a file's comment names.
fn beside(name: &str) -> Vec<String> {
    let text = text(name);
    let line = text
        .lines()
        .find(|line| line.contains("mesh-filters mesh up"));
    let line = line.unwrap_or_else(|| panic!("{name} does not say how it is run"));
    let named = line.split(' ').filter_map(|word| word.strip_prefix(FOLDER));
    named.map(str::to_owned).collect()
}

/// The objects of a file and those beside it, and what is said of them.
fn read(name: &str) -> (Model, Vec<Said>) {
    let mut documents = Vec::new();
    for name in beside(name) {
        documents.extend(Document::read_text(&name, &text(&name)).unwrap());
    }
    Model::read(&documents)
}

fn mesh<'a>(model: &'a Model, addresses: &'a Addresses) -> Mesh<'a> {
    Mesh {
        model,
        addresses,
        trust_domain: "cluster.local",
        outside: Outside::AllowAny,
    }
}

/// Every proxy of a mesh.
fn proxies(mesh: &Mesh<'_>) -> Vec<Proxy> {
    let (certificates, folder) = (Certificates::default(), Path::new("/run"));
    let workloads = mesh.model.workloads.iter();
    let with_sidecar = workloads.filter(|one| mesh.model.has_sidecar(one));
    let sidecars = with_sidecar.flat_map(|one| {
        let certificates = &certificates;
        let replicas = mesh.addresses.of(one);
        replicas.map(move |address| mesh.sidecar(one, address, certificates, folder))
    });
    let gateways = mesh.gateways();
    let gateways = (1..).zip(&gateways).map(|(index, gateway)| {
        let address = mesh.addresses.gateway(index);
        mesh.gateway(gateway, address, &certificates, folder)
    });
    sidecars.chain(gateways).collect()
}

/// Every text that stands for this field, anywhere.
fn texts<'a>(value: &'a Value, field: &str, all: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == field {
                    all.extend(value.as_str());
                }
                texts(value, field, all);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, field, all)),
        _ => {}
    }
}

#[test]
fn every_file_says_how_it_is_run() {
    let all = names();
    assert!(all.len() >= 18, "{all:?}");
    for name in &all {
        let beside = beside(name);
        assert!(beside.contains(name), "{name}: {beside:?}");
        for other in &beside {
            assert!(all.contains(other), "{name} names {other}");
        }
    }
}

#[test]
fn the_readme_has_every_file() {
    let readme = text("README.md");
    for name in names() {
        assert!(readme.contains(&format!("[{name}]({name})")), "{name}");
    }
}

#[test]
fn what_is_said_of_each_is_its_point() {
    for name in names() {
        let expected: &[&str] = match name.as_str() {
            // Its comment says how the Secret is made.
            "gateway-tls.yaml" => &[
                "gateway-tls.yaml:32:10: there is no Secret istio-system/shop-credential: the server is not there, as in \
                 Istio; others are",
            ],
            "outlier.yaml" => &[
                "outlier.yaml:61:26: consecutiveErrors is an old name: here it counts as consecutive5xxErrors; today's \
                 Istio passes over it, and Envoy's own default holds, five",
            ],
            "telemetry.yaml" => &[
                "telemetry.yaml:41:5: metrics are counted by the filter telemetry-tags, not by Istio's own: they have its \
                 names and labels; of the workload that called, a sidecar knows what its certificate says, and no more",
            ],
            _ => &[],
        };
        let (model, mut said) = read(&name);
        let addresses = Addresses::assign(&model, 10);
        said.extend(mesh(&model, &addresses).said());
        let said: Vec<String> = said.iter().map(ToString::to_string).collect();
        assert_eq!(said, expected, "{name}");
    }
}

#[test]
fn every_route_leads_to_a_cluster_that_is_there_and_has_somebody() {
    let mut routed = 0;
    for name in names() {
        let (model, _) = read(&name);
        let addresses = Addresses::assign(&model, 10);
        for proxy in proxies(&mesh(&model, &addresses)) {
            let clusters = proxy.clusters.iter();
            let by_name = clusters.map(|one| (one["name"].as_str().unwrap(), one));
            let by_name: BTreeMap<&str, &Value> = by_name.collect();
            let mut named = Vec::new();
            for routes in &proxy.routes {
                texts(routes, "cluster", &mut named);
                // Where several may be called, a cluster is named as most things are.
                let mut others = Vec::new();
                texts(routes, "name", &mut others);
                named.extend(
                    others
                        .into_iter()
                        .filter(|one| one.starts_with("outbound|")),
                );
            }
            for cluster in named {
                routed += 1;
                let found = by_name.get(cluster);
                let found = found.unwrap_or_else(|| panic!("{name}, {}: no {cluster}", proxy.id));
                let hosts = found.pointer("/load_assignment/endpoints/0/lb_endpoints/0");
                let is_static = found.get("type").is_some_and(|kind| kind == "STATIC");
                assert!(hosts.is_some() || !is_static, "{name}: nobody in {cluster}");
            }
        }
    }
    assert!(routed > 400, "{routed}");
}

#[test]
fn clusters_have_the_names_that_istiod_gives_them() {
    let (model, _) = read("split.yaml");
    let addresses = Addresses::assign(&model, 10);
    let all = proxies(&mesh(&model, &addresses));
    let page = all
        .iter()
        .find(|proxy| proxy.id.contains("~productpage-v1."));
    let names = page
        .unwrap()
        .clusters
        .iter()
        .map(|one| one["name"].as_str().unwrap());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "PassthroughCluster",
            "inbound|9080||",
            "outbound|9080|v1|reviews.default.svc.cluster.local",
            "outbound|9080|v2|reviews.default.svc.cluster.local",
            "outbound|9080|v3|reviews.default.svc.cluster.local",
            "outbound|9080||details.default.svc.cluster.local",
            "outbound|9080||productpage.default.svc.cluster.local",
            "outbound|9080||ratings.default.svc.cluster.local",
            "outbound|9080||reviews.default.svc.cluster.local",
        ]
    );
    let ids: Vec<&str> = all.iter().map(|proxy| proxy.id.as_str()).collect();
    assert!(
        ids.contains(
            &"router~127.10.0.1~istio-ingressgateway.istio-system~istio-system.svc.cluster.local"
        ),
        "{ids:?}"
    );
    assert_eq!(ids.len(), 7);
}
