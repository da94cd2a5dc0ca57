//! A file for `envoy -c`.

use super::location::{Location, Server};
use super::{Placement, cluster, head, module};
use crate::read::Converted;

/// What Istio has Envoy make of paths before policies see them, by `pathNormalization`.
fn paths(normalization: Option<&str>) -> Result<&'static str, String> {
    Ok(match normalization {
        None | Some("BASE" | "DEFAULT") => "          normalize_path: true\n",
        Some("NONE") => "          normalize_path: false\n",
        Some("MERGE_SLASHES") => "          normalize_path: true\n          merge_slashes: true\n",
        Some("DECODE_AND_MERGE_SLASHES") => {
            "          normalize_path: true\n          merge_slashes: true\n          path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD\n"
        }
        Some(other) => {
            return Err(format!(
                "`{}` is no `pathNormalization`; there are NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES",
                other.escape_debug()
            ));
        }
    })
}

pub(super) fn write(converted: &Converted, placement: &Placement) -> Result<String, String> {
    if placement.module.is_some() && converted.configurations.len() > 1 {
        return Err(
            "`--module` names one module, and these are several: leave `--modules each` out"
                .to_owned(),
        );
    }
    let mut text = head(converted, "A configuration of Envoy's");
    text.push_str(
        "#
#   envoy -c FILE
# and then, in another terminal: curl -i localhost:10000/
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 9901}}

# Turns `[policy=shop/orders]` and `[version=0.1.0]` at the end of our statistics into labels.
stats_config:
  stats_tags:
  - {tag_name: policy, regex: '(\\[policy=([^\\]]*)\\])'}
  - {tag_name: version, regex: '(\\[version=([^\\]]*)\\])'}

static_resources:
  listeners:
  - name: ingress
    address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          # As Istio has it, so that policies see the same paths.
",
    );
    text.push_str(paths(converted.path_normalization.as_deref())?);
    text.push_str(
        "          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
              log_format:
                text_format_source:
                  # No token is in here; a query may hold one, so it is left out.
                  inline_string: \"%REQ(:METHOD)% %PATH(NQ)% %RESPONSE_CODE% %DURATION%ms details=%RESPONSE_CODE_DETAILS%\\n\"
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {prefix: /}
                route: {cluster: upstream}
          http_filters:
",
    );
    if !converted.unseen.is_empty() {
        text.push_str("          # Shows policies the other end of the connection, and all names of its certificate.\n");
        text.push_str("          - ");
        text.push_str(module::peer(12).trim_start());
    }
    for it in &converted.configurations {
        let name = it.filter.name();
        let default = Location::File(format!("dist/{name}.wasm"));
        let filter = module::envoy(it, name, placement, &default, 12)?;
        // An entry of a list: its first line has the dash.
        text.push_str("          - ");
        text.push_str(filter.trim_start());
    }
    text.push_str(
        "          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  # What the policies are for.
",
    );
    let upstream = cluster::Cluster {
        name: "upstream".to_owned(),
        address: Some(
            placement
                .upstream
                .clone()
                .unwrap_or_else(|| ("127.0.0.1".to_owned(), 8080)),
        ),
        tls: false,
        http2: false,
    };
    text.push_str(&upstream.lines());
    let mut asked = cluster::asked(&converted.configurations);
    if let Some(Location::Server(server)) = &placement.module {
        asked.push(of(server));
    }
    if !asked.is_empty() {
        text.push_str("  # What the policies ask, by the names that istiod gives such clusters.\n");
    }
    for cluster in asked {
        text.push_str(&cluster.lines());
    }
    Ok(text)
}

/// The cluster that a module is fetched through.
fn of(server: &Server) -> cluster::Cluster {
    cluster::Cluster {
        name: server.cluster(),
        address: Some((server.host.clone(), server.port)),
        tls: server.tls,
        http2: false,
    }
}
