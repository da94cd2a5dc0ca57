//! What `docs/upgrade.md` promises of older configurations and newer ones. That today's modules decide as those
//! of before did is run by `integration/tests/cases.rs`, from the configurations in `integration/upgrade/`.

mod fields;
mod modules;
mod newer;
mod older;
mod page;

use std::time::Duration;

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(60);
