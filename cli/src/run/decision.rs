//! A line of Envoy's access log as what was decided of a request, and by whom.

use std::fmt::Write as _;

use explain::{Chain, Outcome};
use serde_json::{Map, Value, json};

use super::config::{LISTENER, MODULE};
use crate::outcome::word;
use crate::output::QUIET;

/// Fields of the log, and Envoy's formats of them.
const FORMATS: [(&str, &str); 9] = [
    ("time", "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%"),
    ("method", "%REQ(:METHOD)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("status", "%RESPONSE_CODE%"),
    ("grpcStatus", "%GRPC_STATUS_NUMBER%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("durationMs", "%DURATION%"),
    // From the first byte that came to the first that went on: what filters held it, and hardly anything else.
    ("heldMs", "%COMMON_DURATION(DS_RX_BEG:US_TX_BEG:ms)%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
];

/// What begins the details of an answer of ours: `mesh_filters.<filter>{<reason>}`.
const OURS: &str = "mesh_filters.";
/// Who answers where no filter of ours did, and no upstream.
const ENVOY: &str = "envoy";
/// A shorter time is Envoy's own.
const HELD: u64 = 10;

/// The fields that the log has, with their formats; `path` is there by itself.
pub(super) fn formats() -> Vec<(&'static str, String)> {
    let own = FORMATS.map(|(field, format)| (field, format.to_owned()));
    let reasons = filters().map(|name| {
        (
            name,
            format!("%FILTER_STATE(wasm.mesh_filters.{name}:PLAIN)%"),
        )
    });
    own.into_iter().chain(reasons).collect()
}

/// The filters of the module, in the order in which requests meet them.
fn filters() -> impl Iterator<Item = &'static str> {
    let parts = catalog::find(MODULE).map_or(&[][..], catalog::Filter::parts);
    parts.iter().map(|(_, name)| *name)
}

/// What was decided of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    /// When it came, as RFC 3339 in UTC.
    time: String,
    /// None where it was no HTTP, and Envoy understood nothing of it.
    method: Option<String>,
    authority: Option<String>,
    /// As the policies saw it, and as it may be shown.
    path: Option<String>,
    /// None where the client went away before there was any.
    status: Option<u64>,
    grpc_status: Option<u64>,
    outcome: Outcome,
    /// Who decided, where not the upstream answered.
    by: Option<String>,
    reason: Option<String>,
    /// What each filter said.
    reasons: Vec<(&'static str, String)>,
    held_ms: u64,
    duration_ms: u64,
}

impl Decision {
    /// Reads a line; none where it is not of a request.
    pub(super) fn read(line: &str, chain: &Chain) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        if text("listener")? != LISTENER {
            return None;
        }
        let details = text("details").unwrap_or_default();
        let flags = text("flags").unwrap_or_default();
        let (outcome, by, reason) = decided(&details, &flags);
        let reasons = filters().filter_map(|name| Some((name, text(name)?)));
        let duration_ms = number("durationMs").unwrap_or(0);
        Some(Decision {
            time: text("time").unwrap_or_default(),
            method: text("method"),
            authority: text("authority"),
            path: text("path").map(|path| chain.shown_path(&path)),
            status: number("status").filter(|status| *status > 0),
            grpc_status: number("grpcStatus"),
            outcome,
            by,
            reason,
            reasons: reasons.collect(),
            held_ms: number("heldMs").unwrap_or(duration_ms),
            duration_ms,
        })
    }

    /// One line for people.
    pub(super) fn told(&self) -> String {
        let time = self.time.split_once('T').map_or("", |(_, time)| time);
        let (style, word) = word(self.outcome);
        let status = self
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        let shown = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), plain);
        let mut line = format!(
            "{QUIET}{time}{QUIET:#} {style}{word:5}{style:#} {status:3} {} {}",
            shown(&self.method),
            shown(&self.path)
        );
        // Into memory, which does not fail.
        if let Some(status) = self.grpc_status {
            let _ = write!(line, " (grpc-status {status})");
        }
        for (by, reason) in self.said() {
            let _ = write!(line, "  {by}: {}", plain(reason));
        }
        if self.held_ms >= HELD {
            let _ = write!(line, "  held {} ms", self.held_ms);
        }
        line
    }

    /// Who said what: the one who decided alone, or all.
    fn said(&self) -> Vec<(&str, &str)> {
        match (&self.by, &self.reason) {
            (Some(by), Some(reason)) => vec![(by, reason)],
            _ => self
                .reasons
                .iter()
                .map(|(by, reason)| (*by, reason.as_str()))
                .collect(),
        }
    }

    /// One line for programs.
    pub(super) fn json(&self) -> Value {
        let reasons = self.reasons.iter();
        let reasons: Map<String, Value> = reasons
            .map(|(name, reason)| ((*name).to_owned(), reason.as_str().into()))
            .collect();
        let mut line = json!({
            "event": "request",
            "time": self.time,
            "method": self.method,
            "authority": self.authority,
            "path": self.path,
            "decision": self.outcome.name(),
            "status": self.status,
            "by": self.by,
            "reason": self.reason,
            "reasons": reasons,
            "heldMs": self.held_ms,
            "durationMs": self.duration_ms,
        });
        if let (Some(status), Some(fields)) = (self.grpc_status, line.as_object_mut()) {
            fields.insert("grpcStatus".to_owned(), status.into());
        }
        line
    }
}

/// What was decided, by whom and why, by what Envoy says of the answer.
fn decided(details: &str, flags: &str) -> (Outcome, Option<String>, Option<String>) {
    let ours = details
        .strip_prefix(OURS)
        .and_then(|rest| rest.split_once('{'));
    if let Some((filter, reason)) = ours {
        let reason = reason.strip_suffix('}').unwrap_or(reason);
        let outcome = Outcome::of_reply(filter);
        return (outcome, Some(filter.to_owned()), Some(reason.to_owned()));
    }
    if details == "via_upstream" {
        return (Outcome::Allow, None, None);
    }
    // The policies let it through, and then the upstream or the client failed: UF, UH, UC, URX, UT, DC.
    let is_passed = flags
        .split(',')
        .any(|flag| flag.starts_with('U') || flag == "DC");
    let outcome = match is_passed {
        true => Outcome::Allow,
        false => Outcome::Deny,
    };
    let reason = if details.is_empty() { flags } else { details };
    (outcome, Some(ENVOY.to_owned()), Some(reason.to_owned()))
}

/// A text on one line of a terminal: what would move the cursor, or turn the line around, is escaped.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let escaped = letter.escape_debug();
        match letter.is_control() || (!letter.is_ascii() && escaped.len() > 1) {
            true => shown.extend(escaped),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: Value) -> Decision {
        let mut all = json!({"listener": LISTENER, "time": "2026-11-30T07:23:03.439Z", "method": "GET", "path": "/a?t=1"});
        let fields = fields.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(fields);
        Decision::read(&all.to_string(), &Chain::empty()).unwrap()
    }

    fn told(decision: &Decision) -> String {
        anstream::adapter::strip_str(&decision.told()).to_string()
    }

    #[test]
    fn who_decided_is_told() {
        let denied = line(json!({
            "status": 403, "details": "mesh_filters.authorization-policy{deny:n/p.rules[0]}", "flags": "-",
            "durationMs": 0, "request-authentication": "verified:a", "authorization-policy": "deny:n/p.rules[0]",
        }));
        assert_eq!(
            told(&denied),
            "07:23:03.439Z deny  403 GET /a?t=***  authorization-policy: deny:n/p.rules[0]"
        );
        let json = denied.json();
        assert_eq!(json["by"], "authorization-policy");
        assert_eq!(json["reasons"]["request-authentication"], "verified:a");

        let held = line(json!({
            "status": 200, "details": "via_upstream", "flags": "-", "durationMs": 304, "heldMs": 303,
            "fault-injection": "delay:slow",
        }));
        assert_eq!(
            told(&held),
            "07:23:03.439Z allow 200 GET /a?t=***  fault-injection: delay:slow  held 303 ms"
        );
        let limited = line(
            json!({"status": 429, "details": "mesh_filters.rate-limit{limited:all}", "flags": "-"}),
        );
        assert!(told(&limited).contains(" reply 429 "), "{limited:?}");
    }

    #[test]
    fn what_envoy_or_the_upstream_does_is_not_put_down_to_a_policy() {
        for (details, flags, outcome) in [
            ("path_normalization_failed", "-", Outcome::Deny),
            ("wasm_fail_stream", "-", Outcome::Deny),
            (
                "upstream_reset_before_response_started{connection_failure}",
                "UF,URX",
                Outcome::Allow,
            ),
            ("downstream_remote_disconnect", "DC", Outcome::Allow),
            ("", "NFCF", Outcome::Deny),
        ] {
            let seen = line(json!({"status": 503, "details": details, "flags": flags}));
            assert_eq!(
                (seen.outcome, seen.by.as_deref()),
                (outcome, Some(ENVOY)),
                "{details}"
            );
            assert!(seen.reason.is_some_and(|reason| !reason.is_empty()));
        }
    }

    #[test]
    fn a_request_is_one_line_whatever_is_in_it() {
        let hostile = line(
            json!({"method": "GE\u{1b}[2JT", "path": "/a\nb\r\u{202e}c\u{7f}é\"'", "status": 200, "details": "via_upstream"}),
        );
        let told = told(&hostile);
        assert!(
            told.ends_with("GE\\u{1b}[2JT /a\\nb\\r\\u{202e}c\\u{7f}é\"'"),
            "{told}"
        );
        let none = line(
            json!({"method": null, "path": null, "status": 400, "details": "http1.codec_error", "flags": "DPE"}),
        );
        assert!(
            self::told(&none).ends_with(" deny  400 - -  envoy: http1.codec_error"),
            "{none:?}"
        );
        for other in [
            "{}",
            "[1]",
            "{\"listener\": \"other\"}",
            "[2026-11-30 07:23:03.922][1][info] text",
        ] {
            assert_eq!(Decision::read(other, &Chain::empty()), None, "{other}");
        }
    }
}
