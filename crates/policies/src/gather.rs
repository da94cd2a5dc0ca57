//! Documents as one configuration.

mod configurations;

use std::collections::BTreeMap;

use catalog::Filter;
use documents::Document;
use sdk_helpers::ConfigError;
use serde_json::{Map, Value, json};

use crate::embedded::Embedded;
use crate::mesh::Mesh;
use crate::{Problem, Settings, hosts, keys};

/// The one configuration of many documents.
#[derive(Debug)]
pub struct Gathered<'a> {
    /// The filter that takes it.
    pub filter: &'static Filter,
    /// The configuration.
    pub tree: Value,
    /// What is said of the mesh.
    pub mesh: Mesh,
    /// What whoever reads on should know: what was passed over, and why.
    pub notes: Vec<String>,
    /// The same for whoever tells all of it: what was passed over, and where it stands first.
    pub passed_over: Vec<(String, String)>,
    /// The objects of the kinds that filters take, as they were written, in the order of `resources`.
    pub resources: Vec<Resource<'a>>,
    /// The objects with configurations of ours in them, and Envoy's bootstraps.
    pub holders: Vec<Resource<'a>>,
    /// The objects that are for other workloads than the one that was named.
    pub elsewhere: Vec<Resource<'a>>,
    /// Where each field of the one configuration stands, and the path there.
    parts: BTreeMap<String, (&'a Document, String)>,
}

/// The kinds that filters take.
const KINDS: [&str; 5] = [
    "AuthorizationPolicy",
    "RequestAuthentication",
    "VirtualService",
    "Telemetry",
    "RateLimit",
];

/// The filter that has all others as parts.
const WHOLE: &str = "mesh-filters";

/// Puts the policies of documents together.
///
/// # Errors
/// A document that cannot stand with the others, or that there is no policy at all.
pub fn gather<'a>(documents: &'a [Document], settings: &Settings) -> Result<Gathered<'a>, Problem> {
    let whole = catalog::find(WHOLE).map_err(|error| of_all(error.to_string()))?;
    let mut gathering = Gathering {
        whole,
        settings,
        tree: Map::new(),
        objects: Vec::new(),
        holders: Vec::new(),
        parts: BTreeMap::new(),
        mesh: Mesh::default(),
        passed_over: BTreeMap::new(),
    };
    for document in documents {
        gathering.document(document)?;
    }
    gathering.finish()
}

struct Gathering<'a, 's> {
    whole: &'static Filter,
    settings: &'s Settings,
    tree: Map<String, Value>,
    /// Objects of the kinds that filters take.
    objects: Vec<Resource<'a>>,
    /// Objects with configurations of ours in them, and those.
    holders: Vec<(Resource<'a>, Vec<Embedded>)>,
    parts: BTreeMap<String, (&'a Document, String)>,
    mesh: Mesh,
    /// What was passed over, and where it was first.
    passed_over: BTreeMap<String, String>,
}

/// An object, as it was written.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// What it says.
    pub object: Value,
    /// Where it stands.
    pub document: &'a Document,
    /// The path there.
    pub path: String,
    /// It stands in a configuration of ours: its filter takes it as it is, whoever it says it is for.
    pub is_ours: bool,
}

impl Resource<'_> {
    /// Where a field of its own stands: the place, and the path in its document.
    #[must_use]
    pub fn place(&self, own: &str) -> (String, String) {
        let path = joined(
            &self.path,
            &match own {
                "" => String::new(),
                own if own.starts_with('[') => own.to_owned(),
                own => [".", own].concat(),
            },
        );
        (self.document.place(&path), path)
    }
}

impl<'a> Gathering<'a, '_> {
    fn document(&mut self, document: &'a Document) -> Result<(), Problem> {
        let value = document.object().value();
        if let Some(config) = Mesh::config(value) {
            self.mesh.take(&config);
            return Ok(());
        }
        if value.get("kind").is_some() {
            self.object(value, document, String::new());
            return Ok(());
        }
        let map = value.as_object();
        let is_whole = map.is_some_and(|map| map.keys().any(|name| self.field(name).is_some()));
        match (is_whole, map, self.settings.filter) {
            (true, ..) => self.configuration(self.whole, value, document, "")?,
            // A bootstrap, or a part of one.
            (false, Some(_), _) if self.holder(value, document, "") => {}
            (false, Some(_), Some(filter)) => self.configuration(filter, value, document, "")?,
            (_, None, _) => {
                let problem = "is neither an object nor a configuration";
                return Err(problem_at(document, "", problem));
            }
            (false, Some(_), None) => {
                self.pass_over("a document without a `kind`; if it is the configuration of a filter, name that with `--filter`", document);
            }
        }
        Ok(())
    }

    fn object(&mut self, value: &Value, document: &'a Document, path: String) {
        let kind = crate::text(value, &["kind"]).unwrap_or_default();
        if kind.ends_with("List")
            && let Some(Value::Array(items)) = value.get("items")
        {
            let path = match path.as_str() {
                "" => "items".to_owned(),
                path => format!("{path}.items"),
            };
            for (index, item) in items.iter().enumerate() {
                self.object(item, document, format!("{path}[{index}]"));
            }
        } else if KINDS.contains(&kind) {
            self.objects.push(Resource {
                object: value.clone(),
                document,
                path,
                is_ours: false,
            });
        } else if !self.holder(value, document, &path) {
            self.pass_over(&format!("kind `{}`", kind.escape_debug()), document);
        }
    }

    fn pass_over(&mut self, what: &str, document: &Document) {
        let first = self.passed_over.entry(what.to_owned());
        first.or_insert_with(|| document.place(""));
    }

    fn finish(mut self) -> Result<Gathered<'a>, Problem> {
        let mut notes: Vec<String> = Vec::new();
        let passed_over = std::mem::take(&mut self.passed_over);
        for (what, place) in &passed_over {
            notes.push(format!("{place}: {what} is passed over"));
        }
        let root = self.mesh.root().to_owned();
        let all = self.objects.len() + self.holders.len();
        let elsewhere = self.select(&root);
        if self.settings.selection.is_none() && self.is_selective() {
            notes.push(
                "no workload is named, so every policy applies, whatever its namespace and selector; \
                 name one with `--namespace` and `--labels`"
                    .to_owned(),
            );
        }
        let mut holders = Vec::new();
        for (holder, inner) in std::mem::take(&mut self.holders) {
            for inner in inner {
                self.inner(inner, holder.document)?;
            }
            holders.push(holder);
        }
        if self.objects.is_empty() && all > 0 && self.tree.is_empty() {
            notes.push("no policy is for this workload, so every request passes".to_owned());
        } else if self.objects.is_empty() && self.tree.is_empty() {
            return Err(of_all(
                "there is no policy among these documents; one filter's configuration by itself needs `--filter NAME`"
                    .to_owned(),
            ));
        }
        let mut resources = Vec::new();
        let written = std::mem::take(&mut self.objects);
        for it in &written {
            let mut object = it.object.clone();
            if !it.is_ours && crate::text(&object, &["kind"]) == Some("VirtualService") {
                hosts::apply(&mut object);
            }
            resources.push(object);
        }
        self.keys(&mut resources, &mut notes);
        self.trust(&resources);
        if !resources.is_empty() {
            self.tree.insert("resources".to_owned(), resources.into());
        }
        Ok(Gathered {
            filter: self.whole,
            tree: Value::Object(self.tree),
            mesh: self.mesh,
            notes,
            passed_over: passed_over.into_iter().collect(),
            resources: written,
            holders,
            elsewhere,
            parts: self.parts,
        })
    }

    /// Leaves what is for the workload that was named, and tells the rest.
    fn select(&mut self, root: &str) -> Vec<Resource<'a>> {
        let Some(selection) = &self.settings.selection else {
            return Vec::new();
        };
        // What is no object is Envoy's own file, and that of whoever starts it.
        let is_elsewhere = |it: &Resource<'_>| {
            !it.is_ours && it.object.get("kind").is_some() && !selection.takes(&it.object, root)
        };
        let objects = self.objects.extract_if(.., |it| is_elsewhere(it));
        let mut elsewhere: Vec<Resource<'a>> = objects.collect();
        let holders = self.holders.extract_if(.., |(it, _)| is_elsewhere(it));
        elsewhere.extend(holders.map(|(it, _)| it));
        elsewhere
    }

    fn is_selective(&self) -> bool {
        let objects = self.objects.iter().filter(|it| !it.is_ours);
        let objects = objects.map(|it| &it.object);
        let holders = self.holders.iter().map(|(holder, _)| &holder.object);
        objects.chain(holders).any(is_selective)
    }

    /// Puts given keys in place of those that would be fetched.
    fn keys(&mut self, resources: &mut [Value], notes: &mut Vec<String>) {
        let mut without = Vec::new();
        let mut put = |rules: Option<&mut Value>| {
            if let Some(rules) = rules {
                without.extend(keys::put(rules, &self.settings.keys));
            }
        };
        for object in resources {
            if crate::text(object, &["kind"]) == Some("RequestAuthentication") {
                put(object
                    .get_mut("spec")
                    .and_then(|spec| spec.get_mut("jwtRules")));
            }
        }
        let own = self.tree.get_mut("requestAuthentication");
        put(own.and_then(|own| own.get_mut("jwtRules")));
        without.sort();
        without.dedup();
        without.retain(|_| !self.settings.keys_are_fetched);
        for issuer in without {
            notes.push(format!(
                "the keys of `{}` are not fetched, so its tokens are refused; give them with `--jwks`, or declare `claims`",
                issuer.escape_debug()
            ));
        }
    }

    /// Tells the policies the trust domain of the mesh, and whom they may ask.
    fn trust(&mut self, resources: &[Value]) {
        let mesh = &mut self.mesh;
        mesh.trust_domain = self
            .settings
            .trust_domain
            .clone()
            .or(mesh.trust_domain.take());
        let is_policy =
            |object: &Value| crate::text(object, &["kind"]) == Some("AuthorizationPolicy");
        if !self.tree.contains_key("authorizationPolicy") {
            if !resources.iter().any(is_policy) {
                return;
            }
            self.tree
                .insert("authorizationPolicy".to_owned(), json!({}));
        }
        let own = self.tree.get_mut("authorizationPolicy");
        let Some(own) = own.and_then(Value::as_object_mut) else {
            return;
        };
        let is_bare_object = own.contains_key("kind") || own.contains_key("spec");
        let mut say = |field: &str, value: Value| {
            own.entry(field).or_insert(value);
        };
        if let Some(domain) = &mesh.trust_domain {
            say("trustDomain", domain.as_str().into());
        }
        if !mesh.trust_domain_aliases.is_empty() {
            say("trustDomainAliases", json!(mesh.trust_domain_aliases));
        }
        if !mesh.providers.is_empty() {
            say("extensionProviders", mesh.providers.clone().into());
        }
        if own.is_empty() && !is_bare_object {
            self.tree.remove("authorizationPolicy");
        }
    }
}

impl<'a> Gathered<'a> {
    /// A problem of the configuration, by where it was written.
    #[must_use]
    pub fn locate(&self, error: &ConfigError) -> Problem {
        let found = self.written(&error.at);
        let (place, path) = match found {
            Some((document, path)) => (document.place(&path), path),
            None => (String::new(), error.at.clone()),
        };
        Problem {
            place,
            path,
            problem: error.problem.clone(),
        }
    }

    /// Where the configurations of ours begin that the fields of the one configuration are of.
    #[must_use]
    pub fn configured(&self) -> Vec<(&'a Document, &str)> {
        let parts = self.parts.values();
        parts
            .map(|(document, path)| (*document, path.as_str()))
            .collect()
    }

    /// Where a field of the one configuration stands, and the path there; nothing where objects alone make it.
    #[must_use]
    pub fn place_of(&self, field: &str) -> Option<(String, String)> {
        let (document, path) = self.parts.get(field)?;
        Some((document.place(path), path.clone()))
    }

    fn written(&self, at: &str) -> Option<(&Document, String)> {
        if let Some(rest) = at.strip_prefix("resources[") {
            let (index, rest) = rest.split_once(']')?;
            let resource = self.resources.get(index.parse::<usize>().ok()?)?;
            return Some((resource.document, joined(&resource.path, rest)));
        }
        let end = at.find(['.', '[']).unwrap_or(at.len());
        let (field, rest) = at.split_at_checked(end)?;
        let (document, path) = self.parts.get(field)?;
        Some((document, joined(path, rest)))
    }
}

fn joined(path: &str, rest: &str) -> String {
    match path {
        "" => rest.strip_prefix('.').unwrap_or(rest).to_owned(),
        path => [path, rest].concat(),
    }
}

/// Whether a resource says for which workloads it is.
fn is_selective(object: &Value) -> bool {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let says = |place: &Value, name: &str| place.get(name).is_some_and(|value| !value.is_null());
    ["selector", "workloadSelector", "targetRef", "targetRefs"]
        .iter()
        .any(|name| says(spec, name))
        || object
            .get("metadata")
            .is_some_and(|metadata| says(metadata, "namespace"))
            && crate::text(object, &["kind"]) != Some("VirtualService")
}

fn problem_at(document: &Document, path: &str, problem: &str) -> Problem {
    Problem {
        place: document.place(path),
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

fn of_all(problem: String) -> Problem {
    Problem {
        place: String::new(),
        path: String::new(),
        problem,
    }
}

#[cfg(test)]
mod tests;
