//! Istio's EnvoyFilter.

use super::location::Location;
use super::{Context, Placement, head, labels, metadata, module, yaml};
use crate::read::{Configuration, Converted};

pub(super) fn write(converted: &Converted, placement: &Placement) -> Result<String, String> {
    let [first, others @ ..] = &converted.configurations[..] else {
        return Err("there is nothing to load".to_owned());
    };
    if placement.module.is_some() && !others.is_empty() {
        return Err(
            "`--module` names one module, and these are several: leave `--modules each` out"
                .to_owned(),
        );
    }
    let mut text = head(converted, "An EnvoyFilter");
    let context = placement.context(converted);
    text.push_str("apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n");
    let name = placement.name.as_deref().unwrap_or(match others {
        [] => first.filter.name(),
        _ => "mesh-filters",
    });
    text.push_str(&metadata(converted, name)?);
    text.push_str("spec:\n");
    match labels(converted.workload.as_ref(), 6)? {
        Some(labels) => text.push_str(&format!("  workloadSelector:\n    labels:\n{labels}")),
        None => text.push_str("  # No workloadSelector: every workload of the namespace, and in the root namespace of the mesh.\n"),
    }
    text.push_str("  configPatches:\n");
    if !converted.unseen.is_empty() {
        text.push_str("  # Shows policies the other end of the connection, and all names of its certificate.\n");
        text.push_str(&patch(context, &module::peer(8)));
    }
    for it in &converted.configurations {
        text.push_str(&patch(context, &loaded(it, placement)?));
    }
    Ok(text)
}

/// The module of a configuration as the value of a patch.
fn loaded(it: &Configuration, placement: &Placement) -> Result<String, String> {
    let filter = it.filter.name();
    // What the module is called in an image, or a file for each.
    let file = match filter {
        "mesh-filters" => "plugin",
        name => name,
    };
    let default = Location::File(format!(
        "/var/lib/mesh-filters/{}/{file}.wasm",
        module::VERSION
    ));
    let name = yaml::scalar(&format!("mesh-filters.{filter}"))?;
    module::envoy(it, &name, placement, &default, 8)
}

fn patch(context: Context, value: &str) -> String {
    let (context, why) = match context {
        Context::Inbound => (
            "SIDECAR_INBOUND",
            "so behind Istio's own authentication and authorization",
        ),
        Context::Outbound => (
            "SIDECAR_OUTBOUND",
            "where requests are sent, beside Istio's own faults",
        ),
        Context::Gateway => ("GATEWAY", "so behind what Istio has there itself"),
    };
    format!(
        "  - applyTo: HTTP_FILTER
    match:
      context: {context}
      listener:
        filterChain:
          filter:
            name: envoy.filters.network.http_connection_manager
            # Right before the router, {why}.
            subFilter:
              name: envoy.filters.http.router
    patch:
      operation: INSERT_BEFORE
      value:
{value}"
    )
}
