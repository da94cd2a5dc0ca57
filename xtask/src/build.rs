//! `cargo xtask build`: every filter as `dist/<name>.wasm`, and the modules that the tests load.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use serde_json::Value;

use crate::strip::{Stripped, named, strip};
use crate::wasm_target::{self, TARGET};
use crate::workspace::{Module, Workspace};
use crate::{Failure, elsewhere, process, remap};

/// The profile in our Cargo.toml that makes modules small; `release` is the program's.
pub(crate) const PROFILE: &str = "module";

/// Where copies go that keep all names, below the root.
const NAMED: &str = "target/named";

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) only: Option<String>,
    /// The Cargo.toml of a workspace elsewhere.
    pub(crate) manifest: Option<PathBuf>,
    /// Also a copy of each with all of its names.
    pub(crate) names: bool,
    pub(crate) quiet: bool,
}

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let options = parse(flags)?;
    let workspace = match &options.manifest {
        Some(manifest) => elsewhere::find(manifest)?,
        None => Workspace::find()?,
    };
    build(&workspace, &options)?;
    Ok(ExitCode::SUCCESS)
}

fn parse(flags: &[String]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        match flag.as_str() {
            "--quiet" => options.quiet = true,
            "--names" => options.names = true,
            "--only" => {
                let Some(name) = flags.next() else {
                    return Err(Failure::Usage("build: `--only` needs a name".to_owned()));
                };
                options.only = Some(name.clone());
            }
            "--manifest-path" => {
                let Some(file) = flags.next() else {
                    let problem = "build: `--manifest-path` needs the path of a Cargo.toml";
                    return Err(Failure::Usage(problem.to_owned()));
                };
                options.manifest = Some(file.into());
            }
            other => return Err(Failure::Usage(format!("build has no flag `{other}`"))),
        }
    }
    Ok(options)
}

/// Builds and writes what the options ask for.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result<(), String> {
    let modules: Vec<&Module> = match &options.only {
        Some(name) => vec![workspace.module(name)?],
        None => workspace.modules.iter().collect(),
    };
    wasm_target::ensure(&workspace.root)?;
    // On to the next module after a failing one, so that one run tells all there is to mend.
    let problems: Vec<String> = modules
        .into_iter()
        .filter_map(|module| make(workspace, module, options).err())
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n"))
}

fn make(workspace: &Workspace, module: &Module, options: &Options) -> Result<(), String> {
    let quiet = options.quiet;
    let raw = compile(workspace, module, &workspace.target, quiet)?;
    let stripped = stripped(workspace, module, &raw)?;
    write(&module.file, &stripped.wasm)?;
    if let Some(copy) = &module.unstripped {
        write(copy, &raw)?;
    }
    if options.names {
        let copy = workspace.root.join(NAMED).join(&module.name);
        write(&copy.with_extension("wasm"), &named(&raw)?)?;
    }
    if !quiet {
        report(workspace, module, raw.len(), &stripped);
    }
    Ok(())
}

/// The bytes that `build` would write, compiled below another target directory.
pub(crate) fn rebuild(
    workspace: &Workspace,
    module: &Module,
    target: &Path,
) -> Result<Vec<u8>, String> {
    wasm_target::ensure(&workspace.root)?;
    let raw = compile(workspace, module, target, false)?;
    Ok(stripped(workspace, module, &raw)?.wasm)
}

fn stripped(workspace: &Workspace, module: &Module, raw: &[u8]) -> Result<Stripped, String> {
    let crates: Vec<String> = workspace
        .wasm_packages
        .iter()
        .map(|package| package.replace('-', "_"))
        .collect();
    strip(raw, &crates).map_err(|problem| format!("{}: {problem}", module.name))
}

/// The module as the compiler leaves it.
fn compile(
    workspace: &Workspace,
    module: &Module,
    target: &Path,
    quiet: bool,
) -> Result<Vec<u8>, String> {
    let mut command = process::cargo(&workspace.root);
    // The tests' modules are libraries as well; naming cdylib alone keeps LTO, which cargo drops
    // without a word when it builds both.
    command.args(["rustc", "--profile", PROFILE, "--target", TARGET]);
    command.args(["-p", &module.package]);
    command.args(["--lib", "--crate-type", "cdylib"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command.arg("--target-dir").arg(target);
    for setting in &workspace.settings {
        command.args(["--config", setting]);
    }
    command.env(
        "CARGO_ENCODED_RUSTFLAGS",
        remap::flags(&workspace.sdk, target)?,
    );
    if quiet {
        command.arg("--quiet");
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| process::not_started(&command, &error))?;
    if !output.status.success() {
        return Err(format!(
            "{}: the build {}; the compiler's messages are above",
            module.name,
            process::ending(output.status)
        ));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let file = messages
        .lines()
        .filter_map(wasm_file)
        .next_back()
        .ok_or_else(|| {
            format!(
                "{}: cargo made no .wasm file; give it `crate-type = [\"cdylib\"]` in \
                 [lib] of its Cargo.toml",
                module.name
            )
        })?;
    std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}

/// The module that one of cargo's JSON messages announces, if it does.
fn wasm_file(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message.get("reason")?.as_str()? != "compiler-artifact" {
        return None;
    }
    let mut files = message.get("filenames")?.as_array()?.iter();
    files
        .find_map(|file| file.as_str().filter(|file| file.ends_with(".wasm")))
        .map(PathBuf::from)
}

/// Replaces the file in one step, so that nobody reads half a module.
fn write(file: &Path, wasm: &[u8]) -> Result<(), String> {
    let problem = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(problem)?;
    }
    let part = file.with_extension(format!("wasm.{}", std::process::id()));
    let written = std::fs::write(&part, wasm).and_then(|()| std::fs::rename(&part, file));
    written.map_err(|error| {
        // Nothing to do about a part that stays as well.
        let _ = std::fs::remove_file(&part);
        problem(error)
    })
}

fn report(workspace: &Workspace, module: &Module, before: usize, stripped: &Stripped) {
    println!(
        "{}: {} bytes ({before} unstripped)",
        workspace.short(&module.file).display(),
        stripped.wasm.len()
    );
    println!("  exports: {}", stripped.exports.join(" "));
}

#[cfg(test)]
mod tests {
    use super::{wasm_file, write};
    use std::path::PathBuf;

    #[test]
    fn the_module_is_found_among_cargos_messages() {
        let module = r#"{"reason":"compiler-artifact","filenames":["/t/a.rlib","/t/a_b.wasm"]}"#;
        assert_eq!(wasm_file(module), Some(PathBuf::from("/t/a_b.wasm")));
        let library = r#"{"reason":"compiler-artifact","filenames":["/t/a.rlib"]}"#;
        assert_eq!(wasm_file(library), None);
        let other = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(wasm_file(other), None);
        assert_eq!(wasm_file("warning: not JSON"), None);
    }

    #[test]
    fn writing_replaces_and_leaves_no_part_behind() {
        let folder = std::env::temp_dir().join(format!("xtask-write-{}", std::process::id()));
        let file = folder.join("deep/module.wasm");
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        let found: Vec<_> = std::fs::read_dir(folder.join("deep")).unwrap().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
