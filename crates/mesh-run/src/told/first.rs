//! What to type first: requests that a gateway serves.

use mesh::model::Model;
use mesh::real_port;
use serde_json::Value;

use crate::plan::{PlannedGateway, PlannedProxy};

/// More of them are not told.
const MOST: usize = 3;

/// As `curl` takes them: one for each VirtualService of the gateway.
pub(crate) fn requests(model: &Model, proxy: &PlannedProxy) -> Vec<String> {
    let Some(gateway) = &proxy.gateway else {
        return Vec::new();
    };
    let all = model.virtual_services.iter().filter(|service| {
        let mut gateways = service.gateways.iter();
        gateways.any(|name| gateway.objects.contains(name))
    });
    let requests = all.filter_map(|service| {
        let host = service.hosts.iter().find(|host| is_plain(host));
        let matches = service.http.iter().flat_map(|route| &route.matches);
        let path = matches.into_iter().find_map(path).unwrap_or("/");
        request(proxy, gateway, host.map(String::as_str), path)
    });
    requests.take(MOST).collect()
}

fn request(
    proxy: &PlannedProxy,
    gateway: &PlannedGateway,
    host: Option<&str>,
    path: &str,
) -> Option<String> {
    let plain = gateway
        .ports
        .iter()
        .find(|(_, protocol)| protocol == "HTTP");
    if let Some((port, _)) = plain {
        let url = format!("http://{}:{}{path}", proxy.address, real_port(*port));
        return Some(match host {
            Some(host) => format!("curl -H 'host: {host}' '{url}'"),
            None => format!("curl '{url}'"),
        });
    }
    let (port, _) = gateway.ports.first()?;
    let (port, host) = (real_port(*port), host?);
    Some(format!(
        "curl -k --resolve {host}:{port}:{} 'https://{host}:{port}{path}'",
        proxy.address
    ))
}

/// The path of a match of no other condition: what is typed first should be answered.
fn path(condition: &Value) -> Option<&str> {
    let fields = condition.as_object()?;
    let uri = fields.get("uri").filter(|_| fields.len() == 1)?;
    let path = uri.get("exact").or_else(|| uri.get("prefix"))?.as_str()?;
    is_plain(path).then_some(path)
}

/// What can be typed as it is.
fn is_plain(text: &str) -> bool {
    let may = |each: char| each.is_ascii_alphanumeric() || "-._~/".contains(each);
    !text.is_empty() && text.chars().all(may)
}
