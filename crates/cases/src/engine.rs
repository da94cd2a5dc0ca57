//! What runs cases.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::case::Case;

/// Whatever can run the cases of a suite.
pub trait Engine {
    /// Runs one case of the suite it was made for.
    ///
    /// # Errors
    /// If it cannot tell what comes of the case.
    fn run(&self, case: &Case) -> Result<Outcome, EngineError>;

    /// Why it cannot be made to meet what the case fixes; nothing where it can.
    fn unmet(&self, _case: &Case) -> Option<String> {
        None
    }

    /// The rules of its configuration, and which of them the cases that were run here reached. None where the
    /// engine cannot tell.
    fn rules(&self) -> Vec<Covered> {
        Vec::new()
    }

    /// How much longer than asked a delay may last here.
    fn grain(&self) -> Duration {
        Duration::ZERO
    }
}

/// A rule of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The filter whose it is.
    pub filter: &'static str,
    /// As reasons name it: `http-0`, `viewer.rules[0]`.
    pub rule: String,
    /// Whether it decided something: it was told in a reason.
    pub reached: bool,
}

/// What became of a suite's configuration in an engine.
pub enum Configured {
    /// It is in force.
    InForce {
        /// What runs the suite's cases.
        engine: Box<dyn Engine>,
        /// Every warning, as `path: problem`.
        warnings: Vec<String>,
    },
    /// It was refused, with every error as `path: problem`.
    Refused(Vec<String>),
}

/// Why an engine cannot tell what comes of a configuration or a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError(pub String);

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EngineError {}

impl From<String> for EngineError {
    fn from(problem: String) -> Self {
        EngineError(problem)
    }
}

/// What an engine saw, in the terms of [`Expected`](crate::Expected).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The reason of the filter that the case is of, as filter state has it.
    pub reason: Option<String>,
    /// Those of others, by their names.
    pub reasons: BTreeMap<String, String>,
    /// The HTTP status, where the filter answered.
    pub status: Option<u16>,
    /// The `grpc-status`, where it answered a gRPC request.
    pub grpc_status: Option<u32>,
    /// The body of its answer, or the `grpc-message`.
    pub body: Option<String>,
    /// How long the request was held.
    pub delay: Option<Duration>,
    /// The answer's headers, of a repeated one the first value.
    pub headers: BTreeMap<String, String>,
    /// Every tag in filter state.
    pub tags: BTreeMap<String, String>,
    /// `%RESPONSE_CODE_DETAILS%`, where the engine has them and the filter answered.
    pub details: Option<String>,
}

impl Outcome {
    /// Takes down a filter's reason in a case of `whose` configuration.
    pub fn note(&mut self, whose: &str, filter: &str, reason: String) {
        if filter == whose {
            self.reason = Some(reason);
        } else {
            self.reasons.insert(filter.to_owned(), reason);
        }
    }
}

impl<E: Engine + ?Sized> Engine for Box<E> {
    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        (**self).run(case)
    }

    fn unmet(&self, case: &Case) -> Option<String> {
        (**self).unmet(case)
    }

    fn rules(&self) -> Vec<Covered> {
        (**self).rules()
    }

    fn grain(&self) -> Duration {
        (**self).grain()
    }
}
