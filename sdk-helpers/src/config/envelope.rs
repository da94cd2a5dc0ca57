//! Objects of Kubernetes, the same way for every filter: a whole object, its `spec`, a list of them,
//! or our own shape come out as our own shape.
//!
//! What is taken out of an object keeps its place for whoever reads of a problem: what stands under
//! `http[0]` of our own shape is told as `items[2].spec.http[0]` where that is what was written.

pub(super) mod kinds;
pub(super) mod metadata;
mod placement;
mod resources;
mod shape;

use serde_json::{Map, Value};

use super::names::place;
use super::problems::{At, Problems};
use super::remedy::Scope;
pub use placement::{SelectorWire, TargetRefWire};
pub use resources::{Resource, Resources};
use shape::OwnShape;

/// What a filter takes of Kubernetes.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// The kind of its objects.
    pub kind: &'static str,
    /// The fields of their `spec`, in camel case.
    pub spec: &'static [&'static str],
    /// Those of them that a mesh reads and a filter does not, with the reason.
    pub passed_over: &'static [(&'static str, &'static str)],
    /// Where they go.
    pub layout: Layout,
}

/// Where the fields of a `spec` go in the filter's own shape.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// They are fields of it. Several objects add up in these lists.
    Fields(&'static [&'static str]),
    /// Each object is an entry of a list.
    Entries {
        /// The list.
        list: &'static str,
        /// What stands beside the list.
        beside: &'static [&'static str],
        /// An annotation that is true or false, and the field of an entry that says so.
        flag: (&'static str, &'static str),
    },
}

/// The parts of an object. All but `status` tell one: answers have a status too.
pub(super) const OBJECT: [&str; 6] = ["apiVersion", "kind", "metadata", "spec", "items", "status"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    ApiVersion,
    Kind,
    Metadata,
    Spec,
    Items,
    Status,
}

impl Part {
    /// The part of this name, in either spelling.
    fn named(name: &str) -> Option<Self> {
        const PARTS: [Part; OBJECT.len()] = [
            Part::ApiVersion,
            Part::Kind,
            Part::Metadata,
            Part::Spec,
            Part::Items,
            Part::Status,
        ];
        PARTS.get(place(name, &OBJECT)?).copied()
    }
}

impl Envelope {
    /// For a filter that takes nothing of Kubernetes.
    pub const NONE: Envelope = Envelope {
        kind: "object",
        spec: &[],
        passed_over: &[],
        layout: Layout::Fields(&[]),
    };

    /// Takes the configuration that stands at `root` out of whatever objects it is in, and adds what
    /// stands in `resources` elsewhere. What is wrong with those goes to `problems`, which tell
    /// everything from then on by where it was written.
    pub fn unwrap(
        &self,
        tree: Value,
        resources: Vec<Resource>,
        root: &At<'_>,
        problems: &Problems,
    ) -> Value {
        let path = root.to_string();
        let root = &At::written(&path);
        let mut shape = OwnShape {
            envelope: self,
            root,
            problems,
            fields: Map::new(),
            moved: Map::new(),
        };
        match tree {
            Value::Array(list) if list.iter().any(is_object) => shape.elements(list, root),
            Value::Object(map) if has_object(&map) => shape.object(map, root),
            Value::Object(map) => shape.own(map),
            Value::Null if !resources.is_empty() => {}
            other => return other,
        }
        for resource in resources {
            let list = At::written(&resource.list);
            shape.object(resource.object, &list.index(resource.index));
        }
        problems.written(shape.moved);
        Value::Object(shape.fields)
    }

    pub(super) fn lists(&self) -> &[&'static str] {
        match &self.layout {
            Layout::Fields(lists) => lists,
            Layout::Entries { list, .. } => std::slice::from_ref(list),
        }
    }

    /// Checks what a mesh reads, and says that a filter does not.
    fn pass_over(&self, spec: &Map<String, Value>, at: &At<'_>, problems: &Problems) {
        if self.spec.contains(&"selector") {
            placement::check(spec, at, problems);
        }
        for name in spec.keys() {
            if let Some((field, why)) = self.passed(name) {
                problems.warn_of(Scope::Filter, &at.field(field), *why);
            }
        }
    }

    fn passed(&self, name: &str) -> Option<&(&'static str, &'static str)> {
        self.passed_over
            .iter()
            .find(|(field, _)| place(name, &[field]).is_some())
    }

    /// Whether a field of a `spec` says nothing to the filter.
    fn is_passed(&self, name: &str) -> bool {
        self.passed(name).is_some()
            || self.spec.contains(&"selector") && place(name, &placement::FIELDS).is_some()
    }
}

fn is_object(value: &Value) -> bool {
    value.as_object().is_some_and(has_object)
}

fn has_object(map: &Map<String, Value>) -> bool {
    let mut parts = map.keys().filter_map(|name| Part::named(name));
    parts.any(|part| part != Part::Status)
}

#[cfg(test)]
mod tests;
