//! `mesh-filters mesh down`: ends a mesh.

use std::time::Duration;

use clap::Args;
use envoy::wait;
use mesh_run::control::ask;
use mesh_run::find;
use serde_json::json;

use super::find::Which;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// End a mesh: its Envoys, its servers, and its folder
///
/// Waits until nothing of it is left. In a folder that `up --folder` named the configurations and logs stay.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh down
  $ mesh-filters mesh down --folder /tmp/bookinfo

Exit codes: 0 it is gone, or none ran, 2 it could not be ended.")]
pub(crate) struct Down {
    #[command(flatten)]
    which: Which,
}

/// How long a mesh may take to end.
const END: Duration = Duration::from_secs(30);

impl Down {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let Some(folder) = self.which.find()? else {
            output.say(|| "no mesh runs\n".to_owned(), || json!({"ended": null}));
            return Ok(Ending::Fine);
        };
        let (_, mesh) = ask(&folder, "GET", "/mesh", &json!({}))?;
        let pid = mesh.get("pid").and_then(serde_json::Value::as_u64);
        ask(&folder, "POST", "/down", &json!({}))?;
        let is_gone = || {
            let process = pid.map(|pid| format!("/proc/{pid}"));
            let runs = process.is_some_and(|path| std::path::Path::new(&path).exists());
            (!find::runs(&folder) && !runs).then_some(())
        };
        if wait::until(END, is_gone).is_none() {
            return Err(Failure::at(
                &folder,
                format_args!("the mesh has not ended within {} s", END.as_secs()),
            ));
        }
        output.say(
            || format!("the mesh of {} is gone\n", folder.display()),
            || json!({"ended": folder}),
        );
        Ok(Ending::Fine)
    }
}
