//! The tree of a pattern as an automaton.

use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::{BuildError, Builder, Transition};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

use super::syntax::Tree;

/// Counted repetitions make a short pattern a large automaton, and a value may walk through all of
/// it at every byte. With this many states the worst pattern over the longest header that Envoy
/// accepts (60 KiB) costs what `docs/decisions/regex-engine.md` says.
const MOST_STATES: usize = 2_500;

/// Bytes of automaton states that are kept of one pattern.
const CACHE: usize = 256 * 1024;

/// Makes the automaton that takes a whole value.
pub(super) fn compile(tree: &Tree) -> Result<DFA, String> {
    let mut program = Program {
        states: Builder::new(),
        count: 0,
    };
    let nfa = program.whole(tree).map_err(|Refused(problem)| problem)?;
    DFA::builder()
        .configure(
            DFA::config()
                .cache_capacity(CACHE)
                // A large pattern needs more than that for a few states, and then has it.
                .skip_cache_capacity_check(true),
        )
        .build_from_nfa(nfa)
        .map_err(|error| error.to_string())
}

struct Program {
    states: Builder,
    count: usize,
}

struct Refused(String);

impl From<BuildError> for Refused {
    fn from(error: BuildError) -> Self {
        Refused(error.to_string())
    }
}

impl Program {
    fn whole(&mut self, tree: &Tree) -> Result<regex_automata::nfa::thompson::NFA, Refused> {
        self.states.start_pattern()?;
        let end = self.states.add_match()?;
        let end = self.states.add_look(end, Look::End)?;
        let start = self.tree(tree, end)?;
        self.states.finish_pattern(start)?;
        Ok(self.states.build(start, start)?)
    }

    /// Adds the states of a tree before `next`, and says where they begin.
    fn tree(&mut self, tree: &Tree, next: StateID) -> Result<StateID, Refused> {
        self.count = self.count.saturating_add(1);
        if self.count > MOST_STATES {
            return Err(Refused(format!(
                "counted repetitions make it larger than {MOST_STATES} states"
            )));
        }
        match tree {
            Tree::Bytes(bytes) => {
                let mut ranges =
                    bytes
                        .ranges()
                        .into_iter()
                        .map(|(start, end)| Transition { start, end, next });
                let state = match (ranges.next(), ranges.len()) {
                    (None, _) => self.states.add_fail(),
                    (Some(only), 0) => self.states.add_range(only),
                    (Some(first), _) => self
                        .states
                        .add_sparse([first].into_iter().chain(ranges).collect()),
                };
                Ok(state?)
            }
            Tree::Look(look) => Ok(self.states.add_look(next, *look)?),
            Tree::Concatenation(trees) => trees
                .iter()
                .rev()
                .try_fold(next, |next, tree| self.tree(tree, next)),
            Tree::Alternation(trees) => {
                let starts: Result<Vec<_>, _> =
                    trees.iter().map(|tree| self.tree(tree, next)).collect();
                Ok(self.states.add_union(starts?)?)
            }
            Tree::Repetition { tree, least, most } => self.repetition(tree, *least, *most, next),
        }
    }

    fn repetition(
        &mut self,
        tree: &Tree,
        least: u16,
        most: Option<u16>,
        end: StateID,
    ) -> Result<StateID, Refused> {
        let mut next = end;
        match most {
            None => {
                let again = self.states.add_union(Vec::new())?;
                let start = self.tree(tree, again)?;
                self.states.patch(again, start)?;
                self.states.patch(again, end)?;
                next = again;
            }
            Some(most) => {
                for _ in least..most {
                    let start = self.tree(tree, next)?;
                    next = self.states.add_union(vec![start, end])?;
                }
            }
        }
        for _ in 0..least {
            next = self.tree(tree, next)?;
        }
        Ok(next)
    }
}
