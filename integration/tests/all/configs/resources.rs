//! The resources that people apply, `envoy-configs/istio/` and `envoy-configs/gateway/`: valid where they go, and
//! in Envoy as they say.

mod envoy_filters;
mod gateway;
mod index;
mod places;
mod plugins;
mod valid;

use integration::demo::Shipped;
use serde_json::Value;

/// The folders of theirs.
const FOLDERS: [&str; 2] = ["envoy-configs/istio", "envoy-configs/gateway"];
/// What stands in a file for a sum that its reader puts in.
const NO_SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Every file of them.
fn files() -> Vec<Shipped> {
    FOLDERS.into_iter().flat_map(Shipped::all).collect()
}

/// A file of `envoy-configs/istio`.
fn istio(name: &str) -> Shipped {
    Shipped::read(&format!("envoy-configs/istio/{name}.yaml"))
}

/// The objects of a file.
fn documents(file: &Shipped) -> Vec<Value> {
    let read = serde_saphyr::from_multiple(file.text());
    read.unwrap_or_else(|error| panic!("{}: {error}", file.path()))
}

/// The name of a file, without folder and ending.
fn stem(file: &Shipped) -> &str {
    let name = file.path().rsplit('/').next().unwrap();
    name.strip_suffix(".yaml").unwrap()
}

/// The HTTP filters of the first listener of a bootstrap.
fn http_filters(bootstrap: &Value) -> Vec<&str> {
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer(filters).unwrap().as_array().unwrap();
    let names = filters.iter().map(|filter| filter["name"].as_str());
    names.map(Option::unwrap).collect()
}
