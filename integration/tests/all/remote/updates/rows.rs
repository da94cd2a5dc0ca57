//! The rows of the table on updates: which file an update names, where, and with which configuration.

use std::collections::BTreeMap;

use integration::module::{built, relabelled, sha256};
use serde_json::json;

use crate::remote::files::{Answers, response};
use crate::remote::rig::{Filter, MODULE, NEW, REFUSED, remote};

pub(super) const SERVER: &str = "modules";
pub(super) const NOWHERE: &str = "nowhere";
pub(super) const LATE: &str = "late";

/// Who has what: the columns of the tables, and the two policies that are one column.
pub(super) const COLUMNS: [(&str, bool); 4] = [
    ("FAIL_CLOSED", false),
    ("FAIL_RELOAD", false),
    ("FAIL_OPEN", false),
    ("FAIL_CLOSED", true),
];

/// An update: its name on the page, who is asked for which file, and the configuration.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) cluster: &'static str,
    pub(super) wanted: Wanted,
    pub(super) abort: u16,
}

/// The file whose sum the update names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// That of before.
    Same,
    /// Another module, under a `vm_id` of its own.
    Another,
    /// The same, and the server has something else.
    Spoiled,
    /// A web page, under the `vm_id` of before.
    Page,
}

/// The row whose server comes later.
pub(super) const NOBODY: &str = "another `sha256`, and nobody listens";

pub(super) fn rows() -> Vec<Row> {
    let row = |name, cluster, wanted, abort| Row {
        name,
        cluster,
        wanted,
        abort,
    };
    vec![
        row(
            "the same `sha256`, another configuration, and nobody listens",
            NOWHERE,
            Wanted::Same,
            NEW,
        ),
        row(
            "the same `sha256`, and the module refuses its configuration",
            SERVER,
            Wanted::Same,
            REFUSED,
        ),
        row(
            "another `sha256`, and the server has it",
            SERVER,
            Wanted::Another,
            NEW,
        ),
        row(NOBODY, LATE, Wanted::Another, NEW),
        row(
            "another `sha256`, and the server has another file",
            SERVER,
            Wanted::Spoiled,
            NEW,
        ),
        row(
            "another `sha256`, and that module refuses its configuration",
            SERVER,
            Wanted::Another,
            REFUSED,
        ),
        row(
            "`sha256` of a web page, under the `vm_id` of before",
            SERVER,
            Wanted::Page,
            NEW,
        ),
    ]
}

/// The module that is first.
pub(super) const FIRST: &str = "/first.wasm";
/// The one that no update of the tables names.
pub(super) const NEXT: &str = "/next.wasm";

/// The filter of a row in a column. The last column has a file of its own, so that it has not what the
/// others fetched.
pub(super) fn filter(number: usize, column: usize, row: &Row) -> Filter {
    let (policy, nack) = COLUMNS[column];
    let name = format!("row {number} column {column}");
    let own = path(number, nack);
    let (path, vm_id) = match row.wanted {
        Wanted::Same => (FIRST.to_owned(), MODULE.to_owned()),
        Wanted::Another | Wanted::Spoiled => (own.clone(), own),
        Wanted::Page => (own, MODULE.to_owned()),
    };
    let sum = sha256(&file(row.wanted, &path));
    Filter {
        name,
        vm_id,
        code: remote(row.cluster, &path, &sum, json!({})),
        policy,
        abort: row.abort,
        nack: nack && row.wanted != Wanted::Same,
    }
}

pub(super) fn path(number: usize, nack: bool) -> String {
    format!("/{number}-{nack}.wasm")
}

/// The file that is wanted from this path.
pub(super) fn file(wanted: Wanted, path: &str) -> Vec<u8> {
    let module = built(MODULE);
    match wanted {
        Wanted::Same => module,
        Wanted::Another | Wanted::Spoiled => relabelled(&module, path),
        Wanted::Page => format!("<!doctype html><title>{path}</title>").into_bytes(),
    }
}

/// What the server has, by path.
pub(super) fn served() -> BTreeMap<String, Answers> {
    let rows = rows();
    let mut files = BTreeMap::from([
        (FIRST.to_owned(), built(MODULE)),
        (NEXT.to_owned(), file(Wanted::Another, NEXT)),
    ]);
    for (number, column) in all() {
        let path = path(number, COLUMNS[column].1);
        let file = match rows[number].wanted {
            Wanted::Spoiled => b"spoiled".to_vec(),
            wanted => file(wanted, &path),
        };
        files.insert(path, file);
    }
    let answers = files
        .into_iter()
        .map(|(path, body)| (path, vec![response("200 OK", "", &body)]));
    answers.collect()
}

pub(super) fn all() -> impl Iterator<Item = (usize, usize)> {
    (0..rows().len()).flat_map(|row| (0..COLUMNS.len()).map(move |column| (row, column)))
}
