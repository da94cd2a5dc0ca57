//! How to do the same without the demo.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::script::FAULTS;
use super::stage::Stage;
use crate::envoy::{Envoy, Launcher, VERSION, repository};
use crate::service::program;

/// Where the demo's Envoy, or one run by hand, is reached.
pub(super) struct Address {
    listener: String,
    admin: String,
    documented: bool,
    kept: bool,
}

impl Address {
    /// The documented one, or the one it has.
    pub(super) fn of(stage: &Stage, documented: bool, kept: bool) -> Self {
        let (listener, admin) = if documented {
            ("localhost:10000".to_owned(), "localhost:9901".to_owned())
        } else {
            (stage.addr().to_string(), stage.admin().addr().to_string())
        };
        Self {
            listener,
            admin,
            documented,
            kept,
        }
    }
}

/// The lines to type.
pub(super) fn print(address: &Address, stage: &Stage) {
    let Address {
        listener,
        admin,
        documented,
        kept,
    } = address;
    if *kept {
        if !documented {
            println!("The ports that {} names are taken here.", FAULTS.file);
        }
        println!("Envoy stays up at {listener}, its admin interface at {admin}, until Ctrl-C.");
        println!("Try, in another terminal:");
    } else {
        println!("To do it by hand, from the root of the repository:");
        println!("  cargo xtask build");
        for line in stage.ask(start).into_iter().flatten() {
            println!("  {line}");
        }
        println!("and in another terminal:");
    }
    for step in FAULTS.steps {
        let headers = step.headers.iter();
        let headers: String = headers
            .map(|(name, value)| format!(" -H '{name}: {value}'"))
            .collect();
        println!("  curl -i {listener}{}{headers}", step.path);
    }
    println!("  curl -s {admin}/stats/prometheus | grep mesh_filters");
    if *kept {
        println!("\nWhat Envoy's access log says of your requests:");
    }
}

/// What starts an Envoy like this one.
fn start(envoy: &Envoy) -> Vec<String> {
    let arguments = format!("-c {} --file-flush-interval-msec 100", FAULTS.file);
    if envoy.launcher() == Launcher::Container {
        return vec![
            format!(
                "docker run --rm --network host -v \"$PWD:/work:ro\" -w /work envoyproxy/envoy:v{VERSION} \\"
            ),
            format!("  {arguments}"),
        ];
    }
    match program(envoy) {
        Some(program) => vec![
            format!("ENVOY={}", typed(&program)),
            format!("\"$ENVOY\" {arguments}"),
        ],
        None => vec![format!("envoy {arguments}")],
    }
}

/// The program that runs, unless `envoy` is enough to say.
fn program(envoy: &Envoy) -> Option<PathBuf> {
    let running = fs::read_link(format!("/proc/{}/exe", envoy.pid()));
    let running = running
        .ok()
        .or_else(|| env::var_os("ENVOY_BIN").map(PathBuf::from))?;
    let on_path = program::find("envoy").and_then(|found| found.canonicalize().ok());
    (on_path.as_ref() != Some(&running)).then_some(running)
}

/// A path as a shell takes it, and short where it can be.
fn typed(path: &Path) -> String {
    let plain = |text: &str| {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "/._-+".contains(c));
        !text.contains(odd)
    };
    let quoted = |text: String| {
        if plain(&text) {
            text
        } else {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
    };
    if let Ok(below) = path.strip_prefix(repository()) {
        return quoted(below.display().to_string());
    }
    let home = env::var_os("HOME").map(PathBuf::from);
    let below = home.and_then(|home| Some(path.strip_prefix(home).ok()?.display().to_string()));
    match below {
        Some(below) if plain(&below) => format!("~/{below}"),
        _ => quoted(path.display().to_string()),
    }
}
