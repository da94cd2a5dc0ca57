//! Where each node of a picture is: callers to the left of whom they call.

use std::collections::BTreeMap;

use super::{Graph, Kind};

/// A node's column and row.
pub(super) type Place = (usize, usize);

/// Calls from one node to another, by their names.
pub(super) type Links<'g> = BTreeMap<(&'g str, &'g str), Link>;

/// What is told of all calls from one node to another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Link {
    pub(super) requests: u64,
    pub(super) errors: u64,
    /// Some of it is in plaintext.
    pub(super) is_plain: bool,
    /// Some of it is encrypted.
    pub(super) is_encrypted: bool,
}

pub(super) fn links(graph: &Graph) -> Links<'_> {
    let mut links = Links::new();
    for edge in &graph.edges {
        let mut add = |to, requests: u64, errors: u64| {
            let link: &mut Link = links.entry((edge.from.as_str(), to)).or_default();
            link.requests = link.requests.saturating_add(requests);
            link.errors = link.errors.saturating_add(errors);
            link.is_plain |= edge.tls == Some(false);
            link.is_encrypted |= edge.tls == Some(true);
        };
        match edge.to.as_slice() {
            [] => add(
                &edge.service,
                edge.counts.requests(),
                edge.counts.classes[4],
            ),
            to => to
                .iter()
                .for_each(|asked| add(&asked.name, asked.requests, asked.errors)),
        }
    }
    links
}

/// Every node that calls or is called, and gateways in any case.
pub(super) fn places<'g>(graph: &'g Graph, links: &Links<'g>) -> BTreeMap<&'g str, Place> {
    let shown = |name: &str| links.keys().any(|(from, to)| *from == name || *to == name);
    let nodes = graph.nodes.iter();
    let nodes = nodes.filter(|node| node.kind == Kind::Gateway || shown(&node.name));
    let mut columns: BTreeMap<&str, usize> = nodes.map(|node| (node.name.as_str(), 0)).collect();
    // Each pass moves who is called behind who calls; a circle ends with the number of nodes.
    for _ in 0..columns.len() {
        let mut has_moved = false;
        for (from, to) in links.keys() {
            let behind = columns
                .get(from)
                .map_or(0, |column| column.saturating_add(1));
            let most = columns.len().saturating_sub(1);
            if let Some(column) = columns.get_mut(to)
                && *column < behind.min(most)
                && from != to
            {
                *column = behind.min(most);
                has_moved = true;
            }
        }
        if !has_moved {
            break;
        }
    }
    rows(close_gaps(columns), links)
}

/// A circle may have pushed nodes far to the right, and no column stays empty.
fn close_gaps(columns: BTreeMap<&str, usize>) -> Vec<Vec<&str>> {
    let mut filled: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (name, column) in columns {
        filled.entry(column).or_default().push(name);
    }
    filled.into_values().collect()
}

/// In a column, nodes stand as high as those that call them do, on the average; else by their names.
fn rows<'g>(columns: Vec<Vec<&'g str>>, links: &Links<'g>) -> BTreeMap<&'g str, Place> {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    for (column, names) in columns.into_iter().enumerate() {
        let height = |name: &str| {
            let callers = links.keys().filter(|(_, to)| *to == name);
            let rows: Vec<usize> = callers
                .filter_map(|(from, _)| places.get(from))
                .map(|(_, row)| *row)
                .collect();
            // In thousandths, so that they have an order.
            let sum = rows
                .iter()
                .fold(0_usize, |sum, row| sum.saturating_add(*row));
            sum.saturating_mul(1000)
                .checked_div(rows.len())
                .unwrap_or_default()
        };
        let mut ordered: Vec<(usize, &str)> =
            names.into_iter().map(|name| (height(name), name)).collect();
        ordered.sort_unstable();
        for (row, (_, name)) in ordered.into_iter().enumerate() {
            places.insert(name, (column, row));
        }
    }
    places
}
