//! Where an image is: a layout's folder, an archive, or a registry.

use std::path::Path;

use oci::registry::{Reference, ReferenceError, Remote};
use oci::{Digest, Source, layout};

use super::registry::{Access, Said};
use crate::ending::Failure;

/// A place, and the digest that its name asks for.
pub(super) struct Place<'a> {
    pub(super) source: Box<dyn Source + 'a>,
    pub(super) digest: Option<Digest>,
}

/// What lies at a path, or what a reference with `oci://` names. Without it a mistyped path would be
/// asked of Docker Hub.
pub(super) fn open<'a>(name: &str, access: &Access, said: &'a Said) -> Result<Place<'a>, Failure> {
    if name.starts_with("oci://") {
        return remote(name, access, said);
    }
    let path = Path::new(name);
    if !path.exists() {
        let problem =
            "no such file or folder; an image in a registry is named as `oci://host/name:tag`";
        return Err(Failure::at(path, problem));
    }
    Ok(Place {
        source: layout::open(path).map_err(Failure::new)?,
        digest: None,
    })
}

/// The image that a reference names.
pub(super) fn remote<'a>(
    name: &str,
    access: &Access,
    said: &'a Said,
) -> Result<Place<'a>, Failure> {
    let reference = reference(name)?;
    let digest = reference.digest();
    let remote = Remote::new(reference, access.options(said)).map_err(Failure::new)?;
    Ok(Place {
        source: Box::new(remote),
        digest,
    })
}

pub(super) fn reference(name: &str) -> Result<Reference, Failure> {
    name.parse()
        .map_err(|problem: ReferenceError| Failure::new(problem))
}
