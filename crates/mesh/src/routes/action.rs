//! What becomes of a request that a route takes, in Envoy's words.

mod cors;
mod duration;
mod headers;
mod redirect;
mod retries;

use serde_json::{Map, Value, json};

use crate::model::virtual_service::{
    Action, Changes, Destination, HttpRoute, Mirror, Rewrite, TargetService,
};
use cors::cors;
use headers::change_headers;
use redirect::redirect;
use retries::retry_policy;

pub(crate) use duration::duration;

/// What a route needs to know of the services it leads to.
pub(crate) trait Services {
    /// The name of the cluster.
    fn cluster(&self, target: &TargetService, called: u16) -> String;
    /// What a service's answer is remembered by: its DestinationRule's `consistentHash`, in Envoy's words.
    fn hash_policy(&self, target: &TargetService) -> Option<Value>;
}

/// Writes what a route does into Envoy's `Route`. `called` is the port that the client called.
pub(crate) fn apply(
    out: &mut Map<String, Value>,
    route: &HttpRoute,
    services: &dyn Services,
    called: u16,
    is_tls: bool,
) {
    change_headers(out, &route.headers);
    let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
    match &route.action {
        Action::Redirect(said) => {
            if let Some(redirect) = redirect(said, called, is_tls) {
                set("redirect", redirect);
            }
        }
        Action::Respond(said) => {
            let mut response = json!({"status": said.get("status").cloned().unwrap_or(json!(200))});
            if let Some(body) = said.pointer("/body/string") {
                put(&mut response, "body", json!({"inline_string": body}));
            }
            if let Some(body) = said.pointer("/body/bytes") {
                put(&mut response, "body", json!({"inline_bytes": body}));
            }
            set("direct_response", response);
        }
        // Put in its place when the files were read.
        Action::Delegate(_) => {}
        Action::Forward(destinations) => forward(out, route, destinations, services, called),
    }
    if let Some(cors) = route.cors.as_ref().map(cors) {
        let filters = json!({"envoy.filters.http.cors": cors});
        out.insert("typed_per_filter_config".to_owned(), filters);
    }
}

fn forward(
    out: &mut Map<String, Value>,
    route: &HttpRoute,
    destinations: &[Destination],
    services: &dyn Services,
    called: u16,
) {
    let timeout = route.timeout.as_deref().and_then(duration);
    let timeout = timeout.unwrap_or_else(|| "0s".to_owned());
    let mut action = timeouts(&timeout);
    let authority = authority(route, destinations);
    rewrite(&mut action, &route.rewrite, authority);
    let mut hashes = Vec::new();
    let used = destinations
        .iter()
        .filter(|one| one.weight > 0 || destinations.len() == 1);
    let used: Vec<&Destination> = used.collect();
    for one in &used {
        hashes.extend(services.hash_policy(&one.target));
    }
    match used.as_slice() {
        [one] if destinations.len() == 1 => {
            put(
                &mut action,
                "cluster",
                json!(services.cluster(&one.target, called)),
            );
            change_headers(out, &one.headers);
        }
        several => {
            let clusters = several.iter().map(|one| weighted(one, services, called));
            let clusters: Vec<Value> = clusters.collect();
            put(
                &mut action,
                "weighted_clusters",
                json!({"clusters": clusters}),
            );
        }
    }
    let keeps_host = destinations.len() == 1 && !hashes.is_empty();
    if !hashes.is_empty() {
        put(&mut action, "hash_policy", Value::Array(hashes));
    }
    let mirrors: Vec<Value> = route
        .mirrors
        .iter()
        .map(|one| mirror(one, services, called))
        .collect();
    if !mirrors.is_empty() {
        put(
            &mut action,
            "request_mirror_policies",
            Value::Array(mirrors),
        );
    }
    if let Some(policy) = retry_policy(route.retries.as_ref(), keeps_host) {
        put(&mut action, "retry_policy", policy);
    }
    out.insert("route".to_owned(), action);
}

/// How long an answer may take; a gRPC client's own word is held to it. The field for that is an old one, as with istiod:
/// beside its successor, `max_stream_duration`, an Envoy does not go by `timeout` at all.
fn timeouts(timeout: &str) -> Value {
    json!({"timeout": timeout, "max_grpc_timeout": timeout})
}

/// The route of a service that no VirtualService speaks of.
pub(crate) fn default_action(cluster: &str, hash_policy: Option<Value>) -> Value {
    let mut action = timeouts("0s");
    put(&mut action, "cluster", json!(cluster));
    if let Some(policy) = retry_policy(None, false) {
        put(&mut action, "retry_policy", policy);
    }
    if let Some(hash) = hash_policy {
        put(&mut action, "hash_policy", json!([hash]));
    }
    action
}

/// The authority that the upstream sees, where the route says one; a route that only sets the header says it too.
fn authority(route: &HttpRoute, destinations: &[Destination]) -> Option<String> {
    let own = route
        .rewrite
        .authority
        .clone()
        .filter(|text| !text.is_empty());
    let alone = match destinations {
        [one] => authority_of(&one.headers.request),
        _ => None,
    };
    own.or_else(|| authority_of(&route.headers.request))
        .or(alone)
}

/// The authority that changes of headers write; what is set counts before what is added.
fn authority_of(changes: &Changes) -> Option<String> {
    let mut all = changes.set.iter().chain(&changes.add);
    let found = all.find(|(name, _)| is_authority(name));
    found.map(|(_, value)| value.clone())
}

fn rewrite(action: &mut Value, rewrite: &Rewrite, authority: Option<String>) {
    if let Some((pattern, substitution)) = &rewrite.regex {
        let regex = json!({"pattern": {"regex": pattern}, "substitution": substitution});
        put(action, "regex_rewrite", regex);
    } else if let Some(uri) = rewrite.uri.as_ref().filter(|uri| !uri.is_empty()) {
        put(action, "prefix_rewrite", json!(uri));
    }
    if let Some(authority) = authority {
        put(action, "host_rewrite_literal", json!(authority));
    }
}

fn weighted(one: &Destination, services: &dyn Services, called: u16) -> Value {
    let mut out = Map::new();
    out.insert(
        "name".to_owned(),
        json!(services.cluster(&one.target, called)),
    );
    out.insert("weight".to_owned(), json!(one.weight));
    change_headers(&mut out, &one.headers);
    if let Some(authority) = authority_of(&one.headers.request) {
        out.insert("host_rewrite_literal".to_owned(), json!(authority));
    }
    Value::Object(out)
}

fn mirror(mirror: &Mirror, services: &dyn Services, called: u16) -> Value {
    json!({
        "cluster": services.cluster(&mirror.target, called),
        "runtime_fraction": {"default_value": millionths(mirror.percent)},
        "trace_sampled": false,
        // The copy is for the same host, without the `-shadow` that Envoy would write behind its name.
        "disable_shadow_host_suffix_append": true,
    })
}

fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// A percentage as istiod has it, to the ten-thousandth of one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is 0 to 1,000,000"
)]
fn millionths(percent: f64) -> Value {
    let numerator = (percent.clamp(0.0, 100.0) * 10_000.0) as u32;
    json!({"numerator": numerator, "denominator": "MILLION"})
}

fn put(out: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = out {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_beside_a_timeout_that_an_envoy_would_go_by_instead() {
        let action = default_action("outbound|80||a", None);
        let timeouts = ["timeout", "max_grpc_timeout", "max_stream_duration"];
        let said = timeouts.map(|field| action[field].clone());
        assert_eq!(said, [json!("0s"), json!("0s"), Value::Null]);
    }
}
