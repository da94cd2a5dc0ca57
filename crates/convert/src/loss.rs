//! What of a document does not come along.

use std::fmt;

use policies::Resource;

/// What is not carried over, though requests may see the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it stands: `fault.yaml:12:5`.
    pub place: String,
    /// The path of the field, empty for the whole document.
    pub path: String,
    /// What it is, and that it is not carried over.
    pub what: String,
    /// What comes of it, and what to do.
    pub consequence: String,
}

impl Loss {
    /// A loss of a field of an object, by the object's own path.
    pub(crate) fn of(
        resource: &Resource<'_>,
        own: &str,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        let (place, path) = resource.place(own);
        Loss {
            place,
            path,
            what: what.into(),
            consequence: consequence.into(),
        }
    }
}

impl From<native::Loss> for Loss {
    fn from(loss: native::Loss) -> Self {
        let native::Loss {
            place,
            path,
            what,
            consequence,
        } = loss;
        Loss {
            place,
            path,
            what,
            consequence,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.path] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        write!(f, "{}: {}", self.what, self.consequence)
    }
}
