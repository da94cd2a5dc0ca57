//! Objects of Kubernetes as they stand in a file, with the place of every field, so that whoever finds
//! a problem in one can say in which line.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use sdk_helpers::config::At;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Location, Spanned};

use crate::Error;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from one.
    pub line: u64,
    /// The character in it, counted from one.
    pub column: u64,
}

/// One document of a file: an object of Kubernetes, or what stands in place of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    value: Value,
    positions: BTreeMap<String, Position>,
}

impl Object {
    /// Reads every document of a file of YAML or JSON; empty ones are passed over.
    ///
    /// # Errors
    /// It cannot be read, or is not YAML.
    pub fn read_file(path: &Path) -> Result<Vec<Object>, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::File {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        Object::read_all(&text)
    }

    /// Reads every document of a text of YAML or JSON; empty ones are passed over.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn read_all(text: &str) -> Result<Vec<Object>, Error> {
        let documents: Vec<Spanned<Node>> = serde_saphyr::from_multiple(text)?;
        Ok(documents.into_iter().map(Object::of).collect())
    }

    /// `apiVersion`, empty where it is absent or no text.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// `kind`, empty where it is absent or no text.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `metadata.name`, empty where it is absent or no text.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.namespace`, `default` where it is absent or empty.
    pub fn namespace(&self) -> &str {
        match self.text("/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        }
    }

    /// The objects of a list, as `kubectl get -o yaml` has them, each as if it stood by itself; what is no list is itself.
    #[must_use]
    pub fn each(self) -> Vec<Object> {
        let items = match self.value.get("items").and_then(Value::as_array) {
            Some(items) if self.kind().ends_with("List") => items,
            _ => return vec![self],
        };
        let item = |(index, value): (usize, &Value)| {
            let root = At::written("items").index(index).to_string();
            let own = self
                .positions
                .range(root.clone()..)
                .map_while(|(path, position)| {
                    let path = path.strip_prefix(&root)?;
                    Some((path.strip_prefix('.').unwrap_or(path).to_owned(), *position))
                });
            Object {
                value: value.clone(),
                positions: own.collect(),
            }
        };
        let items = items.iter().enumerate().map(item);
        items.flat_map(Object::each).collect()
    }

    /// The whole document.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where a field stands, by its path as filters write it in errors: `spec.rules[0].from`. Of a field
    /// that is not there, where the innermost one around it is; of the empty path, where the document
    /// starts.
    pub fn position(&self, path: &str) -> Position {
        let mut path = path;
        loop {
            if let Some(position) = self.positions.get(path) {
                return *position;
            }
            // A path never names a place above the document itself.
            let Some(end) = path.rfind(['.', '[']) else {
                return self.start();
            };
            path = path.get(..end).unwrap_or_default();
        }
    }

    fn start(&self) -> Position {
        let first = Position { line: 1, column: 1 };
        self.positions.get("").copied().unwrap_or(first)
    }

    fn text(&self, pointer: &str) -> &str {
        let text = self.value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    fn of(document: Spanned<Node>) -> Object {
        let mut positions = BTreeMap::new();
        let value = flatten(document, String::new(), &mut positions);
        Object { value, positions }
    }
}

impl Position {
    /// None where the parser does not know.
    pub(crate) fn of(location: Location) -> Option<Position> {
        let (line, column) = (location.line(), location.column());
        (line > 0).then_some(Position { line, column })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value whose parts know where they stand.
enum Node {
    Leaf(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

fn flatten(node: Spanned<Node>, path: String, positions: &mut BTreeMap<String, Position>) -> Value {
    let value = match node.value {
        Node::Leaf(leaf) => leaf,
        Node::List(items) => {
            let items = items.into_iter().enumerate();
            let items = items.map(|(index, item)| {
                let below = At::written(&path).index(index).to_string();
                flatten(item, below, positions)
            });
            Value::Array(items.collect())
        }
        Node::Map(fields) => {
            let mut map = Map::new();
            for (name, field) in fields {
                let below = At::written(&path).field(&name).to_string();
                map.insert(name, flatten(field, below, positions));
            }
            Value::Object(map)
        }
    };
    if let Some(position) = Position::of(node.referenced) {
        positions.insert(path, position);
    }
    value
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = "\
# two objects
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  labels: {a.b/c: d, name: none}
  name: one
spec:
  rules:
  - to:
    - operation: {methods: [GET], ports: &ports ['80']}
  - to:
    - operation: {ports: *ports}
---
---
kind: List
metadata: {name: two, namespace: apps}
items: [~, -1, 2.5, true]
";

    #[test]
    fn every_field_knows_its_place() {
        let objects = Object::read_all(FILE).unwrap();
        let [one, two] = &objects[..] else {
            panic!("{objects:?}");
        };
        assert_eq!(one.api_version(), "security.istio.io/v1");
        assert_eq!((one.kind(), one.name()), ("AuthorizationPolicy", "one"));
        assert_eq!((one.namespace(), two.namespace()), ("default", "apps"));
        for (object, path, place) in [
            (one, "", "2:1"),
            (one, "kind", "3:7"),
            (one, "spec.rules[0]", "9:5"),
            (one, "spec.rules[0].to[0].operation.methods[0]", "10:29"),
            (one, "metadata.labels[\"a.b/c\"]", "5:19"),
            // Where it is used, not where it was defined.
            (one, "spec.rules[1].to[0].operation.ports", "12:26"),
            // What is not there is missed where it should be.
            (one, "spec.rules[0].from[0].source", "9:5"),
            (one, "nothing", "2:1"),
            (two, "", "15:1"),
            (two, "items[2]", "17:16"),
        ] {
            assert_eq!(object.position(path).to_string(), place, "{path}");
        }
    }

    #[test]
    fn values_are_what_serde_reads() {
        for text in [
            FILE,
            "{a: 0x10, b: 1e3, c: 12345678901234567890, d: 'no', e: no, f: ~, g: [], h: {}}",
            "<<: {a: 1}\nb: !!str 2",
            "[1, two]",
            "plain",
        ] {
            let expected: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
            let objects = Object::read_all(text).unwrap();
            let values: Vec<_> = objects
                .iter()
                .map(|object| object.value().clone())
                .collect();
            assert_eq!(values, expected, "{text}");
        }
        assert_eq!(Object::read_all("- 1").unwrap()[0].value(), &json!([1]));
    }

    #[test]
    fn the_objects_of_a_list_know_their_places() {
        let many = (0..11).map(|index| {
            format!("- {{kind: A, metadata: {{name: a{index}}}, spec: {{b: [1]}}}}\n")
        });
        let text = format!(
            "kind: AList\nitems:\n{}- kind: List\n  items: [{{kind: B}}]\n- 1\n",
            many.collect::<String>()
        );
        let [list] = <[Object; 1]>::try_from(Object::read_all(&text).unwrap()).unwrap();
        let all = list.each();
        assert_eq!(all.len(), 13);
        assert_eq!(
            (all[1].name(), all[10].name(), all[11].kind()),
            ("a1", "a10", "B")
        );
        for (index, path, place) in [
            (1, "", "4:3"),
            (1, "spec.b[0]", "4:46"),
            (10, "kind", "13:10"),
            (11, "kind", "15:18"),
            (12, "", "16:3"),
        ] {
            assert_eq!(
                all[index].position(path).to_string(),
                place,
                "{index} {path}"
            );
        }
        let [alone] =
            <[Object; 1]>::try_from(Object::read_all("kind: A\nitems: [1]").unwrap()).unwrap();
        assert_eq!(alone.clone().each(), [alone]);
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let problem = Object::read_all("a: 1\nb: [}").unwrap_err();
        let Error::Yaml { position, .. } = &problem else {
            panic!("{problem}");
        };
        assert_eq!(position.map(|position| position.line), Some(2), "{problem}");
        let problem = Object::read_file(Path::new("/no/such.yaml")).unwrap_err();
        assert!(problem.to_string().starts_with("`/no/such.yaml`: "));
    }
}
