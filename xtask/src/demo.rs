//! `cargo xtask demo`: builds the filter it shows, then hands over to `integration`'s demo.

use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, build, process};

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    if let Some(other) = flags.iter().find(|flag| flag.as_str() != "--keep") {
        return Err(Failure::Usage(format!("demo has no flag `{other}`")));
    }
    let workspace = Workspace::find()?;
    let options = build::Options {
        only: Some("fault-injection".to_owned()),
        ..build::Options::default()
    };
    build::build(&workspace, &options)?;
    let mut demo = process::cargo(&workspace.root);
    demo.args(["run", "-p", "integration", "--no-default-features"]);
    demo.args(["--bin", "demo", "--"]).args(flags);
    Err(process::replace(&mut demo).into())
}
