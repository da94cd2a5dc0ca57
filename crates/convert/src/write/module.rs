//! How each module is loaded: its place among others, and what becomes of requests when it dies.

use catalog::Filter;
use serde_json::Value;

use super::location::Location;
use super::{Placement, yaml};
use crate::read::Configuration;

/// What holds for a module wherever it is loaded; as in `envoy-configs/istio`.
pub(super) struct Manner {
    /// Istio's phase for plugins.
    pub(super) phase: &'static str,
    /// Its place in the phase: the larger comes first.
    pub(super) priority: u32,
    /// Envoy's failure policy, and Istio's fail strategy, which have the same names.
    pub(super) failure: &'static str,
    /// Why that one.
    pub(super) why: &'static str,
}

/// That of a filter's module.
pub(super) fn manner(filter: &Filter) -> Manner {
    let (phase, priority, failure, why) = match filter.name() {
        "authorization-policy" => ("AUTHZ", 10, RELOAD, DOOR),
        "rate-limit" => ("STATS", 30, RELOAD, LIMIT),
        "fault-injection" => (
            "STATS",
            20,
            OPEN,
            "A fault is a test, and not worth a request: should the module die, traffic goes on without it.",
        ),
        "telemetry-tags" => (
            "STATS",
            10,
            OPEN,
            "A tag is not worth a request: should the module die, traffic goes on without it.",
        ),
        _ => ("AUTHN", 10, RELOAD, DOOR),
    };
    Manner {
        phase,
        priority,
        failure,
        why,
    }
}

const RELOAD: &str = "FAIL_RELOAD";
const OPEN: &str = "FAIL_OPEN";
const DOOR: &str = "Should the module ever die, nobody gets in until Envoy has started it anew.";
const LIMIT: &str = "A limit protects what is behind it: should the module die, nobody passes until Envoy has started it anew.";

/// The version of the modules that belong to this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A filter of Envoy's that loads a module, as lines behind so many spaces: the entry of a list, or the value of a
/// patch.
pub(super) fn envoy(
    it: &Configuration,
    name: &str,
    placement: &Placement,
    default: &Location,
    indent: usize,
) -> Result<String, String> {
    let filter = it.filter.name();
    let manner = manner(it.filter);
    let (code, version) = code(placement.module.as_ref().unwrap_or(default), placement)?;
    let body = format!(
        "name: {name}
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
  config:
    name: {filter}
    # By this name the configuration is known to be that of {filter}.
    root_id: {filter}
    # {why}
    failure_policy: {failure}
    vm_config:
      vm_id: {filter}{version}
      runtime: envoy.wasm.runtime.v8
{code}    configuration:
{configuration}",
        why = manner.why,
        failure = manner.failure,
        configuration = configuration(&it.tree)?,
    );
    let lines = body.lines().map(|line| format!("{:indent$}{line}\n", ""));
    Ok(lines.collect())
}

/// A filter of Envoy's that shows policies what it does not show a module itself, as lines behind so many spaces.
pub(super) fn peer(indent: usize) -> String {
    let mut text = "name: mesh-filters.peer
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config
  on_request_headers:
"
    .to_owned();
    for (key, format) in [
        ("address", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT"),
        ("uri_sans", "DOWNSTREAM_PEER_URI_SAN"),
        ("dns_sans", "DOWNSTREAM_PEER_DNS_SAN"),
    ] {
        text.push_str(&format!(
            "  - object_key: mesh_filters.peer.{key}
    factory_key: envoy.string
    format_string: {{text_format_source: {{inline_string: \"%{format}%\"}}}}
"
        ));
    }
    let lines = text.lines().map(|line| format!("{:indent$}{line}\n", ""));
    lines.collect()
}

/// A mapping is handed over as it is, anything else as the text of it.
fn configuration(tree: &Value) -> Result<String, String> {
    match tree {
        Value::Object(map) if !map.is_empty() => Ok(format!(
            "      \"@type\": type.googleapis.com/google.protobuf.Struct\n      value:\n{}",
            yaml::indented(tree, 8)?
        )),
        Value::Object(_) => Ok(
            "      \"@type\": type.googleapis.com/google.protobuf.Struct\n      value: {}\n"
                .to_owned(),
        ),
        other => Ok(format!(
            "      \"@type\": type.googleapis.com/google.protobuf.StringValue\n      value: {}\n",
            yaml::scalar(&other.to_string())?
        )),
    }
}

/// The code of a module, and the end of the VM's name: one that is fetched has to have another name with each version.
fn code(location: &Location, placement: &Placement) -> Result<(String, String), String> {
    match location {
        Location::File(path) => Ok((
            format!("      code: {{local: {{filename: {}}}}}\n", flow(path)),
            String::new(),
        )),
        Location::Server(server) => {
            let Some(sum) = &placement.sha256 else {
                return Err(
                    "Envoy fetches no module without its sum: say `--sha256`, which `sha256sum` and \
                     `dist/oci/SHA256SUMS` tell"
                        .to_owned(),
                );
            };
            let short = sum.get(..8).unwrap_or(sum);
            Ok((
                format!(
                    "      code:
        remote:
          http_uri:
            uri: {}
            # A service of the mesh, or a ServiceEntry with a DestinationRule for TLS: this is istiod's name for it.
            cluster: {}
            timeout: 30s
          sha256: {}
          # Without this Envoy asks twice within a second, and never again.
          retry_policy:
            num_retries: 1000000
            retry_back_off: {{base_interval: 1s, max_interval: 10s}}
",
                    flow(&server.url),
                    flow(&server.cluster()),
                    flow(sum)
                ),
                format!("-{short}"),
            ))
        }
        Location::Image(_) => Err(
            "Envoy reads no images, Istio's agent does: take `--to wasmplugin` or `trafficextension`, or name the \
             file that the module lies in"
                .to_owned(),
        ),
    }
}

/// A text between quotes, which any parser of YAML reads as that.
pub(super) fn flow(text: &str) -> String {
    Value::from(text).to_string()
}
