//! First cases for a configuration: a request for each of its rules, and one that reaches none, with what comes of
//! them now.

mod candidates;
mod sketch;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::case::{Case, Suite};
use crate::engine::{Configured, Engine, Outcome};
use crate::native::natively;

/// First cases.
#[derive(Debug, Clone, PartialEq)]
pub struct First {
    /// Each as a case file has it.
    pub cases: Vec<Value>,
    /// The rules for which no request could be made up, as `filter rule`.
    pub unreached: Vec<String>,
}

/// Makes up requests from what the rules ask for, and keeps those that reach a rule that none reached before; and the
/// first of some that nobody asks for that reaches none. What they are expected to come to is what they come to.
///
/// # Errors
/// What is wrong with the configuration, or what the filter decides that a case cannot say.
pub fn first(filter: &str, config: &Value) -> Result<First, Vec<String>> {
    let suite = Suite {
        description: String::new(),
        filter: None,
        config: config.clone(),
        files: Vec::new(),
        warnings: Vec::new(),
        any_warnings: true,
        refused: Vec::new(),
        cases: Vec::new(),
    };
    let engine = load(filter, &suite)?;
    let candidates = candidates::of(config);
    let mut search = Search {
        missing: unreached(&*engine),
        engine,
        cases: Vec::new(),
        passing: Vec::new(),
    };
    candidates
        .iter()
        .for_each(|candidate| search.tries(candidate));
    // What another rule refuses is to be let through first.
    let passing = std::mem::take(&mut search.passing);
    let both = candidates
        .iter()
        .flat_map(|one| passing.iter().map(move |other| (one, other)));
    for (candidate, base) in both.take(MOST_PAIRS) {
        search.tries(&sketch::over(candidate, base));
    }
    let Search {
        mut cases, missing, ..
    } = search;
    for candidate in candidates::of_nobody() {
        let engine = load(filter, &suite)?;
        let all = unreached(&*engine).len();
        if let Some(seen) = run(&*engine, &candidate)
            && unreached(&*engine).len() == all
        {
            cases.push(written("nothing matches", candidate, &seen));
            break;
        }
    }
    Ok(First {
        cases,
        unreached: missing,
    })
}

/// Requests made up from what the rules of a configuration ask for, so many at most, as a case has them beside its name
/// and what it expects; and then some that nobody asks for. Whether one reaches its rule is for the filters to say.
#[must_use]
pub fn made_up(config: &Value, most: usize) -> Vec<Map<String, Value>> {
    let mut all = candidates::of(config);
    all.truncate(most);
    all.extend(candidates::of_nobody());
    all
}

/// More pairs of requests than this are not tried.
const MOST_PAIRS: usize = 10_000;

struct Search {
    engine: Box<dyn Engine>,
    missing: Vec<String>,
    cases: Vec<Value>,
    /// Those that reached a rule and went on.
    passing: Vec<Map<String, Value>>,
}

impl Search {
    /// Keeps a candidate that reaches a rule which none before it did.
    fn tries(&mut self, candidate: &Map<String, Value>) {
        if self.missing.is_empty() {
            return;
        }
        let Some(seen) = run(&*self.engine, candidate) else {
            return;
        };
        let now = unreached(&*self.engine);
        let missing = std::mem::replace(&mut self.missing, now);
        let new = missing
            .into_iter()
            .filter(|rule| !self.missing.contains(rule));
        let new: Vec<String> = new.collect();
        if !new.is_empty() {
            if seen.status.is_none() {
                self.passing.push(candidate.clone());
            }
            let case = written(&new.join(" and "), candidate.clone(), &seen);
            self.cases.push(case);
        }
    }
}

fn load(filter: &str, suite: &Suite) -> Result<Box<dyn Engine>, Vec<String>> {
    match natively(filter, suite) {
        Ok(Configured::InForce { engine, .. }) => Ok(engine),
        Ok(Configured::Refused(errors)) => Err(errors),
        Err(error) => Err(vec![error.to_string()]),
    }
}

fn unreached(engine: &dyn Engine) -> Vec<String> {
    let rules = engine.rules().into_iter();
    let unreached = rules.filter(|rule| !rule.reached);
    unreached
        .map(|rule| format!("{} {}", rule.filter, rule.rule))
        .collect()
}

/// What comes of a candidate; nothing where it is no case, or no case can say what comes of it.
fn run(engine: &dyn Engine, candidate: &Map<String, Value>) -> Option<Outcome> {
    let mut whole = candidate.clone();
    whole.insert("name".to_owned(), "".into());
    whole.insert("expect".to_owned(), json!({}));
    let case: Case = serde_json::from_value(Value::Object(whole)).ok()?;
    engine.run(&case).ok()
}

/// A case as a file has it.
fn written(name: &str, mut case: Map<String, Value>, seen: &Outcome) -> Value {
    case.insert("name".to_owned(), name.into());
    case.insert("expect".to_owned(), expected(seen));
    Value::Object(case)
}

/// What a case expects that saw this.
fn expected(seen: &Outcome) -> Value {
    let mut expected = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        expected.extend(value.map(|value| (name.to_owned(), value)));
    };
    let texts = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| json!(map));
    put("reason", seen.reason.as_deref().map(Value::from));
    put("reasons", texts(&seen.reasons));
    put("status", seen.status.map(Value::from));
    put("grpcStatus", seen.grpc_status.map(Value::from));
    put("body", seen.body.as_deref().map(Value::from));
    let delay = seen.delay.map(|delay| match delay.subsec_nanos() {
        0 => format!("{}s", delay.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", delay.as_millis()),
        _ => format!("{}ns", delay.as_nanos()),
    });
    put("delay", delay.map(Value::from));
    put("tags", texts(&seen.tags));
    Value::Object(expected)
}
