//! `mesh-filters test --watch`: again whenever a file changes.

use std::path::PathBuf;
use std::thread::sleep;

use crate::changes::Changes;
use crate::ending::{Ending, Failure};

/// Runs what it is given, and again after each change of a file of `paths` or of those that `beside` tells, if they
/// can be read; to the end of the program, which is Ctrl-C's.
pub(super) fn watch(
    paths: &[PathBuf],
    beside: impl Fn() -> Option<Vec<PathBuf>>,
    run: impl Fn() -> Result<Ending, Failure>,
) -> Result<Ending, Failure> {
    if paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::new(
            "--watch looks at files, and not at standard input",
        ));
    }
    let mut more = Vec::new();
    loop {
        more = beside().unwrap_or(more);
        let all = [paths, &more].concat();
        // Taken before the run, so that what changes meanwhile is seen.
        let mut changes = Changes::of(all);
        if beside().is_some_and(|now| now != more) {
            continue;
        }
        if let Err(failure) = run() {
            // It is being written.
            failure.say();
        }
        anstream::eprintln!("waiting for a change; Ctrl-C ends it");
        while !changes.come() {
            sleep(changes.pause());
        }
    }
}
