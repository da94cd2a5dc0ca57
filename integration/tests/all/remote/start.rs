//! What a web server can have, do and say when Envoy starts and wants a module from it.

use std::collections::BTreeMap;
use std::process::Command;

use integration::client::Client;
use integration::envoy::{Envoy, Scratch};
use integration::listener::{bootstrap, cluster};
use integration::module::{built, sha256};
use integration::service::tool;
use serde_json::json;

use super::files::{Answers, Files, claiming, response};
use super::page;
use super::rig::{Filter, MODULE, NEW, REFUSED, outcome, remote};
use super::{POLICIES, SOON};

/// The heading of the table.
const TABLE: &str = "### When Envoy starts";

const SERVER: &str = "modules";
const NOWHERE: &str = "nowhere";

/// The row whose server does not answer.
const LATE: &str = "no answer within `timeout`";

/// A row of the table.
struct Row {
    name: &'static str,
    answers: Answers,
    sha256: String,
    cluster: &'static str,
    abort: u16,
}

impl Row {
    /// A server that answers so when it is asked for the sum of the module.
    fn new(name: &'static str, answer: Vec<u8>) -> Self {
        Self {
            name,
            answers: vec![answer],
            sha256: sha256(&built(MODULE)),
            cluster: SERVER,
            abort: NEW,
        }
    }

    /// With this sum in place of the module's.
    fn sum(self, sha256: String) -> Self {
        Self { sha256, ..self }
    }

    /// By way of another cluster.
    fn by(self, cluster: &'static str) -> Self {
        Self { cluster, ..self }
    }

    fn answered(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    fn configured(self, abort: u16) -> Self {
        Self { abort, ..self }
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let scratch = Scratch::new().unwrap();
    let file = scratch.path().join("module");
    std::fs::write(&file, bytes).unwrap();
    let gzip = tool("gzip", "gzip").unwrap();
    let output = Command::new(gzip).arg("-c").arg(&file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn rows() -> Vec<Row> {
    let module = built(MODULE);
    let half = &module[..module.len() / 2];
    let html: &[u8] = b"<!doctype html><title>Sign in</title>";
    let zipped = gzipped(&module);
    let ok = |body: &[u8]| response("200 OK", "", body);
    let wrong = |of: &str| sha256(of.as_bytes());
    vec![
        Row::new("the module of that `sha256`", ok(&module)),
        Row::new("another module", ok(&module)).sum(wrong("another")),
        Row::new("the module, `sha256` in capitals", ok(&module))
            .sum(sha256(&module).to_uppercase()),
        Row::new("the module, which refuses its configuration", ok(&module)).configured(REFUSED),
        Row::new("nothing, 404", response("404 Not Found", "", b"")).sum(wrong("404")),
        Row::new("an error, 503, and then the module", Vec::new()).answered(vec![
            response("503 Service Unavailable", "", b""),
            ok(&module),
        ]),
        Row::new(
            "an error, 503",
            response("503 Service Unavailable", "", b""),
        )
        .sum(wrong("503")),
        Row::new(
            "a redirect to the module, 302",
            response("302 Found", "location: /module.wasm\r\n", b""),
        )
        .sum(wrong("302")),
        Row::new("a web page, 200", ok(html)).sum(wrong("page")),
        Row::new("a web page, and `sha256` is the page's", ok(html)).sum(sha256(html)),
        Row::new("nothing, 200", ok(b"")).sum(wrong("empty")),
        Row::new(
            "the module in gzip, and `sha256` is the file's",
            ok(&zipped),
        )
        .sum(sha256(&zipped)),
        Row::new(
            "the module in `content-encoding: gzip`",
            response("200 OK", "content-encoding: gzip\r\n", &zipped),
        )
        .sum(wrong("encoded")),
        Row::new("half of the module", ok(half)).sum(wrong("half")),
        Row::new("half of the module, and `sha256` is the half's", ok(half)).sum(sha256(half)),
        Row::new(
            "the module, and the connection breaks",
            claiming(module.len(), "200 OK", "", half),
        )
        .sum(wrong("broken")),
        Row::new(
            "the module, `content-length` too small",
            claiming(half.len(), "200 OK", "", &module),
        )
        .sum(wrong("small")),
        Row::new(LATE, Vec::new()).sum(wrong("late")),
        Row::new("nobody listens there", Vec::new())
            .sum(wrong("nobody"))
            .by(NOWHERE),
        Row::new("Envoy has no such cluster", Vec::new())
            .sum(wrong("cluster"))
            .by("unknown"),
    ]
}

fn path(row: usize, policy: &str) -> String {
    format!("/{row}/{policy}.wasm")
}

fn named(row: usize, policy: &str) -> String {
    format!("row {row} {policy}")
}

#[test]
fn each_row_is_what_traffic_sees() {
    let rows = rows();
    let mut files = BTreeMap::new();
    let mut filters = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for policy in POLICIES {
            let path = path(number, policy);
            let mut code = remote(row.cluster, &path, &row.sha256, json!({}));
            if row.name == LATE {
                code["remote"]["http_uri"]["timeout"] = json!("0.5s");
            }
            let name = named(number, policy);
            filters.push(Filter {
                vm_id: name.clone(),
                name,
                code,
                policy,
                abort: row.abort,
                nack: false,
            });
            files.insert(path, row.answers.clone());
        }
    }
    let server = Files::serve(files);
    let clusters = [
        cluster(SERVER, server.addr(), false),
        cluster(NOWHERE, Files::nowhere(), false),
    ];
    let listeners = filters.iter().map(Filter::listener);
    let envoy = Envoy::builder(bootstrap(listeners, clusters))
        .workers(1)
        .args(["--component-log-level", "config:debug"])
        .args(["--file-flush-interval-msec", "10"])
        .ready_within(SOON)
        .start();

    let seen = rows.iter().enumerate().map(|(number, row)| {
        let [closed, reload, open] = POLICIES.map(|policy| outcome(&envoy, &named(number, policy)));
        assert_eq!(closed, reload, "{}", row.name);
        let asked = POLICIES.map(|policy| server.asked(&path(number, policy)));
        assert!(
            asked.iter().all(|count| *count == asked[0]),
            "{}: {asked:?}",
            row.name
        );
        let asked = match (row.cluster, asked[0]) {
            (SERVER, 1) => "once",
            (SERVER, 2) => "twice",
            (SERVER, _) => "more often",
            _ => "–",
        };
        (row.name.to_owned(), vec![closed, open, asked.to_owned()])
    });
    let seen: BTreeMap<String, Vec<String>> = seen.collect();
    let page = page::table(TABLE);
    for (name, cells) in &seen {
        assert_eq!(page.get(name), Some(cells), "{name}");
    }
    assert_eq!(
        page.len(),
        seen.len(),
        "rows of the page that no test has: {page:?}"
    );

    told(&envoy, &rows);
    refused_to_grpc(&envoy, &rows);
}

/// Log, statistics and details are what the page names.
fn told(envoy: &Envoy, rows: &[Row]) {
    let text = page::text();
    let number = rows
        .iter()
        .position(|row| row.name == "nothing, 404")
        .unwrap();
    let name = named(number, "FAIL_CLOSED");
    let line = format!(r#""details":"wasm_fail_stream","flags":"-","listener":"{name}""#);
    envoy.wait_log(&line, SOON);
    assert!(text.contains("`wasm_fail_stream`"));

    for said in [
        "Retry limit exceeded for fetching data from remote data source.",
        "response status code 404",
        "data is invalid",
    ] {
        envoy.wait_log(said, SOON);
        assert!(text.contains(said), "{said}");
    }
    envoy.wait_log(&format!("Plugin {name} failed to load"), SOON);
    assert!(text.contains("failed to load"));

    for (stat, least) in [
        ("wasm.remote_load_fetch_failures", 30),
        ("wasm.remote_load_fetch_successes", 9),
    ] {
        let value = envoy.admin().stat(stat);
        assert!(value >= least, "{stat} {value}");
        assert!(text.contains(&format!("`{stat}`")), "{stat}");
    }
}

/// gRPC has a status of its own.
fn refused_to_grpc(envoy: &Envoy, rows: &[Row]) {
    const UNAVAILABLE: u32 = 14;
    let number = rows
        .iter()
        .position(|row| row.name == "nothing, 404")
        .unwrap();
    let addr = envoy.addr(&named(number, "FAIL_CLOSED"));
    let answer = Client::http2(addr).grpc("/shop.Orders/Get", b"");
    assert_eq!(answer.grpc_status(), Some(UNAVAILABLE));
    let plain = Client::http1(addr).get("/").send();
    assert_eq!((plain.status, plain.text().as_str()), (503, ""));
}
