//! Where the keys of a rule come from, checked.

use std::time::Duration;

use sdk_helpers::config::Scope;
use sdk_helpers::{At, Problems, Timestamp};
use serde_json::Value;

use super::rule::read_duration;
use super::url::{Url, quoted};
use super::{JwksSource, Origin, Remote};
use crate::keys::KeySet;

/// Istio's timeout of a fetch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What Istio sets for a `remote_jwks`.
const INTERVAL: Duration = Duration::from_secs(300);
const MAX_STALE: Duration = Duration::from_secs(24 * 3600);

/// The fields that say where keys come from.
pub(super) struct KeysWire {
    pub(super) jwks: Option<Value>,
    pub(super) jwks_uri: Option<String>,
    pub(super) jwks_cluster: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) cache_duration: Option<String>,
    pub(super) max_stale: Option<String>,
}

impl KeysWire {
    pub(super) fn check(
        self,
        issuer: &str,
        certified: &mut Vec<(String, Timestamp)>,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<JwksSource> {
        let jwks = self.jwks.filter(|jwks| jwks.as_str() != Some(""));
        let uri = self.jwks_uri.filter(|text| !text.is_empty());
        if issuer.is_empty() {
            if uri.is_none() {
                problems.error(at, "`issuer` or `jwksUri` must be a text that is not empty");
                return None;
            }
            problems.warn(
                &at.field("issuer"),
                "is empty: a token of any issuer passes that these keys verify",
            );
        }
        let set = jwks
            .as_ref()
            .and_then(|jwks| read_set(jwks, certified, &at.field("jwks"), problems));
        let origin = match (&jwks, &uri) {
            (_, Some(uri)) => {
                let at = at.field("jwksUri");
                read_url(uri, &at, problems).map(Origin::Jwks)
            }
            (Some(_), None) => None,
            (None, None) => {
                let uri = format!(
                    "{}/.well-known/openid-configuration",
                    issuer.strip_suffix('/').unwrap_or(issuer)
                );
                if Url::read(&uri).is_err() {
                    // `someone@issuer.example` is as good a name of an issuer as any.
                    let issuer = match issuer.contains(':') {
                        true => quoted(issuer),
                        false => format!("`{}`", issuer.escape_debug()),
                    };
                    problems.error_of(
                        Scope::Later,
                        at,
                        format!(
                            "has neither `jwks` nor `jwksUri`, and the issuer {issuer} is no URL \
                             from which its keys could be discovered; add one of them"
                        ),
                    );
                }
                Url::read(&uri).ok().map(Origin::Discovery)
            }
        };
        if jwks.is_some() && uri.is_none() {
            for (field, there) in [
                ("jwksCluster", self.jwks_cluster.is_some()),
                ("timeout", self.timeout.is_some()),
                ("cacheDuration", self.cache_duration.is_some()),
                ("maxStale", self.max_stale.is_some()),
            ] {
                if there {
                    problems.warn(&at.field(field), "changes nothing: `jwks` is never fetched");
                }
            }
        }
        let millisecond = Duration::from_millis(1);
        let second = Duration::from_secs(1);
        let time = |text: Option<String>, standard, least, name: &'static str| {
            text.map_or(standard, |text| {
                read_duration(&text, least, &at.field(name), problems).unwrap_or(standard)
            })
        };
        let timeout = time(self.timeout, TIMEOUT, millisecond, "timeout");
        let interval = time(self.cache_duration, INTERVAL, second, "cacheDuration");
        let max_stale = time(
            self.max_stale,
            MAX_STALE.max(interval),
            millisecond,
            "maxStale",
        );
        if max_stale < interval {
            problems.error(
                &at.field("maxStale"),
                "is shorter than `cacheDuration`: keys would be dropped before they are due",
            );
        }
        if self.jwks_cluster.as_deref() == Some("") {
            problems.error(
                &at.field("jwksCluster"),
                "is empty; name a cluster, or leave it out for `outbound|<port>||<host>`",
            );
        }
        if uri.is_none() && jwks.is_some() {
            return set.map(JwksSource::Inline);
        }
        Some(JwksSource::Remote(Remote {
            origin: origin?,
            cluster: self.jwks_cluster,
            timeout,
            interval,
            max_stale,
            fallback: set,
        }))
    }
}

fn read_url(text: &str, at: &At<'_>, problems: &Problems) -> Option<Url> {
    Url::read(text)
        .map_err(|problem| problems.error(at, problem))
        .ok()
}

fn read_set(
    jwks: &Value,
    certified: &mut Vec<(String, Timestamp)>,
    at: &At<'_>,
    problems: &Problems,
) -> Option<KeySet> {
    let read = match jwks {
        Value::String(text) => KeySet::read(text.as_bytes()),
        Value::Object(_) => KeySet::of(jwks),
        _ => Err("is neither a key set as JSON text nor the mapping itself".to_owned()),
    };
    let read = read.map_err(|problem| problems.error(at, problem)).ok()?;
    if let Some(problem) = read.without_keys() {
        // Envoy's own filter takes RSA keys of more sizes.
        let scope = match read.has_other_sizes {
            true => Scope::Filter,
            false => Scope::Everyone,
        };
        problems.error_of(scope, at, problem);
        return None;
    }
    for (place, problem) in read.skipped {
        place.from(at, |at| {
            problems.warn(at, format!("is passed over: {problem}"));
        });
    }
    for place in read.private {
        place.from(at, |at| {
            problems.warn(
                at,
                "holds a secret: whoever reads this configuration can sign with it",
            );
        });
    }
    for (place, end) in read.certified {
        certified.push((place.from(at, |at| at.to_string()), end));
    }
    Some(read.set)
}
