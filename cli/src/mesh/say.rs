//! What is said of a mesh, for people.

use std::fmt::Write;

use serde_json::Value;

use crate::output::{BAD, DOUBTFUL, GOOD, QUIET};

/// Where everything of a mesh is, of what `mesh.json` says.
pub(super) fn mesh(mesh: &Value) -> String {
    let mut text = String::new();
    for gateway in list(mesh, "gateways") {
        let _ = writeln!(
            text,
            "{GOOD}gateway{GOOD:#} {}.{}",
            word(gateway, "name"),
            word(gateway, "namespace")
        );
        for port in list(gateway, "ports") {
            let _ = writeln!(
                text,
                "  {} {}: {}://{}/",
                word(port, "protocol"),
                number(port, "port"),
                word(port, "protocol").to_lowercase(),
                word(port, "address")
            );
        }
    }
    let gateways = list(mesh, "gateways").iter();
    for request in gateways.flat_map(|gateway| list(gateway, "try")) {
        let _ = writeln!(
            text,
            "{GOOD}try{GOOD:#} {}",
            request.as_str().unwrap_or_default()
        );
    }
    let workloads = list(mesh, "workloads");
    if !workloads.is_empty() {
        let _ = writeln!(text, "{GOOD}workloads{GOOD:#}");
    }
    let rows = workloads.iter().flat_map(|workload| {
        let replicas = list(workload, "replicas").iter();
        replicas.map(move |replica| {
            let ports = list(replica, "ports").iter();
            let ports: Vec<String> = ports.map(|port| word(port, "address").to_owned()).collect();
            let identity = match workload.get("identity").and_then(Value::as_str) {
                Some(identity) => identity.to_owned(),
                None => "no sidecar".to_owned(),
            };
            vec![word(replica, "name").to_owned(), ports.join(" "), identity]
        })
    });
    text += &table(&rows.collect::<Vec<_>>());
    for one in list(mesh, "notes") {
        text += &note(one);
    }
    for refused in list(mesh, "refused") {
        text += &refusal(refused);
    }
    let _ = writeln!(text, "{QUIET}folder{QUIET:#} {}", word(mesh, "folder"));
    text
}

/// What became of an `apply`.
pub(super) fn applied(answer: &Value) -> String {
    if let Some(problem) = answer.get("error").and_then(Value::as_str) {
        return format!(
            "{BAD}refused{BAD:#}: the last good objects stay in force\n{}\n",
            problem.trim_end()
        );
    }
    let mut text = word(answer, "found").to_owned();
    for one in list(answer, "notes") {
        text += &note(one);
    }
    let before = text.len();
    for (field, said) in [
        ("changed", "told"),
        ("started", "started"),
        ("stopped", "stopped"),
    ] {
        let names = list(answer, field).iter().filter_map(Value::as_str);
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            let _ = writeln!(text, "{GOOD}{said}{GOOD:#} {}", names.join(", "));
        }
    }
    for refused in list(answer, "refused") {
        text += &refusal(refused);
    }
    if text.len() == before {
        text += "every proxy does what the files say already\n";
    }
    text
}

fn note(note: &Value) -> String {
    format!(
        "{DOUBTFUL}note{DOUBTFUL:#}: {}: {}: {}\n",
        word(note, "place"),
        word(note, "what"),
        word(note, "consequence")
    )
}

fn refusal(refused: &Value) -> String {
    format!(
        "{BAD}refused{BAD:#} by {}, which keeps to what it was told before:\n  {}\n",
        word(refused, "proxy"),
        word(refused, "why").replace('\n', "\n  ")
    )
}

/// A row for each proxy.
pub(super) fn status(status: &Value) -> String {
    let mut rows = vec![
        ["PROXY", "KIND", "IDENTITY", "IN SYNC", "RESTARTS", "MEMORY"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for proxy in list(status, "proxies") {
        let memory = proxy.get("memory").filter(|memory| !memory.is_null());
        rows.push(vec![
            word(proxy, "name").to_owned(),
            word(proxy, "kind").to_owned(),
            word(proxy, "identity").to_owned(),
            sync(proxy),
            number(proxy, "restarts"),
            memory.map_or_else(
                || "-".to_owned(),
                |memory| {
                    let bytes = memory.get("proportional").and_then(Value::as_u64);
                    format!("{} MB", bytes.unwrap_or_default() / 1_000_000)
                },
            ),
        ]);
    }
    let mut text = table(&rows);
    for proxy in list(status, "proxies") {
        if let Some(why) = proxy.get("refused").and_then(Value::as_str) {
            let _ = writeln!(
                text,
                "{BAD}refused{BAD:#} by {}: {why}",
                word(proxy, "name")
            );
        }
    }
    text
}

fn sync(proxy: &Value) -> String {
    if proxy.get("pid").is_none_or(Value::is_null) {
        return "does not run".to_owned();
    }
    let synced = proxy.get("synced").and_then(Value::as_object);
    let behind = synced.into_iter().flatten();
    let behind = behind.filter(|(_, synced)| **synced != Value::Bool(true));
    let behind: Vec<&str> = behind.map(|(file, _)| file.as_str()).collect();
    match (proxy.get("well"), behind.as_slice()) {
        (Some(Value::Bool(true)), _) => "yes".to_owned(),
        (_, []) => "no: it refused the last change".to_owned(),
        (_, behind) => format!("no: {}", behind.join(", ")),
    }
}

/// Columns of text, two spaces between them.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> String {
    value.get(name).map(ToString::to_string).unwrap_or_default()
}
