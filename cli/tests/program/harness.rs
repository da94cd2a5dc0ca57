//! The program, run as people run it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, started in a folder.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh-filters"));
    command.current_dir(folder);
    command
}

/// Runs it to its end.
pub(crate) fn run(folder: &Path, words: &[&str]) -> Output {
    program(folder).args(words).output().unwrap()
}

/// The same with this for its standard input.
pub(crate) fn fed(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut program = program(folder);
    let program = program.args(words).stdin(Stdio::piped());
    let mut running = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = running.stdin.take().unwrap();
    // One that ends without reading has said why.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    running.wait_with_output().unwrap()
}

/// What it said.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// It ended with this code.
#[track_caller]
pub(crate) fn ended(output: &Output, code: i32) {
    let said = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said:?}");
}
