//! Which mesh is meant: the one of a folder, or the newest that runs.

use std::path::PathBuf;

use clap::Args;
use mesh_run::control::ask;
use mesh_run::find;
use serde_json::Value;

use crate::ending::Failure;

/// Which mesh.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The folder of the mesh, as `up` says it; without it the one that was started last
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Which {
    /// Its folder.
    ///
    /// # Errors
    /// No such mesh runs.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        let none = "no mesh runs: `mesh-filters mesh up -f FILE` starts one";
        self.find()?.ok_or_else(|| Failure::new(none))
    }

    /// Its folder, if a mesh runs at all.
    ///
    /// # Errors
    /// None runs in the folder that is named.
    pub(crate) fn find(&self) -> Result<Option<PathBuf>, Failure> {
        if let Some(folder) = &self.folder {
            return match find::runs(folder) {
                true => Ok(Some(folder.clone())),
                false => Err(Failure::at(
                    folder,
                    "no mesh runs in it; `mesh-filters mesh status` without --folder finds the newest",
                )),
            };
        }
        let mut all = find::running().into_iter();
        let newest = all.next();
        let others = all.count();
        if let (Some(newest), true) = (&newest, others > 0) {
            anstream::eprintln!(
                "mesh-filters: {} meshes run, this is about the newest, {}; --folder names another",
                others + 1,
                newest.display()
            );
        }
        Ok(newest)
    }

    /// Asks it.
    ///
    /// # Errors
    /// No such mesh runs, or it does not answer.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Value), Failure> {
        Ok(ask(&self.folder()?, method, path, body)?)
    }
}
