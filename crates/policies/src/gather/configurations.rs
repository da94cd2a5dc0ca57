//! Configurations of ours among documents: by themselves, and inside objects that load a module.

use catalog::Filter;
use documents::{Document, Spot};
use sdk_helpers::At;
use sdk_helpers::config::snake;
use serde_json::{Map, Value};

use super::{Gathering, Resource, problem_at};
use crate::Problem;
use crate::embedded::{Embedded, embedded};

impl<'a> Gathering<'a, '_> {
    /// The field of the one configuration, by which it is known, that a name in either spelling is.
    pub(super) fn field(&self, name: &str) -> Option<&'static str> {
        let parts = self.whole.parts().iter().map(|(field, _)| *field);
        let mut fields = parts.chain(["resources", "filterState"]);
        fields.find(|field| *field == name || snake(field) == name)
    }

    /// Takes what has configurations of ours in it; whether it has any. Who it is for is asked later.
    pub(super) fn holder(&mut self, value: &Value, document: &'a Document, path: &str) -> bool {
        let inner = embedded(&Spot::with_path(value, path));
        let has_any = !inner.is_empty();
        if has_any {
            let holder = Resource {
                object: value.clone(),
                document,
                path: path.to_owned(),
                is_ours: false,
            };
            self.holders.push((holder, inner));
        }
        has_any
    }

    /// A configuration inside something else.
    pub(super) fn inner(&mut self, inner: Embedded, document: &'a Document) -> Result<(), Problem> {
        match inner.tree {
            Ok(tree) => self.configuration(inner.filter, &tree, document, &inner.path),
            Err(problem) => Err(problem_at(document, &inner.path, &problem)),
        }
    }

    /// The configuration of a filter, or of all of them.
    pub(super) fn configuration(
        &mut self,
        filter: &'static Filter,
        value: &Value,
        document: &'a Document,
        path: &str,
    ) -> Result<(), Problem> {
        let mut parts = self.whole.parts().iter();
        if let Some((field, _)) = parts.find(|(_, name)| *name == filter.name()) {
            return self.part(field, value.clone(), document, path.to_owned());
        }
        let map = value.as_object();
        let is_whole = |map: &&Map<String, Value>| {
            map.is_empty() || map.keys().any(|name| self.field(name).is_some())
        };
        let Some(map) = map.filter(is_whole) else {
            return Err(problem_at(
                document,
                path,
                "is no configuration of `mesh-filters`, which has fields such as `rateLimit` and `resources`",
            ));
        };
        for (name, value) in map {
            let at = At::written(path).field(name).to_string();
            let field = self.field(name).unwrap_or(name);
            self.part(field, value.clone(), document, at)?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        field: &str,
        value: Value,
        document: &'a Document,
        path: String,
    ) -> Result<(), Problem> {
        let objects = match (field, &value) {
            ("resources", Value::Array(objects)) => Some(objects.iter().enumerate()),
            _ => None,
        };
        let is_list = field == "resources" && value.get("items").is_some_and(Value::is_array);
        if objects.is_some() || is_list {
            let before = self.objects.len();
            if is_list {
                self.object(&value, document, path.clone());
            }
            for (index, object) in objects.into_iter().flatten() {
                let path = format!("{path}[{index}]");
                match crate::text(object, &["kind"]) {
                    Some(kind) if kind.ends_with("List") => self.object(object, document, path),
                    // Of whatever kind: what no filter takes, the filters refuse.
                    _ => self.objects.push(Resource {
                        object: object.clone(),
                        document,
                        path,
                        is_ours: true,
                    }),
                }
            }
            for object in self.objects.iter_mut().skip(before) {
                object.is_ours = true;
            }
            return Ok(());
        }
        if let Some((first, at)) = self.parts.get(field) {
            let first = first.place(at);
            let problem = format!(
                "`{field}` stands at {first} too, and there can be one; put them together, or name one of \
                 their workloads with `--namespace` and `--labels`"
            );
            return Err(problem_at(document, &path, &problem));
        }
        self.parts.insert(field.to_owned(), (document, path));
        self.tree.insert(field.to_owned(), value);
        Ok(())
    }
}
