//! What happens in a mesh that runs.

use std::fmt;

use serde_json::{Value, json};

/// Something that whoever looks on should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An Envoy runs again.
    Started {
        /// Which one.
        proxy: String,
    },
    /// An Envoy ended by itself, or does not start.
    Died {
        /// Which one.
        proxy: String,
        /// How, and the end of its log.
        how: String,
        /// When it is started again.
        again_in_seconds: u64,
    },
    /// Changed objects are in force.
    Applied {
        /// The proxies that were told something new.
        changed: Vec<String>,
        /// Those that are new.
        started: Vec<String>,
        /// Those that are gone.
        stopped: Vec<String>,
    },
    /// Changed files are no mesh: the last good objects stay in force.
    Unreadable {
        /// Why, for people.
        why: String,
    },
    /// A proxy refuses what it is told, and keeps to what it was told before.
    Refused {
        /// Which one.
        proxy: String,
        /// Envoy's words.
        why: String,
    },
    /// What was found in changed files, which keeps nobody from doing what they say.
    Found {
        /// For people.
        text: String,
    },
    /// A note of the objects that was not there before.
    Note {
        /// Where, what, and the consequence.
        text: String,
    },
}

impl Event {
    /// What is worth a look.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(
            self,
            Event::Died { .. } | Event::Unreadable { .. } | Event::Refused { .. }
        )
    }

    /// The word that names it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Event::Started { .. } => "started",
            Event::Died { .. } => "died",
            Event::Applied { .. } => "applied",
            Event::Unreadable { .. } | Event::Refused { .. } => "refused",
            Event::Found { .. } => "found",
            Event::Note { .. } => "note",
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let word = self.word();
        match self {
            Event::Started { proxy } => json!({"event": word, "proxy": proxy}),
            Event::Died {
                proxy,
                how,
                again_in_seconds,
            } => {
                json!({"event": word, "proxy": proxy, "how": how, "againInSeconds": again_in_seconds})
            }
            Event::Applied {
                changed,
                started,
                stopped,
            } => {
                json!({"event": word, "changed": changed, "started": started, "stopped": stopped})
            }
            Event::Unreadable { why } => json!({"event": word, "why": why}),
            Event::Refused { proxy, why } => json!({"event": word, "proxy": proxy, "why": why}),
            Event::Found { text } => json!({"event": word, "found": text}),
            Event::Note { text } => json!({"event": word, "note": text}),
        }
    }
}

/// Without the word, which stands before it.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Started { proxy } => write!(f, "{proxy} runs again"),
            Event::Died {
                proxy,
                how,
                again_in_seconds,
            } => write!(f, "{proxy}: started again in {again_in_seconds} s; {how}"),
            Event::Applied {
                changed,
                started,
                stopped,
            } => {
                let parts = [
                    ("told", changed),
                    ("started", started),
                    ("stopped", stopped),
                ];
                let parts = parts.iter().filter(|(_, names)| !names.is_empty());
                let parts: Vec<String> = parts
                    .map(|(word, names)| format!("{word} {}", names.join(", ")))
                    .collect();
                match parts.is_empty() {
                    true => f.write_str("nothing that a proxy does is another"),
                    false => f.write_str(&parts.join("; ")),
                }
            }
            Event::Unreadable { why } => {
                write!(f, "the last good objects stay in force\n{}", why.trim_end())
            }
            Event::Refused { proxy, why } => {
                write!(f, "{proxy} keeps to what it was told before: {why}")
            }
            Event::Found { text } => write!(f, "by `check`\n{}", text.trim_end()),
            Event::Note { text } => f.write_str(text),
        }
    }
}
