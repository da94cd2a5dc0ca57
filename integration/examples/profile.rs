//! Where the instructions of a request go, in a scenario of the benchmark.
//!
//! ```text
//! cargo xtask build --only authorization-policy --names
//! cargo run -p integration --example profile -- authorization-path ours-10
//! ```
//!
//! Of a variant with several modules each is profiled, or the one that is named last, by its name or by the path
//! of another build of it.

use std::path::Path;
use std::process::ExitCode;

use integration::bench::{files, tokens};
use integration::envoy::repository;
use integration::profile::profile;

/// Functions that are shown.
const MOST: usize = 40;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words[..] {
        [scenario, variant] => print(scenario, variant, None),
        [scenario, variant, module] => print(scenario, variant, Some(module)),
        _ => Err("give a scenario, a variant of it, and a module of that if not all".to_owned()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("profile: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn print(scenario: &str, variant: &str, only: Option<&str>) -> Result<(), String> {
    let mut scenarios = files::select(&[scenario.to_owned()])?;
    let scenario = tokens::mint(scenarios.swap_remove(0))?;
    let variant = scenario.variant(variant).ok_or_else(|| {
        let names = scenario.variants.iter().map(|one| one.name.as_str());
        let names: Vec<&str> = names.collect();
        format!("no variant `{variant}`; there are: {}", names.join(", "))
    })?;
    let requests = scenario.requests_of(variant);
    for module in variant.modules()? {
        let name = module.name();
        let mut path = repository().join(format!("target/named/{name}.wasm"));
        if let Some(only) = only.map(Path::new) {
            if only.file_stem().is_none_or(|only| only != name) {
                continue;
            }
            if only.extension().is_some() {
                path = only.to_owned();
            }
        }
        let wasm = std::fs::read(&path).map_err(|error| {
            format!(
                "{}: {error}; run `cargo xtask build --only {name} --names`",
                path.display()
            )
        })?;
        let found = profile(&wasm, &module, requests, scenario.peer.as_deref())?;
        println!("{name} ({})\n{}", scenario.name, found.table(MOST));
    }
    Ok(())
}
