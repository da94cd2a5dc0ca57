//! What is built and where it goes, asked from cargo, so that adding a filter is adding a folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's own output; may lie outside the root.
    pub(crate) target: PathBuf,
    /// Where the shell and the core come from.
    pub(crate) sdk: PathBuf,
    /// What cargo is told so that modules are built as ours are, where the workspace is not ours.
    pub(crate) settings: Vec<String>,
    pub(crate) modules: Vec<Module>,
    /// Every package that compiles for wasm, which lints must therefore see as wasm.
    pub(crate) wasm_packages: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Module {
    /// The filter's.
    pub(crate) name: String,
    /// What cargo calls it.
    pub(crate) package: String,
    /// Where the stripped module goes.
    pub(crate) file: PathBuf,
    /// Where a copy goes that keeps every export, if the benchmark wants one.
    pub(crate) unstripped: Option<PathBuf>,
}

/// The module whose every export the benchmark compares with the stripped one.
const FLOOR: &str = "noop";

/// Where modules go that users load, below the root.
pub(crate) const DIST: &str = "dist";

/// How the package of a filter's module is told from the filter's own.
pub(crate) const PACKAGE: &str = "-module";

impl Workspace {
    pub(crate) fn find() -> Result<Self, String> {
        let here = std::env::current_dir()
            .map_err(|error| format!("the current directory cannot be read: {error}"))?;
        let metadata = process::read(process::cargo(&here).args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
        ]))?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &str) -> Result<Self, String> {
        let metadata = read(metadata)?;
        let root = PathBuf::from(text(&metadata, "workspace_root")?);
        let target = PathBuf::from(text(&metadata, "target_directory")?);
        let mut modules = Vec::new();
        let mut wasm_packages = Vec::new();
        for package in packages(&metadata) {
            let name = text(package, "name")?;
            let manifest = PathBuf::from(text(package, "manifest_path")?);
            let folder = manifest.parent().unwrap_or(&manifest);
            if let Some(module) = Module::at(&root, folder, &name) {
                wasm_packages.push(name);
                modules.push(module);
            } else if is_part_of_modules(&root, folder) {
                wasm_packages.push(name);
            }
        }
        modules.sort_by(|a, b| a.file.cmp(&b.file));
        wasm_packages.sort();
        Ok(Self {
            sdk: root.clone(),
            root,
            target,
            settings: Vec::new(),
            modules,
            wasm_packages,
        })
    }

    /// The module of that name, or a message that lists the names there are.
    pub(crate) fn module(&self, name: &str) -> Result<&Module, String> {
        let names: Vec<&str> = self.modules.iter().map(|m| m.name.as_str()).collect();
        self.modules.iter().find(|m| m.name == name).ok_or_else(|| {
            format!(
                "no filter and no test module is named `{name}`; there are: {}",
                names.join(", ")
            )
        })
    }

    /// The modules that people load, not those of the tests alone.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter().filter(|module| module.ships())
    }

    /// A path as the reader of a message wants it.
    pub(crate) fn short<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// Cargo's answer, as JSON.
pub(crate) fn read(metadata: &str) -> Result<Value, String> {
    serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: not readable: {error}"))
}

/// A text that cargo's answer must have.
pub(crate) fn text(value: &Value, key: &str) -> Result<String, String> {
    let found = value.get(key).and_then(Value::as_str);
    let found = found.ok_or_else(|| format!("cargo metadata: no `{key}`"))?;
    Ok(found.to_owned())
}

/// The packages that cargo's answer lists.
pub(crate) fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.into_iter().flatten()
}

/// Whether it is a library that modules are made of.
fn is_part_of_modules(root: &Path, folder: &Path) -> bool {
    let alone = ["sdk-helpers", "shell"].map(|name| root.join(name));
    alone.iter().any(|library| folder == library) || folder.parent() == Some(&root.join("filters"))
}

impl Module {
    /// One that goes to the `dist` of its workspace.
    pub(crate) fn shipped(root: &Path, name: &str, package: &str) -> Self {
        Self {
            name: name.to_owned(),
            package: package.to_owned(),
            file: root.join(DIST).join(format!("{name}.wasm")),
            unstripped: None,
        }
    }

    /// Whether people load it, and not the tests alone.
    pub(crate) fn ships(&self) -> bool {
        self.file
            .parent()
            .is_some_and(|folder| folder.ends_with(DIST))
    }

    /// Nothing for a package that is neither a filter's module nor one of the tests'.
    fn at(root: &Path, folder: &Path, name: &str) -> Option<Self> {
        let parent = folder.parent()?;
        if parent == root.join("modules") {
            let filter = name.strip_suffix(PACKAGE)?;
            return Some(Self::shipped(root, filter, name));
        }
        if parent == root.join("integration/modules") {
            // Always below the root, whatever cargo's target directory: tests look here.
            let built = root.join("target/test-modules");
            return Some(Self {
                name: name.to_owned(),
                package: name.to_owned(),
                file: built.join(format!("{name}.wasm")),
                unstripped: (name == FLOOR).then(|| built.join(format!("{name}-unstripped.wasm"))),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Workspace;
    use std::path::Path;

    fn workspace() -> Workspace {
        let metadata = serde_json::json!({
            "workspace_root": "/w",
            "target_directory": "/elsewhere",
            "packages": [
                {"name": "noop", "manifest_path": "/w/integration/modules/noop/Cargo.toml"},
                {"name": "rate-limit", "manifest_path": "/w/filters/rate-limit/Cargo.toml"},
                {"name": "rate-limit-module", "manifest_path": "/w/modules/rate-limit/Cargo.toml"},
                {"name": "shell", "manifest_path": "/w/shell/Cargo.toml"},
                {"name": "sdk-helpers", "manifest_path": "/w/sdk-helpers/Cargo.toml"},
                {"name": "integration", "manifest_path": "/w/integration/Cargo.toml"},
            ],
        });
        Workspace::from_metadata(&metadata.to_string()).unwrap()
    }

    #[test]
    fn filters_go_to_dist_and_test_modules_below_the_root() {
        let workspace = workspace();
        let files: Vec<_> = workspace.modules.iter().map(|m| m.file.as_path()).collect();
        assert_eq!(
            files,
            [
                Path::new("/w/dist/rate-limit.wasm"),
                Path::new("/w/target/test-modules/noop.wasm")
            ]
        );
        let ship: Vec<_> = workspace.modules.iter().map(|m| m.ships()).collect();
        assert_eq!(ship, [true, false]);
        assert_eq!(
            workspace.wasm_packages,
            [
                "noop",
                "rate-limit",
                "rate-limit-module",
                "sdk-helpers",
                "shell"
            ]
        );
    }

    #[test]
    fn only_the_floor_has_an_unstripped_copy() {
        let workspace = workspace();
        let copy = workspace.module("noop").unwrap().unstripped.as_deref();
        assert_eq!(
            copy,
            Some(Path::new("/w/target/test-modules/noop-unstripped.wasm"))
        );
        assert_eq!(workspace.module("rate-limit").unwrap().unstripped, None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let problem = workspace().module("nope").err().unwrap();
        assert_eq!(
            problem,
            "no filter and no test module is named `nope`; there are: rate-limit, noop"
        );
    }
}
