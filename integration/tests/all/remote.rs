//! Modules that Envoy or Istio's agent brings: fetched by HTTP, or named by a configuration that is
//! discovered. `docs/remote-modules.md` says what traffic sees when something is wrong; each row of its
//! tables is arranged and asked here, and none may be there that is not.

mod discovery;
mod files;
mod page;
mod retries;
mod rig;
mod start;
mod updates;

use std::time::Duration;

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(90);

/// The failure policies there are.
const POLICIES: [&str; 3] = ["FAIL_CLOSED", "FAIL_RELOAD", "FAIL_OPEN"];
