//! How the program talks to registries, and the line on a terminal while it does.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use oci::registry::{Event, Options};

/// How a registry is reached. Credentials are those of `docker login`.
#[derive(Args)]
pub(super) struct Access {
    /// Plain HTTP, also for a registry that is not on this machine
    #[arg(long)]
    plain_http: bool,
    /// Certificates (PEM) that may vouch for the registry beside this machine's own
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Access {
    pub(super) fn options<'a>(&self, said: &'a Said) -> Options<'a> {
        Options {
            ca: self.ca.clone(),
            plain_http: self.plain_http,
            progress: &said.0,
            ..Options::default()
        }
    }
}

/// What is said on standard error of what happens.
pub(super) struct Said(Box<dyn Fn(Event<'_>)>);

impl Said {
    /// On a terminal, one line that is written over; elsewhere, only what went wrong.
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let percent = Cell::new(None);
        Self(Box::new(move |event| match event {
            Event::Retry { problem, pause } => {
                anstream::eprintln!("{problem}; once more in {} s", pause.as_secs_f32());
            }
            Event::Transferred { blob, done, total } if terminal => {
                let Some(total) = total.filter(|total| *total > 0) else {
                    return;
                };
                let now = done.saturating_mul(100) / total;
                if percent.replace(Some(now)) != Some(now) {
                    let short: String = blob.hex().chars().take(12).collect();
                    let end = if done >= total { "\n" } else { "" };
                    let mut stderr = std::io::stderr();
                    // A line that cannot be shown is not missed.
                    let _ = write!(stderr, "\r{short} {:3} % of {total} bytes{end}", now);
                    let _ = stderr.flush();
                }
            }
            Event::Transferred { .. } | Event::Present { .. } => {}
        }))
    }
}
