//! The cases of one filter in a chain of several: its configuration stands alone in that of the chain, and
//! all else is as before.

use std::time::Duration;

use catalog::Filter;
use serde_json::json;

use crate::case::{Case, Suite};
use crate::engine::{Configured, Covered, Engine, EngineError, Outcome};

/// A filter whose configuration is a part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The name of what it is a part of.
    pub whole: &'static str,
    /// The field it is there.
    pub field: &'static str,
    /// The filter's name.
    pub filter: &'static str,
}

/// An engine of the whole, which tells what a filter's own would.
#[derive(Debug)]
pub struct AsPart<E> {
    part: Part,
    engine: E,
}

impl Part {
    /// How the filter of this name is a part of another, if it is.
    #[must_use]
    pub fn of(whole: &Filter, filter: &str) -> Option<Self> {
        let mut parts = whole.parts().iter();
        let (field, filter) = parts.find(|(_, name)| *name == filter)?;
        Some(Part {
            whole: whole.name(),
            field,
            filter,
        })
    }

    /// A suite of the filter's as one of the whole. What it is refused with or warned of is still told by
    /// the filter's own paths.
    #[must_use]
    pub fn suite(&self, suite: &Suite) -> Suite {
        let mut suite = suite.clone();
        suite.config = json!({self.field: suite.config});
        suite
    }

    /// Loads a suite of the filter's as one of the whole.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn load(
        self,
        suite: &Suite,
        load: &dyn Fn(&str, &Suite) -> Result<Configured, EngineError>,
    ) -> Result<Configured, EngineError> {
        let told = |lines: Vec<String>| {
            let lines = lines.into_iter();
            lines.map(|line| self.own_path(line)).collect()
        };
        Ok(match load(self.whole, &self.suite(suite))? {
            Configured::InForce { engine, warnings } => Configured::InForce {
                engine: Box::new(self.engine(engine)),
                warnings: told(warnings),
            },
            Configured::Refused(errors) => Configured::Refused(told(errors)),
        })
    }

    /// An engine for the suite of the filter's of one that has it as a suite of the whole.
    pub fn engine<E: Engine>(self, engine: E) -> AsPart<E> {
        AsPart { part: self, engine }
    }

    /// A problem by the filter's own paths; as it is where it is none of the filter's.
    fn own_path(&self, line: String) -> String {
        let Some(rest) = line.strip_prefix(self.field) else {
            return line;
        };
        let own = rest.strip_prefix(": ").or_else(|| rest.strip_prefix('.'));
        let own = own.unwrap_or(rest);
        // Other places that it names.
        own.replace(&[self.field, "."].concat(), "")
    }
}

impl<E: Engine> Engine for AsPart<E> {
    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        let mut seen = self.engine.run(case)?;
        seen.reason = seen.reasons.remove(self.part.filter);
        Ok(seen)
    }

    fn unmet(&self, case: &Case) -> Option<String> {
        self.engine.unmet(case)
    }

    fn rules(&self) -> Vec<Covered> {
        self.engine.rules()
    }

    fn grain(&self) -> Duration {
        self.engine.grain()
    }
}
