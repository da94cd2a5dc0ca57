//! A mesh as programs and scripts read it: every address of it.

mod first;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use mesh::model::service::{Backing, Service};
use mesh::{OUTBOUND_PORT, Said, real_port};
use serde_json::{Value, json};

use crate::folder::{self, of_proxy};
use crate::plan::{Kind, Plan, PlannedProxy, PlannedServer, certificates, replica_name};

/// What `mesh.json` says.
pub(crate) fn mesh(folder: &Path, plan: &Plan) -> Value {
    let gateways = plan
        .proxies
        .values()
        .filter(|proxy| proxy.kind == Kind::Gateway);
    let notes = plan.notes.iter().map(note);
    json!({
        "folder": folder,
        "pid": std::process::id(),
        "network": plan.network,
        "ca": folder.join(folder::ROOTS),
        "gateways": gateways.map(|proxy| gateway(folder, proxy, plan)).collect::<Vec<_>>(),
        "workloads": workloads(folder, plan),
        "services": services(plan),
        "notes": notes.collect::<Vec<_>>(),
    })
}

/// Something that was said of an object.
pub(crate) fn note(note: &Said) -> Value {
    json!({"place": note.place, "what": note.what, "consequence": note.consequence})
}

fn gateway(folder: &Path, proxy: &PlannedProxy, plan: &Plan) -> Value {
    let ports = proxy.gateway.iter().flat_map(|gateway| &gateway.ports);
    let ports = ports.map(|(port, protocol)| {
        let address = format!("{}:{}", proxy.address, real_port(*port));
        json!({"port": port, "protocol": protocol, "address": address})
    });
    let named = proxy.gateway.as_ref();
    let mut value = json!({
        "name": named.map(|gateway| &gateway.name),
        "namespace": named.map(|gateway| &gateway.namespace),
        "identity": proxy.identity,
        "address": proxy.address,
        "ports": ports.collect::<Vec<_>>(),
        "try": first::requests(&plan.model, proxy),
    });
    add(&mut value, files(folder, &proxy.name, proxy.address));
    value
}

fn workloads(folder: &Path, plan: &Plan) -> Vec<Value> {
    let servers: BTreeMap<&str, &PlannedServer> = plan
        .servers
        .iter()
        .map(|one| (one.name.as_str(), one))
        .collect();
    let mut all = Vec::new();
    for workload in &plan.model.workloads {
        let full = format!("{}.{}", workload.name, workload.namespace);
        if plan
            .proxies
            .get(&full)
            .is_some_and(|proxy| proxy.kind == Kind::Gateway)
        {
            continue;
        }
        let has_sidecar = plan.model.has_sidecar(workload);
        let ports = plan.ports(workload);
        let replicas = plan
            .addresses
            .of(workload)
            .enumerate()
            .map(|(index, address)| {
                let name = replica_name(workload, index);
                let ports = ports.iter().map(|port| {
                    let process = plan.addresses.process(address, *port, has_sidecar);
                    json!({
                        "port": port,
                        "address": format!("{address}:{}", real_port(*port)),
                        "process": process.to_string(),
                    })
                });
                let mut value = json!({
                    "name": name,
                    "address": address,
                    "ports": ports.collect::<Vec<_>>(),
                    // One of ours, and no process of the user's.
                    "served": servers.contains_key(name.as_str()),
                });
                if has_sidecar {
                    let outbound = format!("{address}:{OUTBOUND_PORT}");
                    add(&mut value, json!({ "outbound": outbound }));
                    add(&mut value, files(folder, &name, address));
                }
                value
            });
        all.push(json!({
            "name": workload.name,
            "namespace": workload.namespace,
            "labels": workload.labels,
            "identity": has_sidecar.then(|| workload.identity(plan.model.trust_domain())),
            "sidecar": has_sidecar,
            "replicas": replicas.collect::<Vec<_>>(),
        }));
    }
    all
}

/// The services that workloads answer for, and where they do: all that is known of them where no proxy is.
fn services(plan: &Plan) -> Vec<Value> {
    let of_workloads = |service: &&Service| matches!(service.backing, Backing::Workloads(_));
    let services = plan.model.services.iter().filter(of_workloads);
    let told = services.map(|service| {
        let ports = service.ports.iter().map(|port| {
            let backends = plan.model.backends(service, port);
            let endpoints = backends.flat_map(|(workload, target)| {
                let addresses = plan.addresses.of(workload);
                addresses.map(move |address| format!("{address}:{}", real_port(target)))
            });
            json!({"port": port.number, "name": port.name, "endpoints": endpoints.collect::<Vec<_>>()})
        });
        json!({
            "host": service.host,
            "namespace": service.namespace,
            "ports": ports.collect::<Vec<_>>(),
        })
    });
    told.collect()
}

/// Where an Envoy is asked and read of.
fn files(folder: &Path, proxy: &str, address: Ipv4Addr) -> Value {
    let own = of_proxy(folder, proxy);
    let certificate = certificates(folder, proxy);
    json!({
        "proxy": proxy,
        "admin": format!("{address}:{}", crate::plan::ADMIN_PORT),
        "log": own.join(folder::of_proxy::LOG),
        "folder": own,
        "certificate": {"chain": certificate.chain, "key": certificate.key},
    })
}

fn add(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}
