//! Which filter a message is of, by its type.

use serde_json::Value;

use crate::node::Node;

/// Envoy's filters that are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    JwtAuthn,
    Rbac,
    LocalRateLimit,
    RateLimit,
    Fault,
}

/// The types of their messages; the second are those of routes.
const TYPES: [(Kind, &[&str], &[&str]); 5] = [
    (
        Kind::JwtAuthn,
        &["envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"],
        &["envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig"],
    ),
    (
        Kind::Rbac,
        &["envoy.extensions.filters.http.rbac.v3.RBAC"],
        &["envoy.extensions.filters.http.rbac.v3.RBACPerRoute"],
    ),
    (
        Kind::LocalRateLimit,
        &["envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"],
        &["envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"],
    ),
    (
        Kind::RateLimit,
        &["envoy.extensions.filters.http.ratelimit.v3.RateLimit"],
        &["envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute"],
    ),
    (
        Kind::Fault,
        &["envoy.extensions.filters.http.fault.v3.HTTPFault"],
        &["envoy.extensions.filters.http.fault.v3.HTTPFault"],
    ),
];

/// How a message is wrapped that Envoy's xDS has no type for.
const TYPED_STRUCTS: [&str; 2] = ["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"];

/// A message with its type.
pub(crate) struct Typed<'a> {
    pub(crate) name: &'a str,
    pub(crate) body: Node<'a>,
}

impl Typed<'_> {
    /// The filter that it configures.
    pub(crate) fn filter(&self) -> Option<Kind> {
        let all = TYPES.iter();
        let mut all = all.filter(|(_, filters, _)| filters.contains(&self.name));
        all.next().map(|(kind, ..)| *kind)
    }

    /// The filter that it configures for a route.
    pub(crate) fn of_route(&self) -> Option<Kind> {
        let all = TYPES.iter();
        let mut all = all.filter(|(_, _, routes)| routes.contains(&self.name));
        all.next().map(|(kind, ..)| *kind)
    }
}

/// Reads an Any, in plain or as a TypedStruct.
pub(crate) fn typed<'a>(node: &Node<'a>) -> Option<Typed<'a>> {
    let name = named(node.text_of("@type"));
    if !TYPED_STRUCTS.contains(&name) {
        let body = node.clone();
        return (!name.is_empty()).then_some(Typed { name, body });
    }
    let mut message = node.message();
    let name = message.take("type_url").map(|it| named(it.text()));
    let body = message.take("value");
    message.end();
    Some(Typed {
        name: name?,
        body: body?,
    })
}

/// The name of a type behind its `type.googleapis.com/`.
fn named(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// Whether a document has a message of these filters, or `rate_limits`, anywhere.
pub(crate) fn is_mentioned(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_mentioned),
        Value::Object(fields) => fields.iter().any(|(name, value)| match value {
            Value::String(text) if name == "@type" || name == "type_url" || name == "typeUrl" => {
                is_known(named(text))
            }
            Value::Array(_) if name == "rate_limits" || name == "rateLimits" => true,
            value => is_mentioned(value),
        }),
        _ => false,
    }
}

fn is_known(name: &str) -> bool {
    let mut all = TYPES.iter();
    all.any(|(_, filters, routes)| filters.contains(&name) || routes.contains(&name))
}
