//! Programs of this machine: found on `PATH`, installed where that is allowed, run to their end.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::apt;
use crate::Error;

/// What may be done about a program that this machine lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Install {
    /// Nothing: an error says what to install.
    #[default]
    Never,
    /// On Debian, if this process is root's, its package is installed with `apt-get`; else nothing.
    OnDebian,
}

/// The file a program's name stands for on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The same, installing the Debian package that has it where it is lacking and that is allowed.
///
/// # Errors
/// Says what to install.
pub fn tool(name: &str, package: &str, install: Install) -> Result<PathBuf, Error> {
    if let Some(program) = find(name) {
        return Ok(program);
    }
    apt::install(package, install).map_err(|problem| match problem {
        Error::Missing { remedy, .. } => {
            Error::missing(format_args!("no `{name}` on PATH"), remedy)
        }
        other => other,
    })?;
    find(name).ok_or_else(|| {
        let what = format_args!("no `{name}` on PATH, although `{package}` is installed");
        Error::missing(what, "look for it in that package and add its folder")
    })
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// It cannot be run, or failed: with what it wrote on its standard error.
pub fn run(command: &mut Command) -> Result<String, Error> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| Error::program(&name, error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let problem = format_args!("it failed ({}): {}", output.status, said.trim());
    Err(Error::program(&name, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_its_package() {
        let problem = tool("no-such-program", "some-package", Install::Never).unwrap_err();
        let remedy = "install it (on Debian: `apt-get install some-package`)";
        assert_eq!(
            problem.to_string(),
            format!("no `no-such-program` on PATH: {remedy}")
        );
    }

    #[test]
    fn a_program_that_fails_has_the_last_word() {
        let said = run(Command::new("sh").args(["-c", "echo fine"]));
        assert_eq!(said.unwrap(), "fine\n");
        let problem = run(Command::new("sh").args(["-c", "echo so >&2; exit 3"])).unwrap_err();
        assert!(problem.to_string().contains("exit status: 3"), "{problem}");
        assert!(problem.to_string().ends_with("so"), "{problem}");
        let problem = run(&mut Command::new("/no/such/program")).unwrap_err();
        assert!(matches!(problem, Error::Program { .. }), "{problem}");
    }
}
