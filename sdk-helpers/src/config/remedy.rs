//! What programs do with a problem beside showing it: whom it is of, and what would mend it.

use serde_json::Value;

use super::problems::ConfigError;

/// Who finds a problem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Whoever takes the object: a mesh as well as a filter.
    #[default]
    Everyone,
    /// The filter, and not a mesh: it needs more than an object says, leaves to Envoy what Envoy does
    /// better, or does not see what Envoy's own filters see.
    Filter,
    /// Whoever knows what is said of the mesh elsewhere: its trust domain, its providers.
    Settings,
    /// The filter when it is loaded. A mesh takes the object, and fails when it needs what is missing.
    Later,
}

/// What to write, where only one thing can be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The field is called this.
    Rename(String),
    /// The value is this.
    Write(Value),
    /// The value is a text: the same, in quotes.
    Quote,
    /// The value is a list with this one text in it.
    List,
}

/// An error or a warning with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, and what is wrong.
    pub error: ConfigError,
    /// Who finds it.
    pub scope: Scope,
    /// What mends it for certain.
    pub remedy: Option<Remedy>,
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Problem {
            error,
            scope: Scope::Everyone,
            remedy: None,
        }
    }
}
