//! The Envoy that the policies run in, and how others take their place.

use std::net::SocketAddr;
use std::time::Duration;

use envoy::{Builder, Envoy, Error, Log, Scratch, wait};

use super::config::{FILES, LISTENER, Texts, Watched, bootstrap};
use super::policy::Policy;
use crate::ending::Failure;
use crate::local_envoy::LocalEnvoy;

/// How long Envoy may take to read a file that was replaced; it compiles no module again for that.
const READ: Duration = Duration::from_secs(30);
/// How many of the last lines of Envoy's log are looked through for why it refused.
const LAST: usize = 60;

/// A running Envoy, with what it reads.
pub(super) struct Gateway {
    envoy: Envoy,
    texts: Texts,
}

impl Gateway {
    /// Starts an Envoy that reads these texts.
    pub(super) fn start(
        local: &LocalEnvoy,
        scratch: Scratch,
        texts: Texts,
        policy: &Policy,
    ) -> Result<Self, Failure> {
        for (watched, text) in FILES.iter().zip(&texts) {
            scratch.write(watched.file, text)?;
        }
        let builder = Builder::new(bootstrap(&scratch, policy.workload.as_ref()))
            .scratch(scratch)
            // Decisions are told at once, and what a changed listener was at goes on for a minute.
            .args(["--file-flush-interval-msec", "20", "--drain-time-s", "60"]);
        let envoy = local.with(builder)?.start()?;
        let gateway = Self { envoy, texts };
        for watched in &FILES {
            if gateway.count(watched, "rejected")? > 0 {
                let problem = format!("Envoy refuses the policies\n{}", gateway.why());
                return Err(Failure::new(problem));
            }
        }
        Ok(gateway)
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> Result<SocketAddr, Failure> {
        self.envoy.addr(LISTENER).map_err(|error| {
            Failure::new(format!(
                "{error}; the end of Envoy's log\n{}",
                self.last_words()
            ))
        })
    }

    /// What it writes.
    pub(super) fn log(&self) -> Log {
        self.envoy.log().clone()
    }

    /// Its folder.
    pub(super) fn scratch(&self) -> &Scratch {
        self.envoy.scratch()
    }

    /// How it ended; `None` while it runs.
    pub(super) fn exit(&mut self) -> Option<i32> {
        self.envoy.exit()
    }

    /// The end of its log, without the lines of requests.
    pub(super) fn last_words(&self) -> String {
        let tail = self.envoy.log().tail(LAST);
        let lines: Vec<&str> = tail.lines().filter(|line| !line.starts_with('{')).collect();
        let from = lines.len().saturating_sub(10);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Whether it reads these already.
    pub(super) fn has(&self, texts: &Texts) -> bool {
        self.texts == *texts
    }

    /// Puts these in the place of the last ones. Where Envoy refuses one of them the last ones stay in force, and why is
    /// told.
    pub(super) fn take(&mut self, texts: Texts) -> Result<Result<(), String>, Error> {
        let mut replaced = Vec::new();
        for ((watched, new), old) in FILES.iter().zip(&texts).zip(&self.texts) {
            if new == old {
                continue;
            }
            replaced.push((watched, old));
            if !self.replace(watched, new)? {
                let why = self.why();
                // The last one first, as it may need one before it.
                for (watched, old) in replaced.into_iter().rev() {
                    self.replace(watched, old)?;
                }
                return Ok(Err(why));
            }
        }
        self.texts = texts;
        Ok(Ok(()))
    }

    /// Replaces a file, and waits until Envoy has read it: whether it took it.
    fn replace(&self, watched: &Watched, text: &str) -> Result<bool, Error> {
        let counts = || {
            Ok((
                self.count(watched, "success")?,
                self.count(watched, "rejected")?,
            ))
        };
        let (taken, refused) = counts()?;
        self.scratch().write(watched.file, text)?;
        let read = wait::until(READ, || match counts() {
            Ok((_, now)) if now > refused => Some(Ok(false)),
            Ok((now, _)) if now > taken => Some(Ok(true)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        read.unwrap_or(Ok(false))
    }

    fn count(&self, watched: &Watched, what: &str) -> Result<u64, Error> {
        let name = format!("{}.update_{what}", watched.counters);
        self.envoy.admin().stat(&name)
    }

    /// What its log says of a refusal: what the module says, and what Envoy makes of that.
    fn why(&self) -> String {
        let tail = self.envoy.log().tail(LAST);
        let lines = tail
            .lines()
            .filter(|line| line.contains("][error][") || line.contains("rejected: "));
        let mut told: Vec<&str> = Vec::new();
        for line in lines.map(message) {
            if !told.contains(&line) {
                told.push(line);
            }
        }
        match told.is_empty() {
            true => "its log does not say why".to_owned(),
            false => told.join("\n"),
        }
    }
}

/// A line of the log without time, thread, level and place: `[…][…][…][…] [file:line] message`.
pub(super) fn message(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..2 {
        match rest
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "))
        {
            Some((_, after)) => rest = after,
            None => return rest,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_line_of_the_log_is_its_message() {
        let line = "[2026-11-30 07:23:03.922][1][error][wasm] [source/extensions/context.cc:1157] wasm log a: [b] c";
        assert_eq!(message(line), "wasm log a: [b] c");
        assert_eq!(message("plain"), "plain");
    }
}
