//! The Dockerfile, where an engine answers: one layer, and a module that Envoy takes.

use std::process::Command;

use integration::envoy::{Launcher, Scratch, repository};
use oci::{Expected, Kind, layout, verify};

/// What `docker` says to this; it has to be fine.
fn docker(words: &[&str]) -> String {
    let mut command = Command::new("docker");
    command.current_dir(repository()).args(words);
    // The builder that comes with every engine.
    command.env("DOCKER_BUILDKIT", "0");
    let output = command.output().unwrap_or_else(|error| {
        panic!("`docker`, the client of the engine that answers here, does not run: {error}")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// An image that goes with the test.
struct Built(String);

impl Drop for Built {
    fn drop(&mut self) {
        let removed = Command::new("docker").args(["rmi", &self.0]).output();
        if !removed.is_ok_and(|output| output.status.success()) {
            eprintln!("the image {} stays", self.0);
        }
    }
}

#[test]
fn it_makes_an_image_that_the_agent_takes() {
    if Launcher::detect().unwrap() == Launcher::Process {
        eprintln!("no container engine answers, so there is nothing to build the Dockerfile with");
        return;
    }
    let scratch = Scratch::new().unwrap();
    let name = format!("mesh-filters-test/rate-limit:{}", std::process::id());
    docker(&[
        "build",
        "--quiet",
        "--build-arg",
        "MODULE=rate-limit",
        "--tag",
        &name,
        ".",
    ]);
    let built = Built(name);
    let layers = docker(&["inspect", "--format", "{{len .RootFS.Layers}}", &built.0]);
    assert_eq!(layers.trim(), "1");
    let saved = scratch.path().join("image.tar");
    docker(&["save", "--output", saved.to_str().unwrap(), &built.0]);
    let source = layout::open(&saved).unwrap();
    let verified = verify(source.as_ref(), &Expected::default()).unwrap();
    assert_ne!(verified.kind, Kind::Artifact);
    assert_eq!(verified.filter.as_deref(), Some("rate-limit"));
    let module = std::fs::read(repository().join("dist/rate-limit.wasm")).unwrap();
    assert_eq!(verified.module.bytes(), module);
}
