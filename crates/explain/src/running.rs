//! What is asked of policies that run in an Envoy, and not here.

use sdk_helpers::{BackgroundEvent, Call, Timestamp};

use crate::chain::Chain;
use crate::world::SimulatedWorld;

impl Chain {
    /// What its filters fetch by themselves as soon as they are loaded, such as keys of issuers; each call is what
    /// they ask Envoy for.
    #[must_use]
    pub fn fetches(&self, now: Timestamp) -> Vec<Call> {
        let Some(loaded) = self.filters(false) else {
            return Vec::new();
        };
        let world = SimulatedWorld::new(now, self.workload.clone());
        let mut calls = Vec::new();
        for stage in 0..loaded.stages().len() {
            // The second is for those that wait for their timer.
            for event in [BackgroundEvent::Loaded, BackgroundEvent::TimerFired] {
                let actions = loaded.background(stage, event, &world).unwrap_or_default();
                calls.extend(actions.calls.into_iter().map(|(_, call)| call));
            }
        }
        calls
    }

    /// The path of a request as it may be shown: what is secret in it is `***`, the values of its query too.
    #[must_use]
    pub fn shown_path(&self, path: &str) -> String {
        let header = (b":path".as_slice(), path.as_bytes());
        let secrets = self.secrets.of_request(None, [header].into_iter());
        secrets.header(":path", path.as_bytes()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chain(tree: &serde_json::Value) -> Chain {
        let filter = catalog::find("mesh-filters").unwrap();
        Chain::load(filter, tree, Timestamp::from_secs(1_767_225_600), None).unwrap()
    }

    #[test]
    fn keys_are_what_is_fetched() {
        let rules = json!([
            {"issuer": "a", "jwksUri": "https://a.example/jwks"},
            {"issuer": "https://b.example", "jwksUri": "http://b.example:81/k"},
        ]);
        let chain = chain(&json!({"requestAuthentication": {"jwtRules": rules}}));
        let calls = chain.fetches(Timestamp::from_secs(1_767_225_600));
        let clusters = calls.iter().map(|call| match call {
            Call::Http { cluster, .. } | Call::Grpc { cluster, .. } => cluster.as_str(),
        });
        let mut clusters: Vec<&str> = clusters.collect();
        clusters.sort_unstable();
        assert_eq!(
            clusters,
            ["outbound|443||a.example", "outbound|81||b.example"]
        );
        assert!(Chain::empty().fetches(Timestamp::default()).is_empty());
    }

    #[test]
    fn a_path_is_shown_without_what_its_query_says() {
        let chain = chain(&json!({"authorizationPolicy": {"policies": [], "allowAll": true}}));
        assert_eq!(
            chain.shown_path("/a?user=b&access_token=abcdefgh"),
            "/a?user=***&access_token=***"
        );
        assert_eq!(Chain::empty().shown_path("/a/b"), "/a/b");
    }
}
