//! `mesh-filters image verify`: whether Istio's agent takes an image, and what Envoy then gets.

use clap::Args;
use oci::registry::Error;
use oci::{AGENT_LIMIT, Digest, Expected, Kind, Refusal, SourceError, Verified};
use serde_json::{Value, json};

use super::place;
use super::registry::{Access, Said};
use crate::ending::{Ending, Failure};
use crate::output::{BAD, GOOD, Output, rows};

/// Say whether Istio's agent takes an image, and what Envoy gets
///
/// Reads an OCI image layout (a folder, or a tar archive of one, as `docker save` writes it) or an image in a registry,
/// by the rules of Istio's agent in its order, and looks at the module as Envoy does. In the archive of an engine
/// layers lie uncompressed; they are judged as they will be when it pushes them.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters image verify dist/oci/rate-limit/compat
  $ mesh-filters image verify oci://registry.example/mesh-filters/rate-limit:0.1.0
  $ docker save rate-limit -o image.tar && mesh-filters image verify image.tar")]
pub(crate) struct Verify {
    /// Folders, archives or references
    #[arg(required = true, value_name = "PATH|REFERENCE")]
    places: Vec<String>,
    /// The digest that it must have: WasmPlugin's `sha256`, that of the manifest
    #[arg(long, value_name = "HEX", value_parser = super::digest)]
    sha256: Option<Digest>,
    /// The most bytes that a module may have, the agent's ISTIO_WASM_MAX_BINARY_SIZE_BYTES
    #[arg(long, value_name = "BYTES", default_value_t = AGENT_LIMIT)]
    max_size: u64,
    #[command(flatten)]
    access: Access,
}

impl Verify {
    pub(super) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let mut ending = Ending::Fine;
        let mut all = Vec::new();
        for name in &self.places {
            // On to the next, so that one run tells all there is to mend.
            match self.one(name) {
                Ok(verified) => {
                    if verified.is_err() {
                        ending = ending.max(Ending::Found);
                    }
                    all.push((name, verified));
                }
                Err(failure) => {
                    failure.say();
                    ending = Ending::Partial;
                }
            }
        }
        output.say(
            || {
                all.iter()
                    .map(|(name, verified)| text(name, verified))
                    .collect()
            },
            || {
                let images: Vec<_> = all.iter().map(|(name, it)| document(name, it)).collect();
                json!({ "images": images })
            },
        );
        Ok(ending)
    }

    /// What is to be said of one image, good or bad.
    fn one(&self, name: &str) -> Result<Result<Verified, Refusal>, Failure> {
        let said = Said::new();
        let place = place::open(name, &self.access, &said)?;
        let expected = Expected {
            digest: self.sha256.or(place.digest),
            limit: self.max_size,
        };
        match oci::verify(place.source.as_ref(), &expected) {
            Err(refusal) if !is_found(&refusal) => Err(Failure::new(format!("{name}: {refusal}"))),
            verified => Ok(verified),
        }
    }
}

/// Whether it is a fault of the image, and not of the way to it.
fn is_found(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Source(source) => matches!(
            source,
            SourceError::Missing { .. }
                | SourceError::TooLarge { .. }
                | SourceError::Malformed { .. }
                | SourceError::Registry(Error::MediaType { .. } | Error::TooLarge { .. })
        ),
        _ => true,
    }
}

fn text(name: &str, verified: &Result<Verified, Refusal>) -> String {
    let verified = match verified {
        Ok(verified) => verified,
        Err(refusal) => return format!("{BAD}refused{BAD:#} {name}\n  {refusal}\n"),
    };
    let module = &verified.module;
    let mut all = vec![
        ("layout", layout(verified.kind).to_owned()),
        (
            "manifest",
            match verified.digest {
                Some(digest) => format!("{digest}, WasmPlugin's sha256"),
                None => "made when it is pushed, and with it WasmPlugin's sha256".to_owned(),
            },
        ),
    ];
    if let Some(index) = verified.index {
        let hint = "whose digest the agent does not take for the image's";
        all.push(("index", format!("{index}, {hint}")));
    }
    let (digest, size) = (module.digest(), module.bytes().len());
    all.push((
        "Envoy gets",
        format!(
            "{digest}, {size} bytes, proxy-wasm {}",
            module.abi().number()
        ),
    ));
    let named = [&verified.filter, &verified.version].map(|it| it.as_deref());
    if let [Some(filter), version] = named {
        all.push((
            "filter",
            [filter, version.unwrap_or_default()]
                .join(" ")
                .trim_end()
                .to_owned(),
        ));
    }
    all.push((
        "imports",
        format!("{}, all of which Envoy has", module.imports().len()),
    ));
    let unknown: Vec<&str> = module.unknown_callbacks().collect();
    all.push((
        "exports",
        match unknown.as_slice() {
            [] => format!("{}", module.exports().len()),
            names => format!(
                "{}, of which Envoy never calls {}",
                module.exports().len(),
                names.join(", ")
            ),
        },
    ));
    format!("{GOOD}good{GOOD:#}    {name}\n{}", rows(&all))
}

fn layout(kind: Kind) -> &'static str {
    match kind {
        Kind::Compat => "compat, an OCI image with plugin.wasm in its last layer",
        Kind::Docker => "docker, a Docker image with plugin.wasm in its last layer",
        Kind::Artifact => "artifact, the module as one of two layers",
    }
}

fn document(name: &str, verified: &Result<Verified, Refusal>) -> Value {
    let verified = match verified {
        Ok(verified) => verified,
        Err(refusal) => {
            return json!({
                "place": name,
                "taken": false,
                "code": refusal.code(),
                "problem": refusal.to_string(),
            });
        }
    };
    let module = &verified.module;
    json!({
        "place": name,
        "taken": true,
        "layout": verified.kind.name(),
        "digest": verified.digest.map(|digest| digest.to_string()),
        "index": verified.index.map(|digest| digest.to_string()),
        "filter": verified.filter,
        "version": verified.version,
        "module": {
            "sha256": module.digest().hex(),
            "size": module.bytes().len(),
            "abi": module.abi().number(),
            "imports": module.imports(),
            "exports": module.exports(),
            "neverCalled": module.unknown_callbacks().collect::<Vec<_>>(),
        },
    })
}
