//! Names of tags and labels, all of one configuration together.

use sdk_helpers::{At, Problems};

use super::MOST_TAGS;
use crate::label::Label;

/// Checks the name of a tag or a label.
pub(super) fn check(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if name.is_empty() {
        return Err("is missing; a tag has a name".to_owned());
    }
    if name.len() > 64 || !name.chars().all(legal) {
        return Err(format!(
            "`{name}` is no name that statistics and logs can carry: at most 64 of `A-Z a-z 0-9 . _ - /`"
        ));
    }
    Ok(())
}

/// The labels so far. Prometheus refuses a page on which one series has the same label twice, and to
/// Prometheus `a-b` and `a_b` are the same.
pub(super) struct Labels(Vec<String>);

impl Labels {
    /// Istio's own.
    pub(super) fn new() -> Self {
        Labels(Label::NAMES.map(str::to_owned).to_vec())
    }

    /// Adds one, or says why it cannot be.
    pub(super) fn claim(&mut self, name: &str, at: &At<'_>, problems: &Problems) {
        if self.0.iter().any(|known| known == name) {
            return;
        }
        if name == "le" {
            problems.error(
                at,
                "`le` is what Prometheus calls the buckets of histograms",
            );
        } else if let Some(other) = self.0.iter().find(|known| alike(known, name)) {
            let problem = format!("`{name}` and `{other}` are one label to Prometheus; rename one");
            problems.error(at, problem);
        } else if self.0.len() == MOST_TAGS {
            problems.error(at, format!("there are more than {MOST_TAGS} labels"));
        }
        self.0.push(name.to_owned());
    }
}

fn alike(one: &str, other: &str) -> bool {
    let plain = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            byte
        } else {
            b'_'
        }
    };
    one.bytes().map(plain).eq(other.bytes().map(plain))
}
