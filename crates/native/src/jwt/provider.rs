//! A provider of tokens.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::node::{Message, Node};
use crate::proto;
use crate::rbac::Claims;
use crate::snippet::elements;

/// What is read of one.
pub(super) struct Provider {
    /// Its rule.
    pub(super) rule: Map<String, Value>,
    pub(super) claims: Claims,
    /// How many tokens are remembered.
    pub(super) cache: Option<u64>,
}

pub(super) fn read(name: &str, node: &Node<'_>) -> Provider {
    let mut message = node.message();
    let mut rule = Map::new();
    let legal = sdk_helpers::outcome::check_name(name).is_ok();
    if legal {
        rule.insert("name".to_owned(), name.into());
    } else {
        node.lost(
            format!("`{name}` is no name that statistics carry"),
            "reasons name this provider by its place: `jwt-0`",
        );
    }
    let issuer = message
        .take("issuer")
        .map(|it| it.text())
        .unwrap_or_default();
    rule.insert("issuer".to_owned(), issuer.into());
    keys(&mut message, &mut rule);
    lists(&mut message, &mut rule);
    for (field, ours) in [("forward", "forwardOriginalToken")] {
        if message.take(field).is_some_and(|it| it.flag()) {
            rule.insert(ours.to_owned(), json!(true));
        }
    }
    if let Some(header) = message.take("forward_payload_header") {
        rule.insert("outputPayloadToHeader".to_owned(), header.text().into());
    }
    if message
        .take("pad_forward_payload_header")
        .is_some_and(|it| it.flag())
    {
        node.lost(
            "padding of the payload's header is not carried over",
            "the upstream gets the payload as it stands in the token, without `=`",
        );
    }
    if let Some(skew) = message.take("clock_skew_seconds").map(|it| it.whole())
        && skew > 0
    {
        rule.insert("clockSkew".to_owned(), format!("{skew}s").into());
    }
    let cache = message.take("jwt_cache_config").map(|it| {
        let mut inner = it.message();
        let size = inner.take("jwt_cache_size").map(|it| it.whole());
        inner.lose("jwt_max_token_size", "tokens of up to 4 KiB are remembered");
        inner.end();
        size.filter(|size| *size > 0).unwrap_or(100)
    });
    for field in ["header_in_metadata", "failed_status_in_metadata"] {
        message.lose(
            field,
            "a wasm filter cannot write metadata: claims and reasons are in filter state",
        );
    }
    message.lose(
        "clear_route_cache",
        "the route is chosen again whenever a header is written or a token taken out",
    );
    for (field, why) in [
        ("subjects", "it accepts some subjects alone"),
        ("require_expiration", "it refuses tokens that never expire"),
        ("max_lifetime", "it refuses tokens that live too long"),
    ] {
        if let Some(limit) = message.take(field)
            && limit.value() != &Value::Bool(false)
        {
            limit.problem(&format!("is not converted: {why}, and without it those would pass; ask for it in an AuthorizationPolicy, and remove it here"));
        }
    }
    let claims = metadata(&mut message, &mut rule);
    message.end_or_refuse();
    Provider {
        rule,
        claims,
        cache,
    }
}

/// Where claims go.
fn metadata(message: &mut Message<'_>, rule: &mut Map<String, Value>) -> Claims {
    let payload = message.take("payload_in_metadata");
    if let Some(payload) = &payload {
        payload.lost(
            "that claims are in dynamic metadata is not carried over",
            "they are in filter state `wasm.mesh_filters.claims`, where our filters read them; others that read the metadata find nothing",
        );
    }
    let payload = payload.map(|it| it.text().to_owned());
    let mut delimited = Vec::new();
    if let Some(normalize) = message.take("normalize_payload_in_metadata") {
        let mut inner = normalize.message();
        delimited = inner
            .take("space_delimited_claims")
            .map(|it| it.texts())
            .unwrap_or_default();
        inner.end();
    }
    let always = ["scope", "permission"];
    let others: Vec<&str> = delimited
        .iter()
        .copied()
        .filter(|it| !always.contains(it))
        .collect();
    if !others.is_empty() {
        rule.insert("spaceDelimitedClaims".to_owned(), json!(others));
    }
    let is_split = always.iter().all(|name| delimited.contains(name));
    if !is_split && let Some(payload) = &payload {
        message.node().lost(
            format!("that `scope` or `permission` is one text in `{payload}` is not carried over"),
            "filters of ours see the list of its words, as Istio's do",
        );
    }
    Claims { payload, is_split }
}

fn keys(message: &mut Message<'_>, rule: &mut Map<String, Value>) {
    let remote = message.take("remote_jwks");
    let local = message.take("local_jwks");
    if remote.is_none() && local.is_none() {
        message
            .node()
            .problem("needs `remote_jwks` or `local_jwks`, as in Envoy");
    }
    if let Some(remote) = remote {
        let mut inner = remote.message();
        if let Some(http) = inner.take("http_uri") {
            let mut http = http.message();
            for (field, ours) in [("uri", "jwksUri"), ("cluster", "jwksCluster")] {
                if let Some(value) = http.take(field) {
                    rule.insert(ours.to_owned(), value.text().into());
                }
            }
            if let Some(timeout) = http.take("timeout").and_then(|it| proto::duration(&it)) {
                rule.insert("timeout".to_owned(), proto::written(timeout).into());
            }
            http.end();
        }
        if let Some(cache) = inner
            .take("cache_duration")
            .and_then(|it| proto::duration(&it))
        {
            rule.insert("cacheDuration".to_owned(), proto::written(cache).into());
        }
        for field in ["async_fetch", "retry_policy"] {
            inner.lose(field, "keys are fetched at the start and again in time, and a failed fetch is tried again by itself");
        }
        inner.end_or_refuse();
    }
    if let Some(local) = local {
        let mut inner = local.message();
        if let Some(text) = inner.take("inline_string") {
            rule.insert("jwks".to_owned(), text.text().into());
        }
        if let Some(bytes) = inner.take("inline_bytes") {
            let decoded = BASE64_STANDARD.decode(bytes.text()).ok();
            match decoded.and_then(|decoded| String::from_utf8(decoded).ok()) {
                Some(text) => {
                    rule.insert("jwks".to_owned(), text.into());
                }
                None => bytes.problem("is no base64 of a key set"),
            }
        }
        for field in ["filename", "environment_variable"] {
            if let Some(elsewhere) = inner.take(field) {
                elsewhere.problem("keys outside of the configuration are not read; write them into `inline_string`");
            }
        }
        inner.end_or_refuse();
    }
}

fn lists(message: &mut Message<'_>, rule: &mut Map<String, Value>) {
    for (field, ours) in [
        ("audiences", "audiences"),
        ("from_params", "fromParams"),
        ("from_cookies", "fromCookies"),
    ] {
        let list = message.take(field).map(|it| it.texts());
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            rule.insert(ours.to_owned(), json!(list));
        }
    }
    let mut headers = Vec::new();
    for header in elements(message.take("from_headers")) {
        let mut inner = header.message();
        let name = inner.take("name").map(|it| it.text()).unwrap_or_default();
        let prefix = inner.take("value_prefix").map(|it| it.text());
        inner.end_or_refuse();
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        headers.push(match prefix {
            Some(prefix) => json!({"name": name, "prefix": prefix}),
            None => json!({"name": name}),
        });
    }
    if !headers.is_empty() {
        rule.insert("fromHeaders".to_owned(), headers.into());
    }
    let mut outputs = Vec::new();
    for output in elements(message.take("claim_to_headers")) {
        let mut inner = output.message();
        let header = inner
            .take("header_name")
            .map(|it| it.text())
            .unwrap_or_default();
        let claim = inner
            .take("claim_name")
            .map(|it| it.text())
            .unwrap_or_default();
        inner.end();
        outputs.push(json!({"header": header, "claim": claim}));
    }
    if !outputs.is_empty() {
        rule.insert("outputClaimToHeaders".to_owned(), outputs.into());
    }
}
