//! Telling an Envoy by its files, and asking which version of each it has taken.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use envoy::{Admin, wait};
use mesh::proxy::files;
use serde_json::{Value, json};

use crate::Error;
use crate::folder::{self, of_proxy};
use crate::plan::{PlannedProxy, version};

/// How long Envoy may take to read a file that was replaced.
const READ: Duration = Duration::from_secs(30);
/// How long the connections of a listener that was replaced go on, in seconds as Envoy takes them. A policy is of the
/// listener, so until then whoever has such a connection is treated by the one before.
pub(super) const DRAIN_SECONDS: &str = "2";
/// How long that may take in all.
const DRAINED: Duration = Duration::from_secs(15);
/// The files that Envoy watches, and what is asked of them; a gateway has several of routes.
const WATCHED: [&str; 3] = [files::CLUSTERS, files::ROUTES, files::LISTENERS];
/// A longer reason is cut.
const WIDTH: usize = 600;

/// What an Envoy says of what it was told, by the names of its statistics.
struct Told {
    texts: BTreeMap<String, String>,
    counts: BTreeMap<String, u64>,
}

impl Told {
    fn ask(admin: &Admin) -> Result<Self, envoy::Error> {
        // `(lds|cds|rds\..*)\.(version_text|update_rejected)$`
        let pattern = "(lds%7Ccds%7Crds%5C..%2A)%5C.(version_text%7Cupdate_rejected)%24";
        let page = admin.json(&format!("/stats?format=json&filter={pattern}"))?;
        let mut told = Told {
            texts: BTreeMap::new(),
            counts: BTreeMap::new(),
        };
        let stats = page.get("stats").and_then(Value::as_array);
        for stat in stats.into_iter().flatten() {
            let Some(name) = stat.get("name").and_then(Value::as_str) else {
                continue;
            };
            match stat.get("value") {
                Some(Value::String(text)) => {
                    told.texts.insert(name.to_owned(), text.clone());
                }
                Some(value) => {
                    let count = value.as_u64().unwrap_or_default();
                    told.counts.insert(name.to_owned(), count);
                }
                None => {}
            }
        }
        Ok(told)
    }

    /// Whether it has taken this text of a file.
    fn has(&self, file: &str, text: &str) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        let version = value.get("version_info").and_then(Value::as_str);
        let is_it = |of: Option<&String>| of.map(String::as_str) == version;
        match file {
            files::CLUSTERS => is_it(self.texts.get("cluster_manager.cds.version_text")),
            files::LISTENERS => is_it(self.texts.get("listener_manager.lds.version_text")),
            _ => {
                // Each routes' own; those that no listener asks for are not read.
                let resources = value.get("resources").and_then(Value::as_array);
                let names = resources.into_iter().flatten();
                let mut names = names.filter_map(|one| one.get("name")?.as_str());
                names.all(|name| {
                    let end = format!(".rds.{}.version_text", name.replace(':', "_"));
                    let mut of = self.texts.iter().filter(|(stat, _)| stat.ends_with(&end));
                    of.all(|(_, version)| is_it(Some(version)))
                })
            }
        }
    }

    /// How often it has refused a file.
    fn refusals(&self, file: &str) -> u64 {
        let of = |stat: &str| match file {
            files::CLUSTERS => stat == "cluster_manager.cds.update_rejected",
            files::LISTENERS => stat == "listener_manager.lds.update_rejected",
            _ => stat.contains(".rds."),
        };
        let all = self.counts.iter().filter(|(stat, _)| of(stat));
        all.map(|(_, count)| *count).sum()
    }
}

/// Replaces the files that differ, one after the other; where one is refused, all are as before.
///
/// Clusters that are gone leave last, when no route leads to them any more, so that a change fails no request.
pub(super) fn replace(
    admin: &Admin,
    folder: &Path,
    old: &PlannedProxy,
    new: &PlannedProxy,
) -> Result<Result<(), String>, Error> {
    let (old_clusters, new_clusters) = (text(old, files::CLUSTERS), text(new, files::CLUSTERS));
    let both = union(old_clusters, new_clusters);
    let routes = new.files.iter().filter(|(file, _)| files::has_routes(file));
    let routes = routes.map(|(file, text)| (file.as_str(), text.as_str()));
    let steps = [(files::CLUSTERS, both.as_str())]
        .into_iter()
        .chain(routes)
        .chain([
            (files::LISTENERS, text(new, files::LISTENERS)),
            (files::CLUSTERS, new_clusters),
        ]);
    let old_files = old.files.iter();
    let mut now: BTreeMap<&str, &str> = old_files
        .map(|(file, text)| (file.as_str(), text.as_str()))
        .collect();
    let mut done = Vec::new();
    for (file, wanted) in steps {
        if now.get(file) == Some(&wanted) {
            continue;
        }
        done.push(file);
        if let Err(why) = put(admin, folder, file, wanted)? {
            // The last one first, as it may need one before it.
            for file in done.into_iter().rev() {
                // Routes that were not there before are those of listeners that are not there now.
                let before = text(old, file);
                if !before.is_empty() {
                    let _ = put(admin, folder, file, before)?;
                }
            }
            return Ok(Err(why));
        }
        now.insert(file, wanted);
    }
    if done.contains(&files::LISTENERS) {
        settle(admin);
    }
    Ok(Ok(()))
}

/// Waits until nobody is treated by listeners of before. One that takes longer is in force all the same for whoever
/// connects from now on.
fn settle(admin: &Admin) {
    let pattern = "^listener_manager.total_(listeners|filter_chains)_(warming|draining)$";
    let is_settled = || {
        let stats = admin.stats(pattern).ok()?;
        stats.values().all(|count| *count == 0).then_some(())
    };
    wait::until(DRAINED, is_settled);
}

fn text<'p>(planned: &'p PlannedProxy, name: &str) -> &'p str {
    let mut all = planned.files.iter();
    all.find(|(file, _)| *file == name)
        .map_or("", |(_, text)| text)
}

/// The new clusters, and those of before that are not among them.
fn union(old: &str, new: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let list = |value: &Value| {
        let resources = value.get("resources").and_then(Value::as_array);
        resources.cloned().unwrap_or_default()
    };
    let (old, mut both) = (list(&read(old)), read(new));
    let mut all = list(&both);
    let names: Vec<Option<Value>> = all.iter().map(|one| one.get("name").cloned()).collect();
    let gone = old
        .into_iter()
        .filter(|one| !names.contains(&one.get("name").cloned()));
    let gone: Vec<Value> = gone.collect();
    if gone.is_empty() {
        return new.to_owned();
    }
    all.extend(gone);
    let name = version(&Value::Array(all.clone()).to_string());
    if let Value::Object(fields) = &mut both {
        fields.insert("resources".to_owned(), Value::Array(all));
        fields.insert("version_info".to_owned(), json!(name));
    }
    format!("{both:#}\n")
}

/// Replaces a file, and waits until Envoy has taken it: or why not.
fn put(admin: &Admin, folder: &Path, file: &str, text: &str) -> Result<Result<(), String>, Error> {
    // One that is being started again reads the file by itself.
    let before = Told::ask(admin).map_or(0, |told| told.refusals(file));
    let log = fs::metadata(folder.join(of_proxy::LOG)).map_or(0, |found| found.len());
    folder::write(&folder.join(file), text)?;
    let read = wait::until(READ, || match Told::ask(admin) {
        Ok(told) if told.has(file, text) => Some(true),
        Ok(told) if told.refusals(file) > before => Some(false),
        _ => None,
    });
    Ok(match read {
        Some(true) => Ok(()),
        Some(false) => Err(why(admin, folder, log)),
        None => Err(format!("it has not read {file} after {} s", READ.as_secs())),
    })
}

/// Why an Envoy has refused something that it read when it started.
pub(super) fn refused_at_start(admin: &Admin, folder: &Path) -> Option<String> {
    let told = Told::ask(admin).ok()?;
    let is_refused = WATCHED.iter().any(|file| told.refusals(file) > 0);
    is_refused.then(|| why(admin, folder, 0))
}

/// Whether it has taken what each file says; nobody knows of one that does not run.
pub(super) fn synced(
    admin: &Admin,
    planned: &PlannedProxy,
    runs: bool,
) -> Vec<(&'static str, Option<bool>)> {
    let told = runs.then(|| Told::ask(admin).ok()).flatten();
    let synced = |file: &&'static str| {
        let name = file.trim_end_matches(".json");
        let is_of = |one: &str| match *file {
            files::ROUTES => files::has_routes(one),
            _ => one == *file,
        };
        let all = |told: &Told| {
            let mut files = planned.files.iter().filter(|(one, _)| is_of(one));
            files.all(|(one, text)| told.has(one, text))
        };
        (name, told.as_ref().map(all))
    };
    WATCHED.iter().map(synced).collect()
}

/// What the log says of a refusal from a place in it on, cut to what matters.
fn why(admin: &Admin, folder: &Path, from: u64) -> String {
    let log = fs::read(folder.join(of_proxy::LOG)).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or_default();
    let log = String::from_utf8_lossy(log.get(from..).unwrap_or(&log)).into_owned();
    let mut told: Vec<String> = Vec::new();
    for line in log.lines().filter(|line| is_about(line)) {
        let line = message(line).chars().take(WIDTH).collect();
        if !told.contains(&line) {
            told.push(line);
        }
    }
    if told.is_empty() {
        let refused = admin.refused().unwrap_or_default();
        told.extend(
            refused
                .into_iter()
                .map(|(name, why)| format!("{name}: {why}")),
        );
    }
    match told.is_empty() {
        true => format!(
            "its log does not say why: {}",
            folder.join(of_proxy::LOG).display()
        ),
        false => told.join("\n"),
    }
}

fn is_about(line: &str) -> bool {
    line.contains("][error][") || line.contains("rejected: ")
}

/// A line of the log without time, thread, level and place, and without which subscription it was.
fn message(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..2 {
        let cut = rest
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        rest = cut.map_or(rest, |(_, after)| after);
    }
    rest.split_once("rejected: ").map_or(rest, |(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_leave_stay_until_no_route_leads_to_them() {
        let file = |names: &[&str]| {
            let all: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"resources": all, "version_info": "1"}).to_string()
        };
        let (old, new) = (file(&["a", "b"]), file(&["b", "c"]));
        let both: Value = serde_json::from_str(&union(&old, &new)).unwrap();
        assert_eq!(
            both["resources"],
            json!([{"name": "b"}, {"name": "c"}, {"name": "a"}])
        );
        assert_ne!(both["version_info"], "1");
        assert_eq!(union(&new, &new), new);
    }

    #[test]
    fn a_version_is_taken_when_every_subscription_has_it() {
        let mut told = Told {
            texts: BTreeMap::from([
                (
                    "cluster_manager.cds.version_text".to_owned(),
                    "1".to_owned(),
                ),
                ("http.a.rds.http.80.version_text".to_owned(), "1".to_owned()),
                ("http.b.rds.http.80.version_text".to_owned(), "2".to_owned()),
            ]),
            counts: BTreeMap::from([("http.b.rds.http.80.update_rejected".to_owned(), 3)]),
        };
        let text = r#"{"version_info": "1", "resources": [{"name": "http.80"}]}"#;
        assert!(told.has(files::CLUSTERS, text));
        assert!(!told.has(files::LISTENERS, text));
        assert!(!told.has(files::ROUTES, text));
        assert!(!told.has(files::ROUTES, "no JSON"));
        assert_eq!(told.refusals(files::ROUTES), 3);
        told.texts.remove("http.b.rds.http.80.version_text");
        assert!(told.has(files::ROUTES, text));
    }

    #[test]
    fn a_refusal_is_told_without_what_is_around_it() {
        let line = "[2026-11-30 07:23:03.922][1][warning][config] [source/a.cc:70] Filesystem config update rejected: no such thing";
        assert!(is_about(line));
        assert_eq!(message(line), "no such thing");
        assert_eq!(message("plain"), "plain");
    }
}
