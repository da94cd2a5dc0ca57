//! The clock of this machine.

use std::time::SystemTime;

use sdk_helpers::Timestamp;

use crate::ending::Failure;

/// Now.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.map_err(Failure::new)?;
    Ok(Timestamp::default().saturating_add(since))
}
