//! Why a filter did what it did: one stable reason, and the policy or rule that gave it.
//!
//! Outcomes are listed when a configuration is loaded, because each one owns a counter and Envoy
//! never frees a counter.

use std::fmt;

use crate::ids::{ById, OutcomeId};

/// A reason and whose it is. Shown as `reason` or `reason:policy`, before the detail of a
/// [`Record`](crate::Record) if that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Snake case, listed in the filter's README; dashboards read it, so a changed one is a
    /// breaking change.
    pub reason: &'static str,
    /// The name of the policy or rule that decided, where one did.
    pub policy: Option<String>,
}

impl Outcome {
    /// Adds it to a text as it is shown, with its detail; several are parted by commas. Without the machinery of
    /// formatting, for who does it by the hundred thousand.
    pub fn add_to(&self, text: &mut String, detail: &str) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(self.reason);
        if let Some(policy) = &self.policy {
            text.push(':');
            text.push_str(policy);
        }
        text.push_str(detail);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(policy) => write!(f, "{}:{policy}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

/// Checks a name that a user gives to a policy or rule.
///
/// It goes into statistics, log lines and `response_code_details`, where a bracket, a comma or
/// white space would end it early.
///
/// # Errors
/// Says what a name may hold.
pub fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-/~".contains(c);
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(legal) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name that statistics and logs can carry: 1 to {LONGEST_NAME} of `A-Z a-z 0-9 . _ - / ~`",
        name.escape_debug()
    ))
}

/// A namespace, a slash and a name of Kubernetes.
const LONGEST_NAME: usize = 317;

/// All outcomes a loaded filter can have.
#[derive(Debug, Default)]
pub struct Outcomes(ById<OutcomeId, Outcome>);

impl Outcomes {
    /// None at all.
    pub const fn none() -> Self {
        Outcomes(ById::new())
    }

    /// Adds an outcome. Two with the same reason and policy share one counter.
    pub fn add(&mut self, reason: &'static str, policy: Option<&str>) -> OutcomeId {
        self.0.add(Outcome {
            reason,
            policy: policy.map(str::to_owned),
        })
    }

    /// Looks one up.
    pub fn find(&self, id: OutcomeId) -> Option<&Outcome> {
        self.0.get(id)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Outcome> {
        self.0.iter()
    }

    /// What is known of each, by the same ids.
    pub fn map<T>(&self, what: impl FnMut(&Outcome) -> T) -> ById<OutcomeId, T> {
        self.0.map(what)
    }
}
