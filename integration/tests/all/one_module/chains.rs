//! One configuration of all filters, on three chains: modules that hold one filter each, the module that
//! holds them all, and Envoy's own filters.

use integration::listener::Listener;
use integration::{jwt_authn, rbac};
use serde_json::{Value, json};

use crate::one_module::service;
use crate::rate_limit;

/// The module that holds all filters.
pub(crate) const MODULE: &str = "mesh-filters";

/// The filters in the order in which requests meet them, each with its field in the configuration of the
/// module that holds them all.
pub(crate) const FILTERS: [(&str, &str); 5] = [
    ("requestAuthentication", "request-authentication"),
    ("authorizationPolicy", "authorization-policy"),
    ("rateLimit", "rate-limit"),
    ("faultInjection", "fault-injection"),
    ("telemetryTags", "telemetry-tags"),
];

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    Five,
    One,
    Native,
}

impl Chain {
    /// The name of its listener for this configuration.
    pub(crate) fn name(self, configuration: usize) -> String {
        format!("{}-{configuration}", format!("{self:?}").to_lowercase())
    }

    /// Its filters in a listener, for a configuration.
    pub(crate) fn filters(self, listener: Listener, config: &Value) -> Listener {
        match self {
            Chain::Five => five(listener, config),
            Chain::One => listener.module(MODULE, config),
            Chain::Native => native(listener, config),
        }
    }
}

/// CUSTOM policies come before tokens are verified, as in Istio, so there may be two of authorization.
fn five(listener: Listener, config: &Value) -> Listener {
    let custom = with_policies(&config["authorizationPolicy"], true);
    let listener = match custom {
        Some(custom) => listener.module("authorization-policy", &custom),
        None => listener,
    };
    FILTERS.iter().fold(listener, |listener, (field, filter)| {
        let own = match *field {
            "authorizationPolicy" => with_policies(&config[field], false),
            field => config.get(field).cloned(),
        };
        match own {
            Some(own) => listener.module(filter, &own),
            None => listener,
        }
    })
}

/// The configuration with those policies alone which are CUSTOM, or which are not; none where there are
/// none, unless it says that everything is allowed.
fn with_policies(config: &Value, custom: bool) -> Option<Value> {
    let mut config = config.as_object()?.clone();
    let policies = config.get_mut("policies")?.as_array_mut()?;
    policies.retain(|policy| (policy["action"] == "CUSTOM") == custom);
    let none = policies.is_empty();
    if !custom {
        config.remove("extensionProviders");
    }
    let meant = !custom && config.get("allowAll") == Some(&json!(true));
    (!none || meant).then_some(Value::Object(config))
}

/// What istiod and people write for the same with Envoy's own filters; tags have none.
fn native(mut listener: Listener, config: &Value) -> Listener {
    if with_policies(&config["authorizationPolicy"], true).is_some() {
        listener = service::native(listener);
    }
    if let Some(authentication) = config.get("requestAuthentication") {
        listener = jwt_authn::filter(listener, &authentication["jwtRules"]);
    }
    if let Some(policies) = with_policies(&config["authorizationPolicy"], false) {
        for fields in rbac::filters(&without(&policies, "allowAll")).unwrap() {
            listener = listener.filter(rbac::FILTER, rbac::MESSAGE, fields);
        }
    }
    if let Some(limits) = config.get("rateLimit") {
        listener = rate_limit::native::filter(listener, bucket(&limits["limits"][0]));
    }
    if let Some(faults) = config.get("faultInjection") {
        let fields = fault(&faults["http"][0]);
        listener = listener.filter("envoy.filters.http.fault", "fault.v3.HTTPFault", fields);
    }
    listener
}

fn without(config: &Value, field: &str) -> Value {
    let mut config = config.clone();
    config.as_object_mut().unwrap().remove(field);
    config
}

/// One bucket for all requests.
fn bucket(limit: &Value) -> Value {
    let burst = limit.get("burst").unwrap_or(&limit["requests"]);
    json!({
        "token_bucket": {
            "max_tokens": burst,
            "tokens_per_fill": limit["requests"],
            "fill_interval": "3600s",
        },
        "rate_limited_as_resource_exhausted": true,
    })
}

/// One fault of every request, or of those with a header.
fn fault(entry: &Value) -> Value {
    let share = |part: &Value| json!({"numerator": part["percentage"]["value"]});
    let mut fields = json!({});
    let delay = &entry["fault"]["delay"];
    if delay.is_object() {
        fields["delay"] = json!({"percentage": share(delay), "fixed_delay": "0.003s"});
    }
    let abort = &entry["fault"]["abort"];
    if abort.is_object() {
        fields["abort"] = json!({"percentage": share(abort), "http_status": abort["httpStatus"]});
    }
    let matched = entry["match"][0]["headers"].as_object();
    let headers = matched
        .into_iter()
        .flatten()
        .map(|(name, value)| json!({"name": name, "string_match": {"exact": value["exact"]}}));
    fields["headers"] = headers.collect();
    fields
}
