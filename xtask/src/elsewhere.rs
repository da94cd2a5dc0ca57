//! Modules of a workspace elsewhere, for `cargo xtask build --manifest-path`: a filter in a repository
//! of its own, which depends on `sdk-helpers` and `shell`.
//!
//! What makes a module small stands in the profile `module` of our own Cargo.toml, which cargo reads for our
//! workspace alone. So cargo is told them, and nobody copies them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process;
use crate::workspace::{Module, PACKAGE, Workspace, packages, read, text};

/// The profile of modules, and the one that it inherits from.
const MODULE: &str = "profile.module";
const INHERITED: &str = "profile.release";

/// Ours, as it stood when this program was built.
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// The workspace of this Cargo.toml.
pub(crate) fn find(manifest: &Path) -> Result<Workspace, String> {
    let manifest = std::path::absolute(manifest)
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    if !manifest.is_file() {
        let shown = manifest.display();
        return Err(format!("{shown}: no such file; name a Cargo.toml"));
    }
    let folder = manifest.parent().unwrap_or(&manifest);
    let mut metadata = process::cargo(folder);
    metadata.args(["metadata", "--format-version", "1", "--manifest-path"]);
    from_metadata(&manifest, &process::read(metadata.arg(&manifest))?)
}

fn from_metadata(manifest: &Path, metadata: &str) -> Result<Workspace, String> {
    let metadata = read(metadata)?;
    let root = PathBuf::from(text(&metadata, "workspace_root")?);
    let members: Vec<&Value> = packages(&metadata)
        .filter(|package| is_member(&metadata, package))
        .collect();
    let makers = members.iter().filter(|package| makes_modules(package));
    let is_meant = |package: &&&Value| {
        text(package, "manifest_path").is_ok_and(|path| is_same(Path::new(&path), manifest))
    };
    let mut modules = Vec::new();
    // The Cargo.toml of one package is about that one; that of a workspace, about all of them.
    let meant: Vec<_> = makers.clone().filter(is_meant).collect();
    for package in if meant.is_empty() {
        makers.collect()
    } else {
        meant
    } {
        let package = text(package, "name")?;
        let name = package.strip_suffix(PACKAGE).unwrap_or(&package);
        modules.push(Module::shipped(&root, name, &package));
    }
    let shown = manifest.display();
    if modules.is_empty() {
        return Err(format!(
            "{shown}: no package here makes a module; give the one that calls `shell::register!`\n\
             [lib]\ncrate-type = [\"cdylib\"]"
        ));
    }
    modules.sort_by(|a, b| a.file.cmp(&b.file));
    let mut wasm_packages = members
        .iter()
        .map(|package| text(package, "name"))
        .collect::<Result<Vec<_>, _>>()?;
    wasm_packages.extend(["sdk-helpers", "shell"].map(str::to_owned));
    Ok(Workspace {
        target: PathBuf::from(text(&metadata, "target_directory")?),
        sdk: sdk(&metadata).ok_or_else(|| {
            format!(
                "{shown}: does not depend on the shell; add\n\
                 [dependencies]\nsdk-helpers = {{ path = \"<mesh-filters>/sdk-helpers\" }}\n\
                 shell = {{ path = \"<mesh-filters>/shell\" }}\n\
                 or both with `git = \"<URL of mesh-filters>\"`"
            )
        })?,
        root,
        settings: module_settings(MANIFEST),
        modules,
        wasm_packages,
    })
}

/// Whether two paths are one file, however they are written.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

fn is_member(metadata: &Value, package: &Value) -> bool {
    let members = metadata.get("workspace_members").and_then(Value::as_array);
    let id = package.get("id");
    members.is_some_and(|members| members.iter().any(|member| Some(member) == id))
}

fn makes_modules(package: &Value) -> bool {
    let list = |value: &Value, key: &str| {
        let list = value.get(key).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    list(package, "targets")
        .iter()
        .flat_map(|target| list(target, "crate_types"))
        .any(|kind| kind == "cdylib")
}

/// The folder that holds `shell`, wherever cargo found it. Registries know other crates of that name.
fn sdk(metadata: &Value) -> Option<PathBuf> {
    let from_registry = |package: &Value| {
        let source = package.get("source").and_then(Value::as_str);
        source.is_some_and(|source| source.starts_with("registry"))
    };
    let shell = packages(metadata).find(|package| {
        package.get("name").is_some_and(|name| name == "shell") && !from_registry(package)
    })?;
    let manifest = PathBuf::from(shell.get("manifest_path")?.as_str()?);
    Some(manifest.parent()?.parent()?.to_owned())
}

/// The profile of modules in a Cargo.toml, with the one that it inherits from, as values for cargo's `--config`.
fn module_settings(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut settings = Vec::new();
    for line in manifest.lines().map(str::trim) {
        let header = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        if let Some(header) = header {
            section = header;
        } else if (section == INHERITED || section.starts_with(MODULE))
            && !line.starts_with('#')
            && line.contains('=')
        {
            settings.push(format!("{section}.{line}"));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::{MANIFEST, from_metadata, module_settings};
    use serde_json::{Value, json};
    use std::path::Path;

    fn package(name: &str, folder: &str, kind: &str, source: Value) -> Value {
        json!({
            "id": folder, "name": name, "manifest_path": format!("{folder}/Cargo.toml"),
            "source": source, "targets": [{"crate_types": [kind]}],
        })
    }

    /// A workspace at `/w` that has these packages besides what it depends on.
    fn metadata(members: &[Value], shell: bool) -> String {
        let mut packages = members.to_vec();
        packages.push(package("shell", "/cargo/shell", "lib", json!("registry+x")));
        if shell {
            packages.push(package("shell", "/ours/shell", "lib", Value::Null));
            packages.push(package(
                "sdk-helpers",
                "/ours/sdk-helpers",
                "lib",
                Value::Null,
            ));
        }
        let ids: Vec<&Value> = members.iter().map(|member| &member["id"]).collect();
        json!({
            "workspace_root": "/w", "target_directory": "/t", "packages": packages,
            "workspace_members": ids,
        })
        .to_string()
    }

    fn members() -> [Value; 3] {
        [
            package("gate", "/w/gate", "lib", Value::Null),
            package("gate-module", "/w/module", "cdylib", Value::Null),
            package("other", "/w/other", "cdylib", Value::Null),
        ]
    }

    fn files(manifest: &str) -> Vec<String> {
        let found = from_metadata(Path::new(manifest), &metadata(&members(), true)).unwrap();
        assert_eq!(found.sdk, Path::new("/ours"));
        let files = found.modules.iter();
        files
            .map(|module| module.file.display().to_string())
            .collect()
    }

    #[test]
    fn modules_are_the_packages_that_make_a_cdylib() {
        let both = ["/w/dist/gate.wasm", "/w/dist/other.wasm"];
        assert_eq!(files("/w/Cargo.toml"), both);
        assert_eq!(files("/w/other/Cargo.toml"), both[1..]);
    }

    #[test]
    fn names_in_a_backtrace_are_those_of_the_workspace_and_of_what_it_stands_on() {
        let metadata = metadata(&members(), true);
        let found = from_metadata(Path::new("/w/Cargo.toml"), &metadata).unwrap();
        assert_eq!(
            found.wasm_packages,
            ["gate", "gate-module", "other", "sdk-helpers", "shell"]
        );
    }

    #[test]
    fn what_a_cargo_toml_lacks_is_named() {
        let problem = |members: &[Value], shell| {
            let metadata = metadata(members, shell);
            from_metadata(Path::new("/w/Cargo.toml"), &metadata).err()
        };
        let problem_of_a_library = problem(&members()[..1], true).unwrap();
        assert!(
            problem_of_a_library.ends_with("\n[lib]\ncrate-type = [\"cdylib\"]"),
            "{problem_of_a_library}"
        );
        let without_shell = problem(&members(), false).unwrap();
        assert!(
            without_shell.starts_with("/w/Cargo.toml: does not depend on the shell; add\n"),
            "{without_shell}"
        );
    }

    #[test]
    fn the_profile_is_ours() {
        let settings = module_settings(MANIFEST);
        for setting in [
            "profile.release.lto = true",
            "profile.release.codegen-units = 1",
            "profile.release.panic = \"abort\"",
            "profile.module.inherits = \"release\"",
            "profile.module.package.shell.opt-level = 2",
        ] {
            assert!(settings.iter().any(|found| found == setting), "{setting}");
        }
        // A comment behind a value, or a value of several lines, cargo would not take.
        let plain = |setting: &String| !setting.contains('#') && !setting.ends_with(['[', '{']);
        assert!(settings.iter().all(plain), "{settings:?}");
    }
}
