//! First requests for whoever does not know what to ask: one that passes, and one that does not.

use std::fmt::Write as _;
use std::net::SocketAddr;

use explain::{Answer, HeaderList, Line, Options, Outcome, Session, Values};
use sdk_helpers::Timestamp;
use serde_json::{Map, Value, json};

use super::policy::Policy;

/// More requests are not tried.
const MOST: usize = 200;
/// More of one kind are not for a person to send.
const TIMES: u64 = 50;

/// A request that can be typed.
pub(super) struct First {
    /// The command.
    command: String,
    /// What comes of the last.
    answer: Answer,
}

/// Requests made up from what the policies ask for, of which the filters' own code says what becomes of them here: the
/// first that passes, and the first that does not.
pub(super) fn requests(
    policy: &Policy,
    addr: SocketAddr,
    options: Options,
    now: Timestamp,
) -> Vec<First> {
    let (mut passes, mut other) = (None, None);
    let made_up = cases::made_up(&policy.tree, MOST).into_iter();
    let all = made_up.filter_map(|case| sketch(&case, addr));
    for (line, times) in all {
        let mut session = Session::new(&policy.chain, now, options);
        let mut answers = (0..=times).map_while(|_| session.answer(&line).ok());
        let Some(answer) = answers.by_ref().last() else {
            continue;
        };
        let (place, times) = match answer.decision {
            Outcome::Allow => (&mut passes, 0),
            Outcome::Deny | Outcome::Reply => (&mut other, times),
        };
        let is_better = match place {
            None => true,
            // One that a rule lets through says more than one that nobody asked about.
            Some(First { answer: known, .. }) => {
                answer.decision == Outcome::Allow && !is_reasoned(known) && is_reasoned(&answer)
            }
        };
        if is_better {
            *place = Some(First {
                command: command(&line, times, addr),
                answer,
            });
        }
    }
    passes.into_iter().chain(other).collect()
}

fn is_reasoned(answer: &Answer) -> bool {
    answer
        .filters
        .iter()
        .any(|filter| !filter.reason.is_empty())
}

/// A made-up case as a request in plaintext, and how often it is sent before; none where it is not one that anybody here
/// could send.
fn sketch(case: &Map<String, Value>, addr: SocketAddr) -> Option<(Line, u64)> {
    if ["attributes", "claims"]
        .iter()
        .any(|name| case.contains_key(*name))
    {
        return None;
    }
    let request = case.get("request").cloned().unwrap_or_else(|| json!({}));
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let headers = request.get("headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str()?.to_owned();
        Some((name.clone(), Values::One(value)))
    });
    let before = case
        .get("before")
        .and_then(|before| before.pointer("/0/times")?.as_u64());
    let before = before.unwrap_or(0);
    let here = addr.to_string();
    let line = Line {
        method: text("method").map(str::to_owned),
        url: format!(
            "http://{}{}",
            text("authority").unwrap_or(&here),
            text("path").unwrap_or("/")
        ),
        headers: HeaderList(headers.collect::<Option<_>>()?),
        port: Some(addr.port()),
        ..Line::default()
    };
    (before < TIMES).then_some((line, before))
}

fn command(line: &Line, times: u64, addr: SocketAddr) -> String {
    let mut words = "curl".to_owned();
    if times == 0 {
        words += " -i";
    } else {
        words += " -s -o /dev/null -w '%{http_code}\\n'";
    }
    // Into memory, which does not fail.
    if let Some(method) = line.method.as_deref().filter(|method| *method != "GET") {
        let method = if method == "HEAD" {
            "-I".to_owned()
        } else {
            format!("-X {}", quoted(method))
        };
        let _ = write!(words, " {method}");
    }
    let rest = line.url.strip_prefix("http://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority != addr.to_string() {
        let _ = write!(words, " -H {}", quoted(&format!("host: {authority}")));
    }
    for (name, values) in &line.headers.0 {
        for value in values.all() {
            // curl sends a header without a value only where a semicolon ends its name.
            let header = match value.as_str() {
                "" => format!("{name};"),
                value => format!("{name}: {value}"),
            };
            let _ = write!(words, " -H {}", quoted(&header));
        }
    }
    if path.contains(['[', ']', '{', '}']) {
        words += " -g";
    }
    if path.contains("/.") {
        words += " --path-as-is";
    }
    let _ = write!(words, " {}", quoted(&format!("http://{addr}{path}")));
    match times {
        0 => words,
        times => format!(
            "for n in $(seq {}); do {words}; done",
            times.saturating_add(1)
        ),
    }
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

impl First {
    /// The command, and what comes of it.
    pub(super) fn told(all: &[Self]) -> String {
        let width = all
            .iter()
            .map(|one| one.command.chars().count())
            .max()
            .unwrap_or(0);
        let line = |one: &Self| {
            let Answer {
                status, by, reason, ..
            } = &one.answer;
            let mut why = format!("{status}");
            if let (Some(by), Some(reason)) = (by, reason) {
                let _ = write!(why, " by {by}: {reason}");
            }
            format!("  {:width$}  # {why}\n", one.command)
        };
        all.iter().map(line).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "command": self.command,
            "decision": self.answer.decision.name(),
            "status": self.answer.status,
            "reason": self.answer.reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use explain::Chain;

    use super::*;

    fn commands(tree: Value) -> Vec<(String, u16)> {
        let now = Timestamp::from_secs(1_767_225_600);
        let filter = catalog::find("mesh-filters").unwrap();
        let policy = Policy {
            chain: Chain::load(filter, &tree, now, None).unwrap(),
            tree,
            normalization: explain::Normalization::default(),
            workload: None,
            notes: Vec::new(),
            warnings: Vec::new(),
            fetches: Vec::new(),
        };
        let addr = "127.0.0.1:1234".parse().unwrap();
        let all = requests(&policy, addr, Options::default(), now).into_iter();
        all.map(|one| (one.command, one.answer.status)).collect()
    }

    #[test]
    fn one_that_passes_and_one_that_does_not() {
        let rule = json!({"to": [{"operation": {"methods": ["POST"], "paths": ["/orders/{*}"]}}],
            "when": [{"key": "request.headers[x-plan]", "values": ["it's gold"]}]});
        let policies = json!([{"name": "a", "namespace": "n", "rules": [rule]}]);
        let seen = commands(json!({"authorizationPolicy": {"policies": policies}}));
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!(seen[0].1, 200);
        assert!(
            seen[0]
                .0
                .starts_with(r"curl -i -X POST -H 'x-plan: it'\''s gold' "),
            "{seen:?}"
        );
        assert_eq!(seen[1], ("curl -i http://127.0.0.1:1234/".to_owned(), 403));
    }

    #[test]
    fn a_limit_is_reached_by_a_loop() {
        let seen = commands(
            json!({"rateLimit": {"limits": [{"name": "all", "requests": 2, "per": "1m"}]}}),
        );
        let (last, status) = seen.last().unwrap();
        assert_eq!(*status, 429, "{seen:?}");
        assert!(
            last.starts_with("for n in $(seq 3); do curl -s -o /dev/null "),
            "{last}"
        );
        assert!(last.ends_with("http://127.0.0.1:1234/; done"), "{last}");
    }

    #[test]
    fn nothing_is_made_up_that_nobody_here_can_send() {
        let rule = json!({"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]});
        let policies = json!([{"name": "a", "namespace": "n", "rules": [rule]}]);
        let seen = commands(json!({"authorizationPolicy": {"policies": policies}}));
        assert_eq!(seen, [("curl -i http://127.0.0.1:1234/".to_owned(), 403)]);
    }
}
