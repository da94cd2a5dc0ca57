//! The files of `envoy-configs/mesh`: what their comments tell people to run is there, and what is said of each is
//! known.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

use std::path::{Path, PathBuf};

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Mesh, Outside};

const FOLDER: &str = "envoy-configs/mesh/";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all files, in order.
fn names() -> Vec<String> {
    let folder = std::fs::read_dir(repository().join(FOLDER)).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
    names.sort();
    names
}

fn text(name: &str) -> String {
    std::fs::read_to_string(repository().join(FOLDER).join(name)).unwrap()
}

/// The files of the folder that the first `mesh up` in a file's comment names.
fn beside(name: &str) -> Vec<String> {
    let text = text(name);
    let line = text
        .lines()
        .find(|line| line.contains("mesh-filters mesh up"));
    let line = line.unwrap_or_else(|| panic!("{name} does not say how it is run"));
    let named = line.split(' ').filter_map(|word| word.strip_prefix(FOLDER));
    named.map(str::to_owned).collect()
}

/// What is said of a file and those beside it.
fn said(name: &str) -> Vec<String> {
    let mut documents = Vec::new();
    for name in beside(name) {
        documents.extend(Document::read_text(&name, &text(&name)).unwrap());
    }
    let (model, mut said) = Model::read(&documents);
    let addresses = Addresses::assign(&model, 10);
    let mesh = Mesh {
        model: &model,
        addresses: &addresses,
        trust_domain: "cluster.local",
        outside: Outside::AllowAny,
    };
    said.extend(mesh.said());
    said.iter().map(ToString::to_string).collect()
}

#[test]
fn every_file_says_how_it_is_run() {
    let all = names();
    assert!(all.len() >= 18, "{all:?}");
    for name in &all {
        let beside = beside(name);
        assert!(beside.contains(name), "{name}: {beside:?}");
        for other in &beside {
            assert!(all.contains(other), "{name} names {other}");
        }
    }
}

#[test]
fn the_readme_has_every_file() {
    let readme = text("README.md");
    for name in names() {
        assert!(readme.contains(&format!("[{name}]({name})")), "{name}");
    }
}

#[test]
fn what_is_said_of_each_is_its_point() {
    for name in names() {
        let expected: &[&str] = match name.as_str() {
            // Its comment says how the Secret is made.
            "gateway-tls.yaml" => &[
                "gateway-tls.yaml:32:10: there is no Secret istio-system/shop-credential: the server is not there, as in \
                 Istio; others are",
            ],
            "outlier.yaml" => &[
                "outlier.yaml:61:26: consecutiveErrors is an old name: here it counts as consecutive5xxErrors; today's \
                 Istio passes over it, and Envoy's own default holds, five",
            ],
            _ => &[],
        };
        assert_eq!(said(&name), expected, "{name}");
    }
}
