//! Whatever field of an object is taken away, what proxies are told is something else, or what is said is.

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Mesh, Proxy};
use serde_json::Value;

use crate::support::{SHOP, Shop};

const EVERYTHING: &str = include_str!("../everything.yaml");

/// Fields that are known to change nothing, and why.
const NOTHING: &[(&str, &str)] = &[
    // What only a cluster has.
    ("Service", "/spec/type"),
    ("Service", "/spec/ports/0/nodePort"),
    ("Service", "/spec/ports/0/protocol"),
    ("Deployment", "/spec/template/spec/containers/0/name"),
    ("Deployment", "/spec/template/spec/containers/0/image"),
    // Of what is left out, which is said.
    ("Service", "/spec/ports/2/name"),
    ("VirtualService", "/spec/tcp/0/match"),
    ("VirtualService", "/spec/tls/0/match"),
    ("Gateway", "/spec/servers/2/hosts"),
    ("Gateway", "/spec/servers/2/port/name"),
    ("Gateway", "/spec/servers/2/port/number"),
    // Names that nobody asks for.
    ("Gateway", "/spec/servers/0/name"),
    ("Gateway", "/spec/servers/1/port/name"),
    ("ServiceEntry", "/spec/ports/0/name"),
    // A gateway listens where the number says, not its container; a server in plaintext is one for HTTP.
    ("Gateway", "/spec/servers/0/port/targetPort"),
    ("Gateway", "/spec/servers/1/port/protocol"),
    // Whoever is outside is called as its resolution says, and who is selected has his address.
    ("ServiceEntry", "/spec/location"),
    ("ServiceEntry", "/spec/resolution"),
    // What stands beside it counts first.
    (
        "DestinationRule",
        "/spec/trafficPolicy/connectionPool/tcp/idleTimeout",
    ),
    // What is so without a word.
    (
        "IstioOperator",
        "/spec/meshConfig/outboundTrafficPolicy/mode",
    ),
    ("IstioOperator", "/spec/meshConfig/enableTracing"),
    ("Telemetry", "/spec/tracing/0/disableSpanReporting"),
    ("Telemetry", "/spec/tracing/0/useRequestIdForTraceSampling"),
    ("IstioOperator", "/spec/meshConfig/rootNamespace"),
    ("IstioOperator", "/spec/meshConfig/accessLogEncoding"),
    ("IstioOperator", "/spec/meshConfig/defaultProviders"),
    ("IstioOperator", "/spec/meshConfig/defaultProviders/metrics"),
];

/// The paths of all fields, as pointers.
fn fields(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields_of) => {
            for (name, value) in fields_of {
                let path = format!("{path}/{}", name.replace('/', "~1"));
                all.push(path.clone());
                fields(value, &path, all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                fields(value, &format!("{path}/{index}"), all);
            }
        }
        _ => {}
    }
}

fn without(value: &Value, path: &str) -> Value {
    let mut value = value.clone();
    let (above, last) = path.rsplit_once('/').unwrap();
    let above = value.pointer_mut(above).unwrap();
    above
        .as_object_mut()
        .unwrap()
        .remove(&last.replace("~1", "/"));
    value
}

/// What proxies are told, and what is said, without the places.
fn outcome(documents: &[Document]) -> ((String, Vec<Proxy>), Vec<String>) {
    let (model, said) = Model::read(documents);
    let addresses = Addresses::assign(&model, 10);
    let shop = Shop { model, addresses };
    let mesh: Mesh<'_> = shop.mesh();
    let said = said.into_iter().chain(mesh.said());
    let mut said: Vec<String> = said
        .map(|one| format!("{}: {}", one.what, one.consequence))
        .collect();
    said.sort();
    let mut told = String::new();
    for workload in &shop.model.workloads {
        let has_sidecar = shop.model.has_sidecar(workload);
        let mut workload = workload.clone();
        workload.place.clear();
        told += &format!("{workload:?} {has_sidecar}\n");
        let metrics = mesh.metrics(&workload.namespace, &workload.labels);
        told += &format!("{metrics:?}\n");
    }
    let proxies = shop.proxies(&["page-v1", "reviews-v2", "orders"]);
    ((told, proxies), said)
}

#[test]
fn no_field_is_lost_in_silence() {
    let text = format!("{SHOP}---\n{EVERYTHING}");
    let mut documents = Document::read_text("a.yaml", &text).unwrap();
    let own = Document::read_text("a.yaml", EVERYTHING).unwrap().len();
    let whole = outcome(&documents);
    let mut silent = Vec::new();
    for index in documents.len() - own..documents.len() {
        let original = documents[index].clone();
        let object = original.object().value();
        let kind = object["kind"].as_str().unwrap();
        let mut all = Vec::new();
        fields(&object["spec"], "/spec", &mut all);
        // What is said of a field is said of all that is in it.
        let mut covered = String::from("-");
        for path in all {
            let known = |(of, at): &(&str, &str)| kind == *of && path == *at;
            // Nobody sees what is hidden but that it is.
            let hidden = object["metadata"]["name"] == "hidden" && path != "/spec/exportTo";
            if hidden || path.starts_with(&covered) || NOTHING.iter().any(known) {
                continue;
            }
            let text = without(object, &path).to_string();
            documents[index] = Document::read_text("a.yaml", &text).unwrap().remove(0);
            let (told, said) = outcome(&documents);
            match (told == whole.0, said == whole.1) {
                (true, true) => silent.push((kind.to_owned(), path)),
                (true, false) => covered = format!("{path}/"),
                (false, _) => {}
            }
        }
        documents[index] = original;
    }
    assert_eq!(silent, []);
}
