//! Routes behind one that takes all of their requests.

use serde_json::{Map, Value};

use super::route_covers::covers;
use super::routes::http;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

pub(super) const RULE: Rule = Rule {
    code: "MF0231",
    severity: Severity::Warning,
    title: "a route stands behind one that takes its requests",
    text: "The entries of `http` are asked in the order in which they stand, and the first that matches decides. \
           Behind one without `match`, or with a prefix that the path of the later one begins with, nothing is \
           left. What is compared here are values as they stand: where this is told it is so, and where it is \
           not, a regex may still be in the way.",
    help: "put the route that matches less before the one that matches more",
    bad: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {prefix: /api}}]
    route: [{destination: {host: reviews}}]
  - match: [{uri: {exact: /api/health}}]
    directResponse: {status: 200}
",
    good: "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {exact: /api/health}}]
    directResponse: {status: 200}
  - match: [{uri: {prefix: /api}}]
    route: [{destination: {host: reviews}}]
",
    find,
};

/// Each condition is compared with so many before it, and with all that take every request: a list that is
/// longer was not written by hand.
const MOST: usize = 100;

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("VirtualService") {
        ordered(item, found);
    }
}

fn ordered(item: &Item<'_>, found: &mut Found<'_>) {
    // A match of nothing is what a route without one has.
    let nothing = Value::Object(Map::new());
    let mut before: Vec<(usize, Spot<'_>)> = Vec::new();
    for (index, route) in http(item).into_iter().enumerate() {
        let mut entries = route.list("match");
        if entries.is_empty() {
            entries.push(Spot::with_path(&nothing, route.path()));
        }
        let taken: Vec<Option<usize>> = entries
            .iter()
            .map(|entry| {
                let by = before.iter().find(|(_, wide)| covers(wide, entry));
                by.map(|(by, _)| *by)
            })
            .collect();
        let says =
            |by: usize| format!("`http[{by}]` before it takes every request that this is for");
        match taken.first().copied().flatten() {
            Some(by) if taken.iter().all(Option::is_some) => found.at(item, &route, says(by)),
            _ => {
                for (entry, by) in entries.iter().zip(&taken) {
                    if let Some(by) = by {
                        found.at(item, entry, says(*by));
                    }
                }
            }
        }
        // What it delegates it takes no more of than the other VirtualService has routes for.
        if route.field("delegate").is_none() {
            let all = Spot::root(&nothing);
            let entries = entries.into_iter().map(|entry| (index, entry));
            before.extend(entries.filter(|(_, entry)| index < MOST || covers(entry, &all)));
        }
    }
}
