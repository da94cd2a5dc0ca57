//! The names that a service is called by.

use crate::model::service::Service;

/// What a client may call a service: in its own namespace by its short name as well.
pub(crate) fn domains(service: &Service, client_namespace: &str, port: u16) -> Vec<String> {
    let mut names = vec![service.host.clone()];
    let short = service
        .host
        .split_once(".svc.")
        .map(|(short, _)| short.to_owned());
    if let Some(short) = short {
        if let Some((name, namespace)) = short.split_once('.')
            && namespace == client_namespace
        {
            names.push(name.to_owned());
        }
        names.push(format!("{short}.svc"));
        names.push(short);
    }
    names.push(format!("{}.", service.host));
    with_port(names, port)
}

/// What a host is called that no service has.
pub(crate) fn of_host(host: &str, port: u16) -> Vec<String> {
    with_port(vec![host.to_owned()], port)
}

fn with_port(names: Vec<String>, port: u16) -> Vec<String> {
    let with_port = names.iter().map(|name| format!("{name}:{port}"));
    let with_port: Vec<String> = with_port.collect();
    match port {
        80 => [names, with_port].concat(),
        _ => with_port,
    }
}

/// Whether a VirtualService's host is a service's, or a wildcard that has it in it.
pub(crate) fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(end) && host.len() > end.len() || pattern == "*",
        None => pattern == host,
    }
}
