//! What stays behind: fields that say nothing to a filter, objects that no filter takes.

use policies::{Gathered, Problem, Resource, Selection};
use sdk_helpers::ConfigError;
use serde_json::{Map, Value};

use super::Sides;
use crate::loss::{Loss, loss_of};
use crate::workload::{self, at, text};

/// What of an `http` entry of a VirtualService a filter has: the rest routes.
const OF_FAULTS: [&str; 3] = ["name", "match", "fault"];
/// Where an object is in force.
const OF_PLACE: [&str; 3] = ["selector", "targetRef", "targetRefs"];
/// What of an object's metadata comes along: it names policies, and says where they are in force.
const OF_METADATA: [&str; 2] = ["name", "namespace"];
/// Envoy's filter that shows policies what it does not show itself, by which its README's advice is known.
const IN_FRONT: &str = "set_filter_state";
/// The annotation by which a policy is only tried.
const DRY_RUN: &str = "istio.io/dry-run";
/// Fields whose meaning comes along though a filter alone would pass them over: the selection of the workload, and
/// the hosts, which each entry asks for.
const CARRIED: [&str; 6] = [
    "selector",
    "targetRef",
    "targetRefs",
    "hosts",
    "exportTo",
    "gateways",
];

/// Takes out of an object what says nothing to a filter: for whom it is, which the output says, and the routes of a
/// VirtualService, on which faults do not depend.
pub(super) fn strip(object: &mut Map<String, Value>) {
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.retain(|name, _| !OF_PLACE.contains(&name.as_str()));
    }
    if object.get("kind").and_then(Value::as_str) != Some("VirtualService") {
        return;
    }
    let entries = object.get_mut("spec").and_then(|spec| spec.get_mut("http"));
    let entries = entries.and_then(Value::as_array_mut).into_iter().flatten();
    for entry in entries.filter_map(Value::as_object_mut) {
        entry.retain(|name, _| OF_FAULTS.contains(&name.as_str()));
    }
}

/// Where policies are decided in Istio, and what is lost elsewhere.
pub(super) fn sides(objects: &[&Resource<'_>]) -> Sides {
    let mut sides = Sides::default();
    for it in objects {
        match text(&it.object, &["kind"]) {
            Some("VirtualService") => {
                let loss = loss_of(
                    it,
                    "",
                    "faults are injected where requests are sent, in the client's sidecar or a gateway",
                    "where requests come in, a client sees them as answers of the workload: its retries and timeouts \
                     take part, and each of its callers meets them. Convert the VirtualService by itself for `--context outbound`",
                );
                sides.clients.push((loss, texts(it, "gateways")));
            }
            Some("AuthorizationPolicy" | "RequestAuthentication") => sides.servers.push(loss_of(
                it,
                "",
                "is enforced where requests come in",
                "outbound it decides what the workload may send, by its own identity, and nobody is kept from it; \
                 convert it for `--context inbound` or `gateway`",
            )),
            _ => {}
        }
    }
    sides
}

/// The texts of a list in the `spec` of an object.
fn texts(it: &Resource<'_>, field: &str) -> Vec<String> {
    let list = at(&it.object, &["spec", field]).and_then(Value::as_array);
    let list = list.into_iter().flatten().filter_map(Value::as_str);
    list.map(str::to_owned).collect()
}

/// What stays behind, so far.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) losses: Vec<Loss>,
    pub(super) notes: Vec<String>,
    /// What policies ask for that has to be shown to them by a filter in front.
    pub(super) unseen: Vec<Loss>,
}

impl Left {
    /// Documents of kinds that no filter takes, and objects for other workloads.
    pub(super) fn passed_over(&mut self, gathered: &Gathered<'_>) {
        for (what, place) in &gathered.passed_over {
            self.notes.push(format!(
                "{place}: {what} is not converted: no filter takes it"
            ));
        }
        for it in &gathered.elsewhere {
            let kind = text(&it.object, &["kind"]).unwrap_or_default();
            let name = text(&it.object, &["metadata", "name"]).unwrap_or_default();
            let (place, _) = it.place("");
            let (kind, name) = (kind.escape_debug(), name.escape_debug());
            self.notes.push(format!(
                "{place}: {kind} `{name}` is for other workloads, and not converted"
            ));
        }
    }

    /// What is said about objects, and not of requests.
    pub(super) fn objects(&mut self, objects: &[&Resource<'_>]) {
        for it in objects {
            let mut about: Vec<String> = Vec::new();
            let metadata = at(&it.object, &["metadata"]).and_then(Value::as_object);
            for (name, value) in metadata.into_iter().flatten() {
                if OF_METADATA.contains(&name.as_str()) {
                    continue;
                }
                match (name.as_str(), value) {
                    ("annotations" | "labels", Value::Object(map)) => {
                        let others = map.keys().filter(|key| *key != DRY_RUN);
                        about.extend(others.map(|key| format!("metadata.{name}[{key}]")));
                    }
                    _ => about.push(format!("metadata.{name}")),
                }
            }
            let known = ["apiVersion", "kind", "metadata", "spec"];
            let others = it.object.as_object().into_iter().flatten();
            about.extend(
                others
                    .map(|(name, _)| name)
                    .filter(|name| !known.contains(&name.as_str()))
                    .cloned(),
            );
            if !about.is_empty() {
                let (place, _) = it.place("");
                let about = about.join(", ");
                self.notes.push(format!(
                    "{place}: {} is about the object, which is none any more; no request sees it",
                    about.escape_debug()
                ));
            }
        }
    }

    /// The clients that VirtualServices are for.
    pub(super) fn clients(&mut self, objects: &[&Resource<'_>], workload: Option<&Selection>) {
        for it in objects {
            if text(&it.object, &["kind"]) != Some("VirtualService") {
                continue;
            }
            let gateways = texts(it, "gateways");
            if !gateways.is_empty() {
                let (place, path) = it.place("spec.gateways");
                let gateways = gateways.join(", ");
                self.notes.push(format!(
                    "{place}: {path}: is for {}, of which `mesh` is the sidecars: load it there",
                    gateways.escape_debug()
                ));
            }
            let export = texts(it, "exportTo");
            let own = text(&it.object, &["metadata", "namespace"]).unwrap_or("default");
            let is_own = |to: &String| to == "." || to == own;
            let Some(workload) =
                workload.filter(|_| export.is_empty() || !export.iter().all(is_own))
            else {
                continue;
            };
            let whose = match export.iter().any(|to| to == "*") || export.is_empty() {
                true => "of all namespaces".to_owned(),
                false => format!("of the namespaces {}", export.join(", ")),
            };
            self.losses.push(loss_of(
                it,
                "spec.exportTo",
                format!("is for clients {}", whose.escape_debug()),
                format!(
                    "what is made of it is for {}; with `--namespace` and the mesh's root namespace it is for all",
                    workload::of(workload)
                ),
            ));
        }
    }

    /// What stands around configurations that come from objects or from files of Envoy's.
    pub(super) fn holders(&mut self, holders: &[Resource<'_>]) {
        for it in holders {
            let (place, _) = it.place("");
            let kind = text(&it.object, &["kind"]);
            self.notes.push(format!(
                "{place}: of this {} the configuration is taken, and its workload; where the module lies, its place in \
                 the chain and what happens when it dies is said anew",
                kind.unwrap_or("file of Envoy's").escape_debug()
            ));
            let patches = at(&it.object, &["spec", "configPatches"]).and_then(Value::as_array);
            for (index, patch) in patches.into_iter().flatten().enumerate() {
                let own = format!("spec.configPatches[{index}]");
                // What shows policies the peer is written anew.
                let is_peer = patch.to_string().contains("mesh_filters.peer.");
                if !is_peer && policies::embedded(&documents::Spot::root(patch)).is_empty() {
                    self.losses.push(loss_of(
                        it,
                        &own,
                        "loads none of our modules, and is not carried over",
                        "keep it in an EnvoyFilter of its own: a cluster that a policy asks may be among it",
                    ));
                }
            }
        }
    }

    /// What the filters say of the configuration as it was written.
    pub(super) fn warnings(&mut self, gathered: &Gathered<'_>, warnings: &[ConfigError]) {
        for warning in warnings {
            let told = gathered.locate(warning);
            let text = told.to_string();
            let Problem {
                place,
                path,
                problem,
            } = told;
            match behind(gathered, &warning.at) {
                Some(field) if CARRIED.contains(&field) => {}
                Some(_) => self.notes.push(format!(
                    "{place}: {path}: stays in the VirtualService, which routes; keep that, and take `fault` out of it: \
                     with both, requests meet it twice"
                )),
                None if problem.contains(IN_FRONT) => self.unseen.push(Loss {
                    place,
                    path,
                    what: "asks for what Envoy does not show a module".to_owned(),
                    consequence: problem,
                }),
                None => self.notes.push(text),
            }
        }
    }
}

/// The field of an object beside a configuration that a warning is about, if it stays behind.
fn behind<'a>(gathered: &Gathered<'_>, at: &'a str) -> Option<&'a str> {
    let (index, own) = at.strip_prefix("resources[")?.split_once("].spec.")?;
    let it = gathered.resources.get(index.parse::<usize>().ok()?)?;
    if it.is_ours {
        return None;
    }
    let is_field = |name: &str| !name.contains(['.', '[']);
    if let Some((_, field)) = own
        .strip_prefix("http[")
        .and_then(|own| own.split_once("]."))
        && is_field(field)
        && !OF_FAULTS.contains(&field)
        && text(&it.object, &["kind"]) == Some("VirtualService")
    {
        return Some(field);
    }
    let is_passed = CARRIED.contains(&own) || ["tcp", "tls"].contains(&own);
    (is_field(own) && is_passed).then_some(own)
}
