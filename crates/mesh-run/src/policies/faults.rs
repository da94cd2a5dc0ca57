//! Faults: those of the routes that a proxy has.
//!
//! istiod writes a fault into the route, so a request has that of the route that takes it and no other. The filter asks
//! Envoy for the name of that route, which the translation makes one of its own; so it is the same whatever the routes
//! before it take, and for whichever clients a route is.

use std::collections::BTreeSet;

use explain::Chain;
use mesh::Said;
use mesh::model::Model;
use mesh::model::virtual_service::Fault;
use sdk_helpers::Timestamp;
use sdk_helpers::outcome::check_name;
use serde_json::{Value, json};

use super::places::Parts;

/// The part of a proxy with these route configurations.
pub(super) fn parts(
    model: &Model,
    routes: &[Value],
    now: Timestamp,
    said: &mut BTreeSet<Said>,
) -> Parts {
    let named = names(routes);
    let all = model.virtual_services.iter().flat_map(|one| &one.http);
    let here = all
        .filter_map(|route| route.fault.as_ref())
        .filter(|fault| {
            let mut names = fault.routes.iter();
            names.any(|name| named.contains(name.as_str()))
        });
    let mut entries = Vec::new();
    for fault in here {
        let entry = entry(fault);
        match refused(&entry, now) {
            None => entries.push(entry),
            Some(problem) => {
                said.insert(Said {
                    place: fault.place.clone(),
                    what: problem,
                    consequence: "the fault is not in the mesh".to_owned(),
                });
            }
        }
    }
    Parts {
        faults: (!entries.is_empty()).then(|| json!({"faultInjection": {"http": entries}})),
        ..Parts::default()
    }
}

/// The names of all routes.
fn names(routes: &[Value]) -> BTreeSet<&str> {
    fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
        value
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }
    let hosts = routes.iter().flat_map(|one| list(one, "virtual_hosts"));
    let routes = hosts.flat_map(|host| list(host, "routes"));
    routes
        .filter_map(|route| route.get("name")?.as_str())
        .collect()
}

fn entry(fault: &Fault) -> Value {
    // Several conditions may have one name.
    let routes: BTreeSet<&String> = fault.routes.iter().collect();
    let matches = routes.iter().map(|name| json!({"route": {"exact": name}}));
    let matches: Vec<Value> = matches.collect();
    let mut entry = json!({"match": matches, "fault": fault.said});
    // By its place in the list, where statistics could not carry the name.
    if let (Ok(()), Value::Object(fields)) = (check_name(&fault.name), &mut entry) {
        fields.insert("name".to_owned(), fault.name.as_str().into());
    }
    entry
}

/// Why the filter does not take it.
fn refused(entry: &Value, now: Timestamp) -> Option<String> {
    let filter = match catalog::find("fault-injection") {
        Ok(filter) => filter,
        Err(error) => return Some(error.to_string()),
    };
    let errors = Chain::load(filter, &json!({"http": [entry]}), now, None).err()?;
    let told = errors.iter().map(|error| {
        let at = error.at.strip_prefix("http[0].").unwrap_or(&error.at);
        format!("{at}: {}", error.problem)
    });
    let told: Vec<String> = told.collect();
    Some(told.join("; "))
}
