//! What Envoy is told: a bootstrap that stays, and three files that change with the policies.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use envoy::listener::{Listener, Plugin};
use envoy::{Config, Scratch, resources};
use explain::{Normalization, Workload};
use serde_json::{Map, Value, json};

use super::decision;
use super::policy::Policy;
use super::upstream::{self, Upstream};

/// Envoy's name of the listener, and the one that its lines in the access log have.
pub(super) const LISTENER: &str = "policies";
/// The one module, and Envoy's name of the filter.
pub(super) const MODULE: &str = "mesh-filters";

/// A file that Envoy reads again when it is replaced, with the counters that tell what became of it.
pub(super) struct Watched {
    pub(super) file: &'static str,
    /// `<counters>.update_success` and `<counters>.update_rejected`.
    pub(super) counters: &'static str,
}

/// In the order in which they are replaced: what policies ask is there before they are, and a filter is where requests
/// are let in by the last.
pub(super) const FILES: [Watched; 3] = [
    Watched {
        file: "clusters.json",
        counters: "cluster_manager.cds",
    },
    Watched {
        file: "filter.json",
        counters: "extension_config_discovery.http_filter.mesh-filters",
    },
    Watched {
        file: "listener.json",
        counters: "listener_manager.lds",
    },
];

/// What is the same for all policies of a run.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) port: u16,
    pub(super) trusted_hops: u32,
    pub(super) upstream: &'a Upstream,
    pub(super) module: &'a Path,
}

/// The texts of [`FILES`].
pub(super) type Texts = [String; 3];

/// What the files say for these policies.
pub(super) fn texts(policy: &Policy, place: &Place<'_>, scratch: &Path) -> Texts {
    let (mut clusters, _) = policy.clusters();
    clusters.push(place.upstream.cluster.clone());
    let module = place.module.display().to_string();
    let plugin = Plugin {
        name: MODULE,
        root_id: MODULE,
        vm_id: MODULE,
        path: &module,
        failure_policy: "FAIL_RELOAD",
    };
    let filter_file = scratch.join(FILES[1].file);
    let listener = listener(policy.normalization, place, &filter_file);
    [
        resources::file("envoy.config.cluster.v3.Cluster", clusters),
        plugin.file(MODULE, &policy.tree),
        resources::file("envoy.config.listener.v3.Listener", [listener]),
    ]
}

/// The bootstrap, which names the files.
pub(super) fn bootstrap(scratch: &Scratch, workload: Option<&Workload>) -> Config {
    let source = |watched: &Watched| resources::source(&scratch.path().join(watched.file));
    let [clusters, _, listeners] = FILES;
    Config::from_value(json!({
        "node": {"id": LISTENER, "cluster": LISTENER, "metadata": workload.map_or_else(|| json!({}), metadata)},
        "dynamic_resources": {"cds_config": source(&clusters), "lds_config": source(&listeners)},
        // As istiod has it: a fragment is cut, and nobody is refused because of one.
        "layered_runtime": {"layers": [{"name": "istio", "static_layer": {
            "envoy.reloadable_features.http_reject_path_with_fragment": false,
        }}]},
    }))
}

/// The metadata of a proxy, as far as policies look at it.
fn metadata(workload: &Workload) -> Value {
    json!({"NAMESPACE": workload.namespace, "LABELS": workload.labels})
}

fn listener(paths: Normalization, place: &Place<'_>, filter_file: &Path) -> Value {
    let fields = manager(paths, place.trusted_hops);
    let listener = Listener::new(LISTENER)
        .at(SocketAddr::from((Ipv4Addr::LOCALHOST, place.port)))
        .filter("peer", "set_filter_state.v3.Config", peer())
        .discovered(MODULE, filter_file)
        .to(upstream::CLUSTER);
    let listener = fields
        .into_iter()
        .fold(listener, |listener, (field, value)| {
            listener.manager(&field, value)
        });
    let logged = decision::formats().into_iter();
    logged
        .fold(listener, |listener, (field, format)| {
            listener.log(field, &format)
        })
        .build()
}

/// Of the connection manager: Istio's `pathNormalization`, and whose address a client has.
fn manager(paths: Normalization, trusted_hops: u32) -> Map<String, Value> {
    let merges = matches!(
        paths,
        Normalization::MergeSlashes | Normalization::DecodeAndMergeSlashes
    );
    let slashes = match paths {
        Normalization::DecodeAndMergeSlashes => "UNESCAPE_AND_FORWARD",
        _ => "KEEP_UNCHANGED",
    };
    let fields = [
        ("normalize_path", json!(paths != Normalization::None)),
        ("merge_slashes", json!(merges)),
        ("path_with_escaped_slashes_action", json!(slashes)),
        ("use_remote_address", json!(true)),
        ("xff_num_trusted_hops", json!(trusted_hops)),
        // Policies see what the client sent.
        ("skip_xff_append", json!(true)),
    ];
    fields
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
}

/// The address of the direct peer, which no module sees by itself.
fn peer() -> Value {
    let format = "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%";
    json!({"on_request_headers": [{
        "object_key": "mesh_filters.peer.address",
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": format}},
    }]})
}
