//! A line as the request that the first filter sees.

use std::borrow::Cow;
use std::rc::Rc;

use sdk_helpers::claims::Claims;
use sdk_helpers::headers::is_safe_value;
use sdk_helpers::{Headers, Roll, Timestamp};
use serde_json::Value;

use super::Options;
use crate::client::client;
use crate::line::{self, Line};
use crate::url::Url;
use crate::world::Stream;

/// The request, and what Envoy knows beside its headers.
pub(super) struct Sent {
    pub(super) headers: Headers,
    pub(super) stream: Stream,
    pub(super) at: Option<Timestamp>,
    pub(super) roll: Option<Roll>,
    /// Envoy takes its path; else it answers itself.
    pub(super) is_normal: bool,
}

/// The direct peer where none is named.
const LOOPBACK: &str = "127.0.0.1";

/// Claims of several words, which istiod has Envoy split.
const SPACE_DELIMITED: [&str; 2] = ["scope", "permission"];

impl Sent {
    pub(super) fn read(line: &Line, options: &Options) -> Result<Self, String> {
        let of = |field: &str, problem: &str| format!("`{field}` {problem}");
        let url = match line.url.is_empty() {
            true => Err(of("url", "is missing")),
            false => Url::parse(&line.url).map_err(|problem| of("url", problem)),
        }?;
        let method = line.method.as_deref().unwrap_or("GET");
        if !is_token(method) {
            return Err(of("method", "is no method such as `GET`"));
        }
        if line.jwt.is_some() && line.claims.is_some() {
            return Err("has `jwt` and `claims`: a token is verified, or its claims are declared; leave one out".to_owned());
        }
        let claims = match &line.claims {
            None => None,
            Some(Value::Object(_)) => line.claims.clone().map(split_words),
            Some(_) => return Err(of("claims", "must be a mapping")),
        };
        let at = line.at.as_deref().map(line::time).transpose();
        let at = at.map_err(|problem| of("at", &problem))?;
        let roll = match line.roll {
            Some(roll) => Some(line::roll(roll).map_err(|problem| of("roll", &problem))?),
            None => options.roll,
        };
        let direct = line.from_ip.as_deref().unwrap_or(LOOPBACK);
        let direct = line::address(direct).map_err(|problem| of("fromIp", &problem))?;
        let raw = url.path();
        let normal = options.normalization.apply(&raw);
        let is_normal = normal.is_some();
        let path = normal.unwrap_or(raw);
        let headers = headers(line, method, &url, &path)?;
        let client = match options.trusted_hops {
            0 => direct,
            hops => {
                let forwarded_for: Vec<&[u8]> = headers.values("x-forwarded-for").collect();
                client(direct, forwarded_for.iter().copied(), hops)
            }
        };
        let stream = Stream {
            peer: line.peer.clone().filter(|peer| !peer.is_empty()),
            claims: claims.map(|claims| Rc::new(Claims::new(claims))),
            direct: Some(direct),
            client: Some(client),
            port: line.port.unwrap_or(url.port),
            scheme: url.scheme,
            method: method.into(),
            authority: headers.first(":authority").unwrap_or_default().to_vec(),
            path,
            ..Stream::default()
        };
        Ok(Sent {
            headers,
            stream,
            at,
            roll,
            is_normal,
        })
    }
}

fn headers(line: &Line, method: &str, url: &Url<'_>, path: &[u8]) -> Result<Headers, String> {
    let mut authority = url.authority;
    let mut others: Vec<Field<'_>> = Vec::with_capacity(line.headers.0.len().saturating_add(1));
    for (name, values) in &line.headers.0 {
        if name.starts_with(':') || !is_token(name) {
            return Err("`headers` has a name that no header has".to_owned());
        }
        for value in values.all() {
            if !is_safe_value(value.as_bytes()) {
                return Err(
                    "`headers` has a value with a line break or a NUL, which no client can send"
                        .to_owned(),
                );
            }
            let value = value.trim_matches([' ', '\t']);
            match name.eq_ignore_ascii_case("host") {
                true => authority = value,
                false => add(&mut others, name, value.as_bytes()),
            }
        }
    }
    let bearer = line
        .jwt
        .as_deref()
        .map(|jwt| ["Bearer ", jwt.trim()].concat());
    if let Some(bearer) = &bearer {
        if !is_safe_value(bearer.as_bytes()) {
            return Err("`jwt` is no token".to_owned());
        }
        add(&mut others, "authorization", bearer.as_bytes());
    }
    let pseudo = [
        (":authority", authority.as_bytes()),
        (":path", path),
        (":method", method.as_bytes()),
        (":scheme", url.scheme.as_bytes()),
    ];
    let pseudo = pseudo.map(|(name, value)| (name, Cow::Borrowed(value)));
    Ok(Headers::from_pairs(pseudo.into_iter().chain(others)))
}

/// A name and a value.
type Field<'a> = (&'a str, Cow<'a, [u8]>);

/// Adds a header as Envoy's map takes it: of some there is one line alone, to which a further value is added.
fn add<'a>(fields: &mut Vec<Field<'a>>, name: &'a str, value: &'a [u8]) {
    let there = |(known, _): &&mut Field<'a>| known.eq_ignore_ascii_case(name);
    if let Some((_, first)) = fields.iter_mut().find(there)
        && ONE_LINE.iter().any(|one| one.eq_ignore_ascii_case(name))
    {
        let line = first.to_mut();
        line.push(b',');
        line.extend_from_slice(value);
        return;
    }
    fields.push((name, Cow::Borrowed(value)));
}

/// The headers that Envoy has one line of; measured on 1.40. Several cookies stay apart.
const ONE_LINE: [&str; 19] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-type",
    "grpc-timeout",
    "if-none-match",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    sdk_helpers::config::is_token(text)
}

/// Texts of several words as lists, as istiod has Envoy make them.
fn split_words(mut claims: Value) -> Value {
    for name in SPACE_DELIMITED {
        if let Some(claim) = claims.get_mut(name)
            && let Some(text) = claim.as_str()
        {
            let words = text.split(' ').filter(|word| !word.is_empty());
            let words: Vec<Value> = words.map(Value::from).collect();
            if !words.is_empty() {
                *claim = Value::Array(words);
            }
        }
    }
    claims
}
