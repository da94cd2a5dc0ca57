//! Programs of this workspace, where cargo has put them.

use std::env;
use std::path::PathBuf;

/// A program that was built with the tests, by the same profile.
///
/// # Panics
/// It was not: says how to.
#[track_caller]
pub fn built(name: &str) -> PathBuf {
    let tests = env::current_exe().expect("the path of the tests");
    let folder = tests.ancestors().nth(2).expect("the folder of a profile");
    let program = folder.join(name);
    let path = program.display();
    assert!(program.is_file(), "no {path}; run `cargo build -p {name}`");
    program
}
