//! AuthorizationPolicies and RequestAuthentications: those of a proxy, as parts of the module's configuration.

use std::collections::BTreeSet;

use documents::Document;
use explain::{Chain, Workload};
use mesh::{Mesh, Said};
use policies::{Gathered, clusters, gather};
use sdk_helpers::ConfigError;
use serde_json::{Map, Value, json};

use super::places::Parts;
use super::{Owner, Settings, unused};

/// The documents that are read: the policies, and what a MeshConfig says of them.
#[derive(Debug)]
pub(super) struct Security {
    documents: Vec<Document>,
}

/// The kinds that are read.
pub(super) const KINDS: [&str; 2] = ["AuthorizationPolicy", "RequestAuthentication"];

impl Security {
    pub(super) fn read(documents: &[Document]) -> Self {
        let is_read = |document: &&Document| {
            KINDS.contains(&document.object().kind())
                || policies::Mesh::config(document.object().value()).is_some()
        };
        Security {
            documents: documents.iter().filter(is_read).cloned().collect(),
        }
    }

    /// Those of a proxy, and the keys of the objects that are for it.
    pub(super) fn parts(
        &self,
        owner: &Owner,
        mesh: &Mesh<'_>,
        settings: &Settings,
        said: &mut BTreeSet<Said>,
    ) -> (Parts, Vec<String>) {
        let has_policy = |one: &Document| KINDS.contains(&one.object().kind());
        if !self.documents.iter().any(has_policy) {
            return (Parts::default(), Vec::new());
        }
        let asked = ::policies::Settings {
            selection: Some(owner.selection.clone()),
            trust_domain: Some(mesh.trust_domain.to_owned()),
            filter: None,
            keys: settings.keys.clone(),
            keys_are_fetched: true,
        };
        let gathered = match gather(&self.documents, &asked) {
            Ok(gathered) => gathered,
            Err(problem) => {
                said.insert(Said {
                    place: problem.place.clone(),
                    what: problem.problem.clone(),
                    consequence: "no policy of these files is in the mesh".to_owned(),
                });
                return (Parts::default(), Vec::new());
            }
        };
        let used = gathered
            .resources
            .iter()
            .map(|one| unused::key(&one.object));
        let used = used.collect();
        let workload = Workload {
            namespace: owner.selection.namespace.clone(),
            labels: owner.selection.labels.clone(),
        };
        let Some((tree, chain)) = loaded(&gathered, &workload, settings, said) else {
            return (Parts::default(), used);
        };
        let mut parts = split(&tree);
        let calls = chain.fetches(settings.now);
        let (asked, problems) = clusters::of_calls(&calls, settings.trusted.as_deref());
        parts.clusters = asked;
        said.extend(problems.into_iter().map(|problem| Said {
            place: first_place(&gathered, "RequestAuthentication"),
            what: problem,
            consequence: "tokens of that issuer are refused; `--jwks` gives its keys".to_owned(),
        }));
        (parts, used)
    }
}

/// The configuration that the filters take, without the objects that they refuse; none where nothing is left.
fn loaded(
    gathered: &Gathered<'_>,
    workload: &Workload,
    settings: &Settings,
    said: &mut BTreeSet<Said>,
) -> Option<(Map<String, Value>, Chain)> {
    let mut tree = gathered.tree.as_object()?.clone();
    let all = tree.remove("resources").unwrap_or_default();
    let all = all.as_array().cloned().unwrap_or_default();
    let mut kept: Vec<usize> = (0..all.len()).collect();
    while !kept.is_empty() {
        let resources = kept.iter().filter_map(|index| all.get(*index)).cloned();
        tree.insert("resources".to_owned(), resources.collect());
        let whole = Value::Object(tree.clone());
        let errors = match Chain::load(
            gathered.filter,
            &whole,
            settings.now,
            Some(workload.clone()),
        ) {
            Ok(chain) => return Some((tree, chain)),
            Err(errors) => errors,
        };
        let mut refused = BTreeSet::new();
        for error in &errors {
            let index =
                resource(&error.at).and_then(|(place, rest)| Some((*kept.get(place)?, rest)));
            let consequence = match index {
                Some((index, _)) => {
                    refused.insert(index);
                    "istiod would not have it either: the object is not in the mesh"
                }
                None => "the proxy refuses every request, as nothing else would be safe",
            };
            let at = match index {
                Some((index, rest)) => format!("resources[{index}]{rest}"),
                None => error.at.clone(),
            };
            let problem = gathered.locate(&ConfigError {
                at,
                problem: error.problem.clone(),
            });
            let what = match problem.path.as_str() {
                "" => problem.problem,
                path => format!("{path}: {}", problem.problem),
            };
            said.insert(Said {
                place: problem.place,
                what,
                consequence: consequence.to_owned(),
            });
        }
        // What is wrong is in no object, so leaving one out would not help.
        if refused.is_empty() {
            return closed(gathered, workload, settings);
        }
        kept.retain(|index| !refused.contains(index));
    }
    None
}

/// Lets nothing through.
fn closed(
    gathered: &Gathered<'_>,
    workload: &Workload,
    settings: &Settings,
) -> Option<(Map<String, Value>, Chain)> {
    let tree =
        json!({"authorizationPolicy": {"policies": [{"name": "refused-policies", "rules": []}]}});
    let chain = Chain::load(gathered.filter, &tree, settings.now, Some(workload.clone())).ok()?;
    Some((tree.as_object()?.clone(), chain))
}

/// The index in `resources[3].spec`, and the rest.
fn resource(at: &str) -> Option<(usize, &str)> {
    let (index, rest) = at.strip_prefix("resources[")?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

/// The configuration by istiod's places: each has its own objects, and what is said for all policies.
fn split(tree: &Map<String, Value>) -> Parts {
    let all = tree.get("resources").and_then(Value::as_array);
    let all = all.map(Vec::as_slice).unwrap_or_default();
    let kind = |object: &Value| {
        object
            .get("kind")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let is_custom =
        |object: &Value| object.pointer("/spec/action").and_then(Value::as_str) == Some("CUSTOM");
    let part = |takes: &dyn Fn(&Value) -> bool, common: Option<&Value>| {
        let own: Vec<Value> = all.iter().filter(|one| takes(one)).cloned().collect();
        if own.is_empty() {
            return None;
        }
        let mut part = json!({"resources": own});
        if let (Some(common), Value::Object(fields)) = (common, &mut part) {
            fields.insert("authorizationPolicy".to_owned(), common.clone());
        }
        Some(part)
    };
    let [policy, tokens] = KINDS;
    let common = tree.get("authorizationPolicy");
    let of_policies = |custom: bool| {
        move |one: &Value| kind(one).as_deref() == Some(policy) && is_custom(one) == custom
    };
    let mut parts = Parts {
        custom: part(&of_policies(true), common),
        authentication: part(&|one| kind(one).as_deref() == Some(tokens), None),
        authorization: part(&of_policies(false), common),
        ..Parts::default()
    };
    // What stands there without an object.
    if all.is_empty() {
        parts.authorization = Some(Value::Object(tree.clone()));
    }
    parts
}

/// Where the first object of a kind stands.
fn first_place(gathered: &Gathered<'_>, kind: &str) -> String {
    let is_kind = |object: &Value| object.get("kind").and_then(Value::as_str) == Some(kind);
    let first = gathered.resources.iter().find(|one| is_kind(&one.object));
    first.map(|one| one.place("spec").0).unwrap_or_default()
}
