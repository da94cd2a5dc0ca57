//! What a log says was answered, and by whom.
//!
//! Sources: Envoy's `source/common/stream_info/utility.h` and its documentation of response code details; the
//! details of our own answers are in the filters' READMEs.

use crate::entry::{Entry, Value};

/// Who answered a request, as far as a policy's part in it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered<'a> {
    /// Policies let it pass: the upstream answered, or the router in its place.
    Passed,
    /// A policy refused it; with what the log says of it.
    Refused(&'a str),
    /// The provider of a CUSTOM policy refused it.
    ByProvider(&'a str),
    /// It was refused for its token, before any ALLOW or DENY policy.
    Token,
    /// Envoy refused it before any filter.
    BeforeFilters,
    /// The log does not say, or somebody else answered.
    Unsaid,
}

/// What the router says, which comes after every policy.
const ROUTER: [&str; 10] = [
    "via_upstream",
    "direct_response",
    "route_not_found",
    "cluster_not_found",
    "no_healthy_upstream",
    "maintenance_mode",
    "upstream_",
    "response_timeout",
    "stream_idle_timeout",
    "max_duration_timeout",
];

/// What Envoy's connection manager and codecs say of requests that no filter sees.
const BEFORE: [&str; 12] = [
    "path_normalization_failed",
    "missing_host_header",
    "missing_path_header",
    "absolute_path_rejected",
    "low_version",
    "request_headers_failed_strict_check",
    "overload",
    "http1.",
    "http2.",
    "http3.",
    "codec_error",
    "invalid_path",
];

impl<'a> Answered<'a> {
    pub(crate) fn of(entry: &'a Entry<'_>) -> Self {
        let Some(details) = entry.details.text() else {
            // Whom nobody but the upstream could have answered.
            return match entry.upstream {
                Value::Text(_) => Answered::Passed,
                Value::Absent | Value::Nothing => Answered::Unsaid,
            };
        };
        let begins = |with: &&str| details.starts_with(*with);
        if let Some(reason) = details.strip_prefix("mesh_filters.authorization-policy{") {
            let reason = reason.strip_suffix('}').unwrap_or(reason);
            let last = reason.rsplit(',').next().unwrap_or_default();
            return match last.starts_with("custom_") {
                true => Answered::ByProvider(last),
                false => Answered::Refused(last),
            };
        }
        if details.starts_with("rbac_access_denied") {
            Answered::Refused(details)
        } else if details.starts_with("ext_authz_") {
            Answered::ByProvider(details)
        } else if [
            "mesh_filters.request-authentication{",
            "jwt_authn_access_denied",
        ]
        .iter()
        .any(begins)
        {
            Answered::Token
        } else if ROUTER.iter().any(begins) {
            Answered::Passed
        } else if BEFORE.iter().any(begins) {
            Answered::BeforeFilters
        } else {
            Answered::Unsaid
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_who_answered() {
        for (details, expected) in [
            ("via_upstream", Answered::Passed),
            (
                "upstream_reset_before_response_started{x}",
                Answered::Passed,
            ),
            ("direct_response", Answered::Passed),
            (
                "rbac_access_denied_matched_policy[none]",
                Answered::Refused("rbac_access_denied_matched_policy[none]"),
            ),
            (
                "mesh_filters.authorization-policy{audit:a.rules[0],deny:a.rules[1]}",
                Answered::Refused("deny:a.rules[1]"),
            ),
            (
                "mesh_filters.authorization-policy{custom_deny:a.rules[0]}",
                Answered::ByProvider("custom_deny:a.rules[0]"),
            ),
            ("ext_authz_denied", Answered::ByProvider("ext_authz_denied")),
            ("jwt_authn_access_denied{Jwt_is_expired}", Answered::Token),
            (
                "mesh_filters.request-authentication{expired}",
                Answered::Token,
            ),
            ("path_normalization_failed", Answered::BeforeFilters),
            // It stands before policies, or behind them.
            ("local_rate_limited", Answered::Unsaid),
        ] {
            let line = format!(r#"{{"path":"/","response_code_details":"{details}"}}"#);
            let entry = Entry::parse(line.as_bytes()).unwrap();
            assert_eq!(Answered::of(&entry), expected, "{details}");
        }
    }

    #[test]
    fn without_details_the_upstream_tells() {
        for (upstream, expected) in [
            (r#""10.0.0.1:80""#, Answered::Passed),
            ("null", Answered::Unsaid),
            (r#""-""#, Answered::Unsaid),
        ] {
            let line = format!(r#"{{"path":"/","upstream_host":{upstream}}}"#);
            let entry = Entry::parse(line.as_bytes()).unwrap();
            assert_eq!(Answered::of(&entry), expected, "{upstream}");
        }
    }
}
