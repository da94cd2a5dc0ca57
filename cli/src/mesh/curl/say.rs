//! What came of requests, for people and for programs.

use std::fmt::Write;
use std::time::Duration;

use envoy::client::{Request, Response};
use mesh_view::plain;
use serde_json::{Value, json};

use super::send::Outcome;
use super::target::Target;
use crate::output::QUIET;

/// A line of a body is cut behind so many characters.
const WIDTH: usize = 2000;
/// So many lines of a body are shown.
const LINES: usize = 500;

pub(super) fn text(
    target: &Target,
    request: &Request,
    outcome: &Outcome,
    is_verbose: bool,
) -> String {
    let mut text = String::new();
    if is_verbose {
        text.push_str(&sent(target, request));
        if let Some(response) = &outcome.last {
            text.push_str(&received(response));
        }
    }
    text.push_str(&outcome.tally.text());
    if let (1, Some(response)) = (outcome.tally.count(), &outcome.last) {
        text.extend(known(response).map(|known| format!("{QUIET}{known}{QUIET:#}\n")));
    }
    if target.is_direct && outcome.unanswered > 0 {
        text.push_str("a sidecar that takes mutual TLS alone (PeerAuthentication STRICT) closes such connections, which are in plaintext\n");
    }
    // Into memory, which does not fail.
    let _ = writeln!(text, "{QUIET}{}{QUIET:#}", summary(target, outcome));
    text
}

/// Whom a workload knows for its caller, by the certificate that was shown to its sidecar.
fn known(response: &Response) -> Option<String> {
    let answer = response.json().ok()?;
    let text = |name: &str| {
        let text = answer.get(name).and_then(Value::as_str);
        text.map(|text| plain(text, WIDTH))
    };
    let (name, _) = (text("name")?, answer.get("requests")?);
    Some(match (text("caller"), text("identity")) {
        (Some(caller), _) => format!("{name} was called by {caller}"),
        (None, Some(_)) => format!("{name} does not know who called: it came in plaintext"),
        (None, None) => format!("{name} does not know who called: it has no sidecar"),
    })
}

fn summary(target: &Target, outcome: &Outcome) -> String {
    let from = &target.from;
    let count = outcome.tally.count();
    let Some(took) = outcome.tally.took() else {
        return format!("{count} from {from}, none of them answered");
    };
    if count == 1 {
        return format!("from {from}, in {}", shown(took.longest));
    }
    let unanswered = match outcome.unanswered {
        0 => String::new(),
        some => format!(", {some} without an answer"),
    };
    format!(
        "{count} from {from}, in {}{unanswered}; half of them within {}, 99% within {}, the slowest {}",
        shown(outcome.took),
        shown(took.median),
        shown(took.most),
        shown(took.longest)
    )
}

/// `0.4 ms`, `12 ms`, or `2.5 s`.
fn shown(time: Duration) -> String {
    match time.as_millis() {
        0..10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        millis @ 10..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// As curl shows it.
fn sent(target: &Target, request: &Request) -> String {
    let line = format!("{} {} HTTP/1.1", request.method(), request.path());
    let host = format!("host: {}", target.authority);
    let mut lines = vec![line, host];
    lines.extend(request.headers().iter().map(header));
    lines.push(String::new());
    shown_as('>', lines)
}

fn received(response: &Response) -> String {
    let mut lines = vec![format!("HTTP/1.1 {}", response.status)];
    lines.extend(response.headers.iter().map(header));
    lines.push(String::new());
    let body = response.text();
    let body = body.lines().take(LINES).map(|line| {
        let indent: String = line.chars().take_while(|each| *each == ' ').collect();
        format!("{indent}{}\n", plain(line, WIDTH))
    });
    let mut text = shown_as('<', lines);
    text.extend(body);
    text.push('\n');
    text
}

fn header((name, value): &(String, Vec<u8>)) -> String {
    format!("{name}: {}", String::from_utf8_lossy(value))
}

fn shown_as(mark: char, lines: Vec<String>) -> String {
    let lines = lines.into_iter();
    lines
        .map(|line| format!("{QUIET}{mark}{QUIET:#} {}\n", plain(&line, WIDTH)))
        .collect()
}

pub(super) fn json(target: &Target, outcome: &Outcome) -> Value {
    let millis = |time: Duration| (time.as_secs_f64() * 1_000_000.0).round() / 1000.0;
    let took = outcome.tally.took().map(|took| {
        json!({"median": millis(took.median), "p99": millis(took.most), "longest": millis(took.longest)})
    });
    // One answer is shown whole.
    let response = outcome.last.as_ref().filter(|_| outcome.tally.count() == 1);
    let response = response.map(|response| {
        let headers = response.headers.iter();
        let headers = headers.map(|(name, value)| json!([name, String::from_utf8_lossy(value)]));
        let body = serde_json::from_slice(&response.body);
        json!({
            "status": response.status,
            "headers": headers.collect::<Vec<_>>(),
            "body": body.unwrap_or_else(|_| Value::from(response.text())),
        })
    });
    let mut json = json!({
        "from": target.from,
        "addresses": target.addresses,
        "authority": target.authority,
        "requests": outcome.tally.count(),
        "unanswered": outcome.unanswered,
        "milliseconds": took,
        "answers": outcome.tally.json(),
    });
    if let (Value::Object(fields), Some(response)) = (&mut json, response) {
        fields.insert("response".to_owned(), response);
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_view::Tally;

    fn target() -> Target {
        Target {
            addresses: vec!["127.10.1.0:15080".parse().unwrap()],
            server_name: None,
            authority: "reviews:9080".to_owned(),
            path: "/".to_owned(),
            from: "productpage-v1".to_owned(),
            is_direct: false,
        }
    }

    fn outcome(bodies: &[&[u8]]) -> Outcome {
        let mut tally = Tally::default();
        let mut last = None;
        for body in bodies {
            tally.add(200, body, Duration::from_millis(4));
            last = Some(Response {
                status: 200,
                headers: vec![("x-a".to_owned(), b"\x1b[31m".to_vec())],
                body: body.to_vec(),
                trailers: Vec::new(),
                elapsed: Duration::from_millis(4),
            });
        }
        Outcome {
            tally,
            unanswered: 0,
            last,
            took: Duration::from_millis(1500),
        }
    }

    #[test]
    fn one_answer_is_told_with_its_time() {
        let request = Request::get("/").header("end-user", "jason");
        let outcome = outcome(&[
            b"{\"name\": \"reviews-v1\",\n  \"caller\": \"spiffe://a\", \"requests\": 3}",
        ]);
        let said =
            anstream::adapter::strip_str(&text(&target(), &request, &outcome, false)).to_string();
        let expected = "   200  reviews-v1\nreviews-v1 was called by spiffe://a\nfrom productpage-v1, in 4.0 ms\n";
        assert_eq!(said, expected);
        let said =
            anstream::adapter::strip_str(&text(&target(), &request, &outcome, true)).to_string();
        let expected = "> GET / HTTP/1.1\n> host: reviews:9080\n> end-user: jason\n> \n< HTTP/1.1 200\n< x-a:  [31m\n< \n{\"name\": \"reviews-v1\",\n  \"caller\": \"spiffe://a\", \"requests\": 3}\n\n";
        assert!(said.starts_with(expected), "{said}");
        let json = json(&target(), &outcome);
        assert_eq!(json["response"]["body"]["requests"], 3);
        assert_eq!(json["answers"][0]["name"], "reviews-v1");
    }

    #[test]
    fn of_many_the_shares_and_the_times_are_told() {
        let request = Request::get("/");
        let said = text(&target(), &request, &outcome(&[b"a", b"a"]), false);
        let said = anstream::adapter::strip_str(&said).to_string();
        let expected = "2 from productpage-v1, in 1.5 s; half of them within 4.0 ms, 99% within 4.0 ms, the slowest 4.0 ms\n";
        assert!(said.ends_with(expected), "{said}");
        let nobody = Outcome {
            last: None,
            unanswered: 1,
            tally: {
                let mut tally = Tally::default();
                tally.add_failed("refused");
                tally
            },
            took: Duration::ZERO,
        };
        let direct = Target {
            is_direct: true,
            ..target()
        };
        let said = text(&direct, &request, &nobody, false);
        assert!(
            said.contains("1 from productpage-v1, none of them answered"),
            "{said}"
        );
        assert!(said.contains("STRICT"), "{said}");
    }
}
