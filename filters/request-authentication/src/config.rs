//! The configuration: Istio's `jwtRules`, checked, with what we add to them.

mod keys;
mod rule;
pub mod url;
mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use sdk_helpers::config::{Envelope, Layout, Scope};
use sdk_helpers::{At, Problems, Timestamp};

use crate::keys::KeySet;
use crate::locations::Locations;
use url::Url;
pub use wire::Wire;
use wire::{ErrorBodyWire, RuleWire};

/// The rules of RequestAuthentications add up.
pub const ENVELOPE: Envelope = Envelope {
    kind: "RequestAuthentication",
    spec: Wire::SPEC,
    passed_over: Wire::PASSED_OVER,
    layout: Layout::Fields(Wire::LISTS),
};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Sorted by issuer, as istiod does; rules of one issuer keep their order.
    pub rules: Vec<RuleConfig>,
    /// Whether a request without a token is refused.
    pub require_token: bool,
    /// Counted and logged, not refused.
    pub shadow: bool,
    /// What a refusal says, where not Envoy's text.
    pub error_body: Option<ErrorBody>,
    /// The bytes of the longest token that is looked at.
    pub max_token_size: usize,
    /// The most tokens remembered in each VM; 0 for none.
    pub token_cache_size: usize,
}

/// One checked rule.
#[derive(Debug)]
pub struct RuleConfig {
    /// The user's, else `jwt-<index>` by its place in the configuration.
    pub name: String,
    /// What `iss` must be; empty for anything.
    pub issuer: String,
    /// One of them must be in `aud`; none at all takes any token. Already normalized.
    pub audiences: Vec<String>,
    /// What tokens are verified with.
    pub keys: JwksSource,
    /// Where tokens are looked for.
    pub locations: Locations,
    /// Whether the upstream sees the token.
    pub forward: bool,
    /// The header for the payload, in lower case.
    pub payload_header: Option<String>,
    /// The headers for claims.
    pub claim_headers: Vec<ClaimHeader>,
    /// Claims that are lists written as one text.
    pub space_delimited: Vec<String>,
    /// How far clocks may be apart, in seconds.
    pub clock_skew: u64,
    /// Whether tokens may be padded.
    pub allow_padding: bool,
    /// The keys of the configuration that came in a certificate, by their paths, and when it ends.
    pub certified: Vec<(String, Timestamp)>,
}

/// A header for a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimHeader {
    /// In lower case.
    pub header: String,
    /// The names on the way to the claim.
    pub claim: Vec<String>,
}

/// Where a rule's keys come from.
#[derive(Debug)]
pub enum JwksSource {
    /// The configuration.
    Inline(KeySet),
    /// The network.
    Remote(Remote),
}

/// Keys that are fetched.
#[derive(Debug)]
pub struct Remote {
    /// What is asked.
    pub origin: Origin,
    /// Envoy's name of the cluster, where not the one Istio makes for the host.
    pub cluster: Option<String>,
    /// The longest a fetch may take, and a request waits for one.
    pub timeout: Duration,
    /// When keys are fetched again.
    pub interval: Duration,
    /// How long keys are used that could not be fetched again.
    pub max_stale: Duration,
    /// For as long as there are no others.
    pub fallback: Option<KeySet>,
}

impl Remote {
    /// Whether one fetch serves both.
    pub fn same(&self, other: &Remote) -> bool {
        let times = |remote: &Remote| (remote.timeout, remote.interval, remote.max_stale);
        self.origin == other.origin
            && self.cluster == other.cluster
            && times(self) == times(other)
            && self.fallback.is_none()
            && other.fallback.is_none()
    }
}

/// What is asked for keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The key set itself.
    Jwks(Url),
    /// The issuer's OpenID configuration, which names the key set.
    Discovery(Url),
}

/// What a refusal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// Its `content-type`.
    pub content_type: String,
    /// With `%STATUS%`, `%REASON%` and `%MESSAGE%` in it.
    pub text: String,
}

/// RFC 9457.
const PROBLEM_TYPE: &str = "application/problem+json";
const PROBLEM: &str =
    r#"{"type":"about:blank","title":"%MESSAGE%","status":%STATUS%,"reason":"%REASON%"}"#;

const MAX_TOKEN_SIZE: u32 = 16 * 1024;
/// Envoy itself takes no more headers than this, unless told to.
const LARGEST_TOKEN: u32 = 60 * 1024;
const TOKEN_CACHE_SIZE: u32 = 1_000;
const LARGEST_TOKEN_CACHE: u32 = 100_000;
/// As in Istio's CRD.
const MOST_RULES: usize = 4_096;

impl Wire {
    /// Checks the configuration that stands at `root` and reports every problem.
    pub fn check(self, root: &At<'_>, problems: &Problems) -> Config {
        let require_token = self.require_token.unwrap_or(false);
        // An object of Istio's without rules is one that accepts all, and `requireToken` is there to
        // refuse all. Who wrote neither has forgotten something.
        if self.jwt_rules.is_none() && !require_token {
            problems.error(
                &root.field("jwtRules"),
                "is missing, and without it every token would pass unread; write `jwtRules: []` if \
                 that is meant",
            );
        }
        Config {
            rules: check_rules(
                self.jwt_rules.unwrap_or_default(),
                require_token,
                &root.field("jwtRules"),
                problems,
            ),
            require_token,
            shadow: self.shadow.unwrap_or(false),
            error_body: self
                .error_body
                .map(|body| body.check(&root.field("errorBody"), problems)),
            max_token_size: check_token_size(self.max_token_size, root, problems),
            token_cache_size: check_cache_size(self.token_cache_size, root, problems),
        }
    }
}

fn check_rules(
    wires: Vec<RuleWire>,
    require_token: bool,
    at: &At<'_>,
    problems: &Problems,
) -> Vec<RuleConfig> {
    if wires.is_empty() {
        let effect = if require_token {
            "no rules: no token can be verified, and every request is refused"
        } else {
            "no rules: no token is ever looked at"
        };
        problems.warn(at, effect);
    }
    if wires.len() > MOST_RULES {
        problems.error(at, format!("more than {MOST_RULES} rules"));
    }
    let mut names = BTreeSet::new();
    let mut rules: Vec<RuleConfig> = Vec::with_capacity(wires.len());
    for (index, wire) in wires.into_iter().enumerate() {
        let at = at.index(index);
        let Some(rule) = wire.check(index, &at, problems) else {
            continue;
        };
        if !names.insert(rule.name.clone()) {
            problems.warn_of(
                Scope::Filter,
                &at.field("name"),
                format!(
                    "`{}` is another rule's name too; their statistics are added up",
                    rule.name
                ),
            );
        }
        // By insertion, so that no sort is compiled in; after its equals, so that it is stable.
        let place = rules.partition_point(|other| other.issuer <= rule.issuer);
        rules.insert(place, rule);
    }
    rules
}

fn check_token_size(size: Option<u32>, root: &At<'_>, problems: &Problems) -> usize {
    let size = size.unwrap_or(MAX_TOKEN_SIZE);
    if !(1..=LARGEST_TOKEN).contains(&size) {
        problems.error(
            &root.field("maxTokenSize"),
            format!("{size} is not between 1 and {LARGEST_TOKEN} bytes"),
        );
    }
    size as usize
}

fn check_cache_size(size: Option<u32>, root: &At<'_>, problems: &Problems) -> usize {
    let size = size.unwrap_or(TOKEN_CACHE_SIZE);
    if size > LARGEST_TOKEN_CACHE {
        problems.error(
            &root.field("tokenCacheSize"),
            format!("{size} is more than {LARGEST_TOKEN_CACHE} tokens in each worker"),
        );
    }
    size.min(LARGEST_TOKEN_CACHE) as usize
}

impl ErrorBodyWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> ErrorBody {
        if self.content_type.is_some() != self.text.is_some() {
            problems.error(
                at,
                "`contentType` and `text` belong together; without both it is `application/problem+json`",
            );
        }
        let content_type = self.content_type.unwrap_or_else(|| PROBLEM_TYPE.to_owned());
        let legal = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if content_type.is_empty() || !content_type.bytes().all(legal) {
            problems.error(
                &at.field("contentType"),
                format!("`{}` is no content type", content_type.escape_debug()),
            );
        }
        ErrorBody {
            content_type,
            text: self.text.unwrap_or_else(|| PROBLEM.to_owned()),
        }
    }
}
