//! `mesh-filters test --init`: a first case file for given policies.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cases::{File, First};
use serde_json::{Value, json};

use super::engine::Engine;
use super::run::Run;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Writes it to a file that is not there yet, or says it where there is to be none.
pub(super) fn init(
    policies: &[PathBuf],
    to: Option<&Path>,
    filter: &str,
    output: Output,
) -> Result<Ending, Failure> {
    let path = to.unwrap_or(Path::new("cases.yaml"));
    if to.is_some_and(Path::exists) {
        return Err(Failure::at(path, "is there already; name a new file"));
    }
    let names = names(policies, path, to.is_some())?;
    let config = cases::configuration(filter, path, &names);
    let config = config.map_err(|problem| Failure::at(path, problem))?;
    let first = cases::first(filter, &config)
        .map_err(|errors| Failure::new(format!("{}: {}", names.join(", "), errors.join("; "))))?;
    if first.cases.is_empty() {
        let problem = "no request could be made up that a rule or none of them matches";
        return Err(Failure::new(format!("{}: {problem}", names.join(", "))));
    }
    let text = file(filter, &names, &first);
    passes(filter, path, &text)?;
    let Some(path) = to else {
        output.say(|| text.clone(), || json!({ "text": text }));
        return Ok(Ending::Fine);
    };
    let mut written = fs::File::create_new(path).map_err(|error| Failure::at(path, error))?;
    let written = written.write_all(text.as_bytes());
    written.map_err(|error| Failure::at(path, error))?;
    output.say(
        || said(path, &first),
        || {
            json!({
                "file": path.display().to_string(),
                "cases": first.cases.len(),
                "unreached": first.unreached,
            })
        },
    );
    Ok(Ending::Fine)
}

/// The paths of the policies from the folder of the case file, which is made where there is none.
fn names(policies: &[PathBuf], path: &Path, makes: bool) -> Result<Vec<String>, Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if makes {
        fs::create_dir_all(folder).map_err(|error| Failure::at(folder, error))?;
    }
    let whole = |path: &Path| {
        path.canonicalize()
            .map_err(|error| Failure::at(path, error))
    };
    let from = whole(folder)?;
    let names = policies.iter().map(|policy| {
        let relative = pathdiff::diff_paths(whole(policy)?, &from);
        let relative = relative.filter(|path| !path.as_os_str().is_empty());
        let relative = relative.unwrap_or(".".into());
        let name = relative.to_str().map(str::to_owned);
        name.ok_or_else(|| {
            Failure::at(
                policy,
                "is a name that is no text, which no file can have in it",
            )
        })
    });
    names.collect()
}

/// What is written is a case file, and passes.
fn passes(filter: &str, path: &Path, text: &str) -> Result<(), Failure> {
    let file = File::parse(filter, path, text).map_err(Failure::new)?;
    match Run::of(&[file], Engine::Native)?.failed() {
        0 => Ok(()),
        failed => Err(Failure::new(format!(
            "{failed} of the cases made up do not pass twice, which is a fault of this program; nothing was written"
        ))),
    }
}

fn file(filter: &str, names: &[String], first: &First) -> String {
    let mut text = String::from(
        "# First cases: what comes of a request for each rule, and of one that none matches. That is how it is, and\n\
         # not how it should be: read each.\n",
    );
    let _ = writeln!(text, "- description: {}", Value::from(names.join(", ")));
    if filter != cases::ALL {
        let _ = writeln!(text, "  filter: {filter}");
    }
    let _ = writeln!(text, "  files: {}\n  cases:", flow(&json!(names)));
    for case in &first.cases {
        let fields = [
            "name",
            "before",
            "request",
            "claims",
            "attributes",
            "dice",
            "expect",
        ];
        let there = fields
            .iter()
            .filter_map(|name| Some((name, case.get(*name)?)));
        for (number, (name, value)) in there.enumerate() {
            let before = if number == 0 { "  - " } else { "    " };
            let _ = writeln!(text, "{before}{name}: {}", flow(value));
        }
    }
    for rule in &first.unreached {
        let _ = writeln!(
            text,
            "  # To be written: a case for {rule}, which no request that was made up reaches."
        );
    }
    text
}

/// YAML on one line: JSON, but for quotes around names that need none.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let all: Vec<String> = list.iter().map(flow).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(map) => {
            let all = map
                .iter()
                .map(|(name, value)| format!("{}: {}", self::name(name), flow(value)));
            let all: Vec<String> = all.collect();
            format!("{{{}}}", all.join(", "))
        }
        leaf => leaf.to_string(),
    }
}

/// Words that YAML does not take for text everywhere.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A name of letters is itself.
fn name(name: &str) -> String {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    let is_word = WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    match !is_word
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(letter)
    {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

fn said(path: &Path, first: &First) -> String {
    let mut text = format!(
        "{}: {} cases, all of which pass\n",
        path.display(),
        first.cases.len()
    );
    for rule in &first.unreached {
        let _ = writeln!(text, "  no request could be made up for {rule}");
    }
    text
}
