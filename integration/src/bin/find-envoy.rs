//! Says which Envoys are meant, one a line, and fetches them: `find-envoy 1.36` is its newest patch,
//! `find-envoy all` the newest of every version, and `find-envoy` the one that this environment names.

use std::process::ExitCode;

use envoy::{Error, Install, Version};

fn main() -> ExitCode {
    match find(std::env::args().nth(1).as_deref()) {
        Ok(versions) => {
            for version in versions {
                println!("{version}");
            }
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn find(name: Option<&str>) -> Result<Vec<Version>, Error> {
    match name {
        Some(name) => envoy::versions(name, Install::OnDebian),
        None => Ok(vec![envoy::version(Install::OnDebian)?]),
    }
}
