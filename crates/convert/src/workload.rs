//! The workload that all of some objects are for, so that what is made of them is for it too.

use policies::{GATEWAY, Problem, Resource, Selection};
use serde_json::Value;

use crate::loss::{Loss, loss_of};

/// Istio's own root namespace, where no MeshConfig says another.
const ROOT: &str = "istio-system";

/// The one workload that every one of the objects is for: by their namespaces, labels and targets; none where
/// they say nothing of it.
///
/// # Errors
/// They are for several.
pub(crate) fn common(
    objects: &[&Resource<'_>],
    root: Option<&str>,
) -> Result<Option<Selection>, Problem> {
    let root = root.unwrap_or(ROOT);
    let objects = objects.iter().copied().filter(|it| is_istios(&it.object));
    let objects: Vec<&Resource<'_>> = objects.collect();
    // The faults of a VirtualService are for its clients, in whatever namespace.
    let is_clients = |it: &Resource<'_>| text(&it.object, &["kind"]) == Some("VirtualService");
    let (clients, others): (Vec<_>, Vec<_>) =
        objects.iter().copied().partition(|it| is_clients(it));
    let Some(first) = others.iter().chain(&clients).copied().next() else {
        return Ok(None);
    };
    let of_first = match others.is_empty() {
        true => &clients,
        false => &others,
    };
    let namespaces = of_first.iter().map(|it| namespace(&it.object));
    let namespaces: Vec<&str> = namespaces.collect();
    let mut all = Selection::default();
    for it in &objects {
        for (name, value) in labels(&it.object) {
            all.labels.entry(name).or_insert(value);
        }
    }
    let other = namespaces.iter().find(|namespace| **namespace != root);
    all.namespace = (*other.unwrap_or(&root)).to_owned();
    for it in objects {
        if all.takes(&it.object, root) {
            continue;
        }
        let (place, path) = it.place("");
        if std::ptr::eq(it, first) {
            let problem = "says by `targetRefs` whom it is for, and which workloads those are is not in files; name the \
                           `Gateway` of the gateway or waypoint there"
                .to_owned();
            return Err(Problem {
                place,
                path,
                problem,
            });
        }
        let (other, _) = first.place("");
        return Err(Problem {
            place,
            path,
            problem: format!(
                "is for another workload than what stands at {other}: of {}, and of {}; one module has one \
                 configuration, so name the workload that it is for with `--namespace` and `--labels`",
                shown(&it.object),
                shown(&first.object)
            ),
        });
    }
    Ok(Some(all))
}

/// Whether it is an object of Istio's, which says for whom it is in Istio's way.
fn is_istios(object: &Value) -> bool {
    let version = text(object, &["apiVersion"]);
    object.get("kind").is_some() && version.is_none_or(|version| version.contains("istio.io/"))
}

fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"]).unwrap_or("default")
}

/// The labels that an object selects its workloads by; that of a gateway's pods for one that names a Gateway.
fn labels(object: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in [["selector", "matchLabels"], ["workloadSelector", "labels"]] {
        let labels = at(object, &["spec"]).and_then(|spec| at(spec, &path));
        for (name, value) in labels.and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = value.as_str() {
                found.push((name.clone(), value.to_owned()));
            }
        }
    }
    let one = at(object, &["spec", "targetRef"]);
    let several = at(object, &["spec", "targetRefs"]).and_then(Value::as_array);
    for target in one.into_iter().chain(several.into_iter().flatten()) {
        if let (Some("Gateway"), Some(name)) = (text(target, &["kind"]), text(target, &["name"])) {
            found.push((GATEWAY.to_owned(), name.to_owned()));
        }
    }
    found
}

/// Policies that are for more than the workload that the output is for.
pub(crate) fn narrowed(objects: &[&Resource<'_>], workload: &Selection) -> Vec<Loss> {
    let mut losses = Vec::new();
    for it in objects {
        let namespace = namespace(&it.object);
        let is_narrowed =
            namespace != workload.namespace || labels(&it.object).len() < workload.labels.len();
        if !is_narrowed || text(&it.object, &["kind"]) == Some("VirtualService") {
            continue;
        }
        losses.push(loss_of(
            it,
            "metadata",
            format!("is for {}", shown(&it.object)),
            format!(
                "what is made of it is for {} alone; convert it for the others as well, or leave it to Istio there",
                of(workload)
            ),
        ));
    }
    losses
}

/// A workload in words.
pub(crate) fn of(workload: &Selection) -> String {
    let labels = workload.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    in_words(&workload.namespace, &labels)
}

fn shown(object: &Value) -> String {
    let namespace = namespace(object);
    let labels = labels(object).into_iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    in_words(namespace, &labels)
}

fn in_words(namespace: &str, labels: &[String]) -> String {
    let namespace = namespace.escape_debug();
    match labels {
        [] => format!("all workloads of the namespace `{namespace}`"),
        labels => {
            let labels = labels.join(",");
            format!("`{}` in the namespace `{namespace}`", labels.escape_debug())
        }
    }
}

pub(crate) fn text<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(tree, path)?.as_str()
}

pub(crate) fn at<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, name| value.get(name))
}
