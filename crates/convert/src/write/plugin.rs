//! Istio's WasmPlugin and TrafficExtension: the same fields, nested otherwise.

use policies::GATEWAY;
use serde_json::Value;

use super::location::Location;
use super::{Context, Form, Placement, head, labels, metadata, module, yaml};
use crate::read::{Configuration, Converted};

pub(super) fn write(
    converted: &Converted,
    form: Form,
    placement: &Placement,
) -> Result<String, String> {
    let several = converted.configurations.len() > 1;
    if several && (placement.module.is_some() || placement.name.is_some()) {
        return Err(
            "`--module` and `--name` are of one module, and these are several: leave `--modules each` out".to_owned(),
        );
    }
    let mut objects = Vec::new();
    for it in &converted.configurations {
        objects.push(object(it, converted, form, placement)?);
    }
    Ok(objects.join("---\n"))
}

fn object(
    it: &Configuration,
    converted: &Converted,
    form: Form,
    placement: &Placement,
) -> Result<String, String> {
    let filter = it.filter.name();
    let manner = module::manner(it.filter);
    let kind = match form {
        Form::TrafficExtension => "TrafficExtension",
        _ => "WasmPlugin",
    };
    let mut text = head(converted, &format!("A {kind}"));
    text.push_str(&format!(
        "apiVersion: extensions.istio.io/v1alpha1\nkind: {kind}\n"
    ));
    text.push_str(&metadata(
        converted,
        placement.name.as_deref().unwrap_or(filter),
    )?);
    text.push_str("spec:\n");
    text.push_str(&selector(converted)?);
    text.push_str(&format!(
        "  # Phase and priority make the order of plugins; the larger priority comes first.\n  phase: {}\n  priority: {}\n",
        manner.phase, manner.priority
    ));
    text.push_str(match placement.context(converted) {
        Context::Inbound => {
            "  # Requests to the workload, not those that it sends.\n  match:\n  - mode: SERVER\n"
        }
        Context::Outbound => {
            "  # Requests that the workload sends, not those to it.\n  match:\n  - mode: CLIENT\n"
        }
        Context::Gateway => {
            "  # No `match`: a gateway's requests are of mode CLIENT, and all of them are meant.\n"
        }
    });
    let indent = match form {
        Form::TrafficExtension => {
            text.push_str("  wasm:\n");
            4
        }
        _ => 2,
    };
    let mut lines = Vec::new();
    if placement.module.is_none() {
        lines.push(
            "# The registry is yours: `mesh-filters image push` brings the image there.".to_owned(),
        );
    }
    lines.push(format!("url: {}", url(filter, placement)?));
    if let Some(sum) = &placement.sha256 {
        lines.push(format!("sha256: {}", module::flow(sum)));
    }
    lines.push("# By this name the configuration is known to be that of the module.".to_owned());
    lines.push(format!("pluginName: {filter}"));
    lines.push(format!("# {}", manner.why));
    lines.push(format!("failStrategy: {}", manner.failure));
    for line in lines {
        text.push_str(&format!("{:indent$}{line}\n", ""));
    }
    match &it.tree {
        Value::Object(map) if map.is_empty() => {
            text.push_str(&format!("{:indent$}pluginConfig: {{}}\n", ""))
        }
        Value::Object(_) => {
            text.push_str(&format!("{:indent$}pluginConfig:\n", ""));
            text.push_str(&yaml::indented(&it.tree, indent + 2)?);
        }
        _ => {
            return Err(format!(
                "`pluginConfig` is a mapping, and the configuration of {filter} is none: write it in the shape of its \
                 README, or take `--to envoyfilter`"
            ));
        }
    }
    Ok(text)
}

/// Which workloads: a gateway that is named is named in the way that waypoints and gateways of the Gateway API take.
fn selector(converted: &Converted) -> Result<String, String> {
    let workload = converted.workload.as_ref();
    if let Some(name) = workload.and_then(|it| it.labels.get(GATEWAY)) {
        return Ok(format!(
            "  targetRefs:\n  - group: gateway.networking.k8s.io\n    kind: Gateway\n    name: {}\n",
            yaml::scalar(name)?
        ));
    }
    Ok(match labels(workload, 6)? {
        Some(labels) => format!("  selector:\n    matchLabels:\n{labels}"),
        None => "  # No selector: every workload of the namespace, and in the root namespace of the mesh.\n".to_owned(),
    })
}

fn url(filter: &str, placement: &Placement) -> Result<String, String> {
    Ok(match &placement.module {
        None => format!("oci://registry.example/{filter}:{}", module::VERSION),
        Some(Location::Image(url)) => module::flow(url),
        Some(Location::Server(server)) => module::flow(&server.url),
        Some(Location::File(path)) => {
            if !path.starts_with('/') {
                return Err(format!(
                    "Istio's agent takes the whole path of a file: `{}` begins without `/`",
                    path.escape_debug()
                ));
            }
            module::flow(&format!("file://{path}"))
        }
    })
}
