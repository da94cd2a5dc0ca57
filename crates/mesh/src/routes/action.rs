//! What becomes of a request that a route takes, in Envoy's words.

use serde_json::{Map, Value, json};

use crate::model::virtual_service::{
    Action, Changes, Destination, Headers, HttpRoute, Mirror, Retries, Rewrite, TargetService,
};

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

/// Envoy's `RetryPolicy`: two more tries where nobody says otherwise, none where zero is said. Hosts that failed are
/// not asked again, unless what a client is remembered by decides who is asked.
fn retry_policy(said: Option<&Retries>, keeps_host: bool) -> Option<Value> {
    let standard = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
    let previous = json!([{
        "name": "envoy.retry_host_predicates.previous_hosts",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
    }]);
    let mut policy = json!({
        "num_retries": 2,
        "retry_on": standard,
        "host_selection_retry_max_attempts": "5",
    });
    let ignored = said
        .and_then(|said| said.ignore_previous_hosts)
        .unwrap_or(!keeps_host);
    if ignored {
        put(&mut policy, "retry_host_predicate", previous);
    }
    let Some(said) = said else {
        return Some(policy);
    };
    if said.attempts == 0 {
        return None;
    }
    put(&mut policy, "num_retries", json!(said.attempts));
    if let Some(on) = &said.retry_on {
        let (codes, mut words): (Vec<&str>, Vec<&str>) = on
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .partition(|word| {
                word.parse::<u16>()
                    .is_ok_and(|code| (100..600).contains(&code))
            });
        let codes: Vec<u16> = codes.iter().filter_map(|code| code.parse().ok()).collect();
        if !codes.is_empty() {
            if !words.contains(&"retriable-status-codes") {
                words.push("retriable-status-codes");
            }
            put(&mut policy, "retriable_status_codes", json!(codes));
        }
        put(&mut policy, "retry_on", json!(words.join(",")));
    }
    let times = [
        ("per_try_timeout", &said.per_try_timeout),
        ("backoff", &said.backoff),
    ];
    for (name, said) in times {
        let Some(time) = said.as_deref().and_then(duration) else {
            continue;
        };
        match name {
            "backoff" => put(
                &mut policy,
                "retry_back_off",
                json!({"base_interval": time}),
            ),
            _ => put(&mut policy, name, json!(time)),
        }
    }
    Some(policy)
}

fn redirect(said: &Value, called: u16, is_tls: bool) -> Option<Value> {
    let text = |name: &str| {
        said.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut out = json!({});
    if let Some(authority) = text("authority") {
        put(&mut out, "host_redirect", json!(authority));
    }
    match (text("prefixRewrite"), text("uri")) {
        (Some(prefix), _) => put(&mut out, "prefix_rewrite", json!(prefix)),
        (None, Some(uri)) => put(&mut out, "path_redirect", json!(uri)),
        (None, None) => {}
    }
    if let Some(scheme) = text("scheme") {
        put(&mut out, "scheme_redirect", json!(scheme));
    }
    let port = match text("derivePort") {
        Some("FROM_REQUEST_PORT") => Some(u64::from(called)),
        _ => said.get("port").and_then(Value::as_u64),
    };
    let scheme = text("scheme").unwrap_or(if is_tls { "https" } else { "http" });
    // What a scheme has anyway is not written.
    let usual = |port: u64| matches!((port, scheme), (80, "http") | (443, "https"));
    if let Some(port) = port.filter(|port| *port != 0 && !usual(*port)) {
        put(&mut out, "port_redirect", json!(port));
    }
    let code = match said
        .get("redirectCode")
        .and_then(Value::as_u64)
        .unwrap_or(301)
    {
        0 | 301 => "MOVED_PERMANENTLY",
        302 => "FOUND",
        303 => "SEE_OTHER",
        307 => "TEMPORARY_REDIRECT",
        308 => "PERMANENT_REDIRECT",
        // Istio refuses it.
        _ => return None,
    };
    put(&mut out, "response_code", json!(code));
    Some(out)
}

fn cors(said: &Value) -> Value {
    let words = |name: &str| {
        let list = said.get(name).and_then(Value::as_array);
        let words: Vec<&str> = list
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        words.join(",")
    };
    let origins = said.get("allowOrigins").and_then(Value::as_array);
    let older = said.get("allowOrigin").and_then(Value::as_array);
    let origins: Vec<Value> = match origins {
        Some(origins) => origins
            .iter()
            .filter_map(|origin| {
                let text = |kind: &str| origin.get(kind).and_then(Value::as_str);
                let exact = text("exact").map(|text| json!({"exact": text}));
                let prefix = || text("prefix").map(|text| json!({"prefix": text}));
                let regex = || text("regex").map(|text| json!({"safe_regex": {"regex": text}}));
                exact.or_else(prefix).or_else(regex)
            })
            .collect(),
        None => older
            .into_iter()
            .flatten()
            .map(|origin| json!({"exact": origin}))
            .collect(),
    };
    let ignored = said.get("unmatchedPreflights").and_then(Value::as_str) == Some("IGNORE");
    let mut out = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "filter_enabled": {"default_value": {"numerator": 100}},
        "allow_origin_string_match": origins,
        "forward_not_matching_preflights": !ignored,
    });
    for (name, field) in [
        ("allow_methods", "allowMethods"),
        ("allow_headers", "allowHeaders"),
        ("expose_headers", "exposeHeaders"),
    ] {
        let words = words(field);
        if !words.is_empty() {
            put(&mut out, name, json!(words));
        }
    }
    if let Some(credentials) = said.get("allowCredentials") {
        put(&mut out, "allow_credentials", credentials.clone());
    }
    let age = said.get("maxAge").and_then(Value::as_str);
    if let Some(Ok(age)) = age.map(sdk_helpers::config::duration) {
        put(&mut out, "max_age", json!(age.as_secs().to_string()));
    }
    out
}

fn change_headers(out: &mut Map<String, Value>, headers: &Headers) {
    for (message, changes) in [
        ("request", &headers.request),
        ("response", &headers.response),
    ] {
        let option = |(name, value): (&String, &String), append: &str| {
            (!is_internal(name))
                .then(|| json!({"header": {"key": name, "value": value}, "append_action": append}))
        };
        let set = changes
            .set
            .iter()
            .filter_map(|one| option(one, "OVERWRITE_IF_EXISTS_OR_ADD"));
        let add = changes
            .add
            .iter()
            .filter_map(|one| option(one, "APPEND_IF_EXISTS_OR_ADD"));
        extend(
            out,
            &format!("{message}_headers_to_add"),
            set.chain(add).collect(),
        );
        let remove = changes.remove.iter().filter(|name| !is_internal(name));
        extend(
            out,
            &format!("{message}_headers_to_remove"),
            remove.map(|name| json!(name)).collect(),
        );
    }
}

fn extend(out: &mut Map<String, Value>, name: &str, more: Vec<Value>) {
    if more.is_empty() {
        return;
    }
    match out.entry(name).or_insert_with(|| json!([])) {
        Value::Array(list) => list.extend(more),
        other => *other = Value::Array(more),
    }
}

/// Envoy changes none of these by a header's name.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

fn put(out: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = out {
        fields.insert(name.to_owned(), value);
    }
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

/// Istio takes what Go does, `1h2m0.5s` and `500ms`; Envoy seconds alone.
pub(crate) fn duration(text: &str) -> Option<String> {
    let read = sdk_helpers::config::duration(text).ok()?;
    Some(format!("{}s", read.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_go_does() {
        for (text, expected) in [
            ("5s", Some("5s")),
            ("0", Some("0s")),
            ("1m30s", Some("90s")),
            ("500ms", Some("0.5s")),
            ("1.5h", Some("5400s")),
            ("5", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1s 2", None),
        ] {
            assert_eq!(duration(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_stands_beside_a_timeout_that_an_envoy_would_go_by_instead() {
        let action = default_action("outbound|80||a", None);
        let timeouts = ["timeout", "max_grpc_timeout", "max_stream_duration"];
        let said = timeouts.map(|field| action[field].clone());
        assert_eq!(said, [json!("0s"), json!("0s"), Value::Null]);
    }

    #[test]
    fn a_retry_policy_says_what_istiod_would() {
        let said = |text: &str| Retries {
            attempts: 3,
            retry_on: Some(text.to_owned()),
            per_try_timeout: Some("2s".to_owned()),
            ..Retries::default()
        };
        let of = |said: Retries| retry_policy(Some(&said), false).unwrap_or_default();
        let policy = of(said("5xx,503, 504"));
        assert_eq!(policy["retry_on"], "5xx,retriable-status-codes");
        assert_eq!(policy["retriable_status_codes"], json!([503, 504]));
        assert_eq!(
            (&policy["num_retries"], &policy["per_try_timeout"]),
            (&json!(3), &json!("2s"))
        );
        assert_eq!(of(said("reset"))["retry_on"], "reset");
        assert_eq!(retry_policy(Some(&Retries::default()), false), None);
        // Who is remembered goes back to the one that failed.
        assert_eq!(
            retry_policy(None, true).unwrap_or_default()["retry_host_predicate"],
            Value::Null
        );
    }

    #[test]
    fn a_redirect_says_no_port_that_its_scheme_has() {
        for (said, called, is_tls, expected) in [
            (
                json!({"uri": "/a"}),
                80,
                false,
                json!({"path_redirect": "/a", "response_code": "MOVED_PERMANENTLY"}),
            ),
            (
                json!({"authority": "a", "port": 443, "scheme": "https", "redirectCode": 307}),
                80,
                false,
                json!({"host_redirect": "a", "scheme_redirect": "https", "response_code": "TEMPORARY_REDIRECT"}),
            ),
            (
                json!({"derivePort": "FROM_REQUEST_PORT"}),
                8443,
                true,
                json!({"port_redirect": 8443, "response_code": "MOVED_PERMANENTLY"}),
            ),
        ] {
            assert_eq!(redirect(&said, called, is_tls), Some(expected), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_for_a_duration(text in ".{0,20}") {
            let _ = duration(&text);
        }

        #[test]
        fn whole_seconds_stay_what_they_are(seconds in 0_u32..1_000_000) {
            prop_assert_eq!(duration(&format!("{seconds}s")), Some(format!("{seconds}s")));
        }
    }
}
