//! `mesh-filters image push`: a layout to a registry.

use std::path::PathBuf;

use clap::Args;
use oci::registry::{Remote, push};
use oci::{AGENT_LIMIT, layout};
use serde_json::json;

use super::place;
use super::registry::{Access, Said};
use crate::ending::{Ending, Failure};
use crate::output::{GOOD, Output, rows};

/// Push an image layout to a registry
///
/// Credentials are those of `docker login`. A registry on this machine is spoken to over plain HTTP.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters image push dist/oci/rate-limit/compat oci://registry.example/mesh-filters/rate-limit:0.1.0")]
pub(crate) struct Push {
    /// A layout's folder or archive
    layout: PathBuf,
    /// Where it goes
    reference: String,
    #[command(flatten)]
    access: Access,
}

impl Push {
    pub(super) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let source = layout::open(&self.layout).map_err(Failure::new)?;
        let image = oci::read(source.as_ref(), AGENT_LIMIT);
        let image = image.map_err(|refusal| Failure::at(&self.layout, refusal))?;
        let said = Said::new();
        let reference = place::reference(&self.reference)?;
        let remote = Remote::new(reference, self.access.options(&said)).map_err(Failure::new)?;
        let pushed = push(&image, &remote).map_err(Failure::new)?;
        output.say(
            || {
                let sent = format!("{} bytes, {} were there", pushed.sent, pushed.present);
                let all = [
                    ("url", pushed.reference.to_string()),
                    ("sha256", image.digest().hex()),
                    ("sent", sent),
                ];
                format!(
                    "{GOOD}pushed{GOOD:#} {}\n{}",
                    remote.reference(),
                    rows(&all)
                )
            },
            || {
                json!({
                    "url": pushed.reference.to_string(),
                    "sha256": image.digest().hex(),
                    "sent": pushed.sent,
                    "present": pushed.present,
                })
            },
        );
        Ok(Ending::Fine)
    }
}
