//! The proxies of a shop.
use std::collections::BTreeMap;
use std::path::Path;

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Certificates, Mesh, Outside, Proxy};
use mesh_run::policies::{Policies, Settings};
use policies::Keys;
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

/// Keys of the issuer `given`.
pub(crate) const KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#;

const SHOP: &str = include_str!("shop.yaml");

/// The proxies of the shop with more objects, by their names, and what was said.
pub(crate) fn proxies(more: &str) -> (BTreeMap<String, Proxy>, Vec<String>) {
    let text = format!("{SHOP}---\n{more}");
    let documents = Document::read_text("shop.yaml", &text).unwrap();
    let (model, _) = Model::read(&documents);
    let addresses = Addresses::assign(&model, 10);
    let mesh = Mesh {
        model: &model,
        addresses: &addresses,
        trust_domain: "cluster.local",
        outside: Outside::AllowAny,
    };
    let settings = Settings {
        modules: "/modules".into(),
        keys: vec![Keys {
            issuer: Some("given".to_owned()),
            jwks: KEYS.to_owned(),
        }],
        trusted: Some("/roots.pem".into()),
        now: Timestamp::from_secs(1_767_225_600),
    };
    let mut policies = Policies::read(&documents, &mesh, &settings);
    let certificates = Certificates {
        chain: "chain".into(),
        key: "key".into(),
        roots: "roots".into(),
    };
    let folder = Path::new("/run");
    let mut all = BTreeMap::new();
    for workload in &model.workloads {
        let address = addresses.of(workload).next().unwrap();
        let mut proxy = mesh.sidecar(workload, address, &certificates, folder);
        policies.sidecar(workload, &mut proxy);
        all.insert(workload.name.clone(), proxy);
    }
    for gateway in mesh.gateways() {
        let address = addresses.gateway(1);
        let mut proxy = mesh.gateway(&gateway, address, &certificates, folder);
        policies.gateway(&gateway, &mut proxy);
        all.insert("gateway".to_owned(), proxy);
    }
    let said = policies.said();
    (all, said.iter().map(ToString::to_string).collect())
}

/// The HTTP filters of the first listener of a direction.
pub(crate) fn chain<'a>(proxy: &'a Proxy, direction: &str) -> &'a [Value] {
    let mut listeners = proxy.listeners.iter();
    let listener = listeners
        .find(|one| one["traffic_direction"] == direction)
        .unwrap();
    let filters = listener.pointer("/filter_chains/0/filters/0/typed_config/http_filters");
    filters.unwrap().as_array().unwrap()
}

pub(crate) fn names<'a>(proxy: &'a Proxy, direction: &str) -> Vec<&'a str> {
    let filters = chain(proxy, direction).iter();
    filters
        .map(|filter| filter["name"].as_str().unwrap())
        .collect()
}

/// The configuration of our module there; null where it is not. That of one filter alone is told as the part that it is
/// of the module of all.
pub(crate) fn configuration(proxy: &Proxy, direction: &str) -> Value {
    let mut filters = chain(proxy, direction).iter();
    let Some(ours) = filters.find(|filter| filter["name"] == "mesh-filters") else {
        return Value::Null;
    };
    let config = &ours["typed_config"]["config"];
    let mut value = config["configuration"]["value"].clone();
    let field = match config["root_id"].as_str().unwrap() {
        "fault-injection" => "faultInjection",
        "authorization-policy" => "authorizationPolicy",
        "request-authentication" => "requestAuthentication",
        "telemetry-tags" => "telemetryTags",
        _ => return value,
    };
    let objects = value.as_object_mut().unwrap().remove("items");
    json!({field: value, "resources": objects})
}

/// The virtual hosts of what a workload calls, by their names.
pub(crate) fn hosts(proxy: &Proxy) -> BTreeMap<String, Value> {
    let hosts = proxy.routes[0]["virtual_hosts"].as_array().unwrap();
    let named = |host: &Value| (host["name"].as_str().unwrap().to_owned(), host.clone());
    hosts.iter().map(named).collect()
}
