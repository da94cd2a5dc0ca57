//! The files of `envoy-configs/`, each run as its reader will run it: whatever a file or its
//! comments promise is tried here, so that neither can rot.
//!
//! Tests named `smoke_process_*` run Envoy as a process whatever this machine offers.

mod authorization;
mod comments;
mod costs;
mod curl;
mod demo;
mod elsewhere;
mod embedded;
mod envoy_page;
mod examples;
mod gateway_page;
mod istio;
mod istio_all;
mod istio_bases;
mod istio_page;
mod istio_plugin_files;
mod istio_plugins;
mod istio_rate_limit;
mod istio_stats;
mod istio_ways;
mod local;
mod manifests;
mod mesh_page;
mod page_runs;
mod pages;
mod resources;
mod runner;
mod shop;
mod validate;
mod versions;
mod watch;
mod workflow;

use integration::demo::Shipped;
use serde_json::{Value, json};

/// Every file of ours.
const FOLDER: &str = "envoy-configs";

/// The files that Envoy reads, of all there are: the others are resources of Kubernetes.
fn bootstraps() -> Vec<Shipped> {
    let mut files = Shipped::all(FOLDER);
    files.retain(|file| {
        let mut lines = file.text().lines();
        lines.any(|line| line.starts_with("static_resources:"))
    });
    assert!(!files.is_empty());
    files
}

/// Whether not every Envoy takes the file: those before 1.37 have no formats in the tags of spans.
fn uses_formats_in_spans(file: &Shipped) -> bool {
    file.text().contains("custom_tags:")
}

/// An access log of lines of this format, in Envoy's output.
fn stdout_log(format: &str) -> Value {
    json!([{
        "name": "log",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"text_format_source": {"inline_string": format}},
        },
    }])
}
