//! `mesh-filters mesh status`: how each proxy of a mesh is.

use clap::Args;
use serde_json::{Value, json};

use super::find::Which;
use super::say;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Say how each proxy of a running mesh is: whether it has taken what it was told, and what it refused
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh status
  $ mesh-filters mesh status --format json | jq '.proxies[] | select(.well | not)'

Exit codes: 0 all are in sync, 1 one is not, 2 no mesh runs.")]
pub(crate) struct Status {
    #[command(flatten)]
    which: Which,
}

impl Status {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let (_, status) = self.which.ask("GET", "/status", &json!({}))?;
        output.say(|| say::status(&status), || status.clone());
        let proxies = status.get("proxies").and_then(Value::as_array);
        let is_well = |proxy: &Value| proxy.get("well") == Some(&Value::Bool(true));
        match proxies.is_some_and(|proxies| proxies.iter().all(is_well)) {
            true => Ok(Ending::Fine),
            false => Ok(Ending::Found),
        }
    }
}
