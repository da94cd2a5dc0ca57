//! Routes that another VirtualService says, put in the place of those that name it.

use serde_json::{Map, Value};

use super::{Action, Headers, HttpRoute, Rewrite, VirtualService};
use crate::said::Said;

/// Puts the routes of delegates in the place of those that name them, their conditions joined. What contradicts is
/// left out, as istiod does, which writes it to its own log alone; here it is said.
pub(crate) fn resolve(
    roots: &mut [VirtualService],
    delegates: Vec<VirtualService>,
    said: &mut Vec<Said>,
) {
    for root in roots.iter_mut() {
        let namespace = root.namespace.clone();
        let mut http = Vec::new();
        for route in std::mem::take(&mut root.http) {
            let Action::Delegate(name) = &route.action else {
                http.push(route);
                continue;
            };
            let named = |one: &&VirtualService| *name == format!("{}/{}", one.namespace, one.name);
            let seen = |one: &&VirtualService| one.export.reaches(&one.namespace, &namespace);
            match delegates.iter().find(named).filter(seen) {
                Some(delegate) => http.extend(join_all(&route, delegate, said)),
                None => said.push(Said {
                    place: route.place.clone(),
                    what: format!("delegates to VirtualService {name}, which is not there"),
                    consequence: "the route is not there either, and later ones take its requests"
                        .to_owned(),
                }),
            }
        }
        root.http = http;
    }
    super::fault::name(roots);
}

fn join_all(root: &HttpRoute, delegate: &VirtualService, said: &mut Vec<Said>) -> Vec<HttpRoute> {
    let routes = delegate.http.iter().filter_map(|route| {
        if let Action::Delegate(_) = route.action {
            said.push(Said {
                place: route.place.clone(),
                what: "a delegate delegates".to_owned(),
                consequence: "Istio goes one level deep: the route is not there".to_owned(),
            });
            return None;
        }
        let Some(matches) = join_matches(&root.matches, &route.matches) else {
            said.push(Said {
                place: route.place.clone(),
                what: "its match contradicts that of the route that delegates to it".to_owned(),
                consequence: "the route is not there".to_owned(),
            });
            return None;
        };
        Some(join(root, route, matches))
    });
    routes.collect()
}

/// What the delegate does not say itself is as the route says that names it.
fn join(root: &HttpRoute, route: &HttpRoute, matches: Vec<Value>) -> HttpRoute {
    let mut joined = route.clone();
    joined.name = join_names(&root.name, &route.name);
    joined.matches = matches;
    if joined.rewrite == Rewrite::default() {
        joined.rewrite = root.rewrite.clone();
    }
    if joined.headers == Headers::default() {
        joined.headers = root.headers.clone();
    }
    if joined.mirrors.is_empty() {
        joined.mirrors = root.mirrors.clone();
    }
    joined.timeout = joined.timeout.or_else(|| root.timeout.clone());
    joined.retries = joined.retries.or_else(|| root.retries.clone());
    joined.cors = joined.cors.or_else(|| root.cors.clone());
    joined.fault = joined.fault.or_else(|| root.fault.clone());
    joined
}

fn join_names(root: &str, leaf: &str) -> String {
    match (root, leaf) {
        ("", name) | (name, "") => name.to_owned(),
        _ => format!("{root}-{leaf}"),
    }
}

/// Every pair that does not contradict; none where one of the delegate's has no partner.
fn join_matches(roots: &[Value], leaves: &[Value]) -> Option<Vec<Value>> {
    if roots.is_empty() || leaves.is_empty() {
        return Some([roots, leaves].concat());
    }
    let mut all = Vec::new();
    for leaf in leaves {
        let joined = roots.iter().filter_map(|root| join_match(root, leaf));
        let before = all.len();
        all.extend(joined);
        if all.len() == before {
            return None;
        }
    }
    Some(all)
}

/// Conditions of one text.
const TEXTS: [&str; 4] = ["uri", "scheme", "method", "authority"];

/// Conditions by name.
const MAPS: [&str; 3] = ["headers", "withoutHeaders", "queryParams"];

fn join_match(root: &Value, leaf: &Value) -> Option<Value> {
    let (root, leaf) = (root.as_object()?, leaf.as_object()?);
    if contradicts(root, leaf) {
        return None;
    }
    let mut joined = leaf.clone();
    for (name, value) in root {
        match joined.get_mut(name) {
            None => {
                joined.insert(name.clone(), value.clone());
            }
            Some(Value::Object(of_leaf)) if !TEXTS.contains(&name.as_str()) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    of_leaf.entry(name).or_insert_with(|| value.clone());
                }
            }
            Some(Value::String(of_leaf)) if name == "name" => {
                *of_leaf = join_names(value.as_str().unwrap_or_default(), of_leaf);
            }
            Some(_) => {}
        }
    }
    Some(Value::Object(joined))
}

fn contradicts(root: &Map<String, Value>, leaf: &Map<String, Value>) -> bool {
    let pair = |name: &str| Some((root.get(name)?, leaf.get(name)?));
    let texts = TEXTS.iter().filter_map(|name| pair(name));
    let maps = MAPS.iter().filter_map(|name| pair(name));
    let maps = maps.flat_map(|(root, leaf)| {
        let fields = leaf.as_object().into_iter().flatten();
        fields.filter_map(move |(name, leaf)| Some((root.get(name)?, leaf)))
    });
    let labels = pair("sourceLabels").is_some_and(|(root, leaf)| {
        let mut fields = leaf.as_object().into_iter().flatten();
        fields.any(|(name, leaf)| root.get(name).is_some_and(|root| root != leaf))
    });
    let gateways = pair("gateways").is_some_and(|(root, leaf)| {
        let of_root = root.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut of_leaf = leaf.as_array().into_iter().flatten();
        !of_root.is_empty() && of_leaf.any(|gateway| !of_root.contains(gateway))
    });
    let ignores = |of: &Map<String, Value>| of.get("ignoreUriCase").and_then(Value::as_bool);
    let namespace = root
        .get("sourceNamespace")
        .is_some_and(|of| leaf.get("sourceNamespace") != Some(of));
    let port = pair("port").is_some_and(|(root, leaf)| root != leaf);
    let case = ignores(root).unwrap_or(false) != ignores(leaf).unwrap_or(false);
    texts
        .chain(maps)
        .any(|(root, leaf)| text_contradicts(root, leaf))
        || labels
        || gateways
        || namespace
        || port
        || case
}

/// Whether what the delegate asks of a text is not a part of what the route asks that names it.
fn text_contradicts(root: &Value, leaf: &Value) -> bool {
    let of = |value: &Value, kind: &str| {
        let text = value.get(kind).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let kinds = |value: &Value| ["exact", "prefix", "regex"].map(|kind| of(value, kind));
    match (kinds(root), kinds(leaf)) {
        ([None, None, None], _) | (_, [None, None, None]) => false,
        ([Some(root), ..], [Some(leaf), None, None]) => root != leaf,
        ([None, Some(root), None], [Some(leaf), None, None] | [None, Some(leaf), None]) => {
            !leaf.starts_with(&root)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_joined_unless_they_contradict() {
        for (root, leaf, expected) in [
            (json!([]), json!([{"port": 1}]), Some(json!([{"port": 1}]))),
            (json!([{"port": 1}]), json!([]), Some(json!([{"port": 1}]))),
            (
                json!([{"uri": {"prefix": "/a"}}]),
                json!([{"uri": {"prefix": "/a/b"}, "name": "x"}, {"uri": {"exact": "/a"}}]),
                Some(json!([{"uri": {"prefix": "/a/b"}, "name": "x"}, {"uri": {"exact": "/a"}}])),
            ),
            (
                json!([{"uri": {"prefix": "/a"}}]),
                json!([{"uri": {"prefix": "/b"}}]),
                None,
            ),
            (
                json!([{"uri": {"exact": "/a"}}]),
                json!([{"uri": {"prefix": "/a"}}]),
                None,
            ),
            (
                json!([{"uri": {"regex": "a"}}]),
                json!([{"uri": {"regex": "a"}}]),
                None,
            ),
            (
                json!([{"headers": {"a": {"exact": "1"}}, "name": "r"}]),
                json!([{"headers": {"b": {"exact": "2"}}, "name": "l"}]),
                Some(
                    json!([{"headers": {"a": {"exact": "1"}, "b": {"exact": "2"}}, "name": "r-l"}]),
                ),
            ),
            (
                json!([{"gateways": ["a"]}]),
                json!([{"gateways": ["b"]}]),
                None,
            ),
            (
                json!([{"sourceNamespace": "a"}]),
                json!([{"port": 1}]),
                None,
            ),
            (
                json!([{"port": 1}, {"port": 2}]),
                json!([{"port": 2}]),
                Some(json!([{"port": 2}])),
            ),
        ] {
            let list = |value: &Value| value.as_array().cloned().unwrap();
            let joined = join_matches(&list(&root), &list(&leaf));
            assert_eq!(joined.map(Value::Array), expected, "{root} {leaf}");
        }
    }
}
