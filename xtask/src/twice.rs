//! The same source gives the same bytes, whichever folder it is compiled in.

use std::path::Path;

use crate::build;
use crate::workspace::{Module, Workspace};

/// Where modules are compiled a second time, below the root.
const TARGET: &str = "target/repro";

/// Compiles that many of the modules in `dist/` again from nothing, below another target directory, and
/// compares.
pub(crate) fn same_bytes(workspace: &Workspace, modules: usize) -> Result<(), String> {
    let target = workspace.root.join(TARGET);
    match std::fs::remove_dir_all(&target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", target.display()));
        }
        _ => {}
    }
    let shipped: Vec<&Module> = workspace.shipped().take(modules).collect();
    if shipped.is_empty() {
        return Err("filters/: no filter to build twice".to_owned());
    }
    let problems: Vec<String> = shipped
        .into_iter()
        .filter_map(|module| same(workspace, module, &target).err())
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n"))
}

fn same(workspace: &Workspace, module: &Module, target: &Path) -> Result<(), String> {
    let again = build::rebuild(workspace, module, target)?;
    let first = std::fs::read(&module.file)
        .map_err(|error| format!("{}: {error}", module.file.display()))?;
    if again == first {
        return Ok(());
    }
    let place = first.iter().zip(&again).take_while(|(a, b)| a == b).count();
    Err(format!(
        "{}: two builds of the same source differ ({} and {} bytes, first at {place}); look for a \
         path, a time or a map without order in what was compiled",
        workspace.short(&module.file).display(),
        first.len(),
        again.len()
    ))
}
