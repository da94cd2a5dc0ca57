//! An update of a listener that names another module or another configuration, while the server of the
//! modules is well, gone, or has something else.

mod rows;

use integration::envoy::Envoy;
use integration::listener::cluster;
use integration::module::{built, sha256};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use rows::{
    COLUMNS, FIRST, LATE, NEXT, NOBODY, NOWHERE, SERVER, Wanted, all, file, filter, rows, served,
};

use super::files::Files;
use super::rig::{Filter, LAST, MODULE, NEW, REFUSED, outcome, remote, wait_stat};
use super::{SOON, page};

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
