//! A running mesh, as its `mesh.json` has it.

use std::fs;
use std::path::Path;

use mesh_view::Running;

use super::find::Which;
use crate::ending::Failure;

/// The file of a mesh's folder that says where everything is.
const FILE: &str = "mesh.json";

/// Reads where everything of a mesh is.
pub(super) fn running(which: &Which) -> Result<Running, Failure> {
    read(&which.folder()?)
}

/// The same of the mesh in this folder; none where it is gone.
pub(super) fn again(folder: &Path) -> Result<Option<Running>, Failure> {
    match folder.join(FILE).exists() {
        true => read(folder).map(Some),
        false => Ok(None),
    }
}

fn read(folder: &Path) -> Result<Running, Failure> {
    let path = folder.join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| Failure::at(&path, error))?;
    Running::read(&text).map_err(|problem| Failure::at(&path, problem))
}
