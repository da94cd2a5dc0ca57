//! CEL outside of Envoy: the `cel` crate, over the attributes that the world gives.

use std::collections::HashMap;

use cel::Value;
use chrono::{DateTime, TimeDelta};
use sdk_helpers::attributes::{int, uint};
use sdk_helpers::{World, read_metadata};

use super::CelSource;
use crate::attribute::{Kind, View, is_foreign, look_up};

/// An expression that the `cel` crate evaluates.
#[derive(Debug)]
pub struct Program {
    program: cel::Program,
    source: CelSource,
}

impl Program {
    /// Reads it.
    ///
    /// # Errors
    /// Says why the crate will not.
    pub fn new(source: CelSource) -> Result<Self, String> {
        match cel::Program::compile(&source.text) {
            Ok(program) => Ok(Program { program, source }),
            Err(error) => Err(error.to_string().replace('\n', " ")),
        }
    }

    pub(super) fn prepare(&self, _: &dyn World) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn forget(&self, _: &dyn World) {}

    /// Its value as text, as Envoy's has it.
    pub fn evaluate(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let mut roots = HashMap::<String, Tree>::new();
        for path in &self.source.reads {
            if let [root, rest @ ..] = path.as_slice() {
                let tree = roots.entry(root.clone()).or_default();
                tree.fill(root, path, rest, view);
            }
        }
        let mut context = cel::Context::default();
        for (root, tree) in roots {
            context.add_variable_from_value(root, tree.into_value());
        }
        text(self.program.execute(&context).ok()?)
    }
}

fn text(value: Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Int(number) => number.to_string().into_bytes(),
        Value::UInt(number) => number.to_string().into_bytes(),
        Value::Bool(flag) => flag.to_string().into_bytes(),
        _ => return None,
    })
}

/// The attributes of one root.
#[derive(Default)]
struct Tree {
    value: Option<Value>,
    fields: HashMap<String, Tree>,
}

impl Tree {
    /// Reads the attribute at `path`, of which `rest` is below this place.
    fn fill(&mut self, root: &str, path: &[String], rest: &[String], view: &View<'_>) {
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["request" | "response", "headers", name @ ..] => {
                if let Some(headers) = headers(root, name.first().copied(), view) {
                    self.at(&["headers".to_owned()]).value = Some(headers);
                }
            }
            ["metadata", ..] => self.value = metadata(&["metadata"], path.get(2), view),
            ["xds", name, "filter_metadata", ..] => {
                let value = metadata(&["xds", name], path.get(3), view);
                self.at(&[(*name).to_owned()]).value = value;
            }
            [name] if is_foreign(path) => {
                self.value = view.world.property(&[name]).map(|v| Value::Bytes(v.into()));
            }
            _ => {
                let Ok((kind, _)) = look_up(path) else { return };
                let value = view
                    .world
                    .property(&segments)
                    .and_then(|v| decoded(kind, v));
                if value.is_some() {
                    self.at(rest).value = value;
                }
            }
        }
    }

    fn at(&mut self, path: &[String]) -> &mut Tree {
        path.iter().fold(self, |tree, name| {
            tree.fields.entry(name.clone()).or_default()
        })
    }

    fn into_value(self) -> Value {
        let fields = self.fields.into_iter();
        let fields: HashMap<String, Value> = fields
            .filter(|(_, tree)| tree.value.is_some() || !tree.fields.is_empty())
            .map(|(name, tree)| (name, tree.into_value()))
            .collect();
        self.value.unwrap_or_else(|| fields.into())
    }
}

fn decoded(kind: Kind, bytes: Vec<u8>) -> Option<Value> {
    Some(match kind {
        Kind::Int => Value::Int(int(&bytes)?),
        Kind::Uint => Value::UInt(uint(&bytes)?),
        Kind::Bool => Value::Bool(bytes == [1]),
        Kind::Duration => Value::Duration(TimeDelta::nanoseconds(int(&bytes)?)),
        Kind::Time => Value::Timestamp(DateTime::from_timestamp_nanos(int(&bytes)?).fixed_offset()),
        Kind::Bytes => Value::Bytes(bytes.into()),
        Kind::Text | Kind::Map | Kind::Null | Kind::Other => {
            Value::String(String::from_utf8(bytes).ok()?.into())
        }
    })
}

/// The headers, of which Envoy finds one whatever its spelling.
fn headers(root: &str, spelt: Option<&str>, view: &View<'_>) -> Option<Value> {
    let headers = match root {
        "request" => view.request?.headers(),
        _ => view.response?.headers(),
    };
    let mut map = HashMap::<String, String>::new();
    for (name, value) in headers.iter() {
        let (name, value) = (
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value),
        );
        map.entry(name.into_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    // Envoy's alias.
    if let Some(authority) = map.get(":authority") {
        map.insert("host".to_owned(), authority.clone());
    }
    if let Some(spelt) = spelt
        && let Some(value) = map.get(&spelt.to_ascii_lowercase())
    {
        map.insert(spelt.to_owned(), value.clone());
    }
    Some(map.into())
}

/// `filter_metadata` with the one namespace that the path names behind it.
fn metadata(at: &[&str], namespace: Option<&String>, view: &View<'_>) -> Option<Value> {
    let namespace = namespace?;
    let fields = read_metadata(&view.world.property(at)?, namespace)?;
    let fields = cel::to_value(fields).ok()?;
    let namespaces = HashMap::from([(namespace.clone(), fields)]);
    Some(HashMap::from([("filter_metadata".to_owned(), Value::from(namespaces))]).into())
}
