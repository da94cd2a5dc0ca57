//! What the API server and istiod's webhook say of the kinds that no filter of ours reads.

use istio::validation;

use crate::found::Found;
use crate::mesh::Mesh;

/// Tells why objects of a kind are refused.
pub(super) fn refusals(mesh: &Mesh<'_>, kind: &str, found: &mut Found<'_>) {
    for item in mesh.of(kind) {
        for problem in validation::refusals(&item.root) {
            found.problem(item, problem);
        }
    }
}
