//! The Rust target that filters are compiled for, added here because rustup ignores the `targets`
//! key of `rust-toolchain.toml` where automatic installs are off.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Adds the target to the toolchain in force, if it is missing.
pub(crate) fn ensure(root: &Path) -> Result<(), String> {
    let library = sysroot(root)?.join("lib/rustlib").join(TARGET).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    println!("adding the Rust target {TARGET} (rustup target add {TARGET})");
    let added = process::capture(
        Command::new("rustup")
            .current_dir(root)
            .args(["target", "add", TARGET]),
    );
    let problem = match added {
        Ok(output) if output.status.success() && library.is_dir() => return Ok(()),
        Ok(output) if output.status.success() => {
            "rustup added it to another toolchain than that of the rustc in use".to_owned()
        }
        Ok(output) => format!(
            "rustup says: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(problem) => problem,
    };
    Err(format!(
        "the Rust target {TARGET} is missing and could not be added: {problem}\n\
         where rustc comes from rustup, run `rustup target add {TARGET}` in {}; elsewhere install \
         Rust's standard library for {TARGET} from where rustc came, or rustup from \
         https://rustup.rs; then try again",
        root.display()
    ))
}

/// Where the toolchain in force is installed.
pub(crate) fn sysroot(root: &Path) -> Result<PathBuf, String> {
    let printed = process::read(rustc(root).args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(printed.trim()))
}

/// The compiler that cargo will use.
pub(crate) fn rustc(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.current_dir(root);
    command
}
