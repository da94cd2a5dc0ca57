//! Every base of the renderer, plain and patched, and an extension configuration, in Envoy itself.

use std::net::SocketAddr;

use integration::envoy::{Config, Envoy, Scratch};
use istio::base::{self, Destination};
use istio::{Context, EnvoyFilter, Proxy, apply};

/// A filter at its place, one that asks for its configuration, and the answer to it.
const PATCHES: &str = "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: test}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    patch:
      operation: INSERT_FIRST
      value:
        name: envoy.filters.http.header_to_metadata
        typedConfig: &configuration
          '@type': type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
          requestRules: [{header: x-version, onHeaderPresent: {metadataNamespace: envoy.lb, key: version}}]
  - applyTo: HTTP_FILTER
    patch:
      operation: INSERT_FIRST
      value:
        name: asks
        configDiscovery:
          configSource: {ads: {}}
          typeUrls: [type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config]
  - applyTo: EXTENSION_CONFIG
    patch:
      operation: ADD
      value: {name: asks, typedConfig: *configuration}
";

#[test]
fn envoy_accepts_what_is_rendered() {
    let endpoint = SocketAddr::from(([127, 0, 0, 1], 9999));
    let destination = Destination {
        host: "reviews.default.svc.cluster.local",
        port: 8080,
        endpoint,
    };
    let filters = [EnvoyFilter::parse(PATCHES).unwrap()];
    for (context, plain) in [
        (
            Context::SidecarInbound,
            base::sidecar_inbound(8080, endpoint),
        ),
        (
            Context::SidecarOutbound,
            base::sidecar_outbound(&destination),
        ),
        (Context::Gateway, base::gateway(8080, &destination)),
    ] {
        let scratch = Scratch::new().unwrap();
        let proxy = Proxy::new(context, "default");
        let mut out = apply(plain.clone(), &filters, &proxy).unwrap();
        assert_eq!(out.notes, [""; 0]);
        out.bind_extensions(scratch.path()).unwrap();
        Envoy::builder(Config::from_value(plain))
            .validate()
            .unwrap_or_else(|log| panic!("{context:?}, plain: {log}"));
        Envoy::builder(Config::from_value(out.bootstrap))
            .scratch(scratch)
            .validate()
            .unwrap_or_else(|log| panic!("{context:?}, patched: {log}"));
    }
}
