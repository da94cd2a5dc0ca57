//! Nothing is dropped in silence: every field of what is read is of some effect, or told.

use native::{Loss, Native};
use sdk_helpers::At;
use serde_json::Value;

use crate::common::documents;

/// One of each kind, with every field that is known; JSON is YAML, so that trees can be changed.
pub(crate) const CORPUS: [(&str, &str); 7] = [
    ("RBAC", include_str!("corpus/rbac.yaml")),
    ("jwt_authn", include_str!("corpus/jwt_authn.yaml")),
    ("fault", include_str!("corpus/fault.yaml")),
    (
        "local_ratelimit",
        include_str!("corpus/local_ratelimit.yaml"),
    ),
    ("ratelimit", include_str!("corpus/ratelimit.yaml")),
    ("EnvoyFilter", include_str!("corpus/envoy_filter.yaml")),
    ("Mixer", include_str!("corpus/mixer.yaml")),
];

/// The trees of one of them.
pub(crate) fn trees(text: &str) -> Vec<Value> {
    documents(text)
        .iter()
        .map(|one| one.object().value().clone())
        .collect()
}

/// What is converted, places aside: they change with everything.
#[derive(Debug, PartialEq)]
enum Outcome {
    Converted(Value, Vec<Loss>),
    Refused(Vec<String>),
}

fn outcome(trees: &[Value]) -> Outcome {
    let text: Vec<String> = trees.iter().map(ToString::to_string).collect();
    match native::read(&documents(&text.join("\n---\n"))) {
        Ok(Native {
            tree, mut losses, ..
        }) => {
            for loss in &mut losses {
                loss.place.clear();
            }
            Outcome::Converted(tree, losses)
        }
        Err(problems) => Outcome::Refused(
            problems
                .iter()
                .map(|it| format!("{}: {}", it.path, it.problem))
                .collect(),
        ),
    }
}

/// Paths of every value below, as steps of names and places.
fn paths(value: &Value, here: &[String], all: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        let mut path = here.to_vec();
        path.push(step);
        all.push(path.clone());
        paths(child, &path, all);
    }
}

fn at<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get_mut(step),
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn without(tree: &Value, path: &[String]) -> Value {
    let mut tree = tree.clone();
    let (last, parent) = path.split_last().unwrap();
    match at(&mut tree, parent).unwrap() {
        Value::Object(map) => {
            map.remove(last);
        }
        Value::Array(list) => {
            list.remove(last.parse().unwrap());
        }
        _ => {}
    }
    tree
}

/// With another value of the same kind at a place; none where there is no telling what it would be.
fn changed(tree: &Value, path: &[String]) -> Option<Value> {
    let mut tree = tree.clone();
    let value = at(&mut tree, path)?;
    *value = match value {
        Value::Bool(flag) => (!*flag).into(),
        Value::Number(number) => (number.as_u64()? + 1).into(),
        Value::String(text) => format!("{text}x").into(),
        _ => return None,
    };
    Some(tree)
}

/// What is told as a whole: its path begins with that of a loss that names it, or one of its fields.
fn is_told(path: &[String], losses: &[Loss]) -> bool {
    let written = |steps: &[String]| {
        steps.iter().fold(String::new(), |path, step| {
            let at = At::written(&path);
            match step.parse() {
                Ok(index) => at.index(index).to_string(),
                Err(_) => at.field(step).to_string(),
            }
        })
    };
    (0..=path.len()).any(|length| {
        let (above, below) = path.split_at(length);
        let above_path = written(above);
        losses
            .iter()
            .filter(|loss| loss.path == above_path)
            .any(|loss| {
                let elsewhere = loss.what.strip_prefix("not of a filter");
                match (elsewhere, below.first()) {
                    (Some(names), Some(next)) => names.contains(&format!("`{next}`")),
                    (Some(_), None) => false,
                    _ => [
                        "is not carried over",
                        "is not converted",
                        "is not one that is converted",
                        "is not known",
                        "has no word",
                        "no connection manager",
                        "is never asked",
                    ]
                    .iter()
                    .any(|words| loss.what.contains(words) || loss.consequence.contains(words)),
                }
            })
    })
}

/// What identifies an object and is no part of what it does.
fn is_envelope(path: &[String]) -> bool {
    matches!(
        path.first().map(String::as_str),
        Some("metadata" | "apiVersion" | "status")
    )
}

/// What has no meaning in Envoy: names of filters, which have their type; those of routes' hosts.
const WITHOUT_MEANING: [&str; 9] = [
    "name",
    "@type",
    "google_re2",
    "transport_api_version",
    "operation",
    "handler",
    "quotaSpecs",
    "type",
    "vh_rate_limits",
];

#[test]
fn every_field_is_of_effect_or_told() {
    let (mut total, mut dropped) = (0, Vec::new());
    for (kind, text) in CORPUS {
        let trees = trees(text);
        let base = outcome(&trees);
        let Outcome::Converted(_, losses) = &base else {
            panic!("{kind}: {base:#?}");
        };
        for (index, tree) in trees.iter().enumerate() {
            let mut all = Vec::new();
            paths(tree, &[], &mut all);
            for path in all {
                let last = path
                    .iter()
                    .rev()
                    .find(|step| step.parse::<usize>().is_err());
                let is_meant = last.is_none_or(|last| !WITHOUT_MEANING.contains(&last.as_str()));
                // There is but one virtual host.
                let is_only_host = kind == "ratelimit" && path.iter().any(|step| step == "domains");
                if is_envelope(&path) || is_only_host || !is_meant || is_told(&path, losses) {
                    continue;
                }
                let with = |tree: Value| {
                    let mut trees = trees.clone();
                    trees[index] = tree;
                    outcome(&trees)
                };
                let differs = with(without(tree, &path)) != base
                    || changed(tree, &path).is_some_and(|tree| with(tree) != base);
                if !differs {
                    dropped.push(format!("{kind}: {}", path.join(".")));
                }
                total += 1;
            }
        }
    }
    println!("{total} fields");
    assert!(dropped.is_empty(), "dropped in silence: {dropped:#?}");
    assert!(total > 300, "{total}");
}

#[test]
fn a_field_that_nobody_knows_is_told() {
    let mut dropped = Vec::new();
    for (kind, text) in CORPUS {
        let trees = trees(text);
        let base = outcome(&trees);
        let Outcome::Converted(_, losses) = &base else {
            panic!("{kind}: {base:#?}");
        };
        for (index, tree) in trees.iter().enumerate() {
            let mut all = vec![Vec::new()];
            paths(tree, &[], &mut all);
            for path in all {
                let mut more = tree.clone();
                let Some(Value::Object(map)) = at(&mut more, &path) else {
                    continue;
                };
                map.insert("tomorrow".to_owned(), "unheard of".into());
                let is_whole = path
                    .last()
                    .is_some_and(|last| WITHOUT_MEANING.contains(&last.as_str()));
                if is_envelope(&path) || is_whole || is_told(&path, losses) {
                    continue;
                }
                let mut trees = trees.clone();
                trees[index] = more;
                if outcome(&trees) == base {
                    dropped.push(format!("{kind}: {}.tomorrow", path.join(".")));
                }
            }
        }
    }
    assert!(dropped.is_empty(), "dropped in silence: {dropped:#?}");
}
