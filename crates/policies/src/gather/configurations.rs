//! Configurations of ours among documents: by themselves, and inside objects that load a module.

use catalog::Filter;
use documents::{Document, Spot};
use sdk_helpers::At;
use serde_json::Value;

use super::{Gathering, problem_at};
use crate::Problem;
use crate::embedded::{Embedded, embedded};

impl<'a> Gathering<'a, '_> {
    /// The fields of the one configuration by which it is known.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        let parts = self.whole.parts().iter().map(|(field, _)| *field);
        parts.chain(["resources", "filterState"]).collect()
    }

    /// Takes what has configurations of ours in it; whether it has any. Who it is for is asked later.
    pub(super) fn holder(&mut self, value: &Value, document: &'a Document, path: &str) -> bool {
        let inner = embedded(&Spot::with_path(value, path));
        let has_any = !inner.is_empty();
        if has_any {
            self.holders.push((value.clone(), document, inner));
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
        let fields = self.fields();
        let is_whole = |name: &String| fields.iter().any(|field| field == name);
        let Some(map) = map.filter(|map| map.is_empty() || map.keys().any(is_whole)) else {
            return Err(problem_at(
                document,
                path,
                "is no configuration of `mesh-filters`, which has fields such as `rateLimit` and `resources`",
            ));
        };
        for (name, value) in map {
            let at = At::written(path).field(name).to_string();
            self.part(name, value.clone(), document, at)?;
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
        if let ("resources", Value::Array(objects)) = (field, &value) {
            let before = self.objects.len();
            for (index, object) in objects.iter().enumerate() {
                self.object(object, document, format!("{path}[{index}]"));
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
