//! What keeps objects from being a mesh, though they can be read.

use super::{Check, Checked};
use crate::plan::Plan;
use crate::{Error, Objects};

/// More Envoys are none for one machine.
const MOST: usize = 200;

pub(super) fn is_not_too_much(plan: &Plan) -> Result<(), Error> {
    match plan.proxies.len() {
        0..=MOST => Ok(()),
        count => Err(Error::Objects(format!(
            "the files have {count} gateways and replicas with sidecars, and {MOST} Envoys are the most here: name fewer \
             files, or fewer replicas"
        ))),
    }
}

/// That there are the modules which the policies of proxies run in.
pub(super) fn modules_are_there(plan: &Plan) -> Result<(), Error> {
    match plan.modules().into_iter().find(|path| !path.is_file()) {
        None => Ok(()),
        Some(path) => Err(Error::Objects(format!(
            "{}: no such module, which policies run in: `cargo xtask build` makes it in `dist` of the repository; --modules or \
             MESH_FILTERS_MODULES names another folder",
            path.display()
        ))),
    }
}

/// What is found in the files before they are read as a mesh.
pub(super) fn check(check: Option<&Check>, objects: &Objects) -> Result<Checked, Error> {
    let checked = check.map(|check| check(&objects.files)).unwrap_or_default();
    match checked.errors {
        0 => Ok(checked),
        _ => Err(Error::Found(checked)),
    }
}
