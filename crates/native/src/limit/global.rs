//! Envoy's `ratelimit`: a service counts.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::action::{self, Item, Variant, both};
use super::condition::Condition;
use super::entry::{self, Source};
use super::{Limits, local};
use crate::chain::{Attached, Chain, header};
use crate::expression::Expression;
use crate::kind::Kind;
use crate::node::{Message, Node};
use crate::proto;

/// How long Envoy waits where it is not told.
const TIMEOUT: Duration = Duration::from_millis(20);

/// What all limits of a filter have.
struct Filter {
    fields: Map<String, Value>,
    condition: Expression<Condition>,
    stage: u64,
    domain: String,
}

/// Reads the filter, with what routes say of it.
pub(super) fn read(node: &Node<'_>, chain: &Chain<'_>, limits: &mut Limits) {
    let mut message = node.message();
    let filter = Filter::read(&mut message, limits);
    let embedded = message.take("rate_limits");
    message.end();
    let Some(filter) = filter else { return };
    let before = limits.limits.len();
    match &embedded {
        Some(list) => {
            for item in action::items(list) {
                filter.add(&item, &Expression::always(), limits);
            }
        }
        None => {
            for (item, scope) in
                Attached::items(&chain.attached, filter.stage, &Expression::always())
            {
                filter.add(&item, &scope, limits);
            }
        }
    }
    let filter_limits = limits.limits.len() > before;
    let mut has_own = false;
    for one in chain
        .overrides
        .iter()
        .filter(|it| it.kind == Kind::RateLimit)
    {
        has_own |= filter.route(&one.node, &one.scope, limits);
    }
    if filter_limits && has_own {
        node.lost(
            "that a route's own `rate_limits` stand in place of these is not carried over",
            "these are asked about as well: more may be refused",
        );
    }
    if limits.limits.len() == before {
        node.lost(
            "no action makes a descriptor for this filter",
            "it asks its service nothing, in Envoy as well, so nothing is converted. If the `rate_limits` are in another file, give that too",
        );
    }
}

impl Filter {
    /// None where it asks nothing.
    fn read(message: &mut Message<'_>, limits: &mut Limits) -> Option<Self> {
        let node = message.node().clone();
        let domain = message
            .take("domain")
            .map(|it| it.text())
            .unwrap_or_default();
        if domain.is_empty() {
            node.problem("has no `domain`");
        }
        let stage = message.take("stage").map_or(0, |it| it.whole());
        let condition = request_type(message);
        let global = service(message, domain);
        let mut fields = reply(message);
        for (field, consequence) in [
            (
                "failure_mode_deny_percent",
                "`failureMode` is for all requests, as `failure_mode_deny` says",
            ),
            (
                "stat_prefix",
                "statistics are `mesh_filters.rate-limit.<reason>[policy=<limit>]`, one for each reason",
            ),
        ] {
            message.lose(field, consequence);
        }
        let share =
            |node: Option<Node<'_>>| node.map_or(proto::ALL, |it| proto::runtime_share(&it));
        let enabled = share(message.take("filter_enabled"));
        let enforced = share(message.take("filter_enforced"));
        if enabled <= 0.0 {
            node.lost(
                "`filter_enabled` is 0 %",
                "Envoy's filter asks about no request, so no limit is made of it",
            );
            return None;
        }
        if enabled < proto::ALL {
            node.lost(
                format!("that {enabled} % of requests are asked about is not carried over"),
                "all are, and the answer is enforced on that share",
            );
        }
        local::enforce(&mut fields, enabled * enforced / proto::ALL);
        limits.ask(&node, global?);
        Some(Filter {
            fields,
            condition,
            stage,
            domain: domain.to_owned(),
        })
    }

    fn add(&self, item: &Item<'_>, scope: &Expression<Condition>, limits: &mut Limits) {
        for variant in &item.variants {
            let mut fields = self.fields.clone();
            fields.insert("global".to_owned(), json!(true));
            if variant.entries.is_empty() {
                item.node.lost(
                    "a descriptor without entries is not carried over",
                    "the service is not asked about it",
                );
                continue;
            }
            tell_of_mask(&item.node, variant);
            let key: Vec<Value> = variant
                .entries
                .iter()
                .filter_map(|entry| entry::part(entry, true))
                .collect();
            fields.insert("key".to_owned(), key.into());
            // Envoy drops a descriptor that lacks a value.
            fields.insert("onMissingKey".to_owned(), json!("skip"));
            if item.cost != 1 {
                fields.insert("cost".to_owned(), json!({"fixed": item.cost}));
            }
            let condition = both(scope.clone(), variant.condition.clone());
            let condition = both(self.condition.clone(), condition);
            limits.add(&item.node, &name(variant), &condition, fields);
        }
    }

    /// Reads a RateLimitPerRoute. Whether it has limits of its own.
    fn route(&self, node: &Node<'_>, scope: &Expression<Condition>, limits: &mut Limits) -> bool {
        let mut message = node.message();
        message.lose(
            "vh_rate_limits",
            "`rate_limits` of virtual hosts count on this route as well",
        );
        message.lose(
            "override_option",
            "`rate_limits` of the filter count on this route as well",
        );
        let domain = message.take("domain");
        let own = message.take("rate_limits");
        message.end();
        if let Some(domain) = domain.filter(|it| !it.text().is_empty() && it.text() != self.domain)
        {
            domain.lost(
                "another `domain` for some routes is not carried over",
                "a configuration asks about one domain: these routes' own descriptors are not asked about; load a second rate-limit filter for them",
            );
            return false;
        }
        let items = own.map(|list| action::items(&list)).unwrap_or_default();
        for item in &items {
            self.add(item, scope, limits);
        }
        !items.is_empty()
    }
}

/// Requests from within or without, by the header that Envoy sets.
fn request_type(message: &mut Message<'_>) -> Expression<Condition> {
    let internal = header("x-envoy-internal", "true");
    match message.take("request_type").map(|it| it.text()) {
        None | Some("" | "both") => Expression::always(),
        Some("internal") => internal,
        Some("external") => internal.not(),
        Some(_) => {
            message
                .node()
                .problem("`request_type` is none of `internal`, `external` and `both`");
            Expression::always()
        }
    }
}

/// Whom it asks, and what becomes of a request without an answer.
fn service(message: &mut Message<'_>, domain: &str) -> Option<Value> {
    let node = message.node().clone();
    let cluster = message
        .take("rate_limit_service")
        .and_then(|it| cluster(&it));
    let timeout = message.take("timeout").and_then(|it| proto::duration(&it));
    let deny = message
        .take("failure_mode_deny")
        .is_some_and(|it| it.flag());
    let status = message.take("status_on_error").map(|it| {
        let status = proto::status(&it);
        if (400..600).contains(&status) {
            status
        } else {
            it.lost(
                format!("status {status} is not carried over"),
                "a request that is refused for want of an answer is 500",
            );
            500
        }
    });
    let Some(cluster) = cluster else {
        node.problem("needs `rate_limit_service: {grpc_service: {envoy_grpc: {cluster_name: …}}}`: a module asks a cluster of Envoy's");
        return None;
    };
    let timeout = timeout.filter(|it| !it.is_zero()).unwrap_or(TIMEOUT);
    let mut global = json!({
        "domain": domain,
        "cluster": cluster,
        "timeout": proto::written(timeout.max(Duration::from_millis(1))),
        "failureMode": if deny { "deny" } else { "allow" },
    });
    if let (Some(status), Some(global)) = (status, global.as_object_mut()) {
        global.insert("statusOnError".to_owned(), status.into());
    }
    Some(global)
}

fn cluster<'a>(node: &Node<'a>) -> Option<&'a str> {
    let mut message = node.message();
    // V3 is the only one that there is.
    message.take("transport_api_version");
    let grpc = message.take("grpc_service");
    message.end();
    let mut grpc = grpc?.message();
    let envoy = grpc.take("envoy_grpc");
    grpc.lose("timeout", "`timeout` of the filter counts");
    for field in ["initial_metadata", "retry_policy"] {
        grpc.lose(field, "the service is asked once, without it");
    }
    grpc.end();
    let mut envoy = envoy?.message();
    let name = envoy.take("cluster_name").map(|it| it.text());
    envoy.lose(
        "authority",
        "`:authority` of the question is the cluster's name",
    );
    envoy.end();
    name
}

/// What a refusal is.
fn reply(message: &mut Message<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let status = message.take("rate_limited_status").map_or(429, |it| {
        let status = proto::status(&it);
        if status != 0 && status < 400 {
            it.lost(
                format!("status {status} is not carried over"),
                "refusals are 429, as Envoy makes of it",
            );
        }
        if status < 400 { 429 } else { status }
    });
    let exhausted = message.take("rate_limited_as_resource_exhausted");
    local::grpc(&mut fields, status, exhausted.is_some_and(|it| it.flag()));
    let mut headers = message
        .take("response_headers_to_add")
        .map(|it| proto::headers(&it))
        .unwrap_or_default();
    let names = ["OFF", "DRAFT_VERSION_03"];
    let told = message
        .take("enable_x_ratelimit_headers")
        .map(|it| it.one_of(&names));
    let told = told == Some("DRAFT_VERSION_03");
    local::tell(&mut fields, told);
    let hidden = message.take("disable_x_envoy_ratelimited_header");
    match hidden.filter(Node::flag) {
        // Ours sends it with the headers that tell what is left, or not at all.
        None if !told => {
            headers.insert("x-envoy-ratelimited".to_owned(), json!("true"));
        }
        Some(hidden) if told => hidden.lost(
            "that refusals have no `x-envoy-ratelimited` is not carried over",
            "they have it, beside the `x-ratelimit` headers",
        ),
        _ => {}
    }
    if !headers.is_empty() {
        fields.insert("headers".to_owned(), headers.into());
    }
    fields
}

/// The service is told an address as it is where all of it counts.
fn tell_of_mask(node: &Node<'_>, variant: &Variant) {
    let whole = |source: &Source| matches!(source, Source::Address { v4, v6, masked: true } if *v4 >= 32 || *v6 >= 128);
    if variant.entries.iter().any(|entry| whole(&entry.source)) {
        node.lost(
            "the `/32` or `/128` of `masked_remote_address` is not carried over",
            "the service is told the address alone; its limits for one such address have to name it so",
        );
    }
}

fn name(variant: &Variant) -> String {
    let entries = variant.entries.iter().map(|entry| match &entry.source {
        Source::Constant(value) => format!("{}.{value}", entry.key),
        _ => entry.key.clone(),
    });
    entries.collect::<Vec<_>>().join("-")
}
