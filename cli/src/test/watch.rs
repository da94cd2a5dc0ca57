//! `mesh-filters test --watch`: again whenever a file changes.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use documents::File;

use crate::ending::{Ending, Failure};

/// How soon a change is seen, where files are few.
const SOON: Duration = Duration::from_millis(300);

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
        let before = seen(&all);
        if beside().is_some_and(|now| now != more) {
            continue;
        }
        if let Err(failure) = run() {
            // It is being written.
            failure.say();
        }
        anstream::eprintln!("waiting for a change; Ctrl-C ends it");
        loop {
            let begun = Instant::now();
            if seen(&all) != before {
                break;
            }
            // A tenth of the time at most goes into looking.
            sleep(SOON.max(begun.elapsed().saturating_mul(10)));
        }
    }
}

/// Everything that is in the files, or why they cannot be read.
fn seen(paths: &[PathBuf]) -> Vec<Result<Vec<(String, String)>, String>> {
    let of =
        |path: &PathBuf| match File::read_all(std::slice::from_ref(path), &mut std::io::stdin()) {
            Ok(files) => Ok(files
                .into_iter()
                .map(|file| (file.name, file.text))
                .collect()),
            Err(failure) => Err(failure.to_string()),
        };
    paths.iter().map(of).collect()
}
