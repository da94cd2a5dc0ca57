//! Claims of the verified token, as text.

use std::cell::OnceCell;
use std::rc::Rc;

use sdk_helpers::Attributes;
use sdk_helpers::claims::{Claims, path};

/// The claims of a stream: read once, when something asks for them.
#[derive(Debug, Default)]
pub struct LazyClaims(OnceCell<Option<Rc<Claims>>>);

/// One claim.
#[derive(Debug)]
pub struct Claim(Vec<String>);

impl Claim {
    /// From its name: `sub`, `realm.roles`, `[a.b][c]`.
    ///
    /// # Errors
    /// Says how one is written.
    pub fn parse(name: &str) -> Result<Self, String> {
        path(name).map(Claim).ok_or_else(|| {
            format!("`{name}` names no claim; write `sub`, `realm.roles`, or `[a.b][c]` for names with dots")
        })
    }

    /// Its path, with dots.
    pub fn name(&self) -> String {
        self.0.join(".")
    }

    /// Its value as [`Claims::text`] has it.
    pub fn read(&self, known: &LazyClaims, attributes: &dyn Attributes) -> Option<Vec<u8>> {
        let claims = known.0.get_or_init(|| Claims::read(attributes));
        claims.as_ref()?.text(&self.0)
    }
}
