//! What is done: the operations of a rule.

use serde_json::{Value, json};

use super::Side;
use super::matchers::{header, host, port, text};
use super::policy::Operation;

/// The conditions of one operation.
pub(super) fn of(operation: &Operation) -> Result<Vec<Value>, String> {
    let Operation {
        hosts,
        not_hosts,
        ports,
        not_ports,
        methods,
        not_methods,
        paths,
        not_paths,
    } = operation;
    let side = Side::Permission;
    let mut all = side.condition(hosts, not_hosts, |value| Ok(json!({"header": host(value)})))?;
    all.extend(side.condition(methods, not_methods, |value| {
        Ok(json!({"header": header(":method", value)}))
    })?);
    all.extend(side.condition(paths, not_paths, |value| Ok(path(value)))?);
    all.extend(side.condition(ports, not_ports, |value| {
        Ok(json!({"destination_port": port(value)?}))
    })?);
    Ok(all)
}

fn path(value: &str) -> Value {
    if !value.contains("{*}") && !value.contains("{**}") {
        return json!({"url_path": {"path": text(value)}});
    }
    let template = value.replace("{*}", "*").replace("{**}", "**");
    json!({"uri_template": {
        "name": "uri-template",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "path_template": template,
        },
    }})
}
