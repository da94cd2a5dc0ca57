//! The rule that came closest to allowing a request, in the words of its policy: what was wanted where it
//! failed, and what the request had.

mod asked;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use sdk_helpers::Request;
use sdk_helpers::claims::Claims;
use sdk_helpers::config::snake;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::secrets::{MASK, Secrets};
use crate::world::Stream;
use asked::Asked;

/// The condition that failed first in the rule that came closest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Closest {
    /// The policy: `<namespace>/<name>`.
    pub policy: String,
    /// The condition in it: `rules[0].to[0].operation.paths`.
    pub condition: String,
    /// The entry of `when` that it is, where it is one: `request.headers[x-plan]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it lists.
    pub wanted: Vec<String>,
    /// What the request has; none where it has nothing of the kind.
    pub seen: Option<String>,
}

/// The policies as they are written, by the names that reasons have for them.
#[derive(Debug, Default)]
pub(crate) struct Written(HashMap<String, Policy>);

#[derive(Debug)]
struct Policy {
    spec: Value,
    /// What reasons named of it before, by place: many requests fail where others did.
    known: RefCell<HashMap<String, Option<Rc<Condition>>>>,
}

/// A condition as it is written.
#[derive(Debug)]
struct Condition {
    key: Option<String>,
    wanted: Vec<String>,
    asked: Asked,
}

impl Written {
    /// Finds the policies of a configuration.
    pub(crate) fn of(tree: &Value) -> Self {
        let policies = policies(tree).into_iter().map(|(name, spec)| {
            let known = RefCell::default();
            (name, Policy { spec, known })
        });
        Written(policies.collect())
    }

    /// What a reason such as `no_allow:shop/viewer.rules[0].to[0].operation.paths` says.
    pub(crate) fn closest(
        &self,
        policy: &str,
        place: &str,
        request: &Request,
        stream: &Stream,
        claims: Option<&Claims>,
        secrets: &Secrets,
    ) -> Option<Closest> {
        let condition = place.strip_prefix('.')?;
        let written = self.0.get(policy)?.condition(condition)?;
        let secret = match &written.asked {
            Asked::Header(name) => secrets.header(name, b"x") == MASK,
            _ => false,
        };
        let shown = |value: &String| secrets.text(value).into_owned();
        Some(Closest {
            policy: policy.to_owned(),
            condition: condition.to_owned(),
            wanted: match secret {
                true => vec![MASK.to_owned()],
                false => written.wanted.iter().map(shown).collect(),
            },
            seen: written.asked.seen(request, stream, claims, secrets),
            key: written.key.clone(),
        })
    }
}

impl Policy {
    fn condition(&self, place: &str) -> Option<Rc<Condition>> {
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.get(place) {
            return known.clone();
        }
        let condition = Condition::of(&self.spec, place).map(Rc::new);
        known.insert(place.to_owned(), condition.clone());
        condition
    }
}

impl Condition {
    fn of(spec: &Value, place: &str) -> Option<Self> {
        let (parent, field) = place.rsplit_once('.')?;
        let map = at(spec, parent)?.as_object()?;
        let key = map.get("key").and_then(Value::as_str).map(str::to_owned);
        Some(Condition {
            wanted: list(map, field),
            asked: match &key {
                Some(key) => Asked::of_key(key),
                None => Asked::of_field(field),
            },
            key,
        })
    }
}

/// The policies of a configuration, each with the name that reasons have for it and its `spec`, in order.
pub(crate) fn policies(tree: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    visit(tree, &mut found);
    found
}

fn visit(tree: &Value, found: &mut Vec<(String, Value)>) {
    match tree {
        Value::Array(list) => {
            for (index, entry) in list.iter().enumerate() {
                found.extend(policy(entry, index));
                visit(entry, found);
            }
        }
        Value::Object(map) => {
            for part in ["authorizationPolicy", "resources", "policies", "items"] {
                map.get(part)
                    .into_iter()
                    .for_each(|tree| visit(tree, found));
            }
        }
        _ => {}
    }
}

fn policy(entry: &Value, index: usize) -> Option<(String, Value)> {
    let of = |place: &Value, name: &str| place.get(name).and_then(Value::as_str).map(str::to_owned);
    let (meta, spec) = match (entry.get("metadata"), entry.get("spec")) {
        (meta, Some(spec)) => (meta.unwrap_or(&Value::Null), spec),
        _ => (entry, entry),
    };
    spec.get("rules")?;
    let name = of(meta, "name").unwrap_or_else(|| format!("policy-{index}"));
    let name = match of(meta, "namespace") {
        Some(namespace) => [&namespace, "/", &name].concat(),
        None => name,
    };
    Some((name, spec.clone()))
}

/// What stands at a path in a policy; names in either spelling.
fn at<'a>(spec: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(spec, |value, step| {
        let (name, index) = match step.split_once('[') {
            Some((name, index)) => (name, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (step, None),
        };
        let value = value.get(name).or_else(|| value.get(snake(name)))?;
        match index {
            Some(index) => value.get(index),
            None => Some(value),
        }
    })
}

fn list(map: &Map<String, Value>, field: &str) -> Vec<String> {
    let value = map.get(field).or_else(|| map.get(&snake(field)));
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    entries.map(text).collect()
}
