//! An update of a listener that names another module or another configuration, while the server of the
//! modules is well, gone, or has something else.

use std::collections::BTreeMap;

use integration::envoy::Envoy;
use integration::listener::cluster;
use integration::module::{built, relabelled, sha256};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use super::files::{Answers, Files, response};
use super::rig::{Filter, LAST, MODULE, NEW, REFUSED, outcome, remote, wait_stat};
use super::{SOON, page};

const SERVER: &str = "modules";
const NOWHERE: &str = "nowhere";
const LATE: &str = "late";

/// Who has what: the columns of the tables, and the two policies that are one column.
const COLUMNS: [(&str, bool); 4] = [
    ("FAIL_CLOSED", false),
    ("FAIL_RELOAD", false),
    ("FAIL_OPEN", false),
    ("FAIL_CLOSED", true),
];

/// An update: its name on the page, who is asked for which file, and the configuration.
struct Row {
    name: &'static str,
    cluster: &'static str,
    wanted: Wanted,
    abort: u16,
}

/// The file whose sum the update names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
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
const NOBODY: &str = "another `sha256`, and nobody listens";

fn rows() -> Vec<Row> {
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
const FIRST: &str = "/first.wasm";
/// The one that no update of the tables names.
const NEXT: &str = "/next.wasm";

/// The filter of a row in a column. The last column has a file of its own, so that it has not what the
/// others fetched.
fn filter(number: usize, column: usize, row: &Row) -> Filter {
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

fn path(number: usize, nack: bool) -> String {
    format!("/{number}-{nack}.wasm")
}

/// The file that is wanted from this path.
fn file(wanted: Wanted, path: &str) -> Vec<u8> {
    let module = built(MODULE);
    match wanted {
        Wanted::Same => module,
        Wanted::Another | Wanted::Spoiled => relabelled(&module, path),
        Wanted::Page => format!("<!doctype html><title>{path}</title>").into_bytes(),
    }
}

/// What the server has, by path.
fn served() -> BTreeMap<String, Answers> {
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

fn all() -> impl Iterator<Item = (usize, usize)> {
    (0..rows().len()).flat_map(|row| (0..COLUMNS.len()).map(move |column| (row, column)))
}

struct Tables {
    envoy: Envoy,
    filters: Vec<Filter>,
    attempts: u64,
}

impl Tables {
    /// Every listener with the first module and a configuration that is good.
    fn start(clusters: &[Value]) -> Self {
        let rows = rows();
        let filters: Vec<Filter> = all()
            .map(|(row, column)| filter(row, column, &rows[row]))
            .collect();
        let sum = sha256(&built(MODULE));
        let first = filters.iter().map(|filter| Filter {
            vm_id: MODULE.to_owned(),
            code: remote(SERVER, FIRST, &sum, json!({})),
            abort: LAST,
            nack: false,
            ..filter.clone()
        });
        let listeners: Vec<Value> = first.map(|filter| filter.listener().build()).collect();
        let envoy = updates::builder(&listeners, |bootstrap| {
            bootstrap["static_resources"] = json!({"clusters": clusters});
        });
        let envoy = envoy.workers(1).ready_within(SOON).start();
        Self {
            envoy,
            filters,
            attempts: 1,
        }
    }

    /// Pushes these, and waits until Envoy has fetched, taken or refused each.
    fn push(&mut self, listeners: &[Value]) {
        self.attempts += 1;
        updates::update(&self.envoy, listeners);
        let attempts = "listener_manager.lds.update_attempt";
        wait_stat(&self.envoy, attempts, |count| count == self.attempts);
        let warming = "listener_manager.total_listeners_warming";
        wait_stat(&self.envoy, warming, |count| count == 0);
        // What was refused because it was not there is fetched in the background.
        for cluster in [SERVER, NOWHERE, LATE] {
            for active in ["upstream_rq_active", "upstream_rq_pending_active"] {
                let active = format!("cluster.{cluster}.{active}");
                wait_stat(&self.envoy, &active, |count| count == 0);
            }
        }
    }

    fn listeners(&self) -> Vec<Value> {
        let listeners = self.filters.iter();
        listeners.map(|filter| filter.listener().build()).collect()
    }

    /// What is to be, and is there soon, in each column.
    #[track_caller]
    fn assert_row(&self, row: usize, cells: &[String]) {
        let [closed, open, nack] = cells else {
            panic!("three cells and not {cells:?}");
        };
        let wanted = [closed, closed, open, nack];
        for (column, wanted) in wanted.into_iter().enumerate() {
            let name = format!("row {row} column {column}");
            let mut seen = String::new();
            let come = until(SOON, || {
                seen = outcome(&self.envoy, &name);
                (seen == *wanted).then_some(())
            });
            assert!(
                come.is_some(),
                "{}: {seen} and not {wanted}",
                rows()[row].name
            );
        }
    }
}

/// What a cell says of the first time, or of the second one: `last good, then works`.
fn cells(cells: &[String], second: bool) -> Vec<String> {
    let cell = |cell: &String| {
        let (first, then) = cell.split_once(", then ").unwrap_or((cell, cell));
        if second { then } else { first }.to_owned()
    };
    cells.iter().map(cell).collect()
}

#[test]
fn each_row_is_what_traffic_sees() {
    let rows = rows();
    let server = Files::serve(served());
    let nobody = Files::nowhere();
    let clusters = [
        cluster(SERVER, server.addr(), false),
        cluster(NOWHERE, Files::nowhere(), false),
        cluster(LATE, nobody, false),
    ];
    let mut tables = Tables::start(&clusters);
    let last_good = vec!["last good".to_owned(); 3];
    for row in 0..rows.len() {
        tables.assert_row(row, &last_good);
    }

    let page = page::table("### When its listener is updated");
    assert_eq!(page.len(), rows.len());
    tables.push(&tables.listeners());
    for (number, row) in rows.iter().enumerate() {
        tables.assert_row(number, &cells(&page[row.name], false));
    }

    // Now the server is there that was not.
    let _late = Files::at(nobody, served());
    let again = page::table("### Pushed again");
    let late = rows.iter().position(|row| row.name == NOBODY).unwrap();
    for push in ["as it was", "as it was, once more"] {
        tables.push(&tables.listeners());
        tables.assert_row(late, &again[push]);
    }
    for (number, row) in rows.iter().enumerate().filter(|(row, _)| *row != late) {
        tables.assert_row(number, &cells(&page[row.name], true));
    }
    for column in 0..COLUMNS.len() {
        let name = &mut tables.filters[late * COLUMNS.len() + column].code;
        name["remote"]["http_uri"]["timeout"] = json!("61s");
    }
    tables.push(&tables.listeners());
    tables.assert_row(late, &again["with any change"]);
    assert_eq!(again.len(), 3);

    fetched_before(&mut tables);
}

/// A listener of its own fetches what another one is to have, which then is refused like any other.
fn fetched_before(tables: &mut Tables) {
    const AT_WORK: &str = "row 1 column 0";
    let text = page::text();
    assert!(text.contains("name: fetch"), "the page's listener");
    let fetching = Filter {
        name: "fetch".to_owned(),
        vm_id: "next".to_owned(),
        code: remote(
            SERVER,
            NEXT,
            &sha256(&file(Wanted::Another, NEXT)),
            json!({}),
        ),
        policy: "FAIL_CLOSED",
        abort: NEW,
        nack: false,
    };
    let at_work = Filter {
        name: AT_WORK.to_owned(),
        abort: REFUSED,
        ..fetching.clone()
    };
    let last = Filter {
        code: remote(NOWHERE, FIRST, &sha256(&built(MODULE)), json!({})),
        vm_id: MODULE.to_owned(),
        abort: LAST,
        ..at_work.clone()
    };
    tables.push(&[last.listener().build(), fetching.listener().build()]);
    let seen = |name: &str| outcome(&tables.envoy, name);
    assert_eq!([seen("fetch"), seen(AT_WORK)], ["works", "last good"]);

    tables.push(&[at_work.listener().build(), fetching.listener().build()]);
    assert_eq!(outcome(&tables.envoy, AT_WORK), "last good");
    let mended = Filter {
        abort: NEW,
        ..at_work
    };
    tables.push(&[mended.listener().build()]);
    let works = || (outcome(&tables.envoy, AT_WORK) == "works").then_some(());
    until(SOON, works).expect("the module that another listener fetched");

    // The statistics began anew with the listener that they were counted for.
    let fetched = "wasm.remote_load_fetch_successes";
    wait_stat(&tables.envoy, fetched, |count| count == 0);
    assert!(text.contains("begin at zero again"));
}
