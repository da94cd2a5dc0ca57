//! Answers of workloads, counted: who answered, and whom they called.

mod text;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::plain;

/// So many different answers are told apart at one place; the rest are one more.
const MOST: usize = 100;
/// So much of a text is shown.
const WIDTH: usize = 100;
/// Below so many calls, one within the other, nobody looks.
const DEPTH: usize = 40;

/// How often each answer came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    answers: Vec<Answer>,
    took: Vec<Duration>,
}

/// An answer, and what was called for it, as often as it came.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    /// Who was called: nobody but the first is named by the one before.
    service: Option<String>,
    status: Option<u16>,
    who: Who,
    count: u64,
    called: Vec<Answer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// A replica of a workload.
    Replica {
        name: String,
        version: String,
        address: String,
    },
    /// Somebody else, and how his answer begins: a proxy, mostly.
    Other(String),
    /// Nobody, and why.
    Nobody(String),
    /// More than are told apart.
    Others,
}

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// Half of them took no longer.
    pub median: Duration,
    /// Of a hundred, all but one.
    pub most: Duration,
    /// And the slowest.
    pub longest: Duration,
}

impl Tally {
    /// Adds an answer.
    pub fn add(&mut self, status: u16, body: &[u8], took: Duration) {
        self.took.push(took);
        let json = serde_json::from_slice(body).unwrap_or(Value::Null);
        let who = Who::of_answer(&json).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body.get(..4 * WIDTH).unwrap_or(body));
            Who::Other(plain(&text, WIDTH))
        });
        count(&mut self.answers, None, Some(status), who, &json, 0);
    }

    /// Adds a request that had none.
    pub fn add_failed(&mut self, problem: &str) {
        let who = Who::Nobody(plain(problem, WIDTH));
        count(&mut self.answers, None, None, who, &Value::Null, 0);
    }

    /// How many requests were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.answers.iter().map(|answer| answer.count).sum()
    }

    /// How many of them had an answer below 500.
    #[must_use]
    pub fn good(&self) -> u64 {
        let good = self.answers.iter().filter(|answer| answer.is_good());
        good.map(|answer| answer.count).sum()
    }

    /// How long they took; none where nobody answered.
    #[must_use]
    pub fn took(&self) -> Option<Took> {
        let mut all = self.took.clone();
        all.sort_unstable();
        let at = |hundredths: usize| {
            let place = all.len().saturating_mul(hundredths) / 100;
            all.get(place.min(all.len().saturating_sub(1))).copied()
        };
        Some(Took {
            median: at(50)?,
            most: at(99)?,
            longest: at(100)?,
        })
    }

    /// A row for each answer, those that came most first, and below it a row for each of the calls made for it.
    #[must_use]
    pub fn text(&self) -> String {
        text::rows(&self.answers, self.count())
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let answers = text::sorted(&self.answers);
        Value::from_iter(answers.into_iter().map(Answer::json))
    }
}

impl Who {
    /// Who answered as our servers do.
    fn of_answer(json: &Value) -> Option<Self> {
        let text = |name: &str| {
            let text = json.get(name).and_then(Value::as_str);
            text.map(|text| plain(text, WIDTH))
        };
        json.get("requests")?;
        Some(Who::Replica {
            name: text("name")?,
            version: text("version").unwrap_or_default(),
            address: text("address").unwrap_or_default(),
        })
    }

    /// Who is told to have answered a call.
    fn of_call(call: &Value) -> Self {
        let text = |name: &str| call.get(name).and_then(Value::as_str);
        if let Some(problem) = text("problem") {
            return Who::Nobody(plain(problem, WIDTH));
        }
        let answer = call.get("answer").unwrap_or(&Value::Null);
        Who::of_answer(answer).unwrap_or_else(|| {
            let shown = match (text("text"), answer) {
                (Some(text), _) => text.to_owned(),
                (None, Value::Null) => String::new(),
                (None, answer) => answer.to_string(),
            };
            Who::Other(plain(&shown, WIDTH))
        })
    }
}

impl Answer {
    fn is_good(&self) -> bool {
        self.status.is_some_and(|status| status < 500)
    }

    fn json(&self) -> Value {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("count", self.count.into());
        if let Some(service) = &self.service {
            set("service", service.as_str().into());
        }
        set("status", self.status.into());
        match &self.who {
            Who::Replica {
                name,
                version,
                address,
            } => {
                set("name", json!(name));
                set("version", json!(version));
                set("address", json!(address));
            }
            Who::Other(text) => set("text", json!(text)),
            Who::Nobody(problem) => set("problem", json!(problem)),
            Who::Others => set("others", true.into()),
        }
        if !self.called.is_empty() {
            let called = text::sorted(&self.called).into_iter();
            set("called", called.map(Answer::json).collect());
        }
        Value::Object(json)
    }
}

/// Counts an answer among others, and those below it.
fn count(
    answers: &mut Vec<Answer>,
    service: Option<&str>,
    status: Option<u16>,
    who: Who,
    json: &Value,
    depth: usize,
) {
    let is_same = |answer: &Answer, who: &Who| {
        answer.service.as_deref() == service && answer.status == status && answer.who == *who
    };
    let mut place = answers.iter().position(|answer| is_same(answer, &who));
    let mut who = who;
    if place.is_none() && answers.len() >= MOST {
        who = Who::Others;
        place = answers.iter().position(|answer| is_same(answer, &who));
    }
    let place = place.unwrap_or_else(|| {
        answers.push(Answer {
            service: service.map(str::to_owned),
            status,
            who,
            count: 0,
            called: Vec::new(),
        });
        answers.len().saturating_sub(1)
    });
    let Some(answer) = answers.get_mut(place) else {
        return;
    };
    answer.count = answer.count.saturating_add(1);
    if depth >= DEPTH {
        return;
    }
    let calls = json.get("called").and_then(Value::as_array);
    for call in calls.into_iter().flatten().take(MOST) {
        let service = call.get("service").and_then(Value::as_str);
        let service = plain(service.unwrap_or("?"), WIDTH);
        let status = call.get("status").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let inner = call.get("answer").unwrap_or(&Value::Null);
        let who = Who::of_call(call);
        count(
            &mut answer.called,
            Some(&service),
            status,
            who,
            inner,
            depth.saturating_add(1),
        );
    }
}

#[cfg(test)]
mod tests;
