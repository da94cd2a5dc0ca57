//! Faults: what a VirtualService does to the requests of a route on purpose. A policy, which a filter carries out; here
//! is by which names of Envoy's routes it knows its requests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{HttpRoute, VirtualService};
use crate::field::Field;

/// `fault` of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// As it is written.
    pub said: Value,
    /// Where it stands in the files.
    pub place: String,
    /// `default/reviews-fault`; `default/reviews-fault.http-1` where its VirtualService has several.
    pub name: String,
    /// The names of Envoy's routes whose requests it is for, one for each condition; no other route has one of them.
    pub routes: Vec<String>,
}

impl Fault {
    pub(crate) fn read(field: &Field<'_>) -> Self {
        Fault {
            said: field.take().clone(),
            place: field.place(),
            name: String::new(),
            routes: Vec::new(),
        }
    }
}

/// What routes are called that no VirtualService speaks of.
const TAKEN: [&str; 4] = ["default", "allow_any", "block_all", "blackhole"];

/// Gives the routes that have a fault names which no other route has: istiod writes a fault into the route itself, and a
/// filter can ask for the route's name. A name that is in the files stays, if it is the only one.
pub(crate) fn name(all: &mut [VirtualService]) {
    let mut taken: BTreeMap<String, usize> =
        TAKEN.iter().map(|name| ((*name).to_owned(), 2)).collect();
    for route in all.iter().flat_map(|one| &one.http) {
        let own: BTreeSet<String> = names(route).into_iter().collect();
        for name in own {
            *taken.entry(name).or_default() += 1;
        }
    }
    for one in all {
        let several = one
            .http
            .iter()
            .filter(|route| route.fault.is_some())
            .count()
            > 1;
        for (index, route) in one.http.iter_mut().enumerate() {
            let own = names(route);
            let Some(fault) = &mut route.fault else {
                continue;
            };
            fault.name = format!("{}/{}", one.namespace, one.name);
            if several {
                fault.name.push_str(&format!(".http-{index}"));
            }
            while taken.contains_key(&fault.name) {
                fault.name.push('~');
            }
            taken.insert(fault.name.clone(), 1);
            let is_free = |name: &String| !name.is_empty() && taken.get(name) == Some(&1);
            let routes = own.into_iter().map(|name| match is_free(&name) {
                true => name,
                false => fault.name.clone(),
            });
            fault.routes = routes.collect();
        }
    }
}

/// What istiod calls the routes of an entry, one for each of its conditions.
pub(crate) fn names(route: &HttpRoute) -> Vec<String> {
    let of = |condition: &Value| {
        let name = condition.get("name").and_then(Value::as_str);
        match name {
            Some(name) => format!("{}.{name}", route.name),
            None => route.name.clone(),
        }
    };
    match route.matches.is_empty() {
        true => vec![route.name.clone()],
        false => route.matches.iter().map(of).collect(),
    }
}

#[cfg(test)]
mod tests {
    use documents::Document;

    use crate::model::Model;

    #[test]
    fn a_route_with_a_fault_has_a_name_of_its_own() {
        let service = |name: &str, http: &str| {
            format!(
                "kind: VirtualService\nmetadata: {{name: {name}}}\nspec: {{hosts: [{name}], http: [{http}]}}\n---\n"
            )
        };
        let fault = "fault: {abort: {httpStatus: 500}}";
        let text = [
            service("one", &format!("{{{fault}}}")),
            service(
                "two",
                &format!("{{name: a, {fault}}}, {{name: b, match: [{{name: x}}, {{}}], {fault}}}"),
            ),
            service("three", "{name: a}, {name: c}"),
            service(
                "four",
                &format!("{{name: default, {fault}}}, {{name: default/one}}"),
            ),
        ]
        .concat();
        let (model, said) = Model::read(&Document::read_text("a.yaml", &text).unwrap());
        assert!(said.is_empty(), "{said:?}");
        let faults = model.virtual_services.iter().flat_map(|one| &one.http);
        let seen: Vec<(&str, Vec<&str>)> = faults
            .filter_map(|route| route.fault.as_ref())
            .map(|fault| {
                (
                    fault.name.as_str(),
                    fault.routes.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("default/one~", vec!["default/one~"]),
                ("default/two.http-0", vec!["default/two.http-0"]),
                ("default/two.http-1", vec!["b.x", "b"]),
                ("default/four", vec!["default/four"]),
            ]
        );
    }
}
