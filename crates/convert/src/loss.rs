//! What of a document does not come along.

use policies::Resource;

pub use native::Loss;

/// A loss of a field of an object, by the object's own path.
pub(crate) fn loss_of(
    resource: &Resource<'_>,
    own: &str,
    what: impl Into<String>,
    consequence: impl Into<String>,
) -> Loss {
    let (place, path) = resource.place(own);
    Loss {
        place,
        path,
        what: what.into(),
        consequence: consequence.into(),
    }
}
