//! Running other programs: which cargo, and what to say when one fails.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Output};

/// The cargo that runs us, so that the toolchain in force stays in force.
pub(crate) fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    // Flags meant for another build would change what is built here, or rebuild everything.
    command
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Runs to the end with our own streams.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` {}", line(command), ending(status))),
        Err(error) => Err(not_started(command, &error)),
    }
}

/// Runs to the end and returns both streams, whatever the exit code.
pub(crate) fn capture(command: &mut Command) -> Result<Output, String> {
    command
        .output()
        .map_err(|error| not_started(command, &error))
}

/// What a successful command wrote to standard output; its errors are quoted.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let output = capture(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let ended = ending(output.status);
        return Err(format!("`{}` {ended}: {}", line(command), said.trim()));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` wrote something that is not UTF-8", line(command)))
}

/// Becomes the command, so that Ctrl-C reaches only it and nobody dies before its clean-up.
pub(crate) fn replace(command: &mut Command) -> String {
    let error = command.exec();
    not_started(command, &error)
}

pub(crate) fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` did not start: {error}", line(command))
}

pub(crate) fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => format!("was ended by a signal ({status})"),
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words: Vec<_> = std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}
