//! Istio's HTTPMatchRequest, for a filter that has no route table of its own.

use super::{BlocksWire, PathTemplate, SourceMatch, StringMatch, StringMatchWire};
use crate::claims::{self, Claims};
use crate::config::kind::Map;
use crate::config::{At, Problems, Scope, header_name};
use crate::request::Request;
use crate::world::Attributes;

crate::fields! {
    /// `HTTPMatchRequest` as Istio's VirtualService has it: all that it says must hold.
    #[derive(Clone, PartialEq)]
    pub struct HttpMatchWire as "HTTPMatchRequest" {
        /// names the match, for people
        pub name: String { istio: "same" },
        /// the path without its query. A prefix is plain text: `/foo` takes `/foobar`. `template` (ours) is a
        /// path template: `{*}` is one segment, `{**}` any number of them, as in AuthorizationPolicy
        pub uri: UriMatchWire { kind: "StringMatch, or `template`", istio: "same" },
        /// `uri` in any case, but for `regex`
        pub ignore_uri_case as "ignoreUriCase": bool { istio: "same" },
        /// the pseudo header as sent
        pub scheme: StringMatchWire { istio: "same" },
        /// the pseudo header as sent
        pub method: StringMatchWire { istio: "same" },
        /// the pseudo header as sent, with its port
        pub authority: StringMatchWire { istio: "same" },
        /// each named header, pseudo headers too: `:method`, `:authority`, `:scheme`, and `:path` with its
        /// query. Of a header sent several times any value may match, each alone
        pub headers: Map<Option<StringMatchWire>> { istio: "same" },
        /// none of the named headers may match; a missing one counts as the empty text; `{}` asks that it
        /// is absent
        pub without_headers as "withoutHeaders": Map<Option<StringMatchWire>> { istio: "same" },
        /// the first occurrence, as sent, not percent-decoded
        pub query_params as "queryParams": Map<Option<StringMatchWire>> { istio: "same" },
        /// the listener's port
        pub port: u32 { istio: "same", within: Some((1.0, 65_535.0)) },
        /// labels of the proxy it runs in, from the node's metadata
        pub source_labels as "sourceLabels": Map<String> { istio: "same" },
        /// the namespace of the proxy it runs in, from the node's metadata
        pub source_namespace as "sourceNamespace": String { istio: "same" },
        /// refused: attach the filter to those gateways instead
        pub gateways: Vec<String> { istio: "same", refused: true },
        /// nothing: Envoy's routes have statistics, and a filter has its own
        pub stat_prefix as "statPrefix": String { istio: "same" },
        /// the name of Envoy's route
        pub route: StringMatchWire { istio: "ours" },
        /// verified claims: text, or an element of a list. `sub`, `realm.roles`, or `[a.b][c]` for names
        /// with dots. Istio's `headers: {"@request.auth.claims.sub": …}` means the same
        pub claims: Map<Option<StringMatchWire>> { istio: "ours" },
        /// none of the named claims may match; without a verified token, none does. `{sub: {}}` is every
        /// caller without a name
        pub without_claims as "withoutClaims": Map<Option<StringMatchWire>> { istio: "ours" },
        /// a block such as `10.0.0.0/8` or a list of some, in one of which the client's address is. It is the
        /// address that Envoy trusts, by `use_remote_address` and `xff_num_trusted_hops`; who has none, behind
        /// a pipe, is in no block
        pub source_cidr as "sourceCIDR": BlocksWire { istio: "ours; Envoy `remote_address_match`" },
        /// likewise, in none of which it is
        pub not_source_cidr as "notSourceCIDR": BlocksWire { istio: "ours; its `invert_match`" },
    }
}

crate::fields! {
    /// The `uri` of a match: a StringMatch, or a path template.
    #[derive(Clone, PartialEq)]
    pub struct UriMatchWire as "UriMatch" {
        /// the whole path
        pub exact: String { istio: "same" },
        /// the beginning of the path, as plain text; the empty one is any path's
        pub prefix: String { istio: "same" },
        /// the end of the path
        pub suffix: String { istio: "ours" },
        /// a part of the path
        pub contains: String { istio: "ours" },
        /// RE2 syntax over bytes; the whole path must match
        pub regex: String { istio: "same" },
        /// a path template such as `/orders/{*}/items`: `{*}` is one segment, `{**}` any number of them, as in
        /// AuthorizationPolicy
        pub template: String { istio: "ours" },
    }
}

/// Claims in `headers`, as Istio's gateways take them.
const CLAIM_HEADER: &str = "@request.auth.claims";

/// A compiled match: everything in it must hold.
#[derive(Debug, Clone, Default)]
pub struct HttpMatch {
    uri: Option<Uri>,
    headers: Vec<HeaderMatch>,
    query: Vec<(String, StringMatch)>,
    port: Option<u32>,
    labels: Vec<(String, String)>,
    namespace: Option<String>,
    route: Option<StringMatch>,
    claims: Vec<ClaimMatch>,
    source: SourceMatch,
}

/// What a match says of the path in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal<'a> {
    /// The whole path.
    Exact(&'a [u8]),
    /// Its beginning.
    Prefix(&'a [u8]),
}

#[derive(Debug, Clone)]
enum Uri {
    Text(StringMatch),
    Template(PathTemplate),
}

#[derive(Debug, Clone)]
struct HeaderMatch {
    name: String,
    value: StringMatch,
    /// `withoutHeaders`.
    inverted: bool,
}

#[derive(Debug, Clone)]
struct ClaimMatch {
    path: Vec<String>,
    value: StringMatch,
    inverted: bool,
}

impl HttpMatch {
    /// Compiles what a user wrote at `at`.
    pub fn compile(wire: HttpMatchWire, at: &At<'_>, problems: &Problems) -> Self {
        let mut compiled = HttpMatch::default();
        let ignore_case = wire.ignore_uri_case.unwrap_or(false);
        if let Some(uri) = wire.uri {
            compiled.uri = uri.compile(ignore_case, &at.field("uri"), problems);
        } else if ignore_case {
            problems.warn(&at.field("ignoreUriCase"), "changes nothing without `uri`");
        }
        for (field, name, value) in [
            ("scheme", ":scheme", wire.scheme),
            ("method", ":method", wire.method),
            ("authority", ":authority", wire.authority),
        ] {
            let Some(value) = value else { continue };
            if let Some(value) = plain(value, &at.field(field), problems) {
                compiled.headers.push(HeaderMatch {
                    name: name.to_owned(),
                    value,
                    inverted: false,
                });
            }
        }
        compiled.add_headers(wire.headers, false, &at.field("headers"), problems);
        compiled.add_headers(
            wire.without_headers,
            true,
            &at.field("withoutHeaders"),
            problems,
        );
        // A regex over a long value costs more than all the rest: what is cheap is asked first.
        let (regexes, mut cheap): (Vec<_>, Vec<_>) = compiled
            .headers
            .into_iter()
            .partition(|header| matches!(header.value, StringMatch::Regex(_)));
        cheap.extend(regexes);
        compiled.headers = cheap;
        let query = at.field("queryParams");
        for (name, value) in wire.query_params.into_iter().flatten() {
            let at = query.field(&name);
            if let Some(value) = present(value, &at, problems).and_then(|v| plain(v, &at, problems))
            {
                compiled.query.push((name, value));
            }
        }
        compiled.port = wire.port.filter(|port| {
            let legal = (1..=65_535).contains(port);
            if !legal {
                problems.error(
                    &at.field("port"),
                    format!("{port} is not a port, 1 to 65535"),
                );
            }
            legal
        });
        compiled.labels = wire.source_labels.into_iter().flatten().collect();
        compiled.namespace = wire.source_namespace;
        if wire.gateways.is_some() {
            problems.error_of(
                Scope::Filter,
                &at.field("gateways"),
                "a filter cannot tell which gateway it runs in; remove this and attach the filter \
                 to the listeners of those gateways alone",
            );
        }
        let route = at.field("route");
        compiled.route = wire.route.and_then(|value| plain(value, &route, problems));
        for (field, claims, inverted) in [
            ("claims", wire.claims, false),
            ("withoutClaims", wire.without_claims, true),
        ] {
            let at = at.field(field);
            for (name, value) in claims.into_iter().flatten() {
                let at = at.field(&name);
                compiled.add_claim(&name, value, inverted, &at, problems);
            }
        }
        compiled.source =
            SourceMatch::compile(wire.source_cidr, wire.not_source_cidr, at, problems);
        compiled
    }

    fn add_headers(
        &mut self,
        wire: Option<Vec<(String, Option<StringMatchWire>)>>,
        inverted: bool,
        at: &At<'_>,
        problems: &Problems,
    ) {
        for (name, value) in wire.into_iter().flatten() {
            let at = at.field(&name);
            let lower = name.to_ascii_lowercase();
            if let Some(claim) = lower
                .starts_with(CLAIM_HEADER)
                .then(|| name.get(CLAIM_HEADER.len()..))
                .flatten()
            {
                self.add_claim(claim, value, inverted, &at, problems);
                continue;
            }
            let Some(lower) = header_name(&name, true, &at, problems) else {
                continue;
            };
            let Some(value) = present(value, &at, problems) else {
                continue;
            };
            // Istio takes `*` for "present", here alone: elsewhere its validation refuses it.
            let value = if inverted && value.regex.as_deref() == Some("*") {
                Some(StringMatch::Present)
            } else {
                plain(value, &at, problems)
            };
            if let Some(value) = value {
                self.headers.push(HeaderMatch {
                    name: lower,
                    value,
                    inverted,
                });
            }
        }
    }

    fn add_claim(
        &mut self,
        name: &str,
        value: Option<StringMatchWire>,
        inverted: bool,
        at: &At<'_>,
        problems: &Problems,
    ) {
        let path = claims::path(name);
        if path.is_none() {
            problems.error(
                at,
                "names no claim; write `sub`, `realm.roles`, or `[a.b][c]` for names with dots",
            );
        }
        if let Some(value) = present(value, at, problems)
            && let Some(value) = plain(value, at, problems)
            && let Some(path) = path
        {
            self.claims.push(ClaimMatch {
                path,
                value,
                inverted,
            });
        }
    }

    /// Whether a request matches. What costs a host call is asked last.
    pub fn matches(&self, request: &Request, attributes: &dyn Attributes) -> bool {
        self.headers.iter().all(|header| header.matches(request))
            && self
                .uri
                .as_ref()
                .is_none_or(|uri| uri.matches(request.path()))
            && self.query.iter().all(|(name, value)| {
                request
                    .query_parameter(name)
                    .is_some_and(|found| value.matches(found))
            })
            && self
                .port
                .is_none_or(|port| attributes.destination_port().map(u32::from) == Some(port))
            && self.route.as_ref().is_none_or(|route| {
                attributes
                    .route_name()
                    .is_some_and(|name| route.matches(&name))
            })
            && self.labels.iter().all(|(label, value)| {
                attributes
                    .node_label(label)
                    .is_some_and(|found| found == value.as_bytes())
            })
            && self.namespace.as_ref().is_none_or(|namespace| {
                attributes
                    .node_metadata("NAMESPACE")
                    .is_some_and(|found| found == namespace.as_bytes())
            })
            && self.source.matches(attributes)
            && self.claims_match(attributes)
    }

    /// The text that the path of every matching request is, or begins with, where there is one: by
    /// it many matches can be told apart without asking each.
    pub fn path(&self) -> Option<Literal<'_>> {
        match self.uri.as_ref()? {
            Uri::Text(StringMatch::Exact(text)) => Some(Literal::Exact(text)),
            Uri::Text(StringMatch::Prefix(text)) => Some(Literal::Prefix(text)),
            _ => None,
        }
    }

    fn claims_match(&self, attributes: &dyn Attributes) -> bool {
        if self.claims.is_empty() {
            return true;
        }
        let claims = Claims::read(attributes);
        self.claims.iter().all(|claim| {
            let found = claims
                .as_ref()
                .is_some_and(|claims| claims.any(&claim.path, |text| claim.value.matches(text)));
            found != claim.inverted
        })
    }
}

impl UriMatchWire {
    fn compile(self, ignore_case: bool, at: &At<'_>, problems: &Problems) -> Option<Uri> {
        let text = StringMatchWire {
            exact: self.exact,
            prefix: self.prefix,
            suffix: self.suffix,
            contains: self.contains,
            regex: self.regex,
        };
        let Some(template) = self.template else {
            // Unlike elsewhere, Istio lets an empty prefix be: it matches every path.
            return StringMatch::compile(text, ignore_case, at, problems).map(Uri::Text);
        };
        let at = at.field("template");
        if text != StringMatchWire::default() {
            problems.error(
                &at,
                "cannot stand beside `exact`, `prefix`, `suffix`, `contains` or `regex`",
            );
            return None;
        }
        if ignore_case {
            problems.error(&at, "a template is case-sensitive; remove `ignoreUriCase`");
            return None;
        }
        match PathTemplate::compile(&template) {
            Ok(template) => Some(Uri::Template(template)),
            Err(problem) => {
                problems.error(&at, problem);
                None
            }
        }
    }
}

impl Uri {
    fn matches(&self, path: &[u8]) -> bool {
        match self {
            Uri::Text(text) => text.matches(path),
            Uri::Template(template) => template.matches(path),
        }
    }
}

impl HeaderMatch {
    /// Each value of a repeated header stands alone, and any of them may match. Without the header
    /// nothing matches, but `withoutHeaders` asks whether the empty text would.
    fn matches(&self, request: &Request) -> bool {
        if !self.inverted {
            return request
                .values(&self.name)
                .any(|value| self.value.matches(value));
        }
        let mut values = request.values(&self.name).peekable();
        if values.peek().is_none() {
            return matches!(self.value, StringMatch::Present) || !self.value.matches(b"");
        }
        !values.any(|value| self.value.matches(value))
    }
}

/// Istio's rules for a StringMatch outside `uri`, where no prefix is empty.
pub fn plain(wire: StringMatchWire, at: &At<'_>, problems: &Problems) -> Option<StringMatch> {
    if wire.prefix.as_deref() == Some("") {
        problems.error(
            &at.field("prefix"),
            "a prefix must not be empty; for any value write `{}`",
        );
        return None;
    }
    StringMatch::compile(wire, false, at, problems)
}

fn present(
    wire: Option<StringMatchWire>,
    at: &At<'_>,
    problems: &Problems,
) -> Option<StringMatchWire> {
    if wire.is_none() {
        problems.error(at, "cannot be null; for any value write `{}`");
    }
    wire
}

#[cfg(test)]
mod tests;
