//! One limit.

use std::collections::BTreeMap;

use sdk_helpers::config::{header_name, none_of};
use sdk_helpers::matcher::HttpMatch;
use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems};

use super::key;
use super::wire::{Family, LimitWire, QuotaWire, TellsOn};
use super::{Cost, Counting, LimitConfig, LocalCounting, OnMissing, RefusalReply, Tells, status};
use crate::table::WAYS;

/// gRPC's statuses for a request too many.
const RESOURCE_EXHAUSTED: u32 = 8;
const UNAVAILABLE: u32 = 14;

const MILLION: f64 = 1_000_000.0;

impl LimitWire {
    pub(super) fn check(
        mut self,
        index: usize,
        has_service: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<LimitConfig> {
        let name = self.name.take().unwrap_or_else(|| format!("limit-{index}"));
        if let Err(problem) = check_name(&name) {
            problems.error(&at.field("name"), problem);
        }
        let at_match = at.field("match");
        let matches = self.r#match.take().unwrap_or_default();
        let matches = matches
            .into_iter()
            .enumerate()
            .map(|(index, wire)| HttpMatch::compile(wire, &at_match.index(index), problems))
            .collect();
        let parts = |parts, field: &str| match parts {
            Some(parts) => key::check(parts, &at.field(field), problems),
            None => vec![],
        };
        let has_key = self.key.is_some();
        let key = parts(self.key.take(), "key");
        let has_fallback = self.fallback_key.is_some();
        let fallback = parts(self.fallback_key.take(), "fallbackKey");
        let on_missing = self.on_missing(has_key, has_fallback, at, problems);
        let reply = self.reply(at, problems);
        let enforced = self.enforced(at, problems);
        let tells = self.tells(at, problems);
        let cost = self.cost.take().map_or(Some(Cost::Fixed(1)), |cost| {
            cost.check(&at.field("cost"), problems)
        });
        let mut tiers = Vec::new();
        let mut quotas = vec![];
        let at_tiers = at.field("tiers");
        for (index, tier) in self
            .tiers
            .take()
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            let (tier, quota) = tier.check(&at_tiers.index(index), problems);
            tiers.extend(tier);
            quotas.push(quota);
        }
        let counting = if self.global.unwrap_or(false) {
            self.service(quotas, has_service, at, problems)
        } else {
            self.local(quotas, cost.as_ref(), has_key, at, problems)
        };
        Some(LimitConfig {
            name,
            matches,
            key,
            fallback,
            on_missing,
            tiers,
            counting: counting?,
            cost: cost?,
            enforced: enforced?,
            reply: reply?,
            tells,
        })
    }

    fn on_missing(
        &self,
        has_key: bool,
        has_fallback: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> OnMissing {
        let field = at.field("onMissingKey");
        let default = if has_fallback {
            OnMissing::Fallback
        } else {
            OnMissing::Shared
        };
        if !has_key {
            for (field, there) in [
                ("fallbackKey", has_fallback),
                ("onMissingKey", self.on_missing_key.is_some()),
            ] {
                if there {
                    problems.warn(&at.field(field), "changes nothing without `key`");
                }
            }
        }
        let chosen = match self.on_missing_key.as_deref() {
            None => default,
            Some("fallback") => {
                if !has_fallback {
                    problems.error(&field, "`fallback` needs a `fallbackKey`");
                }
                OnMissing::Fallback
            }
            Some("shared") => OnMissing::Shared,
            Some("skip") => OnMissing::Skip,
            Some("deny") => OnMissing::Deny,
            Some(other) => {
                let known = ["fallback", "shared", "skip", "deny"];
                problems.none_of(&field, other, &known);
                default
            }
        };
        if has_key && has_fallback && chosen != OnMissing::Fallback {
            problems.warn(
                &at.field("fallbackKey"),
                "changes nothing beside this `onMissingKey`",
            );
        }
        chosen
    }

    fn reply(&mut self, at: &At<'_>, problems: &Problems) -> Option<RefusalReply> {
        let grpc_status = match self.grpc_status.as_deref() {
            None | Some("RESOURCE_EXHAUSTED") => RESOURCE_EXHAUSTED,
            Some("UNAVAILABLE") => UNAVAILABLE,
            Some(other) => {
                let known = ["RESOURCE_EXHAUSTED", "UNAVAILABLE"];
                let problem = match other {
                    "8" => "is a name here; write `RESOURCE_EXHAUSTED`".to_owned(),
                    "14" => "is a name here; write `UNAVAILABLE`".to_owned(),
                    _ => none_of(other, &known),
                };
                problems.error(&at.field("grpcStatus"), problem);
                RESOURCE_EXHAUSTED
            }
        };
        let at_headers = at.field("headers");
        let mut headers = BTreeMap::new();
        for (name, value) in self.headers.take().into_iter().flatten() {
            let at = at_headers.field(&name);
            if name == ":status" {
                problems.error(&at, "a pseudo header cannot be set; use `status`");
            } else if value.chars().any(char::is_control) {
                problems.error(&at, "a header value holds no control characters");
            } else if let Some(name) = header_name(&name, false, &at, problems) {
                headers.insert(name, value);
            }
        }
        Some(RefusalReply {
            status: status(self.status, 429, &at.field("status"), problems)?,
            body: self.body.take(),
            headers,
            grpc_status,
        })
    }

    fn enforced(&self, at: &At<'_>, problems: &Problems) -> Option<u32> {
        let field = at.field("enforcedPercent");
        let shadow = self.shadow.unwrap_or(false);
        if shadow && self.enforced_percent.is_some() {
            problems.warn(&field, "changes nothing beside `shadow: true`");
        }
        let percent = self.enforced_percent.unwrap_or(100.0);
        if !(0.0..=100.0).contains(&percent) {
            // As JSON, whose formatting of numbers is in the module already.
            let percent = serde_json::Value::from(percent);
            problems.error(&field, format!("{percent} is not between 0 and 100"));
            return None;
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        let millionths = (percent / 100.0 * MILLION).round() as u32;
        Some(if shadow { 0 } else { millionths })
    }

    fn tells(&self, at: &At<'_>, problems: &Problems) -> Tells {
        let field = at.field("rateLimitHeaderFamilies");
        let on = self.rate_limit_headers.unwrap_or(TellsOn::All);
        let families = self.rate_limit_header_families.as_deref();
        match families {
            Some([]) => problems.error(
                &field,
                "names none; name one, or write `rateLimitHeaders: none` in its place",
            ),
            Some(_) if on == TellsOn::None => {
                problems.warn(&field, "changes nothing beside `rateLimitHeaders: none`");
            }
            _ => {}
        }
        let has = |family| families.is_none_or(|families| families.contains(&family));
        Tells {
            on,
            x_ratelimit: has(Family::XRateLimit),
            ratelimit: has(Family::RateLimit),
        }
    }

    fn quota(&mut self) -> QuotaWire {
        QuotaWire {
            requests: self.requests.take(),
            per: self.per.take(),
            burst: self.burst.take(),
        }
    }

    fn local(
        &mut self,
        tiers: Vec<Option<QuotaWire>>,
        cost: Option<&Cost>,
        has_key: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<Counting> {
        let mut quotas = vec![self.quota().local(at, problems).map(Some)];
        let at_tiers = at.field("tiers");
        for (index, tier) in tiers.into_iter().enumerate() {
            let at = at_tiers.index(index);
            quotas.push(match tier {
                Some(tier) => tier.local(&at, problems).map(Some),
                None => Some(None),
            });
        }
        let candidate = self
            .candidate
            .take()
            .map(|wire| wire.local(&at.field("candidate"), problems));
        let sets = self.sets(has_key, at, problems);
        let quotas: Vec<_> = quotas.into_iter().collect::<Option<_>>()?;
        let limited = quotas.iter().flatten();
        let smallest = limited.map(|quota| quota.gcra.burst()).min();
        let field = at.field("cost");
        match (cost, smallest) {
            (Some(Cost::Fixed(cost)), Some(burst)) if *cost > burst => problems.error(
                &field.field("fixed"),
                format!("{cost} is more than the bucket of {burst} holds: no request could ever pass"),
            ),
            (Some(Cost::Header { max, .. }), Some(burst)) if *max > burst => problems.warn(
                &field.field("max"),
                format!("{max} is more than the bucket of {burst} holds: a request of that cost can never pass"),
            ),
            _ => {}
        }
        Some(Counting::Local(LocalCounting {
            quotas,
            candidate: match candidate {
                Some(candidate) => Some(candidate?.gcra),
                None => None,
            },
            sets: sets?,
        }))
    }

    fn sets(&self, has_key: bool, at: &At<'_>, problems: &Problems) -> Option<u32> {
        const DEFAULT: u32 = 4_096;
        const MOST: u32 = 1_048_576;
        let field = at.field("maxKeys");
        if self.max_keys.is_some() && !has_key {
            problems.warn(&field, "changes nothing without `key`");
        }
        let keys = self.max_keys.unwrap_or(DEFAULT);
        if !(1..=MOST).contains(&keys) {
            problems.error(&field, format!("{keys} is not between 1 and {MOST}"));
            return None;
        }
        Some(keys.div_ceil(WAYS as u32))
    }

    fn service(
        &mut self,
        tiers: Vec<Option<QuotaWire>>,
        has_service: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<Counting> {
        if !has_service {
            problems.error(
                &at.field("global"),
                "says who counts, and there is no such service: the configuration needs a `global` of its own",
            );
        }
        for (field, there) in [
            ("candidate", self.candidate.is_some()),
            ("maxKeys", self.max_keys.is_some()),
        ] {
            if there {
                problems.error(
                    &at.field(field),
                    "belongs to a limit that is counted here; remove it or `global`",
                );
            }
        }
        let mut overrides = vec![self.quota().service(at, problems)];
        let at_tiers = at.field("tiers");
        for (index, tier) in tiers.into_iter().enumerate() {
            overrides.push(tier.and_then(|tier| tier.service(&at_tiers.index(index), problems)));
        }
        Some(Counting::Service(overrides))
    }
}
