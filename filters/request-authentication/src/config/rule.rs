//! One of Istio's JWT rules, checked: what istiod checks, and what it leaves to fail later.

use std::time::Duration;

use sdk_helpers::config::{self, duration};
use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems, claims};

use super::keys::KeysWire;
use super::wire::{ClaimWire, HeaderWire, RuleWire};
use super::{ClaimHeader, RuleConfig};
use crate::audience;
use crate::locations::{HeaderLocation, Locations};

/// Envoy's `clock_skew_seconds`.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Istio's own, in addition to the rule's.
const SPACE_DELIMITED: [&str; 2] = ["permission", "scope"];
const MOST_SPACE_DELIMITED: usize = 64;

impl RuleWire {
    pub(super) fn check(
        self,
        index: usize,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<RuleConfig> {
        let name = self.name.unwrap_or_else(|| format!("jwt-{index}"));
        if let Err(problem) = check_name(&name) {
            problems.error(&at.field("name"), problem);
        }
        let issuer = self.issuer.unwrap_or_default();
        let mut certified = Vec::new();
        let keys = KeysWire {
            jwks: self.jwks,
            jwks_uri: self.jwks_uri,
            jwks_cluster: self.jwks_cluster,
            timeout: self.timeout,
            cache_duration: self.cache_duration,
            max_stale: self.max_stale,
        }
        .check(&issuer, &mut certified, at, problems);
        let at_audiences = at.field("audiences");
        let audiences = self.audiences.unwrap_or_default();
        texts(&audiences, &at_audiences, problems);
        let space_delimited = self.space_delimited_claims.unwrap_or_default();
        check_space_delimited(
            &space_delimited,
            &at.field("spaceDelimitedClaims"),
            problems,
        );
        let locations = locations(
            self.from_headers,
            self.from_params,
            self.from_cookies,
            at,
            problems,
        );
        let at_payload = at.field("outputPayloadToHeader");
        let payload_header = self
            .output_payload_to_header
            .filter(|name| !name.is_empty())
            .and_then(|name| header_name(&name, &at_payload, problems));
        let at_claims = at.field("outputClaimToHeaders");
        let claim_headers = self
            .output_claim_to_headers
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .filter_map(|(index, wire)| wire.check(&at_claims.index(index), problems))
            .collect();
        let clock_skew = self.clock_skew.map_or(CLOCK_SKEW, |text| {
            let at = at.field("clockSkew");
            read_duration(&text, Duration::ZERO, &at, problems).unwrap_or(CLOCK_SKEW)
        });
        if clock_skew.subsec_nanos() > 0 {
            problems.error(
                &at.field("clockSkew"),
                "is not a whole number of seconds, which is all a token's times have",
            );
        }
        Some(RuleConfig {
            name,
            issuer,
            audiences: audiences
                .iter()
                .map(|audience| audience::normalized(audience).to_owned())
                .collect(),
            keys: keys?,
            locations,
            forward: self.forward_original_token.unwrap_or(false),
            payload_header,
            claim_headers,
            space_delimited: SPACE_DELIMITED
                .map(str::to_owned)
                .into_iter()
                .chain(space_delimited)
                .collect(),
            clock_skew: clock_skew.as_secs(),
            allow_padding: self.allow_padding.unwrap_or(false),
            certified,
        })
    }
}

pub(super) fn read_duration(
    text: &str,
    least: Duration,
    at: &At<'_>,
    problems: &Problems,
) -> Option<Duration> {
    match duration(text) {
        Err(problem) => problems.error(at, problem),
        Ok(read) if read < least => problems.error(
            at,
            format!("`{text}` is too short; at least `{}ms`", least.as_millis()),
        ),
        Ok(read) if read.subsec_nanos() % 1_000_000 != 0 => problems.error(
            at,
            format!("`{text}` is not a whole number of milliseconds"),
        ),
        Ok(read) => return Some(read),
    }
    None
}

fn texts(list: &[String], at: &At<'_>, problems: &Problems) {
    for (index, text) in list.iter().enumerate() {
        if text.is_empty() {
            problems.error(&at.index(index), "is empty");
        }
    }
}

fn check_space_delimited(claims: &[String], at: &At<'_>, problems: &Problems) {
    texts(claims, at, problems);
    if claims.len() > MOST_SPACE_DELIMITED {
        problems.error(at, format!("more than {MOST_SPACE_DELIMITED} claims"));
    }
}

fn locations(
    headers: Option<Vec<HeaderWire>>,
    params: Option<Vec<String>>,
    cookies: Option<Vec<String>>,
    at: &At<'_>,
    problems: &Problems,
) -> Locations {
    let params = params.unwrap_or_default();
    let cookies = cookies.unwrap_or_default();
    texts(&params, &at.field("fromParams"), problems);
    texts(&cookies, &at.field("fromCookies"), problems);
    let at_headers = at.field("fromHeaders");
    let headers = headers
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, wire)| {
            let name = wire.name.unwrap_or_default();
            let at = at_headers.index(index);
            let at = at.field("name");
            if name.is_empty() {
                problems.error(&at, "must be a text that is not empty");
            } else if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
                problems.error(
                    &at,
                    format!(
                        "`{}` routes the request, and cannot be taken out of it",
                        name.escape_debug()
                    ),
                );
            } else {
                config::header_name(&name, false, &at, problems);
            }
            HeaderLocation {
                name: name.to_ascii_lowercase().into(),
                prefix: wire.prefix.unwrap_or_default(),
            }
        })
        .collect();
    Locations::new(headers, params, cookies)
}

impl ClaimWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<ClaimHeader> {
        let (header, claim) = (
            self.header.unwrap_or_default(),
            self.claim.unwrap_or_default(),
        );
        if header.is_empty() || claim.is_empty() {
            problems.error(at, "`header` and `claim` must be texts that are not empty");
            return None;
        }
        let header = header_name(&header, &at.field("header"), problems);
        // A URL is one name, whatever dots it has: nobody nests claims below `https://example`.
        let path = if claim.contains("://") && !claim.starts_with('[') {
            Some(vec![claim.clone()])
        } else {
            claims::path(&claim)
        };
        if path.is_none() {
            problems.error(
                &at.field("claim"),
                format!(
                    "`{}` names no claim; write `a.b` for b inside a, `[a.b]` for a name with a dot",
                    claim.escape_debug()
                ),
            );
        }
        Some(ClaimHeader {
            header: header?,
            claim: path?,
        })
    }
}

/// A header a claim or payload may be written to, in lower case.
fn header_name(name: &str, at: &At<'_>, problems: &Problems) -> Option<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.bytes().all(legal) {
        problems.error(
            at,
            format!(
                "header name `{}` is not a valid header name: `A-Z a-z 0-9 - _`",
                name.escape_debug()
            ),
        );
        return None;
    }
    let name = name.to_ascii_lowercase();
    if name == "host" {
        problems.error(
            at,
            "`host` is Envoy's `:authority`, which routes the request",
        );
        return None;
    }
    Some(name)
}
