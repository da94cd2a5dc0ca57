//! How objects come to be the filter's own shape.

use serde_json::{Map, Value};

use super::super::names::{camel, known, place};
use super::super::problems::{At, Problems};
use super::super::reader::Node;
use super::super::remedy::Remedy;
use super::{Envelope, Layout, OBJECT, Part, has_object, is_object, kinds, metadata};

/// The configuration in the filter's own shape, so far.
pub(super) struct OwnShape<'a> {
    pub(super) envelope: &'a Envelope,
    /// Where the configuration begins.
    pub(super) root: &'a At<'a>,
    pub(super) problems: &'a Problems,
    pub(super) fields: Map<String, Value>,
    /// Where what stands at a path was written.
    pub(super) moved: Map<String, Value>,
}

impl OwnShape<'_> {
    /// A configuration in our own shape, or a `spec` by itself.
    pub(super) fn own(&mut self, map: Map<String, Value>) {
        let root = self.root;
        if let Layout::Entries { list, beside, .. } = self.envelope.layout {
            let spec = map
                .keys()
                .any(|name| place(name, self.envelope.spec).is_some());
            if spec && !self.has_list(&map) {
                self.envelope.pass_over(&map, root, self.problems);
                let mut entry = Map::new();
                for (name, value) in map {
                    let fields = match place(&name, beside) {
                        Some(_) => &mut self.fields,
                        None => &mut entry,
                    };
                    fields.insert(name, value);
                }
                self.push(list, Value::Object(entry), root);
                return;
            }
        } else {
            self.envelope.pass_over(&map, root, self.problems);
        }
        self.problems.spelt_once(&map, self.envelope.lists(), root);
        for (name, value) in map {
            self.field(&name, value, root);
        }
    }

    /// A whole object, or a list of them.
    pub(super) fn object(&mut self, map: Map<String, Value>, at: &At<'_>) {
        let problems = self.problems;
        let annotation = match self.envelope.layout {
            Layout::Fields(_) => None,
            Layout::Entries { flag, .. } => Some(flag.0),
        };
        let (mut kind, mut version, mut items) = (None, None, None);
        let (mut meta, mut spec) = (metadata::Metadata::default(), None);
        let (mut beside, mut misplaced) = (Map::new(), Vec::new());
        problems.spelt_once(&map, &OBJECT, at);
        for (name, value) in map {
            let at = at.field(&name);
            let node = Node::new(&value, &at, problems);
            match Part::named(&name) {
                Some(Part::ApiVersion) if !node.is_null() => version = Some(node.text()),
                Some(Part::Kind) if !node.is_null() => kind = Some(node.text()),
                Some(Part::Metadata) => meta = metadata::read(node, annotation),
                Some(Part::Spec) => spec = Some((name, value)),
                Some(Part::Items) => items = Some((name, value)),
                Some(_) => {}
                None if place(&name, self.envelope.spec).is_some() => misplaced.push(name),
                None => {
                    beside.insert(name, value);
                }
            }
        }
        let is_list = |kind: &str| kind.ends_with("List");
        match items {
            Some((name, items)) if kind.as_deref().is_none_or(is_list) => {
                misplaced.extend(spec.map(|(name, _)| name));
                for name in misplaced {
                    problems.misfit(&at.field(&name), "cannot stand beside a list of objects");
                }
                self.beside(beside, at);
                self.items(items, &at.field(&name));
                return;
            }
            // No object has it, which its reader says.
            Some((name, items)) => {
                beside.insert(name, items);
            }
            None => {}
        }
        let wanted = self.envelope.kind;
        let foreign = kind.filter(|kind| kind != wanted);
        let foreign = foreign.map(|kind| ("kind", kinds::foreign(&kind, wanted), None));
        let version = version.and_then(|version| kinds::wrong_version(&version, wanted));
        let version = version.map(|(problem, first)| {
            let meant = Remedy::Write(first.into());
            ("apiVersion", problem, Some(meant))
        });
        if let Some((field, problem, remedy)) = foreign.or(version) {
            problems.misfit_with(&at.field(field), problem, remedy);
            self.list();
            for list in self.envelope.lists() {
                problems.follow_up(&self.root.field(list));
            }
            return;
        }
        for name in misplaced {
            problems.misfit(&at.field(&name), "belongs under `spec`; move it there");
        }
        if spec.is_none() && at.is_root() && self.has_list(&beside) {
            // Our own shape with something about it.
            self.own(beside);
            return;
        }
        self.take(spec, meta, beside, at);
    }

    fn has_list(&self, map: &Map<String, Value>) -> bool {
        let lists = self.envelope.lists();
        map.keys().any(|name| place(name, lists).is_some())
    }

    /// An object of the right kind.
    fn take(
        &mut self,
        spec: Option<(String, Value)>,
        meta: metadata::Metadata,
        beside: Map<String, Value>,
        at: &At<'_>,
    ) {
        let problems = self.problems;
        let (name, spec) = spec.unwrap_or_else(|| ("spec".to_owned(), Value::Null));
        let at_spec = at.field(&name);
        let is_given = spec.is_object();
        let spec = match spec {
            Value::Object(spec) => spec,
            Value::Null => {
                problems.warn(at, "has no `spec`, which is the same as an empty one");
                Map::new()
            }
            other => {
                Node::new(&other, &at_spec, problems).entries(&mut |_, _| {});
                for list in self.envelope.lists() {
                    problems.follow_up(&self.root.field(list));
                }
                Map::new()
            }
        };
        self.envelope.pass_over(&spec, &at_spec, problems);
        match self.envelope.layout {
            Layout::Fields(_) => {
                self.beside(beside, at);
                self.spec(spec, &at_spec);
                if is_given {
                    self.said_empty(&at_spec);
                }
            }
            Layout::Entries { list, flag, .. } => {
                self.entry((list, flag), spec, meta, beside, (at, &at_spec));
            }
        }
    }

    /// A `spec` without entries says that there are none: its list is empty, and not left out.
    fn said_empty(&mut self, at: &At<'_>) {
        if let [list] = self.envelope.lists()
            && !self.fields.contains_key(*list)
        {
            self.note(&self.root.field(list), &at.field(list));
            self.list();
        }
    }

    /// The fields of a `spec` as fields of ours.
    fn spec(&mut self, spec: Map<String, Value>, at: &At<'_>) {
        self.problems.spelt_once(&spec, self.envelope.lists(), at);
        for field in self.envelope.spec {
            if self.envelope.is_passed(field) {
                self.problems.spelt_once(&spec, &[field], at);
            }
        }
        for (name, value) in spec {
            // A list that is null is absent: those of other objects count.
            let is_absent = value.is_null() && known(&name, self.envelope.lists()).is_some();
            if !is_absent && !self.envelope.is_passed(&name) {
                self.field(&name, value, at);
            }
        }
    }

    /// A field of the mapping there.
    fn field(&mut self, name: &str, value: Value, at: &At<'_>) {
        let lists = self.envelope.lists();
        let list = known(name, lists);
        match (list, value) {
            (Some(list), Value::Array(elements)) => self.append(list, elements, at),
            (Some(list), value) if self.fields.contains_key(list) && !value.is_null() => {
                Node::new(&value, &at.field(name), self.problems).elements(&mut |_| {});
            }
            (_, value) => self.insert(name, value, at),
        }
    }

    /// An object as an entry of a list of ours.
    fn entry(
        &mut self,
        (list, (annotation, flag)): (&'static str, (&str, &str)),
        mut entry: Map<String, Value>,
        meta: metadata::Metadata,
        beside: Map<String, Value>,
        (at, at_spec): (&At<'_>, &At<'_>),
    ) {
        let path = self.push(list, Value::Null, at_spec);
        let place_of = |field: &str| At::written(&path).field(field).to_string();
        for (name, value) in beside {
            if at.is_root() && self.is_beside(&name) {
                self.insert(&name, value, at);
                continue;
            }
            let at = at.field(&name);
            self.moved
                .insert(place_of(&camel(&name)), at.to_string().into());
            if entry.insert(name.clone(), value).is_some() {
                self.problems
                    .misfit(&at, "stands under `spec` too; remove one");
            }
        }
        let at = at.field("metadata");
        for (field, value) in [("name", meta.name), ("namespace", meta.namespace)] {
            let Some(value) = value else { continue };
            let at = at.field(field);
            if entry.insert(field.to_owned(), value.into()).is_some() {
                self.problems
                    .misfit(&at, "stands beside the object too; remove one");
            }
            self.moved.insert(place_of(field), at.to_string().into());
        }
        if let Some(text) = meta.annotation {
            let at = at.field("annotations");
            let at = at.field(annotation);
            // As Go reads a truth.
            let truth = match text.as_str() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
                "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
                _ => None,
            };
            if truth.is_none() {
                let shown = text.escape_debug();
                self.problems
                    .misfit(&at, format!("`{shown}` is neither `true` nor `false`"));
            }
            entry.insert(flag.to_owned(), truth.unwrap_or_default().into());
            self.moved.insert(place_of(flag), at.to_string().into());
        }
        if let Some(last) = self.elements_of(list).and_then(|list| list.last_mut()) {
            *last = Value::Object(entry);
        }
    }

    fn is_beside(&self, name: &str) -> bool {
        matches!(&self.envelope.layout, Layout::Entries { beside, .. } if place(name, beside).is_some())
    }

    /// What stands beside an object or a list of them, in our own shape.
    fn beside(&mut self, beside: Map<String, Value>, at: &At<'_>) {
        for (name, value) in beside {
            self.insert(&name, value, at);
        }
    }

    /// A list of Kubernetes'.
    fn items(&mut self, items: Value, at: &At<'_>) {
        match items {
            Value::Array(items) => {
                self.list();
                self.elements(items, at);
            }
            other => Node::new(&other, at, self.problems).elements(&mut |_| {}),
        }
    }

    /// Objects in a list of Kubernetes'.
    pub(super) fn elements(&mut self, list: Vec<Value>, at: &At<'_>) {
        for (index, element) in list.into_iter().enumerate() {
            let at = at.index(index);
            match element {
                Value::Object(map) => self.object(map, &at),
                other => Node::new(&other, &at, self.problems).entries(&mut |_, _| {}),
            }
        }
    }

    /// Sees to it that the list is there, were it empty.
    fn list(&mut self) {
        if let [list] = self.envelope.lists() {
            self.elements_of(list);
        }
    }

    /// The elements of a list so far; none at all where something else stands there.
    fn elements_of(&mut self, list: &str) -> Option<&mut Vec<Value>> {
        if !self.fields.contains_key(list) {
            let empty = Value::Array(Vec::new());
            self.fields.insert(list.to_owned(), empty);
        }
        self.fields.get_mut(list)?.as_array_mut()
    }

    /// Adds the elements of one of the lists; objects among them are taken out of their clothes.
    fn append(&mut self, list: &'static str, elements: Vec<Value>, at: &At<'_>) {
        let is_entries = matches!(self.envelope.layout, Layout::Entries { .. });
        if !is_entries && !self.fields.contains_key(list) && !elements.iter().any(is_object) {
            self.insert(list, Value::Array(elements), at);
            return;
        }
        let at = at.field(list);
        self.elements_of(list);
        for (index, element) in elements.into_iter().enumerate() {
            let at = at.index(index);
            match element {
                Value::Object(map) if has_object(&map) => self.object(map, &at),
                element => {
                    if let (true, Value::Object(map)) = (is_entries, &element) {
                        self.envelope.pass_over(map, &at, self.problems);
                    }
                    self.push(list, element, &at);
                }
            }
        }
    }

    /// Adds an element of a list, and tells its path.
    fn push(&mut self, list: &str, element: Value, at: &At<'_>) -> String {
        let mut index = 0;
        if let Some(there) = self.elements_of(list) {
            index = there.len();
            there.push(element);
        }
        let field = self.root.field(list);
        self.note(&field.index(index), at)
    }

    /// Adds a field of the mapping there, which may stand once.
    fn insert(&mut self, name: &str, value: Value, at: &At<'_>) {
        if self.fields.contains_key(name) {
            self.problems.misfit(
                &at.field(name),
                "stands in two places, and only lists add up; remove one",
            );
            return;
        }
        // It is read by its name in camel case; what nobody reads is told by the name it has.
        for path in [camel(name), name.to_owned()] {
            self.note(&self.root.field(&path), &at.field(&path));
        }
        self.fields.insert(name.to_owned(), value);
    }

    /// Notes where a path was written, where that is another.
    fn note(&mut self, path: &At<'_>, written: &At<'_>) -> String {
        let (path, written) = (path.to_string(), written.to_string());
        if written != path {
            self.moved.insert(path.clone(), written.into());
        }
        path
    }
}
