//! `mesh-filters image pull`: an image out of a registry, as a layout or as the module in it.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use oci::{AGENT_LIMIT, Expected, layout};
use serde_json::json;

use super::place;
use super::registry::{Access, Said};
use crate::ending::{Ending, Failure};
use crate::output::{GOOD, Output, rows};

/// Pull an image as a layout, or the module in it
///
/// Every part is held against its digest. If OUT ends in .wasm, the image is verified as by `image verify`, and OUT is
/// the module that Envoy would get.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters image pull oci://registry.example/mesh-filters/rate-limit:0.1.0 rate-limit.wasm
  $ mesh-filters image pull oci://registry.example/mesh-filters/rate-limit:0.1.0 layouts/rate-limit")]
pub(crate) struct Pull {
    /// What is pulled, by its tag or its digest
    reference: String,
    /// A file NAME.wasm, or the folder of a layout
    out: PathBuf,
    #[command(flatten)]
    access: Access,
}

impl Pull {
    pub(super) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let said = Said::new();
        let place = place::remote(&self.reference, &self.access, &said)?;
        let source = place.source.as_ref();
        let refused = |refusal| Failure::new(format!("{}: {refusal}", self.reference));
        let image = oci::read(source, AGENT_LIMIT).map_err(refused)?;
        if self.out.extension().is_some_and(|it| it == "wasm") {
            let expected = Expected {
                digest: place.digest,
                ..Expected::default()
            };
            let verified = oci::verify(&image, &expected).map_err(refused)?;
            let written = fs::write(&self.out, verified.module.bytes());
            written.map_err(|error| Failure::at(&self.out, error))?;
        } else {
            let tag = place::reference(&self.reference)?;
            let tag = tag.tag().unwrap_or("latest").to_owned();
            layout::write(&image, &tag, &self.out).map_err(Failure::new)?;
        }
        let digest = image.digest();
        output.say(
            || {
                let all = [
                    ("sha256", digest.hex()),
                    ("into", self.out.display().to_string()),
                ];
                format!("{GOOD}pulled{GOOD:#} {}\n{}", self.reference, rows(&all))
            },
            || json!({ "sha256": digest.hex(), "out": self.out }),
        );
        Ok(Ending::Fine)
    }
}
