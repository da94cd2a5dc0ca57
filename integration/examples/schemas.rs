//! Writes the schemas of `integration/schemas` and `crates/istio/schemas` anew, out of CustomResourceDefinitions.
//!
//! ```text
//! cargo run -p integration --example schemas -- 'istio/api b8f8791d, Apache-2.0' customresourcedefinitions.gen.yaml
//! ```

use std::fs;
use std::process::ExitCode;

use integration::schemas::{path, reduced};
use serde_json::Value;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [source, files @ ..] = &words[..] else {
        eprintln!("schemas: give what they are from, and files with CustomResourceDefinitions");
        return ExitCode::FAILURE;
    };
    for file in files {
        if let Err(problem) = write(source, file) {
            eprintln!("schemas: {file}: {problem}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(source: &str, file: &str) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|error| error.to_string())?;
    for definition in &documents {
        if let Some((kind, schema)) = reduced::reduced(definition, source) {
            let text = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?;
            fs::write(path(kind), text + "\n").map_err(|error| error.to_string())?;
            println!("{}", path(kind).display());
        }
    }
    Ok(())
}
