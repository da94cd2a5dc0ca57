//! The policies of files, as they are for Envoy and as they are for people.

use std::path::PathBuf;

use ::policies::clusters;
use explain::{Chain, Normalization, Workload};
use sdk_helpers::{Call, Timestamp};
use serde_json::{Value, json};

use crate::ending::Failure;
use crate::policies::{self, Fetching, PolicyOptions};

/// Policies that the filters take.
pub(super) struct Policy {
    /// The configuration of the one module.
    pub(super) tree: Value,
    pub(super) normalization: Normalization,
    pub(super) workload: Option<Workload>,
    /// The same in the filters' own code.
    pub(super) chain: Chain,
    /// What whoever reads on should know.
    pub(super) notes: Vec<String>,
    /// What the filters warn of, which Envoy's log has too; `check` tells it with more.
    pub(super) warnings: Vec<String>,
    /// What Envoy is asked for as soon as it has them.
    pub(super) fetches: Vec<Call>,
}

/// What is in force where no policy is for the workload: a module refuses a configuration without a filter.
fn nothing() -> Value {
    json!({"rateLimit": {"unlimited": true}})
}

impl Policy {
    /// Reads them.
    pub(super) fn read(
        paths: &[PathBuf],
        options: &PolicyOptions,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let documents = policies::documents(paths)?;
        let (gathered, workload) = options.gather(&documents, Fetching::ByEnvoy)?;
        let chain = policies::load(&gathered, now, workload.clone())?;
        let warnings = chain.warnings().iter();
        let mut notes = gathered.notes.clone();
        if asks_for_peers(&gathered.tree) {
            notes.push(
                "clients come in plaintext and have no identity of the mesh: no condition on principals, namespaces or \
                 service accounts holds, and `not` of them does; `mesh-filters explain --peer` says what becomes of one \
                 that has"
                    .to_owned(),
            );
        }
        Ok(Self {
            normalization: policies::normalization(&gathered.mesh)?,
            workload,
            warnings: warnings.map(|warning| warning.problem.clone()).collect(),
            fetches: chain.fetches(now),
            chain,
            notes,
            tree: match gathered.tree.as_object() {
                Some(map) if map.is_empty() => nothing(),
                _ => gathered.tree.clone(),
            },
        })
    }

    /// The clusters of what Envoy is asked for, and why some of it cannot be had.
    pub(super) fn clusters(&self) -> (Vec<Value>, Vec<String>) {
        let trusted = openssl_probe::probe().cert_file;
        clusters::of_calls(&self.fetches, trusted.as_deref())
    }
}

/// Conditions on who the peer is, by their fields and by their keys.
const PEERS: [&str; 8] = [
    "principals",
    "notPrincipals",
    "namespaces",
    "notNamespaces",
    "serviceAccounts",
    "notServiceAccounts",
    "source.principal",
    "source.namespace",
];

fn asks_for_peers(tree: &Value) -> bool {
    match tree {
        Value::Array(list) => list.iter().any(asks_for_peers),
        Value::Object(map) => map.iter().any(|(name, value)| {
            let is_key = name == "key" && value.as_str().is_some_and(|key| PEERS.contains(&key));
            is_key || PEERS.contains(&name.as_str()) || asks_for_peers(value)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_peers_is_known() {
        for (tree, asks) in [
            (
                json!({"resources": [{"spec": {"rules": [{"from": [{"source": {"principals": ["a"]}}]}]}}]}),
                true,
            ),
            (
                json!({"when": [{"key": "source.namespace", "values": ["a"]}]}),
                true,
            ),
            (
                json!({"when": [{"key": "request.headers[a]", "values": ["source.namespace"]}]}),
                false,
            ),
            (
                json!({"rules": [{"to": [{"operation": {"paths": ["/principals"]}}]}]}),
                false,
            ),
        ] {
            assert_eq!(asks_for_peers(&tree), asks, "{tree}");
        }
    }
}
