//! The probe in the wasm host, where clocks and workers do as a test says.

use std::time::Duration;

use integration::envoy::repository;
use wasm_host::{Host, Module, Stream, World};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A worker with the probe.
pub(crate) fn worker(world: &World) -> Host {
    worker_with(world, br#"{ "cluster": "there" }"#)
}

/// A worker with this configuration of the probe.
pub(crate) fn worker_with(world: &World, configuration: &[u8]) -> Host {
    load("probe", world, configuration)
}

/// A worker with this test module.
pub(crate) fn load(name: &str, world: &World, configuration: &[u8]) -> Host {
    let module = repository().join(format!("target/test-modules/{name}.wasm"));
    assert!(module.exists(), "no {name}: run `cargo xtask build` first");
    let host = Host::in_world(&Module::load(module).unwrap(), world).unwrap();
    assert!(host.configure(configuration));
    host
}

/// A request for this path, as far as the probe lets it.
pub(crate) fn get(host: &Host, path: &str) -> Stream {
    get_with(host, path, &[])
}

/// The same with more headers.
pub(crate) fn get_with(host: &Host, path: &str, headers: &[(&str, &str)]) -> Stream {
    let head = [
        (":method", "GET"),
        (":path", path),
        (":authority", "probe.example"),
    ];
    host.request(&*[&head, headers].concat(), true)
}

/// Nothing happened that Envoy would punish.
#[track_caller]
pub(crate) fn well(host: &Host) {
    assert_eq!(host.dead(), None);
    assert_eq!(host.crashed(), None);
    assert_eq!(host.violations(), Vec::<String>::new());
}
