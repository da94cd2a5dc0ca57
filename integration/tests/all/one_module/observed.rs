//! What anybody can tell of an exchange, line by line: what the client got, what the upstream and the
//! authorization service saw, what the access log says, and what the span carries.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use integration::client::{Broken, Response};
use integration::service::spans::Span;
use integration::upstream::Recorded;
use regex_lite::Regex;
use serde_json::Value;

/// Headers that differ for reasons of their own: time, and the tracer's ids.
const PASSING: [&str; 2] = ["date", "x-envoy-upstream-service-time"];
const TRACING: &str = "x-b3-";
/// What a span has of a request that was refused while its body was still on the way.
const PASSING_TAG: &str = "request_size";
/// Headers that tell how long something takes from now.
const TIMES: [&str; 3] = ["retry-after", "x-ratelimit-reset", "ratelimit"];
/// How many seconds two chains may be asked after one another.
const APART: u64 = 20;

/// One fact, and the seconds in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    seconds: Vec<u64>,
}

/// All of them about one exchange.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exchange(Vec<Line>);

impl Exchange {
    /// What the client got.
    pub(crate) fn got(&mut self, answer: &Result<Response, Broken>, echoed: bool) {
        let Ok(response) = answer else {
            self.say("got", "no answer");
            return;
        };
        self.say("got", &response.status.to_string());
        self.fields("got", &response.headers);
        self.fields("got trailer", &response.trailers);
        // An echo has what the tracer wrote, and what else is in it stands here anyway.
        if !echoed {
            self.say("got", &format!("body {}", response.body.escape_ascii()));
        }
    }

    /// What came to a server behind Envoy.
    pub(crate) fn came(&mut self, to: &str, requests: &[Recorded]) {
        for (index, came) in requests.iter().enumerate() {
            let what = format!("{to}[{index}]");
            self.say(
                &what,
                &format!(
                    "{} {} {} {}",
                    came.method, came.authority, came.path, came.protocol
                ),
            );
            self.fields(&what, &came.headers);
            self.fields(&what, &came.trailers);
            self.say(&what, &format!("body {}", came.body.escape_ascii()));
        }
    }

    /// What the access log says.
    pub(crate) fn logged(&mut self, line: &Value) {
        for (name, value) in line.as_object().into_iter().flatten() {
            if ![LISTENER, LAST].contains(&name.as_str()) {
                self.say("log", &format!("{name}: {value}"));
            }
        }
    }

    /// What its span carries.
    pub(crate) fn traced(&mut self, span: &Span) {
        let tags: BTreeMap<&str, &str> = span.tags().collect();
        for (name, value) in tags {
            if ![LISTENER, PASSING_TAG].contains(&name) {
                self.say("span", &format!("{name}: {value}"));
            }
        }
    }

    fn fields(&mut self, what: &str, fields: &[(String, Vec<u8>)]) {
        let mut fields = fields.to_vec();
        // Those of one name stay in their order.
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in &fields {
            if PASSING.contains(&name.as_str()) || name.starts_with(TRACING) {
                continue;
            }
            let value = value.escape_ascii().to_string();
            let seconds = match TIMES.contains(&name.as_str()) {
                true => seconds(&value),
                false => Vec::new(),
            };
            let shown = match seconds.is_empty() {
                true => value,
                false => SECONDS.replace_all(&value, "$before~").into_owned(),
            };
            let text = format!("{what} {name}: {shown}");
            self.0.push(Line { text, seconds });
        }
    }

    fn say(&mut self, what: &str, fact: &str) {
        self.0.push(Line {
            text: format!("{what} {fact}"),
            seconds: Vec::new(),
        });
    }

    /// What any filter shows alike: what the client got and the upstream saw, but for the time to come back,
    /// which only ours tells.
    pub(crate) fn outside(&self) -> Self {
        let shown = |line: &&Line| {
            let sides = ["got ", "upstream"];
            sides.iter().any(|side| line.text.starts_with(side))
                && !line.text.starts_with("got retry-after: ")
        };
        Self(self.0.iter().filter(shown).cloned().collect())
    }

    /// Without what is told otherwise on purpose. The reasons of CUSTOM policies where others follow: two modules
    /// write theirs one after the other, and the last one stays; parts of one module join them. And a tag that
    /// Envoy evaluates, in spans: after a pause in the same module it is there at the end alone.
    pub(crate) fn told_by_the_last(&self) -> Self {
        let mut lines = self.0.clone();
        for line in &mut lines {
            for start in [
                "log authorization-policy: \"",
                "span authorization-policy: ",
            ] {
                let Some(reasons) = line.text.strip_prefix(start) else {
                    continue;
                };
                let others = reasons
                    .split(',')
                    .skip_while(|reason| reason.starts_with("custom_"));
                let others = others.collect::<Vec<_>>().join(",");
                if !others.is_empty() {
                    line.text = format!("{start}{others}");
                }
            }
        }
        lines.retain(|line| !line.text.starts_with("span tag.guarded: "));
        Self(lines)
    }

    /// The value of a field of the access log, as JSON.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        let start = format!("log {name}: ");
        let text = self
            .0
            .iter()
            .find_map(|line| line.text.strip_prefix(&start))?;
        serde_json::from_str(text).ok()
    }

    /// The lines that only one of two has; none where they are alike.
    pub(crate) fn unlike(&self, other: &Self) -> Vec<String> {
        let only = |these: &Self, others: &Self, sign: &str| -> Vec<String> {
            let rest = these
                .0
                .iter()
                .filter(|line| !others.0.iter().any(|other| line.is_like(other)));
            rest.map(|line| format!("{sign} {} {:?}", line.text, line.seconds))
                .collect()
        };
        let mut lines = only(self, other, "-");
        lines.extend(only(other, self, "+"));
        if lines.is_empty() && self.0.len() != other.0.len() {
            lines.push(format!(
                "{} lines and {}: one is there twice",
                self.0.len(),
                other.0.len()
            ));
        }
        let in_order = |a: &Self, b: &Self| a.0.iter().zip(&b.0).all(|(a, b)| a.is_like(b));
        if lines.is_empty() && !in_order(self, other) {
            lines.push(format!("another order: {:#?} {:#?}", self.0, other.0));
        }
        lines
    }
}

impl Line {
    /// The same fact, a few seconds later.
    fn is_like(&self, other: &Self) -> bool {
        let near = |(a, b): (&u64, &u64)| a.abs_diff(*b) <= APART;
        self.text == other.text
            && self.seconds.len() == other.seconds.len()
            && self.seconds.iter().zip(&other.seconds).all(near)
    }
}

/// The field of the log, and the tag of a span, that tell which chain it was.
pub(crate) const LISTENER: &str = "listener";

/// The field that has the reason of the chain's last module, whichever that is; those of all filters
/// have fields of their own.
const LAST: &str = "reason";

/// A number of seconds: all of a value, or what follows `t=`.
static SECONDS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?<before>^|t=)\d+").unwrap());

fn seconds(value: &str) -> Vec<u64> {
    let numbers = SECONDS.find_iter(value);
    let digits = numbers.map(|found| found.as_str().trim_start_matches("t="));
    digits.map(|digits| digits.parse().unwrap()).collect()
}
