//! Envoy's fault filter as faults of ours.

use fault_injection::grpc::NAMES;
use serde_json::{Map, Value, json};

use crate::chain::{self, Chain};
use crate::expression::Expression;
use crate::kind::Kind;
use crate::limit::action::both;
use crate::limit::condition::{self, Condition, of_headers};
use crate::node::{Message, Node};
use crate::proto;
use crate::snippet::elements;
use crate::text;

const NOT_INJECTED: &str = "no fault is injected for it";

/// What is read at runtime, where the configured value is the default.
const RUNTIME: [&str; 7] = [
    "delay_percent_runtime",
    "abort_percent_runtime",
    "delay_duration_runtime",
    "abort_http_status_runtime",
    "max_active_faults_runtime",
    "response_rate_limit_percent_runtime",
    "abort_grpc_status_runtime",
];

/// The configuration of a chain; none where there is no fault.
pub(crate) fn tree(chain: &Chain<'_>) -> Option<Value> {
    let mut entries = Vec::new();
    // Ours takes the first entry that matches, Envoy what the route says in place of what the filter does.
    for one in chain.overrides.iter().filter(|it| it.kind == Kind::Fault) {
        entry(&one.node, &one.scope, true, &mut entries);
    }
    let filters = chain
        .filters
        .iter()
        .filter(|(kind, _)| *kind == Kind::Fault);
    for (index, (_, node)) in filters.enumerate() {
        if index > 0 {
            node.problem("is a second fault filter, and ours injects the faults of the first entry that matches; convert one of them alone");
        }
        entry(node, &Expression::always(), false, &mut entries);
    }
    let has_fault = entries.iter().any(|entry| entry.get("fault").is_some());
    has_fault.then(|| json!({"http": entries}))
}

/// Reads an HTTPFault.
fn entry(
    node: &Node<'_>,
    scope: &Expression<Condition>,
    is_override: bool,
    entries: &mut Vec<Value>,
) {
    let mut message = node.message();
    let mut fault = Map::new();
    if let Some(delay) = message.take("delay").and_then(|it| delay(&it)) {
        fault.insert("delay".to_owned(), delay);
    }
    if let Some(abort) = message.take("abort").and_then(|it| abort(&it)) {
        fault.insert("abort".to_owned(), abort);
    }
    let most = message.take("max_active_faults").map(|it| it.whole());
    let own = requests(&mut message);
    for field in RUNTIME {
        message.lose(
            field,
            "a wasm filter cannot read Envoy's runtime: what is configured counts, whatever the runtime says",
        );
    }
    message.lose(
        "response_rate_limit",
        "answers are not slowed down: a module cannot pace a body",
    );
    message.lose(
        "disable_downstream_cluster_stats",
        "statistics are `mesh_filters.fault-injection.<reason>[policy=<rule>]`",
    );
    message.lose(
        "filter_metadata",
        "the reason is in filter state; a wasm filter cannot write metadata",
    );
    message.end();
    let is_narrow = own != Expression::always();
    let matches = condition::matches(&both(scope.clone(), own));
    match matches {
        Err(why) => node.lost(
            format!("this fault is not carried over: {why}"),
            NOT_INJECTED,
        ),
        Ok(Some(matches)) if !fault.is_empty() => {
            let mut entry = Map::new();
            if !matches.is_empty() {
                entry.insert("match".to_owned(), matches.into());
            }
            entry.insert("fault".to_owned(), fault.into());
            if let Some(most) = most {
                entry.insert("maxActiveFaults".to_owned(), most.into());
            }
            entries.push(Value::Object(entry));
        }
        Ok(_) => {}
    }
    // Requests of the route that this fault is not for are not for the filter's either.
    let is_empty = entries
        .last()
        .is_none_or(|last| last.get("fault").is_none());
    if is_override
        && (is_narrow || is_empty)
        && let Ok(Some(matches)) = condition::matches(scope)
        && !matches.is_empty()
    {
        entries.push(json!({"match": matches}));
    }
}

/// For which requests.
fn requests(message: &mut Message<'_>) -> Expression<Condition> {
    let mut all = Vec::new();
    if let Some(cluster) = message.take("upstream_cluster")
        && !cluster.text().is_empty()
    {
        cluster.lost(
            "a match cannot say of which cluster a request is; write `match: [{route: …}]`",
            NOT_INJECTED,
        );
        all.push(Expression::Any(Vec::new()));
    }
    for header in elements(message.take("headers")) {
        let read = text::header(&header);
        all.push(of_headers(read));
    }
    let nodes = message.take("downstream_nodes").map(|it| it.texts());
    let nodes = nodes.unwrap_or_default();
    if !nodes.is_empty() {
        let node = |name: &&str| chain::header("x-envoy-downstream-service-node", name);
        all.push(Expression::Any(nodes.iter().map(node).collect()));
    }
    Expression::All(all)
}

fn delay(node: &Node<'_>) -> Option<Value> {
    let mut message = node.message();
    let mut delay = Map::new();
    if let Some(fixed) = message.take("fixed_delay")
        && let Some(duration) = proto::duration(&fixed)
    {
        if !duration.subsec_nanos().is_multiple_of(1_000_000) {
            fixed.lost(
                "a part of a millisecond is not carried over",
                "the delay is of whole milliseconds",
            );
        }
        if duration.as_millis() == 0 {
            fixed.lost(
                "a delay below a millisecond is not carried over",
                NOT_INJECTED,
            );
            delay.clear();
        } else {
            delay.insert("fixedDelay".to_owned(), proto::written(duration).into());
        }
    }
    if message.has("header_delay") {
        delay.insert("headerDelay".to_owned(), json!({}));
    }
    // HTTP has no other type of it; the field is of older configurations.
    message.take("type");
    let percentage = percentage(&mut message);
    message.end();
    if delay.is_empty() {
        return None;
    }
    delay.insert("percentage".to_owned(), percentage);
    Some(Value::Object(delay))
}

fn abort(node: &Node<'_>) -> Option<Value> {
    let mut message = node.message();
    let mut abort = Map::new();
    if let Some(status) = message.take("http_status") {
        abort.insert("httpStatus".to_owned(), status.whole().into());
    }
    if let Some(code) = message.take("grpc_status") {
        let number = code.whole();
        let name = usize::try_from(number).ok().and_then(|it| NAMES.get(it));
        if name.is_none() {
            code.lost(
                format!("the code {number} is none of gRPC's"),
                "the answer is UNKNOWN, which clients make of it",
            );
        }
        abort.insert(
            "grpcStatus".to_owned(),
            json!(name.copied().unwrap_or("UNKNOWN")),
        );
    }
    if message.has("header_abort") {
        abort.insert("headerAbort".to_owned(), json!({}));
    }
    let percentage = percentage(&mut message);
    message.end();
    if abort.is_empty() {
        node.problem("needs `http_status`, `grpc_status` or `header_abort`, as in Envoy");
        return None;
    }
    abort.insert("percentage".to_owned(), percentage);
    Some(Value::Object(abort))
}

/// As it stands: headers count in its denominator.
fn percentage(message: &mut Message<'_>) -> Value {
    let Some(node) = message.take("percentage") else {
        message.node().lost(
            "there is no `percentage`",
            "it never fires, in Envoy as well; write `percentage: {numerator: 100}`",
        );
        return json!({"value": 0});
    };
    let mut inner = node.message();
    let numerator = inner.take("numerator").map_or(0, |it| it.whole());
    let names = ["HUNDRED", "TEN_THOUSAND", "MILLION"];
    let denominator = inner
        .take("denominator")
        .map_or("HUNDRED", |it| it.one_of(&names));
    inner.end();
    let most = match denominator {
        "TEN_THOUSAND" => 10_000,
        "MILLION" => 1_000_000,
        _ => 100,
    };
    json!({"numerator": numerator.min(most), "denominator": denominator})
}
