//! How far along a log is, where standard error is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use replay::Source;

/// What is shown.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn of(sources: &[Source]) -> Self {
        let sizes = sources.iter().map(Source::size);
        let bar = match sizes.sum::<Option<u64>>() {
            Some(size) => ProgressBar::new(size),
            // Nobody knows how much is to come.
            None => ProgressBar::no_length(),
        };
        let template = match bar.length() {
            Some(_) => "{bar:40} {bytes} of {total_bytes}, {eta} to go",
            None => "{spinner} {bytes}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress(bar)
    }

    pub(super) fn add(&mut self, read: u64) {
        self.0.inc(read);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
