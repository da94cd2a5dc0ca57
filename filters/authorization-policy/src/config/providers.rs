//! `extensionProviders`: the services that CUSTOM policies ask, as Istio's MeshConfig has them.

mod wire;

use std::time::Duration;

use crate::custom::{HeaderNames, Http, Protocol, Provider, Template};
use sdk_helpers::config::{duration, is_token};
use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems};
pub use wire::ProviderWire;
use wire::ServiceWire;

/// Checks the entries.
pub fn check(entries: Vec<ProviderWire>, at: &At<'_>, problems: &Problems) -> Vec<Provider> {
    let mut providers: Vec<Provider> = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let at = at.index(index);
        let Some(provider) = entry.check(&at, problems) else {
            continue;
        };
        if providers.iter().any(|known| known.name == provider.name) {
            let problem = ["`", &provider.name, "` is another provider's name too"].concat();
            problems.error(&at.field("name"), problem);
        }
        providers.push(provider);
    }
    providers
}

impl ProviderWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<Provider> {
        let name = self.name();
        if let Err(problem) = check_name(&name) {
            problems.error(&at.field("name"), problem);
        }
        if self.is_other() {
            problems.error(
                at,
                "is no external authorization service: of MeshConfig's providers only `envoyExtAuthzHttp` and `envoyExtAuthzGrpc` mean something here; remove it",
            );
            return None;
        }
        let (wire, http) = match (self.envoy_ext_authz_http, self.envoy_ext_authz_grpc) {
            (Some(wire), None) => (wire, true),
            (None, Some(wire)) => (wire, false),
            _ => {
                let problem = "must have one of `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`";
                problems.error(at, problem);
                return None;
            }
        };
        let field = match http {
            true => "envoyExtAuthzHttp",
            false => "envoyExtAuthzGrpc",
        };
        let at = &at.field(field);
        Place { at, problems }.service(name, wire, http)
    }
}

/// The mapping of a service, and where what is wrong with it goes.
struct Place<'a> {
    at: &'a At<'a>,
    problems: &'a Problems,
}

impl Place<'_> {
    /// Refuses a field.
    fn refuse(&self, field: &str, problem: &[&str]) {
        self.problems.error(&self.at.field(field), problem.concat());
    }

    fn warn(&self, field: &str, problem: &str) {
        self.problems.warn(&self.at.field(field), problem);
    }

    fn service(&self, name: String, wire: ServiceWire, http: bool) -> Option<Provider> {
        if wire.include_request_body_in_check.is_some() {
            self.refuse(
                "includeRequestBodyInCheck",
                &["is not supported: this filter decides when the headers are there and never holds a body; remove it, or leave this policy to Istio"],
            );
        }
        if wire.clear_route_cache == Some(false) {
            self.warn(
                "clearRouteCache",
                "changes nothing: Envoy looks for the route again whenever a wasm filter changes a request header",
            );
        }
        let cluster = self.cluster(&wire);
        let timeout = self.timeout(wire.timeout.as_deref());
        let status_on_error = self.status(wire.status_on_error.as_deref());
        let fail_open = wire.fail_open.unwrap_or(false);
        let protocol = if http {
            Protocol::Http(self.http(wire))
        } else {
            let alone = wire.http_alone();
            for (field, _) in alone.iter().filter(|(_, there)| *there) {
                self.refuse(
                    field,
                    &["is no field of `envoyExtAuthzGrpc`: a gRPC service sees every header and names the changes itself; remove it"],
                );
            }
            Protocol::Grpc
        };
        Some(Provider {
            name,
            cluster: cluster?,
            timeout: timeout?,
            fail_open,
            status_on_error: status_on_error?,
            protocol,
        })
    }

    /// Envoy's name of the cluster: as Istio derives it, unless it is said.
    fn cluster(&self, wire: &ServiceWire) -> Option<String> {
        let mut service = None;
        if let Some(text) = &wire.service {
            service = host(text);
            if service.is_none() {
                self.refuse("service", &["`", text, "` is no service; write its host, `authz.example.svc.cluster.local`, or `namespace/host`"]);
            }
        }
        if let Some(cluster) = &wire.cluster {
            if !cluster.is_empty() && !cluster.contains(char::is_control) {
                return Some(cluster.clone());
            }
            self.refuse("cluster", &["must be the name of one of Envoy's clusters"]);
            return None;
        }
        if wire.service.is_none() {
            self.refuse(
                "service",
                &["is missing; name the service, or Envoy's `cluster`"],
            );
        }
        if wire.port.is_none() {
            self.refuse("port", &["is missing; name the port of the service"]);
        }
        Some(["outbound|", &wire.port?.to_string(), "||", service?].concat())
    }

    fn http(&self, wire: ServiceWire) -> Http {
        let mut include = self.names(
            "includeRequestHeadersInCheck",
            wire.include_request_headers_in_check,
        );
        let deprecated = self.names("includeHeadersInCheck", wire.include_headers_in_check);
        if !deprecated.is_empty() {
            let unsaid = include.is_empty();
            self.warn(
                "includeHeadersInCheck",
                match unsaid {
                    true => "is deprecated; it is `includeRequestHeadersInCheck` now",
                    false => "changes nothing beside `includeRequestHeadersInCheck`; remove it",
                },
            );
            if unsaid {
                include = deprecated;
            }
        }
        let path_prefix = wire.path_prefix.unwrap_or_default();
        self.path_prefix(&path_prefix);
        let additional = wire.include_additional_headers_in_check;
        Http {
            include,
            to_upstream_on_allow: self.names(
                "headersToUpstreamOnAllow",
                wire.headers_to_upstream_on_allow,
            ),
            to_downstream_on_allow: self.names(
                "headersToDownstreamOnAllow",
                wire.headers_to_downstream_on_allow,
            ),
            to_downstream_on_deny: self.names(
                "headersToDownstreamOnDeny",
                wire.headers_to_downstream_on_deny,
            ),
            additional: self.additional(additional.unwrap_or_default()),
            path_prefix,
        }
    }

    fn names(&self, field: &str, list: Option<Vec<String>>) -> HeaderNames {
        let mut names = HeaderNames::default();
        let at = self.at.field(field);
        for (index, text) in list.iter().flatten().enumerate() {
            if let Err(problem) = names.add(text) {
                self.problems.error(&at.index(index), problem);
            }
        }
        names
    }

    /// Istio's default is as long as for ever.
    fn timeout(&self, text: Option<&str>) -> Option<Duration> {
        let Some(text) = text else {
            return Some(Duration::from_secs(600));
        };
        match duration(text) {
            Ok(timeout) if timeout >= Duration::from_millis(1) => return Some(timeout),
            Ok(_) => self.refuse(
                "timeout",
                &[
                    "`",
                    text,
                    "` is too short; at least `1ms`, since to Envoy 0 is no end at all",
                ],
            ),
            Err(problem) => self.refuse("timeout", &[&problem]),
        }
        None
    }

    /// The statuses that Envoy has names for, without those that end no exchange.
    fn status(&self, text: Option<&str>) -> Option<u16> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Some(403);
        };
        let status = text.parse().ok().filter(|status| {
            matches!(
                status,
                200..=208 | 226 | 300..=305 | 307 | 308 | 400..=417 | 421..=424 | 426 | 428 | 429 | 431
                    | 500..=508 | 510 | 511
            )
        });
        if status.is_none() {
            self.refuse("statusOnError", &["`", text, "` is no status that Envoy can answer with; write one such as \"403\" or \"503\""]);
        }
        status
    }

    fn path_prefix(&self, prefix: &str) {
        if !prefix.is_empty() && !prefix.starts_with('/') {
            self.refuse("pathPrefix", &["`", prefix, "` must begin with `/`"]);
        }
        let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !prefix.bytes().all(legal) {
            self.refuse("pathPrefix", &["`", prefix, "` holds what no path may: white space, `#`, or letters beyond ASCII, which are written as `%c3%a9`"]);
        }
    }

    fn additional(&self, texts: Vec<(String, String)>) -> Vec<(String, Template)> {
        let field = self.at.field("includeAdditionalHeadersInCheck");
        let place = Place {
            at: &field,
            problems: self.problems,
        };
        let mut headers: Vec<(String, Template)> = Vec::new();
        for (name, value) in texts {
            let lower = name.to_ascii_lowercase();
            if !is_token(&name) || lower == "host" {
                place.refuse(&name, &["is no name of a header that can be added; `host` and those with a colon in front are the request's own"]);
                continue;
            }
            if value.contains(['\r', '\n', '\0']) {
                place.refuse(
                    &name,
                    &["has a value of several lines, which no header can have"],
                );
                continue;
            }
            match Template::parse(&value) {
                Ok(template) => headers.push((lower, template)),
                Err(problem) => place.refuse(&name, &[&problem]),
            }
        }
        headers
    }
}

/// The host of `host` or `namespace/host`.
fn host(service: &str) -> Option<&str> {
    let host = match service.split_once('/') {
        Some((namespace, host)) => is_host(namespace).then_some(host)?,
        None => service,
    };
    let is_ip = !service.contains('/') && host.parse::<std::net::IpAddr>().is_ok();
    (is_ip || is_host(host)).then_some(host)
}

/// A name of DNS, as Kubernetes and Istio take them (RFC 1123).
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= 255 && host.split('.').all(label)
}

#[cfg(test)]
mod tests;
