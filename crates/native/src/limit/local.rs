//! Envoy's `local_ratelimit`: buckets in the proxy.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Limits;
use super::action::{self, Item, both};
use super::condition::Condition;
use super::descriptor::{Descriptor, Selected};
use crate::chain::Attached;
use crate::expression::Expression;
use crate::node::{Message, Node};
use crate::proto::{self, ALL};

/// Reads a configuration: that of the filter, or of the routes that `scope` says.
pub(crate) fn read(
    node: &Node<'_>,
    scope: &Expression<Condition>,
    attached: &[Attached<'_>],
    limits: &mut Limits,
) {
    let mut message = node.message();
    let read = Local::read(&mut message, scope, attached);
    message.end();
    if let Some(local) = read {
        local.add(node, scope, limits);
    }
}

/// A configuration, read.
struct Local<'a> {
    /// What all of its limits have.
    fields: Map<String, Value>,
    name: String,
    default: Option<Node<'a>>,
    always: bool,
    descriptors: Vec<Descriptor<'a>>,
    items: Vec<(Item<'a>, Expression<Condition>)>,
}

impl<'a> Local<'a> {
    /// None where it limits nothing.
    fn read(
        message: &mut Message<'a>,
        scope: &Expression<Condition>,
        attached: &[Attached<'a>],
    ) -> Option<Self> {
        let name = message.take("stat_prefix");
        if let Some(name) = &name {
            name.lost(
                "`stat_prefix` is not carried over",
                "statistics are `mesh_filters.rate-limit.<reason>[policy=<limit>]`, one for each reason",
            );
        }
        let fields = fields(message);
        let default = message.take("token_bucket");
        let always = message.take("always_consume_default_token_bucket");
        let always = always.is_none_or(|it| it.flag());
        let stage = message.take("stage").map_or(0, |it| it.whole());
        let descriptors = message.take("descriptors").map(|it| it.elements());
        let descriptors = descriptors.unwrap_or_default();
        let descriptors: Vec<_> = descriptors.iter().map(Descriptor::read).collect();
        let embedded = message.take("rate_limits");
        message.take("vh_rate_limits");
        let items = match embedded {
            Some(list) => action::items(&list)
                .into_iter()
                .map(|item| (item, scope.clone()))
                .collect(),
            None if descriptors.is_empty() => Vec::new(),
            None => Attached::items(attached, stage, scope),
        };
        not_ours(message);
        let fields = fields?;
        if default.is_none() && descriptors.is_empty() {
            message.node().lost(
                "there is neither a bucket nor a descriptor",
                "it limits nothing, and so nothing is converted; where routes have buckets of their own, those are limits of ours",
            );
            return None;
        }
        Some(Local {
            fields,
            name: name.map(|it| it.text().to_owned()).unwrap_or_default(),
            default,
            always,
            descriptors,
            items,
        })
    }

    fn add(self, node: &Node<'_>, scope: &Expression<Condition>, limits: &mut Limits) {
        for descriptor in &self.descriptors {
            let selected = descriptor.selected(&self.items, &self.descriptors);
            if selected.is_empty() {
                descriptor.node.lost(
                    "no action makes a descriptor with these keys",
                    "its bucket is never drawn on, in Envoy as well: it is not converted. If the `rate_limits` are in another file, give that too",
                );
            }
            let Some(bucket) = &descriptor.bucket else {
                continue;
            };
            let Some(quota) = quota(bucket) else { continue };
            for one in &descriptor.together(selected) {
                self.one(descriptor, one, &quota, limits);
            }
        }
        let Some(bucket) = &self.default else { return };
        let Some(quota) = quota(bucket) else { return };
        let mut fields = self.fields.clone();
        fields.extend(quota);
        let mut condition = scope.clone();
        if !self.always {
            condition = both(condition, self.none_matched());
            if let Err(why) = super::condition::matches(&condition) {
                node.lost(
                    format!(
                        "that the default bucket is for what has no descriptor is not carried over: {why}"
                    ),
                    "every request draws on it, those of descriptors too: more are refused",
                );
                condition = scope.clone();
            }
        }
        let name = match self.name.as_str() {
            "" => "all",
            name => name,
        };
        limits.add(bucket, name, &condition, fields);
    }

    fn one(
        &self,
        descriptor: &Descriptor<'_>,
        selected: &Selected,
        quota: &Map<String, Value>,
        limits: &mut Limits,
    ) {
        let mut fields = self.fields.clone();
        fields.extend(quota.clone());
        if !selected.key.is_empty() {
            fields.insert("key".to_owned(), selected.key.clone().into());
            // Envoy drops a descriptor that lacks a value.
            fields.insert("onMissingKey".to_owned(), json!("skip"));
        }
        if selected.cost != 1 {
            fields.insert("cost".to_owned(), json!({"fixed": selected.cost}));
        }
        if descriptor.shadow {
            fields.insert("shadow".to_owned(), json!(true));
            fields.remove("enforcedPercent");
        }
        limits.add(
            &descriptor.node,
            &descriptor.name(),
            &selected.condition,
            fields,
        );
    }

    /// That a request has none of the descriptors.
    fn none_matched(&self) -> Expression<Condition> {
        let mut all = Vec::new();
        for descriptor in &self.descriptors {
            for (item, scope) in &self.items {
                let each = descriptor.holds(item).into_iter();
                all.extend(each.map(|one| both(scope.clone(), one).not()));
            }
        }
        Expression::All(all)
    }
}

/// What is of all limits of a filter; none where it is turned off.
fn fields(message: &mut Message<'_>) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let node = message.node().clone();
    let enabled = message.take("filter_enabled");
    let enforced = message.take("filter_enforced");
    let enabled_share = enabled.as_ref().map_or(0.0, proto::runtime_share);
    let enforced_share = enforced.as_ref().map_or(0.0, proto::runtime_share);
    let status = message.take("status").map_or(429, |it| {
        let code = proto::status(&it);
        if code != 0 && code < 400 {
            it.lost(
                format!("status {code} is not carried over"),
                "refusals are 429, as Envoy makes of it",
            );
        }
        if code < 400 { 429 } else { code }
    });
    if let Some(headers) = message.take("response_headers_to_add") {
        let headers = proto::headers(&headers);
        if !headers.is_empty() {
            fields.insert("headers".to_owned(), headers.into());
        }
    }
    message.lose(
        "request_headers_to_add_when_not_enforced",
        "the upstream is not told that a request would have been refused; the reason in filter state says so",
    );
    let names = ["OFF", "DRAFT_VERSION_03"];
    let told = message
        .take("enable_x_ratelimit_headers")
        .map(|it| it.one_of(&names));
    tell(&mut fields, told == Some("DRAFT_VERSION_03"));
    let exhausted = message.take("rate_limited_as_resource_exhausted");
    grpc(&mut fields, status, exhausted.is_some_and(|it| it.flag()));
    if enabled_share <= 0.0 {
        enabled.unwrap_or(node).lost(
            "`filter_enabled` is 0 %",
            "Envoy's filter looks at no request, so no limit is made of it; for one that counts write `filter_enabled: {default_value: {numerator: 100}}`",
        );
        return None;
    }
    if let Some(enabled) = enabled.filter(|_| enabled_share < ALL) {
        enabled.lost(
            format!("that {enabled_share} % of requests are looked at is not carried over"),
            "all are counted, and the limit is enforced on that share: a bucket is empty sooner",
        );
    }
    enforce(&mut fields, enabled_share * enforced_share / ALL);
    Some(fields)
}

/// Which answers tell what is left.
pub(super) fn tell(fields: &mut Map<String, Value>, told: bool) {
    if told {
        fields.insert("rateLimitHeaderFamilies".to_owned(), json!(["x-ratelimit"]));
    } else {
        fields.insert("rateLimitHeaders".to_owned(), json!("none"));
    }
}

/// The status of a refusal, and what gRPC is told.
pub(super) fn grpc(fields: &mut Map<String, Value>, status: u64, exhausted: bool) {
    if status != 429 {
        fields.insert("status".to_owned(), status.into());
    }
    if !exhausted {
        fields.insert("grpcStatus".to_owned(), json!("UNAVAILABLE"));
    }
}

/// On how many requests it is enforced, in percent.
pub(super) fn enforce(fields: &mut Map<String, Value>, share: f64) {
    if share <= 0.0 {
        fields.insert("shadow".to_owned(), json!(true));
    } else if share < ALL {
        fields.insert("enforcedPercent".to_owned(), json!(share));
    }
}

/// What a limit of ours has nothing for.
fn not_ours(message: &mut Message<'_>) {
    if let Some(flag) = message.take("local_rate_limit_per_downstream_connection")
        && flag.flag()
    {
        flag.lost(
            "buckets for each connection are not carried over",
            "one bucket is for all connections: more requests are refused; give the limit a `key` of the caller",
        );
    }
    message.lose(
        "local_cluster_rate_limit",
        "each proxy has the whole limit, not a share of it: more requests pass in all; divide `requests` and `burst`, or use `global`",
    );
    message.lose(
        "max_dynamic_descriptors",
        "`maxKeys` is 4096: no key is forgotten before its bucket is full again",
    );
}

/// A token bucket; none where it is without an interval, which is no bucket.
fn quota(node: &Node<'_>) -> Option<Map<String, Value>> {
    let mut message = node.message();
    let burst = message.take("max_tokens").map_or(0, |it| it.whole());
    let requests = message.take("tokens_per_fill").map_or(1, |it| it.whole());
    let interval = message.take("fill_interval");
    message.end();
    let per = interval
        .as_ref()
        .and_then(proto::duration)
        .unwrap_or_default();
    if per.is_zero() {
        node.lost(
            "there is no `fill_interval`",
            "it is no bucket, in Envoy as well: nothing is limited by it",
        );
        return None;
    }
    if burst == 0 || requests == 0 {
        node.problem("`max_tokens` and `tokens_per_fill` have to be more than 0, as in Envoy");
        return None;
    }
    let millis = per.as_nanos().div_ceil(1_000_000);
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    if !per.subsec_nanos().is_multiple_of(1_000_000)
        && let Some(interval) = interval
    {
        interval.lost(
            "a part of a millisecond is not carried over",
            format!("tokens come back in {millis} ms: a little later"),
        );
    }
    if !is_countable(burst, requests, millis) {
        node.problem(
            "is no bucket of ours: a million tokens a second are the most, and one is full within ten years",
        );
        return None;
    }
    let mut fields = Map::new();
    fields.insert("requests".to_owned(), requests.into());
    let per = proto::written(Duration::from_millis(millis));
    fields.insert("per".to_owned(), per.into());
    if burst != requests {
        fields.insert("burst".to_owned(), burst.into());
    }
    Some(fields)
}

/// What the limits of ours can count.
pub(crate) fn is_countable(burst: u64, requests: u64, millis: u64) -> bool {
    const TEN_YEARS: u128 = 10 * 365 * 24 * 3_600_000;
    let (burst, requests, millis) = (u128::from(burst), u128::from(requests), u128::from(millis));
    let most = u128::from(u32::MAX);
    burst <= most
        && requests <= most
        && requests <= millis.saturating_mul(1_000)
        && burst.saturating_mul(millis) <= requests.saturating_mul(TEN_YEARS)
}
