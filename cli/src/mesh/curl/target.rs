//! Where a request is sent, so that it goes the way it would in a cluster.

use std::net::{IpAddr, SocketAddr};

use explain::Url;
use mesh_view::{Running, Workload};

use crate::curl::Sent;
use crate::ending::Failure;

/// Where a request goes first, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// One, or several that are asked in turn.
    pub(super) addresses: Vec<SocketAddr>,
    /// By this name TLS is spoken there.
    pub(super) server_name: Option<String>,
    pub(super) authority: String,
    pub(super) path: String,
    /// Who sends it, for people.
    pub(super) from: String,
    /// It goes from a workload to a workload with no proxy of the first between.
    pub(super) is_direct: bool,
}

impl Target {
    /// `from` is a workload; without one the request comes from outside.
    pub(super) fn find(
        running: &Running,
        from: Option<&str>,
        gateway: Option<&str>,
        sent: &Sent,
    ) -> Result<Self, Failure> {
        let url =
            Url::parse(&sent.url).map_err(|problem| Failure::new(format!("the URL {problem}")))?;
        let host = sent
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let authority = host.map_or(url.authority, |(_, value)| value);
        let path = String::from_utf8_lossy(&url.path()).into_owned();
        // What is behind it is for the client alone.
        let path = path.split('#').next().unwrap_or_default().to_owned();
        let target = Target {
            addresses: Vec::new(),
            server_name: None,
            authority: authority.to_owned(),
            path,
            from: String::new(),
            is_direct: false,
        };
        match from {
            Some(from) => {
                let workload = running.workload(from).map_err(Failure::new)?;
                target.by_sidecar(running, workload, &url)
            }
            None => target.by_gateway(running, gateway, &url),
        }
    }

    fn by_sidecar(
        self,
        running: &Running,
        workload: &Workload,
        url: &Url<'_>,
    ) -> Result<Self, Failure> {
        let name = &workload.name;
        if url.scheme == "https" {
            return Err(Failure::new(format!(
                "`https://` from {name}: a sidecar routes what it can read; write http:// and the port, and the mesh's own TLS is spoken between the proxies"
            )));
        }
        let sidecar = workload
            .replicas
            .iter()
            .find_map(|replica| replica.outbound);
        let Some(sidecar) = sidecar else {
            return Ok(Target {
                addresses: directly(running, &workload.namespace, url).map_err(|problem| {
                    Failure::new(format!("{name} has no sidecar, and {problem}"))
                })?,
                from: format!("{name}, which has no sidecar"),
                is_direct: true,
                ..self
            });
        };
        let identity = workload.identity.as_deref().unwrap_or("no identity");
        Ok(Target {
            addresses: vec![sidecar],
            from: format!("{name} ({identity})"),
            ..self
        })
    }

    fn by_gateway(
        self,
        running: &Running,
        gateway: Option<&str>,
        url: &Url<'_>,
    ) -> Result<Self, Failure> {
        let gateways = running.gateways.iter();
        let mut gateways = gateways.filter(|one| gateway.is_none_or(|name| one.name == name));
        let found = gateways.find_map(|gateway| {
            let mut ports = gateway.ports.iter();
            let port =
                ports.find(|port| port.port == url.port || port.address.port() == url.port)?;
            Some((gateway, port))
        });
        let Some((gateway, port)) = found else {
            return Err(Failure::new(no_gateway(running, url.port)));
        };
        let host = host(&self.authority).to_owned();
        Ok(Target {
            addresses: vec![port.address],
            server_name: (url.scheme == "https").then_some(host),
            from: format!("outside, through {}", gateway.name),
            ..self
        })
    }
}

/// The host of an authority.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn no_gateway(running: &Running, port: u16) -> String {
    let ports = running.gateways.iter().flat_map(|gateway| {
        let ports = gateway.ports.iter();
        ports.map(move |port| format!("{} on {}", gateway.name, port.port))
    });
    let ports: Vec<String> = ports.collect();
    match ports.is_empty() {
        true => "the mesh has no gateway, so nothing comes in from outside: say from which workload, as in `mesh curl sleep URL`"
            .to_owned(),
        false => format!(
            "no gateway has port {port}; there is {}",
            ports.join(", ")
        ),
    }
}

/// The replicas that a service of this name leads to: what the machines of a cluster do for a workload that has no
/// proxy.
fn directly(running: &Running, namespace: &str, url: &Url<'_>) -> Result<Vec<SocketAddr>, String> {
    let name = host(url.authority);
    if let Ok(address) = name.parse::<IpAddr>()
        && address.is_loopback()
    {
        return Ok(vec![SocketAddr::new(address, url.port)]);
    }
    let service = running.service(name, namespace);
    let service = service.ok_or_else(|| format!("no service of the mesh is called `{name}`"))?;
    let mut ports = service.ports.iter();
    let port = ports.find(|port| port.port == url.port);
    let port = port.ok_or_else(|| {
        let ports = service.ports.iter().map(|port| port.port.to_string());
        let ports: Vec<String> = ports.collect();
        format!(
            "{} has no port {}, but {}",
            service.host,
            url.port,
            ports.join(", ")
        )
    })?;
    match port.endpoints.is_empty() {
        true => Err(format!("no workload answers for {}", service.host)),
        false => Ok(port.endpoints.clone()),
    }
}

#[cfg(test)]
mod tests;
