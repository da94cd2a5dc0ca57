//! Regexes as Envoy has them: RE2's syntax over bytes.
//!
//! Envoy compiles every regex of its matchers with RE2 reading Latin-1, so `.` is one byte, whatever
//! it is, and a pattern in UTF-8 is the bytes it is written in: `caf.` does not match `café`,
//! `caf..` does. Classes and `(?i)` know ASCII alone. A value that is no UTF-8 is a value like any
//! other; a matcher that passed it over would let it around a policy.
//!
//! The syntax is read here, because no library reads RE2's; `regex-automata` then matches, in time
//! linear in the value (`docs/decisions/regex-engine.md`).

mod class;
mod program;
mod syntax;

use std::cell::RefCell;
use std::fmt;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input};

/// A regex that a whole value must match.
#[derive(Clone)]
pub struct Regex {
    automaton: DFA,
    /// The states met so far. Made of the values that came, and bounded: when it is full it starts
    /// anew.
    states: RefCell<Cache>,
}

/// Bytes, as istiod's validation counts them.
const LONGEST: usize = 1024;

impl Regex {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in RE2's terms, and what to write where a person surely meant
    /// something else.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("a regex must not be empty; for any value write `{}`".to_owned());
        }
        if pattern.len() > LONGEST {
            return Err(format!(
                "a regex of {} bytes is too large; at most {LONGEST}",
                pattern.len()
            ));
        }
        let automaton = syntax::parse(pattern.as_bytes())
            .and_then(|tree| program::compile(&tree))
            .map_err(|problem| format!("`{pattern}` is no regex of RE2: {problem}"))?;
        let states = RefCell::new(automaton.create_cache());
        Ok(Regex { automaton, states })
    }

    /// Whether a whole value matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        let input = Input::new(value).anchored(Anchored::Yes).earliest(true);
        // Neither a second borrow nor a search that gives up can come about; if one did, a fresh
        // set of states would answer all the same.
        let answer = match self.states.try_borrow_mut() {
            Ok(mut states) => self.automaton.try_search_fwd(&mut states, &input),
            Err(_) => {
                let mut states = self.automaton.create_cache();
                self.automaton.try_search_fwd(&mut states, &input)
            }
        };
        answer.is_ok_and(|end| end.is_some())
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Regex")
    }
}

#[cfg(test)]
mod tests;
