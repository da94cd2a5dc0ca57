//! `cargo xtask oci`: every filter as OCI images, with its bill of materials and checksums.
//!
//! The program makes them; what only cargo knows, of what packages a module is made, it is told here.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::wasm_target::TARGET;
use crate::workspace::{Module, Workspace};
use crate::{Failure, build, process};

/// Where images go, below the root.
pub(crate) const IMAGES: &str = "dist/oci";
/// Where cargo's lists of packages go, below the root.
const DEPENDENCIES: &str = "target/dependencies";

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let source = parse(flags)?;
    make(&Workspace::find()?, source.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Builds every module and writes its images; `source` is where they say that the source is.
pub(crate) fn make(workspace: &Workspace, source: Option<&str>) -> Result<(), String> {
    let shipped: Vec<&Module> = workspace.shipped().collect();
    let lists = workspace.root.join(DEPENDENCIES);
    fs::create_dir_all(&lists).map_err(|error| format!("{}: {error}", lists.display()))?;
    for module in &shipped {
        let options = build::Options {
            only: Some(module.name.clone()),
            ..build::Options::default()
        };
        build::build(workspace, &options)?;
        list(workspace, module, &lists)?;
    }
    let mut program = images(workspace, "build");
    program.args(shipped.iter().map(|module| &module.file));
    program.args(["--out", IMAGES, "--lock", "Cargo.lock"]);
    program.args(["--dependencies", DEPENDENCIES]);
    if let Some(source) = source {
        program.args(["--source", source]);
    }
    process::run(&mut program)
}

/// The program's verb for images, to which arguments are to be added.
pub(crate) fn images(workspace: &Workspace, verb: &str) -> Command {
    let mut program = process::cargo(&workspace.root);
    program.args(["run", "--quiet", "-p", "mesh-filters", "--", "image", verb]);
    program
}

fn parse(flags: &[String]) -> Result<Option<String>, Failure> {
    match flags {
        [] => Ok(None),
        [flag] if flag == "--source" => Err(Failure::Usage(
            "oci: `--source` needs an address".to_owned(),
        )),
        [flag, source] if flag == "--source" => Ok(Some(source.clone())),
        [flag, ..] => Err(Failure::Usage(format!("oci has no flag `{flag}`"))),
    }
}

/// Writes what the module is made of: the packages that are linked into it, each below the one that needs it.
fn list(workspace: &Workspace, module: &Module, folder: &Path) -> Result<(), String> {
    let mut tree = process::cargo(&workspace.root);
    tree.args([
        "tree",
        "--locked",
        "--package",
        &module.package,
        "--target",
        TARGET,
    ]);
    tree.args([
        "--edges=normal,no-proc-macro",
        "--prefix=depth",
        "--charset=ascii",
    ]);
    tree.args(["--format", "{p}|{l}"]);
    let file = folder.join(format!("{}.txt", module.name));
    let listed = process::read(&mut tree)?;
    fs::write(&file, listed).map_err(|error| format!("{}: {error}", file.display()))
}
