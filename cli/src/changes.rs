//! Whether files have changed, by looking: also those that an editor replaces, on any file system.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use documents::File;

/// How soon a change is seen, where files are few.
const SOON: Duration = Duration::from_millis(300);
/// How long nothing changes before a file counts as written.
const STILL: Duration = Duration::from_millis(50);
/// How long a file may be away that an editor replaces.
const AWAY: Duration = Duration::from_secs(1);

/// Files and folders that are looked at again and again.
pub(crate) struct Changes {
    paths: Vec<PathBuf>,
    last: Seen,
    /// When they are looked at next.
    due: Instant,
}

/// Everything that is in the files, or why they cannot be read.
type Seen = Vec<Result<Vec<(String, String)>, String>>;

impl Changes {
    /// Those from now on.
    pub(crate) fn of(paths: Vec<PathBuf>) -> Self {
        let begun = Instant::now();
        let last = seen(&paths);
        Self {
            paths,
            last,
            due: next(begun),
        }
    }

    /// How long there is nothing to look at.
    pub(crate) fn pause(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Whether it is time to look again.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Whether it is time to look again, and something is other than at the last look.
    pub(crate) fn come(&mut self) -> bool {
        self.is_due() && self.look()
    }

    /// Waits until those are written that are being written: nothing changes for a moment, and no file is away.
    pub(crate) fn settle(&mut self) {
        let end = Instant::now() + AWAY;
        loop {
            sleep(STILL);
            let is_still = !self.look() && self.last.iter().all(Result::is_ok);
            if is_still || Instant::now() >= end {
                return;
            }
        }
    }

    fn look(&mut self) -> bool {
        let begun = Instant::now();
        let now = seen(&self.paths);
        self.due = next(begun);
        let is_other = now != self.last;
        self.last = now;
        is_other
    }
}

/// A tenth of the time at most goes into looking.
fn next(begun: Instant) -> Instant {
    let now = Instant::now();
    now + SOON.max(now.saturating_duration_since(begun).saturating_mul(10))
}

fn seen(paths: &[PathBuf]) -> Seen {
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
