//! Documents as configurations, and what of them does not come along.

mod carry;
mod left;

use catalog::{Filter, NoProxy};
use documents::{Document, Spot};
use policies::{Gathered, Problem, Resource, Selection, Settings, embedded, gather};
use sdk_helpers::config::Problems;
use sdk_helpers::{At, Load};
use serde_json::{Map, Value};

use crate::loss::Loss;
use crate::workload;

/// Which modules are to be loaded.
#[derive(Debug, Clone, Copy)]
pub enum Modules {
    /// The one that has all filters.
    Whole,
    /// One for each filter that there is a configuration for.
    Each,
    /// That of one filter.
    Only(&'static Filter),
}

/// A configuration, and whose it is.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The filter that takes it.
    pub filter: &'static Filter,
    /// What it says.
    pub tree: Value,
}

/// What came of documents.
#[derive(Debug)]
pub struct Converted {
    /// At least one, in the order of the chain.
    pub configurations: Vec<Configuration>,
    /// The workload that all of it is for, as far as that is said.
    pub workload: Option<Selection>,
    /// What it was made of: kind, name and place.
    pub sources: Vec<String>,
    /// Whether all of it are faults of VirtualServices, which are injected where requests are sent.
    pub is_clients: bool,
    /// What is not carried over, and what comes of it.
    pub losses: Vec<Loss>,
    /// What was set aside, though no request sees a difference; and what the filters warn of.
    pub notes: Vec<String>,
    /// What Envoy is to make of paths: `pathNormalization` of a MeshConfig, if there is one.
    pub path_normalization: Option<String>,
    /// What policies ask for that has to be shown to them by a filter in front of the module.
    pub(crate) unseen: Vec<Loss>,
    /// The policies of the two sides, for which losses depend on where they are loaded.
    pub(crate) sides: Sides,
}

/// What is decided on which side of a request, in Istio.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    /// By VirtualServices, each with the `gateways` that it is for.
    pub(crate) clients: Vec<(Loss, Vec<String>)>,
    /// By AuthorizationPolicies and RequestAuthentications.
    pub(crate) servers: Vec<Loss>,
}

/// Reads documents as configurations of the filters of these modules.
///
/// # Errors
/// What cannot be read, or is refused by the filter that it is for, all of it; or that there is nothing at all.
pub fn read(
    documents: &[Document],
    settings: &Settings,
    modules: Modules,
) -> Result<Converted, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let native = native::read(documents)?;
    let rest = beside(documents, &native).map_err(one)?;
    let gathered = gather(&rest, settings).map_err(|problem| {
        // Where nothing came of Envoy's own filters, why not is what there is to say.
        let losses = native.losses.iter().map(|loss| Problem {
            place: loss.place.clone(),
            path: loss.path.clone(),
            problem: format!("{}: {}", loss.what, loss.consequence),
        });
        [problem]
            .into_iter()
            .chain(losses)
            .collect::<Vec<Problem>>()
    })?;
    let objects: Vec<&Resource<'_>> = gathered.resources.iter().filter(|it| !it.is_ours).collect();
    let natives = taken(documents, &native);
    let mut of_mesh = objects.clone();
    of_mesh.extend(&gathered.holders);
    of_mesh.extend(&natives);
    let workload = match &settings.selection {
        Some(selection) => Some(selection.clone()),
        None => {
            let root = gathered.mesh.root_namespace.as_deref();
            workload::common(&of_mesh, root).map_err(one)?
        }
    };
    let warnings = warnings(&gathered)?;
    let mut left = left::Left::default();
    left.passed_over(&gathered);
    left.objects(&objects);
    left.clients(&objects, workload.as_ref());
    left.holders(&gathered.holders);
    left.losses.extend(native.losses);
    left.warnings(&gathered, &warnings);
    if let (Some(workload), None) = (&workload, &settings.selection) {
        left.losses.extend(workload::narrowed(&of_mesh, workload));
    }
    let configurations = carry::configurations(&gathered, modules, &mut left)?;
    let kind = |it: &&Resource<'_>, kind: &str| workload::text(&it.object, &["kind"]) == Some(kind);
    let is_clients = !objects.is_empty()
        && gathered.holders.is_empty()
        && natives.is_empty()
        && objects.iter().all(|it| kind(it, "VirtualService"))
        && configurations
            .iter()
            .all(|it| has_faults_alone(&it.tree, it.filter));
    let is_in = |it: &&&Resource<'_>| {
        let of_kind = |other: &Configuration| {
            kind(it, other.filter.envelope().kind) || !other.filter.parts().is_empty()
        };
        is_holder(it) || configurations.iter().any(of_kind)
    };
    let mut sources: Vec<String> = of_mesh.iter().filter(is_in).map(|it| source(it)).collect();
    sources.extend(configured(&gathered));
    Ok(Converted {
        configurations,
        workload,
        sources,
        is_clients,
        path_normalization: gathered.mesh.path_normalization.clone(),
        sides: left::sides(&objects),
        losses: left.losses,
        unseen: left.unseen,
        notes: left.notes,
    })
}

/// What the configuration made of Envoy's own filters is called among the documents.
const NATIVE: &str = "(Envoy's own filters)";

/// The documents that are none of Envoy's own filters, and one with the configuration that those are.
fn beside(documents: &[Document], native: &native::Native) -> Result<Vec<Document>, Problem> {
    let is_ours =
        |document: &Document| !embedded(&Spot::root(document.object().value())).is_empty();
    let rest = documents.iter().enumerate();
    let rest = rest.filter(|(index, document)| !native.taken.contains(index) || is_ours(document));
    let mut rest: Vec<Document> = rest.map(|(_, document)| document.clone()).collect();
    if native.tree.as_object().is_some_and(|tree| !tree.is_empty()) {
        let text = native.tree.to_string();
        let made = Document::read_text(NATIVE, &text).map_err(|error| Problem {
            place: error.place,
            path: String::new(),
            problem: error.problem,
        })?;
        rest.extend(made);
    }
    Ok(rest)
}

/// The documents that are Envoy's own filters.
fn taken<'a>(documents: &'a [Document], native: &native::Native) -> Vec<Resource<'a>> {
    let documents = native
        .taken
        .iter()
        .filter_map(|index| documents.get(*index));
    let resource = |document: &'a Document| Resource {
        object: document.object().value().clone(),
        document,
        path: String::new(),
        is_ours: false,
    };
    documents.map(resource).collect()
}

/// Whether configurations stand in an object, and it is none itself.
fn is_holder(it: &Resource<'_>) -> bool {
    let kind = workload::text(&it.object, &["kind"]);
    kind.is_none_or(|kind| {
        catalog::filters()
            .iter()
            .all(|filter| filter.envelope().kind != kind)
    })
}

fn has_faults_alone(tree: &Value, filter: &Filter) -> bool {
    let fields = tree.as_object().map(Map::keys).into_iter().flatten();
    filter.name() == "fault-injection" || fields.into_iter().all(|name| name == "faultInjection")
}

/// The documents that are configurations of ours by themselves.
fn configured(gathered: &Gathered<'_>) -> Vec<String> {
    let holders = gathered.holders.iter().map(|it| it.place("").0);
    let mut holders: Vec<String> = holders.collect();
    holders.push(format!("{NATIVE}:1:1"));
    let documents = gathered.configured().into_iter();
    let mut places: Vec<String> = documents.map(|(document, _)| document.place("")).collect();
    places.retain(|place| !holders.contains(place));
    places.sort();
    places.dedup();
    places
        .iter()
        .map(|place| format!("a configuration ({place})"))
        .collect()
}

/// What an output was made of, as its reader finds it again.
fn source(it: &Resource<'_>) -> String {
    let (place, _) = it.place("");
    let Some(kind) = workload::text(&it.object, &["kind"]) else {
        return format!("a configuration of Envoy's ({place})");
    };
    let name = workload::text(&it.object, &["metadata", "name"]).unwrap_or_default();
    let namespace = workload::text(&it.object, &["metadata", "namespace"]);
    let name = match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    format!("{} {} ({place})", kind.escape_debug(), name.escape_debug())
}

/// What the filters say of all of it, as it was written; by the paths of the one configuration.
fn warnings(gathered: &Gathered<'_>) -> Result<Vec<sdk_helpers::ConfigError>, Vec<Problem>> {
    if gathered.tree.as_object().is_some_and(Map::is_empty) {
        return Err(vec![Problem {
            place: String::new(),
            path: String::new(),
            problem: "none of these policies is for this workload, so there is nothing to convert"
                .to_owned(),
        }]);
    }
    let problems = loaded(gathered.filter, &gathered.tree);
    let errors: Vec<Problem> = problems
        .errors()
        .iter()
        .map(|error| gathered.locate(error))
        .collect();
    match errors.is_empty() {
        true => Ok(problems.warnings()),
        false => Err(errors),
    }
}

/// What a filter says of a configuration.
pub(crate) fn loaded(filter: &Filter, tree: &Value) -> Problems {
    let problems = Problems::default();
    let load = Load {
        at: At::root(),
        problems: &problems,
        world: &NoProxy::default(),
    };
    let _ = filter.load_at(tree.clone(), &load);
    problems
}
