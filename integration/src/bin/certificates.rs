//! Mints the certificates that the files of `envoy-configs/local` show mutual TLS with:
//!
//! ```text
//! cargo run -p integration --bin certificates
//! ```
//!
//! They are for trying things out on one machine and for nothing else: their private keys are public.
//! The authority's own key is thrown away, so nobody can have it vouch for anything more; new
//! certificates come from a new authority.

use std::fs;

use integration::envoy::repository;
use integration::tls::{Authority, Names};

/// Where they go.
const FOLDER: &str = "envoy-configs/local/certificates";

fn main() -> std::io::Result<()> {
    let folder = repository().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let authority = Authority::new("mesh-filters demo: trust nothing that shows this");
    fs::write(folder.join("ca.pem"), authority.pem())?;
    let account = |name| Names::spiffe(&format!("cluster.local/ns/default/sa/{name}"));
    for (file, names) in [
        ("server", Names::none().dns("localhost")),
        ("productpage", account("bookinfo-productpage")),
        ("sleep", account("sleep")),
    ] {
        let issued = authority.issue(&names);
        // Both in one file, as `curl --cert` takes them.
        let both = issued.certificate + &issued.key;
        fs::write(folder.join(file).with_extension("pem"), both)?;
    }
    println!("{FOLDER}: ca, server, productpage and sleep, good until 2120");
    Ok(())
}
