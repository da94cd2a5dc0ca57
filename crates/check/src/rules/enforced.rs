//! The rules of AuthorizationPolicies that allow and deny.

use crate::implies;
use crate::mesh::Mesh;
use crate::select;
use crate::source::Item;
use crate::spot::Spot;

/// One of them.
pub(super) struct Enforced<'a, 'b> {
    pub(super) item: &'b Item<'a>,
    pub(super) action: &'a str,
    pub(super) spot: Spot<'a>,
}

/// Each is held against all others: of more than these none is.
const MOST: usize = 500;

/// All of them, but for those of a dry run; none where there are very many.
pub(super) fn enforced<'a, 'b>(mesh: &'b Mesh<'a>) -> Vec<Enforced<'a, 'b>> {
    let mut all = Vec::new();
    for item in mesh.of("AuthorizationPolicy") {
        let annotations = item.root.at(&["metadata", "annotations"]);
        if annotations.is_some_and(|it| it.field("istio.io/dry-run").is_some()) {
            continue;
        }
        let Some(spec) = item.spec() else {
            continue;
        };
        let action = match spec.text("action") {
            "" => "ALLOW",
            action => action,
        };
        if !["ALLOW", "DENY"].contains(&action) {
            continue;
        }
        let rules = spec.list("rules").into_iter();
        all.extend(
            rules
                .filter(|rule| rule.value().is_object())
                .map(|spot| Enforced { item, action, spot }),
        );
    }
    if all.len() > MOST {
        all.clear();
    }
    all
}

impl Enforced<'_, '_> {
    /// Whether another one, of whichever action, matches every request that this one matches, wherever that is.
    pub(super) fn is_within(&self, wide: &Enforced<'_, '_>) -> bool {
        let is_same = std::ptr::eq(self.item, wide.item);
        (is_same || select::covers(wide.item, self.item)) && implies::covers(&wide.spot, &self.spot)
    }

    /// How another one speaks of it.
    pub(super) fn shown(&self, of: &Enforced<'_, '_>) -> String {
        let path = self.spot.path();
        match std::ptr::eq(self.item, of.item) {
            true => path.to_owned(),
            false => format!("{path} of {}/{}", self.item.namespace(), self.item.name()),
        }
    }
}
