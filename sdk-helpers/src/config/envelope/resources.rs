//! Objects of several kinds in one list, as `kubectl get -o yaml` has them, sorted by kind.

use serde_json::{Map, Value};

use super::super::problems::{At, Problems};
use super::super::reader::Node;
use super::super::tree::hash_of;
use super::{Part, kinds};

/// An object, and where it stands.
#[derive(Debug)]
pub struct Resource {
    /// The path of the list.
    pub list: String,
    /// Its place there.
    pub index: usize,
    /// What stands there.
    pub object: Map<String, Value>,
}

impl Resource {
    /// See [`hash`](super::super::hash).
    pub fn hash(&self) -> u32 {
        hash_of(&self.object)
    }
}

/// Objects by their kind.
#[derive(Debug, Default)]
pub struct Resources(Vec<(&'static str, Vec<Resource>)>);

impl Resources {
    /// Sorts a list of objects, or an object that is a list of them. One of a kind that no filter
    /// takes is an error.
    pub fn read(tree: Value, at: &At<'_>, problems: &Problems) -> Self {
        let mut resources = Resources::default();
        match tree {
            Value::Null => {}
            Value::Array(list) => resources.list(list, at, problems),
            Value::Object(mut object) => match take(&mut object, Part::Items) {
                Some((name, Value::Array(items))) => {
                    resources.list(items, &at.field(&name), problems);
                }
                _ => problems.misfit(at, "a list of objects is expected here"),
            },
            other => Node::new(&other, at, problems).elements(&mut |_| {}),
        }
        resources
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a kind, which are taken away.
    pub fn take(&mut self, kind: &str) -> Vec<Resource> {
        let of_kind = self.0.iter_mut().find(|(known, _)| *known == kind);
        of_kind.map_or_else(Vec::new, |(_, list)| std::mem::take(list))
    }

    fn list(&mut self, list: Vec<Value>, at: &At<'_>, problems: &Problems) {
        let path = at.to_string();
        for (index, element) in list.into_iter().enumerate() {
            let at = at.index(index);
            let Value::Object(mut object) = element else {
                Node::new(&element, &at, problems).entries(&mut |_, _| {});
                continue;
            };
            let kind = match find(&object, Part::Kind) {
                Some((name, kind)) => Node::new(kind, &at.field(name), problems).text(),
                None => {
                    problems.misfit(
                        &at.field("kind"),
                        "is missing; by it an object finds its filter",
                    );
                    continue;
                }
            };
            if kind.ends_with("List")
                && let Some((name, Value::Array(items))) = take(&mut object, Part::Items)
            {
                self.list(items, &at.field(&name), problems);
                continue;
            }
            let Some(kind) = kinds::all().into_iter().find(|known| *known == kind) else {
                problems.misfit(&at.field("kind"), kinds::of_no_filter(&kind));
                continue;
            };
            let resource = Resource {
                list: path.clone(),
                index,
                object,
            };
            match self.0.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, list)) => list.push(resource),
                None => self.0.push((kind, vec![resource])),
            }
        }
    }
}

fn find(object: &Map<String, Value>, part: Part) -> Option<(&String, &Value)> {
    let mut fields = object.iter();
    fields.find(|(name, _)| Part::named(name) == Some(part))
}

fn take(object: &mut Map<String, Value>, part: Part) -> Option<(String, Value)> {
    let name = find(object, part)?.0.clone();
    let value = object.remove(&name)?;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sorted(tree: Value) -> (Vec<(String, String)>, Vec<String>) {
        let problems = Problems::default();
        let root = At::root();
        let mut resources = Resources::read(tree, &root.field("resources"), &problems);
        let mut found = Vec::new();
        for kind in kinds::all() {
            for resource in resources.take(kind) {
                found.push((
                    kind.to_owned(),
                    format!("{}[{}]", resource.list, resource.index),
                ));
            }
        }
        let errors = problems.errors();
        (found, errors.iter().map(ToString::to_string).collect())
    }

    fn of(kind: &str) -> Value {
        json!({"kind": kind, "spec": {}})
    }

    #[test]
    fn objects_are_sorted_by_kind_and_keep_their_place() {
        let list = json!({"kind": "List", "items": [of("Telemetry"), of("RateLimit")]});
        let all = json!([
            of("Telemetry"),
            of("AuthorizationPolicy"),
            list,
            of("AuthorizationPolicy")
        ]);
        let expected = [
            ("AuthorizationPolicy", "resources[1]"),
            ("AuthorizationPolicy", "resources[3]"),
            ("Telemetry", "resources[0]"),
            ("Telemetry", "resources[2].items[0]"),
            ("RateLimit", "resources[2].items[1]"),
        ]
        .map(|(kind, at)| (kind.to_owned(), at.to_owned()));
        assert_eq!(sorted(all), (expected.to_vec(), vec![]));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [of("RateLimit")]});
        let expected = ("RateLimit".to_owned(), "resources.items[0]".to_owned());
        assert_eq!(sorted(list), (vec![expected], vec![]));
        assert_eq!(sorted(Value::Null), (vec![], vec![]));
    }

    #[test]
    fn what_no_filter_takes_is_refused() {
        for (tree, error) in [
            (
                json!([of("Gateway")]),
                "resources[0].kind: a Gateway belongs to the mesh; no filter takes it",
            ),
            (
                json!([of("AuthorisationPolicy")]),
                "resources[0].kind: no filter takes `AuthorisationPolicy`; did you mean `AuthorizationPolicy`?",
            ),
            (
                json!([of("Widget")]),
                "resources[0].kind: no filter takes `Widget`, but for AuthorizationPolicy, RequestAuthentication, VirtualService, Telemetry, RateLimit",
            ),
            (
                json!([{"spec": {}}]),
                "resources[0].kind: is missing; by it an object finds its filter",
            ),
            (
                json!([1]),
                "resources[0]: a mapping is expected here, not a number",
            ),
            (json!(1), "resources: a list is expected here, not a number"),
            (json!({}), "resources: a list of objects is expected here"),
        ] {
            assert_eq!(sorted(tree).1, [error]);
        }
    }
}
