//! VirtualServices: which requests go where.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::Field;
use crate::model::{Export, full_host, name_of, namespace_of};

mod delegate;
mod fault;

pub(crate) use delegate::resolve;
pub use fault::Fault;

/// A VirtualService, its HTTP routes alone.
#[derive(Debug, Clone, PartialEq)]
pub struct VirtualService {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// The hosts that requests are for, written out in full; of a delegate there are none.
    pub hosts: Vec<String>,
    /// `mesh`, or gateways as `namespace/name`.
    pub gateways: Vec<String>,
    /// Who sees it.
    pub export: Export,
    /// In order: the first one that matches counts.
    pub http: Vec<HttpRoute>,
    /// Where it stands in the files.
    pub place: String,
}

/// The gateway that stands for every sidecar.
pub const MESH: &str = "mesh";

/// One route.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRoute {
    /// Its name, which may be empty.
    pub name: String,
    /// Any of these must hold; none at all hold always. As they are written.
    pub matches: Vec<Value>,
    /// What becomes of the request.
    pub action: Action,
    /// What is changed in its headers and in those of the answer.
    pub headers: Headers,
    /// The path and the authority that the upstream sees.
    pub rewrite: Rewrite,
    /// As Istio writes a duration; none waits for ever.
    pub timeout: Option<String>,
    /// None are Istio's own.
    pub retries: Option<Retries>,
    /// Copies go there too.
    pub mirrors: Vec<Mirror>,
    /// What other origins may do, as it is written.
    pub cors: Option<Value>,
    /// What is done to its requests on purpose.
    pub fault: Option<Fault>,
    /// Where it stands in the files.
    pub place: String,
}

impl HttpRoute {
    /// The names of Envoy's routes, one for each of its conditions, and one where it has none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.fault {
            Some(fault) => fault.routes.clone(),
            None => fault::names(self),
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It goes to one of these.
    Forward(Vec<Destination>),
    /// The client is sent elsewhere; as it is written.
    Redirect(Value),
    /// The proxy answers; as it is written.
    Respond(Value),
    /// Another VirtualService says, by `namespace/name`.
    Delegate(String),
}

/// Somewhere a request may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// Who.
    pub target: TargetService,
    /// Its share beside the others.
    pub weight: u32,
    /// What is changed on this way alone.
    pub headers: Headers,
}

/// A service, perhaps a part of it, perhaps one of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetService {
    /// Written out in full.
    pub host: String,
    /// Of a DestinationRule.
    pub subset: String,
    /// None is the only one of the service, or the one that was called.
    pub port: Option<u16>,
}

/// Changes of headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// On the way to the upstream.
    pub request: Changes,
    /// On the way back.
    pub response: Changes,
}

/// Changes of the headers of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In place of what is there.
    pub set: BTreeMap<String, String>,
    /// Beside what is there.
    pub add: BTreeMap<String, String>,
    /// Taken away.
    pub remove: Vec<String>,
}

/// The path and the authority that the upstream sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// In place of the part of the path that matched.
    pub uri: Option<String>,
    /// A regular expression and what stands in its place.
    pub regex: Option<(String, String)>,
    /// In place of the authority.
    pub authority: Option<String>,
}

/// When and how often a request is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retries {
    /// How often; zero is never.
    pub attempts: u32,
    /// How long each may take.
    pub per_try_timeout: Option<String>,
    /// Envoy's conditions, and status codes among them.
    pub retry_on: Option<String>,
    /// How long to wait before the first one.
    pub backoff: Option<String>,
    /// Whether one that failed is asked again.
    pub ignore_previous_hosts: Option<bool>,
}

/// Where copies go.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// Who gets them.
    pub target: TargetService,
    /// Of a hundred requests.
    pub percent: f64,
}

impl VirtualService {
    /// Whether sidecars go by it.
    #[must_use]
    pub fn is_for_sidecars(&self) -> bool {
        self.gateways.iter().any(|name| name == MESH)
    }
}

impl HttpRoute {
    /// The services that requests, or copies of them, may go to.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let destinations = match &self.action {
            Action::Forward(destinations) => destinations.as_slice(),
            _ => &[],
        };
        let destinations = destinations.iter().map(|one| &one.target);
        let mirrors = self.mirrors.iter().map(|one| &one.target);
        destinations
            .chain(mirrors)
            .map(|target| target.host.as_str())
    }
}

/// Reads a `VirtualService`.
pub(crate) fn read(root: &Field<'_>, domain: &str) -> Option<VirtualService> {
    let namespace = namespace_of(root);
    let spec = root.get("spec")?;
    for (part, what) in [
        ("tcp", "connections"),
        ("tls", "TLS connections that are passed on"),
    ] {
        if let Some(field) = spec.get(part) {
            field.take();
            field.say(
                format!("routes for {what}"),
                "they are not there; only HTTP is routed here",
            );
        }
    }
    let hosts = spec.list("hosts");
    let hosts = hosts.iter().filter_map(|host| host.text());
    let gateways = spec.list("gateways");
    let gateways = gateways.iter().filter_map(|gateway| gateway.text());
    let gateways: Vec<String> = gateways
        .map(|name| full_gateway(name, &namespace))
        .collect();
    let http = spec.list("http");
    Some(VirtualService {
        hosts: hosts
            .map(|host| full_host(host, &namespace, domain))
            .collect(),
        gateways: match gateways.is_empty() {
            true => vec![MESH.to_owned()],
            false => gateways,
        },
        export: Export::of_spec(&spec),
        http: http
            .iter()
            .map(|route| http_route(route, &namespace, domain))
            .collect(),
        name: name_of(root)?,
        namespace,
        place: root.place(),
    })
}

/// A gateway's name as it is known everywhere: `mesh`, or `namespace/name`.
pub(crate) fn full_gateway(name: &str, namespace: &str) -> String {
    match name == MESH || name.contains('/') {
        true => name.to_owned(),
        false => format!("{namespace}/{name}"),
    }
}

fn http_route(field: &Field<'_>, namespace: &str, domain: &str) -> HttpRoute {
    let target = |field: &Field<'_>| target_service(field, namespace, domain);
    let text = |name: &str| field.word(name).map(str::to_owned);
    HttpRoute {
        name: text("name").unwrap_or_default(),
        matches: field
            .list("match")
            .iter()
            .map(|one| one.take().clone())
            .collect(),
        action: action(field, namespace, domain),
        headers: headers(field),
        rewrite: field
            .get("rewrite")
            .map(|field| rewrite(&field))
            .unwrap_or_default(),
        timeout: text("timeout"),
        retries: field.get("retries").map(|field| retries(&field)),
        mirrors: mirrors(field, &target),
        cors: field.get("corsPolicy").map(|cors| cors.take().clone()),
        fault: field.get("fault").map(|fault| Fault::read(&fault)),
        place: field.place(),
    }
}

fn action(field: &Field<'_>, namespace: &str, domain: &str) -> Action {
    if let Some(redirect) = field.get("redirect") {
        return Action::Redirect(redirect.take().clone());
    }
    if let Some(response) = field.get("directResponse") {
        return Action::Respond(response.take().clone());
    }
    if let Some(delegate) = field.get("delegate") {
        let of = delegate.word("namespace").filter(|of| !of.is_empty());
        let name = delegate.word("name").unwrap_or_default();
        return Action::Delegate(format!("{}/{name}", of.unwrap_or(namespace)));
    }
    let route = field.list("route");
    let alone = route.len() == 1;
    let destinations = route.iter().filter_map(|one| {
        Some(Destination {
            target: target_service(&one.get("destination")?, namespace, domain),
            // One alone gets everything, whatever its weight says.
            weight: one.whole("weight").unwrap_or(u32::from(alone) * 100),
            headers: headers(one),
        })
    });
    Action::Forward(destinations.collect())
}

fn target_service(field: &Field<'_>, namespace: &str, domain: &str) -> TargetService {
    TargetService {
        host: full_host(field.word("host").unwrap_or_default(), namespace, domain),
        subset: field.word("subset").unwrap_or_default().to_owned(),
        port: field.get("port").and_then(|port| port.whole("number")),
    }
}

fn headers(field: &Field<'_>) -> Headers {
    let Some(headers) = field.get("headers") else {
        return Headers::default();
    };
    let changes = |name: &str| {
        let Some(changes) = headers.get(name) else {
            return Changes::default();
        };
        let texts = |name: &str| changes.get(name).map(|map| map.texts()).unwrap_or_default();
        let remove = changes.list("remove");
        Changes {
            set: texts("set"),
            add: texts("add"),
            remove: remove
                .iter()
                .filter_map(|name| name.text().map(str::to_owned))
                .collect(),
        }
    };
    Headers {
        request: changes("request"),
        response: changes("response"),
    }
}

fn rewrite(field: &Field<'_>) -> Rewrite {
    let text = |name: &str| field.word(name).map(str::to_owned);
    let regex = field.get("uriRegexRewrite").and_then(|regex| {
        let part = |name: &str| regex.word(name).map(str::to_owned);
        Some((part("match")?, part("rewrite")?))
    });
    Rewrite {
        uri: text("uri"),
        regex,
        authority: text("authority"),
    }
}

fn retries(field: &Field<'_>) -> Retries {
    let text = |name: &str| field.word(name).map(str::to_owned);
    if let Some(remote) = field.get("retryRemoteLocalities") {
        remote.say("retries in other localities", "there is one locality here");
    }
    Retries {
        attempts: field.whole("attempts").unwrap_or(0),
        per_try_timeout: text("perTryTimeout"),
        retry_on: text("retryOn").filter(|on| !on.is_empty()),
        backoff: text("backoff"),
        ignore_previous_hosts: field.is("retryIgnorePreviousHosts"),
    }
}

fn mirrors(field: &Field<'_>, target: &dyn Fn(&Field<'_>) -> TargetService) -> Vec<Mirror> {
    let share = |field: &Field<'_>, name: &str| field.get(name)?.number("value");
    let mut all = Vec::new();
    if let Some(mirror) = field.get("mirror") {
        // The older way to say it is a whole number.
        let older = field
            .number("mirrorPercent")
            .or_else(|| field.number("mirror_percent"));
        let percent = share(field, "mirrorPercentage").or(older).unwrap_or(100.0);
        all.push(Mirror {
            target: target(&mirror),
            percent,
        });
    }
    for mirror in field.list("mirrors") {
        if let Some(destination) = mirror.get("destination") {
            let percent = share(&mirror, "percentage").unwrap_or(100.0);
            all.push(Mirror {
                target: target(&destination),
                percent,
            });
        }
    }
    all.retain(|mirror| mirror.percent > 0.0);
    all
}
