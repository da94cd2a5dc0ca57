//! Objects into the configurations of their filters, by the filters' own reader of objects.

use catalog::Filter;
use policies::{Gathered, Problem};
use sdk_helpers::At;
use sdk_helpers::config::{Problems, Resource as Object};
use serde_json::{Map, Value};

use super::left::{Left, strip};
use super::{Configuration, Modules, loaded};
use crate::loss::Loss;
use crate::workload;

/// The field with objects of all kinds.
const RESOURCES: &str = "resources";
/// The field about what all filters of the one module tell.
const FILTER_STATE: &str = "filterState";

/// The configurations that these modules take.
pub(super) fn configurations(
    gathered: &Gathered<'_>,
    modules: Modules,
    left: &mut Left,
) -> Result<Vec<Configuration>, Vec<Problem>> {
    let mut parts = Parts::of(gathered);
    let mut configurations = match modules {
        Modules::Whole => vec![Configuration {
            filter: gathered.filter,
            tree: parts.whole(gathered.filter),
        }],
        Modules::Only(filter) if filter.name() == gathered.filter.name() => vec![Configuration {
            filter,
            tree: parts.whole(filter),
        }],
        Modules::Each | Modules::Only(_) => parts.each(gathered.filter),
    };
    if let Modules::Only(only) = modules {
        let is_other = |it: &Configuration| it.filter.name() != only.name();
        for other in configurations.iter().filter(|it| is_other(it)) {
            left.losses.push(of_filter(gathered, other.filter));
        }
        configurations.retain(|it| !is_other(it));
    }
    if !matches!(modules, Modules::Whole)
        && let Some(state) = parts.tree.get(FILTER_STATE).filter(|_| !parts.is_whole)
    {
        left.losses.push(Loss {
            place: String::new(),
            path: FILTER_STATE.to_owned(),
            what: "is not carried over".to_owned(),
            consequence: format!(
                "the module of one filter has no such field, and tells all of it: {state} was said of the one module"
            ),
        });
    }
    let mut refused = Vec::new();
    for it in &configurations {
        refused.extend(loaded(it.filter, &it.tree).errors());
    }
    if !refused.is_empty() || configurations.is_empty() {
        let problems = refused.iter().map(|error| Problem {
            place: String::new(),
            path: error.at.clone(),
            problem: error.problem.clone(),
        });
        let mut problems: Vec<Problem> = problems.collect();
        if problems.is_empty() {
            problems.push(Problem {
                place: String::new(),
                path: String::new(),
                problem: "nothing of these documents is of the filter that was named".to_owned(),
            });
        }
        return Err(problems);
    }
    Ok(configurations)
}

/// What is of another filter than the one that was asked for.
fn of_filter(gathered: &Gathered<'_>, filter: &Filter) -> Loss {
    let mut parts = gathered.filter.parts().iter();
    let part = parts.find(|(_, name)| *name == filter.name());
    let field = part.map(|(field, _)| *field).unwrap_or_default();
    let kind = filter.envelope().kind;
    let of_kind = gathered
        .resources
        .iter()
        .find(|it| workload::text(&it.object, &["kind"]) == Some(kind));
    let (place, path) = match (of_kind, gathered.place_of(field)) {
        (Some(it), _) => it.place(""),
        (None, Some(place)) => place,
        (None, None) => (String::new(), field.to_owned()),
    };
    Loss {
        place,
        path,
        what: format!("is of the filter {}, and not carried over", filter.name()),
        consequence: "the module that is loaded does nothing of it; convert it by itself, or leave `--filter` out"
            .to_owned(),
    }
}

/// The one configuration, its objects sorted by the field of their filter.
struct Parts {
    tree: Map<String, Value>,
    /// Objects in the configuration that was given.
    ours: Vec<(usize, Map<String, Value>)>,
    /// Objects beside it.
    objects: Vec<(usize, Map<String, Value>)>,
    is_whole: bool,
}

impl Parts {
    fn of(gathered: &Gathered<'_>) -> Self {
        let mut tree = gathered.tree.as_object().cloned().unwrap_or_default();
        let mut parts = Parts {
            ours: Vec::new(),
            objects: Vec::new(),
            is_whole: false,
            tree: Map::new(),
        };
        let all = match tree.remove(RESOURCES) {
            Some(Value::Array(all)) => all,
            _ => Vec::new(),
        };
        for ((index, object), written) in all.into_iter().enumerate().zip(&gathered.resources) {
            let Value::Object(mut object) = object else {
                continue;
            };
            if written.is_ours {
                parts.ours.push((index, object));
            } else {
                strip(&mut object);
                parts.objects.push((index, object));
            }
        }
        parts.tree = tree;
        parts
    }

    /// The configuration of the one module: what was given as it was, and objects in the shape of their filters.
    fn whole(&mut self, whole: &'static Filter) -> Value {
        self.is_whole = true;
        let mut tree = self.tree.clone();
        for (field, name) in whole.parts() {
            if let Ok(filter) = catalog::find(name) {
                put(&mut tree, field, filter, take(&mut self.objects, filter));
            }
        }
        let ours = std::mem::take(&mut self.ours).into_iter();
        let ours: Vec<Value> = ours.map(|(_, object)| Value::Object(object)).collect();
        if !ours.is_empty() {
            tree.insert(RESOURCES.to_owned(), ours.into());
        }
        Value::Object(tree)
    }

    /// A configuration for each filter that there is one for.
    fn each(&mut self, whole: &'static Filter) -> Vec<Configuration> {
        let mut all = Vec::new();
        for (field, name) in whole.parts() {
            let Ok(filter) = catalog::find(name) else {
                continue;
            };
            let mut objects = take(&mut self.ours, filter);
            objects.extend(take(&mut self.objects, filter));
            let mut tree = self.tree.clone();
            put(&mut tree, field, filter, objects);
            if let Some(tree) = tree.remove(*field) {
                all.push(Configuration { filter, tree });
            }
        }
        all
    }
}

/// Those of a filter's kind.
fn take(
    objects: &mut Vec<(usize, Map<String, Value>)>,
    filter: &Filter,
) -> Vec<(usize, Map<String, Value>)> {
    let kind = Some(filter.envelope().kind);
    let of_kind = |object: &Map<String, Value>| object.get("kind").and_then(Value::as_str) == kind;
    objects
        .extract_if(.., |(_, object)| of_kind(object))
        .collect()
}

/// Puts objects into the field of their filter; one without any stays byte for byte.
fn put(
    tree: &mut Map<String, Value>,
    field: &str,
    filter: &Filter,
    objects: Vec<(usize, Map<String, Value>)>,
) {
    if objects.is_empty() {
        return;
    }
    let objects = objects.into_iter().map(|(index, object)| Object {
        list: RESOURCES.to_owned(),
        index,
        object,
    });
    let own = tree.remove(field).unwrap_or_default();
    // What is wrong with them was told where they were written.
    let shape = filter.envelope().unwrap(
        own,
        objects.collect(),
        &At::written(field),
        &Problems::default(),
    );
    tree.insert(field.to_owned(), shape);
}
