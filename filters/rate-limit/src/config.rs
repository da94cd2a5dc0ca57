//! The configuration, checked.

mod cost;
mod key;
mod limit;
mod quota;
mod tier;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sdk_helpers::config::{Envelope, Layout, duration};
use sdk_helpers::matcher::{HttpMatch, SourceMatch, StringMatch, Wildcard};
use sdk_helpers::{At, Problems};

use crate::gcra::Gcra;
use crate::key::KeyPart;
use wire::GlobalWire;
pub use wire::{TellsOn, Wire};

/// Istio has no kind for limits: ours may stand in an object too, and those of several add up.
pub const ENVELOPE: Envelope = Envelope {
    kind: "RateLimit",
    spec: Wire::SPEC,
    passed_over: Wire::PASSED_OVER,
    layout: Layout::Fields(Wire::LISTS),
};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The limits, in order. Every one that matches a request counts it.
    pub limits: Vec<LimitConfig>,
    /// What a request gets whose count cannot be kept, because others were always faster.
    pub failure_mode: FailureMode,
    /// The service that counts for limits with `global: true`.
    pub global: Option<GlobalConfig>,
}

/// What to do without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureMode {
    /// Let the request pass.
    Allow,
    /// Refuse it.
    Deny,
}

/// Envoy's rate limit service.
#[derive(Debug)]
pub struct GlobalConfig {
    /// Whose limits.
    pub domain: String,
    /// Envoy's name of the cluster it is in.
    pub cluster: String,
    /// For the whole call.
    pub timeout: Duration,
    /// When it gives no answer.
    pub failure_mode: FailureMode,
    /// The status of a request refused because of that.
    pub status_on_error: u16,
}

/// One checked limit.
#[derive(Debug)]
pub struct LimitConfig {
    /// The user's, else `limit-<index>`.
    pub name: String,
    /// Any of them; none at all matches every request.
    pub matches: Vec<HttpMatch>,
    /// What tells buckets apart; nothing for one bucket.
    pub key: Vec<KeyPart>,
    /// The key of a request that lacks a part of `key`.
    pub fallback: Vec<KeyPart>,
    /// What else becomes of such a request.
    pub on_missing: OnMissing,
    /// Who gets another quota; the first that holds counts.
    pub tiers: Vec<Tier>,
    /// Who counts.
    pub counting: Counting,
    /// What a request takes.
    pub cost: Cost,
    /// Of a million refusals, how many are enforced; 0 for a shadow.
    pub enforced: u32,
    /// How a request is refused.
    pub reply: RefusalReply,
    /// How answers tell how much is left.
    pub tells: Tells,
}

/// On which answers a limit is told of, and by which headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tells {
    /// The answers.
    pub on: TellsOn,
    /// Whether by `x-ratelimit-*`.
    pub x_ratelimit: bool,
    /// Whether by `ratelimit` and `ratelimit-policy`.
    pub ratelimit: bool,
}

impl Tells {
    /// Whether an answer tells of the limit: one to a request that is refused, or one that passes.
    pub fn on(self, refusal: bool) -> bool {
        match self.on {
            TellsOn::All => true,
            TellsOn::Refusals => refusal,
            TellsOn::None => false,
        }
    }
}

/// What becomes of a request that lacks a part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// The fallback key is used; where that lacks a part too, the shared bucket.
    Fallback,
    /// All such requests draw on one bucket.
    Shared,
    /// The limit does not count it.
    Skip,
    /// It is refused.
    Deny,
}

/// Callers with a quota of their own.
#[derive(Debug)]
pub struct Tier {
    /// Who they are.
    pub when: When,
    /// Whether the limit does not count them at all.
    pub unlimited: bool,
}

/// A condition on the caller.
#[derive(Debug)]
pub enum When {
    /// A verified claim is such a text, or a list with one.
    Claim(Vec<String>, Text),
    /// A header has such a value.
    Header(String, Text),
    /// The client's address is in a block.
    Source(SourceMatch),
}

/// What a text shall be.
#[derive(Debug)]
pub enum Text {
    /// One of these, as in AuthorizationPolicy.
    OneOf(Vec<Wildcard>),
    /// As this says.
    Like(StringMatch),
}

/// Who counts the requests of a limit.
#[derive(Debug)]
pub enum Counting {
    /// This proxy.
    Local(LocalCounting),
    /// The service: what it is told in place of its own configuration, first without a tier, then
    /// for each.
    Service(Vec<Option<Override>>),
}

/// The buckets of a limit that this proxy counts.
#[derive(Debug)]
pub struct LocalCounting {
    /// First without a tier, then for each; none for one that is unlimited.
    pub quotas: Vec<Option<Quota>>,
    /// Tried out beside the first.
    pub candidate: Option<Gcra>,
    /// Cells of the table of keys.
    pub sets: u32,
}

/// A quota of a limit that this proxy counts.
#[derive(Debug)]
pub struct Quota {
    /// Its buckets.
    pub gcra: Gcra,
    /// As configured.
    pub requests: u32,
    /// As configured.
    pub per: Duration,
}

/// A quota for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override {
    /// Requests per unit.
    pub requests: u32,
    /// Envoy's `RateLimitUnit`.
    pub unit: u8,
}

/// What a request takes from its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// Always as much.
    Fixed(u32),
    /// What a header says, within bounds.
    Header {
        /// Its name.
        name: String,
        /// At least.
        min: u32,
        /// At most.
        max: u32,
        /// Where the header is missing or no number.
        default: u32,
    },
}

/// How a request is refused.
#[derive(Debug, Clone)]
pub struct RefusalReply {
    /// 400 to 599.
    pub status: u16,
    /// The text; where the service counts and none is configured, the service's.
    pub body: Option<String>,
    /// Added.
    pub headers: BTreeMap<String, String>,
    /// The `grpc-status` of a gRPC request.
    pub grpc_status: u32,
}

impl Wire {
    /// Checks the configuration that stands at `root` and reports every problem.
    pub fn check(self, root: &At<'_>, problems: &Problems) -> Config {
        let at = root.field("limits");
        let entries = self.limits.unwrap_or_default();
        let unlimited = self.unlimited.unwrap_or(false);
        match (entries.is_empty(), unlimited) {
            (true, true) => problems.warn(&at, "no limits: nothing is ever refused"),
            // What could not even be read may have been the limits.
            (true, false) if !problems.has_errors_at(root) => problems.error(
                &at,
                "no limits: every request would pass; add some, or say that it is meant with `unlimited: true`",
            ),
            (false, true) => problems.error(
                &root.field("unlimited"),
                "contradicts `limits`; remove one of the two",
            ),
            _ => {}
        }
        let has_service = self.global.is_some();
        let mut names = BTreeSet::new();
        let mut limits: Vec<LimitConfig> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let at = at.index(index);
            let Some(limit) = entry.check(index, has_service, &at, problems) else {
                continue;
            };
            if !names.insert(limit.name.clone()) {
                problems.error(
                    &at.field("name"),
                    format!(
                        "`{}` is another limit's name too; each has buckets of its own, and needs a name of its own",
                        limit.name
                    ),
                );
            }
            limits.push(limit);
        }
        let at = root.field("global");
        let asks = limits
            .iter()
            .any(|limit| matches!(limit.counting, Counting::Service(_)));
        if has_service && !asks {
            problems.warn(
                &at,
                "no limit has `global: true`: the service is never asked",
            );
        }
        let mode = root.field("failureMode");
        Config {
            limits,
            failure_mode: failure_mode(self.failure_mode, FailureMode::Deny, &mode, problems),
            global: self.global.and_then(|wire| wire.check(&at, problems)),
        }
    }
}

impl GlobalWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<GlobalConfig> {
        let filled = |text: Option<String>, field: &str, what: &str| {
            let text = text.filter(|text| !text.is_empty());
            if text.is_none() {
                problems.error(&at.field(field), format!("is missing: {what}"));
            }
            text
        };
        let domain = filled(
            self.domain,
            "domain",
            "whose limits the service is asked for",
        );
        let cluster = filled(
            self.cluster,
            "cluster",
            "Envoy's name of the service's cluster",
        );
        let timeout = self
            .timeout
            .as_deref()
            .map_or(Some(Duration::from_millis(20)), |text| {
                let at = at.field("timeout");
                match duration(text) {
                    Ok(time) if time < Duration::from_millis(1) => {
                        problems.error(&at, format!("`{text}` is too short; at least `1ms`"));
                        None
                    }
                    Ok(time) => Some(time),
                    Err(problem) => {
                        problems.error(&at, problem);
                        None
                    }
                }
            });
        let mode = at.field("failureMode");
        let failure_mode = failure_mode(self.failure_mode, FailureMode::Allow, &mode, problems);
        if self.status_on_error.is_some() && failure_mode == FailureMode::Allow {
            problems.warn(
                &at.field("statusOnError"),
                "changes nothing without `failureMode: deny`",
            );
        }
        let status = status(
            self.status_on_error,
            500,
            &at.field("statusOnError"),
            problems,
        );
        Some(GlobalConfig {
            domain: domain?,
            cluster: cluster?,
            timeout: timeout?,
            failure_mode,
            status_on_error: status?,
        })
    }
}

fn failure_mode(
    text: Option<String>,
    default: FailureMode,
    at: &At<'_>,
    problems: &Problems,
) -> FailureMode {
    match text.as_deref() {
        None => default,
        Some("allow") => FailureMode::Allow,
        Some("deny") => FailureMode::Deny,
        Some(other) => {
            problems.none_of(at, other, &["allow", "deny"]);
            default
        }
    }
}

/// Envoy turns what is below 400 into 429; nobody means that.
fn status(status: Option<u32>, default: u16, at: &At<'_>, problems: &Problems) -> Option<u16> {
    let Some(status) = status else {
        return Some(default);
    };
    let legal = u16::try_from(status)
        .ok()
        .filter(|status| (400..600).contains(status));
    if legal.is_none() {
        problems.error(at, format!("{status} is not a status between 400 and 599"));
    }
    legal
}
