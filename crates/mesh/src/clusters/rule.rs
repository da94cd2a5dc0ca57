//! The DestinationRule that holds for a service.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::model::destination_rule::{DestinationRule, Subset, TrafficPolicy};
use crate::model::service::Service;
use crate::routes::{covers, duration};

/// The DestinationRules for one host, as one.
#[derive(Debug, Clone)]
pub struct Rule<'a>(Vec<&'a DestinationRule>);

impl<'a> Rule<'a> {
    /// The rule for what a client calls: one of the client's own namespace, else of the service's, else of the root
    /// namespace; a host in full before a wildcard; one that selects the client before one for all. What the root
    /// namespace says for everybody does not come first for its own proxies, the gateways, either.
    #[must_use]
    pub fn find(
        model: &'a Model,
        service: &Service,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let selects = |rule: &DestinationRule| {
            rule.selector.is_empty()
                || rule.namespace == namespace
                    && rule
                        .selector
                        .iter()
                        .all(|(name, value)| labels.get(name) == Some(value))
        };
        let root = model.root_namespace.as_str();
        for (turn, place) in [namespace, &service.namespace, root]
            .into_iter()
            .enumerate()
        {
            let own_alone = turn == 0 && namespace == root;
            let mut here: Vec<&DestinationRule> = model
                .destination_rules
                .iter()
                .filter(|rule| rule.namespace == place && covers(&rule.host, &service.host))
                .filter(|rule| rule.export.reaches(&rule.namespace, namespace) && selects(rule))
                .filter(|rule| !own_alone || rule.export.is_private(&rule.namespace))
                .collect();
            // Sorting keeps the order of the files where both say as much.
            here.sort_by_key(|rule| {
                let length = usize::MAX - rule.host.len();
                (rule.selector.is_empty(), rule.host.starts_with('*'), length)
            });
            if let Some(first) = here.first() {
                let (host, selector) = (first.host.clone(), first.selector.clone());
                // Several for one host are one: the first says how, all of them name parts.
                here.retain(|rule| rule.host == host && rule.selector == selector);
                return Some(Rule(here));
            }
        }
        None
    }

    /// The parts of the service; of several with one name the first.
    pub fn subsets(&self) -> impl Iterator<Item = &'a Subset> + use<'a> {
        let mut seen = std::collections::BTreeSet::new();
        let all: Vec<&'a Subset> = self.0.iter().flat_map(|rule| &rule.subsets).collect();
        all.into_iter()
            .filter(move |subset| seen.insert(subset.name.clone()))
    }

    /// The labels of a part; none where there is no such part, or the whole is meant.
    #[must_use]
    pub fn labels(&self, subset: &str) -> Option<&'a BTreeMap<String, String>> {
        let found = self.subsets().find(|one| one.name == subset);
        found.map(|one| &one.labels)
    }

    /// How the endpoints of a part are used at a port: as the part says, where it says it, for that port before all;
    /// else as the rule does.
    #[must_use]
    pub fn policy(&self, subset: &str, port: u16) -> TrafficPolicy {
        let rule = self.whole();
        let rule = rule.map(|rule| rule.of_port(port).clone());
        let rule = rule.unwrap_or_default();
        match self.part(subset) {
            None => rule,
            Some(part) => match part.ports.get(&port) {
                Some(at_port) => at_port.clone(),
                None => rule.with(part),
            },
        }
    }

    /// What is said of the whole service: by the first rule that says anything, since the others only add parts then.
    fn whole(&self) -> Option<&'a TrafficPolicy> {
        let mut policies = self.0.iter().map(|rule| &rule.policy);
        policies.find(|policy| **policy != TrafficPolicy::default())
    }

    fn part(&self, subset: &str) -> Option<&'a TrafficPolicy> {
        let found = self.subsets().find(|one| one.name == subset);
        found.map(|one| &one.policy)
    }

    /// What a client is remembered by, in Envoy's words, where `consistentHash` says one: at a port of the part, at the
    /// part, at the port, at the rule, whichever is the first that says one. None of a port counts where the route does
    /// not name it, as istiod has it.
    #[must_use]
    pub fn hash_policy(&self, subset: &str, port: Option<u16>) -> Option<Value> {
        let (part, whole) = (self.part(subset), self.whole());
        let at_port = |policy: Option<&'a TrafficPolicy>| policy?.ports.get(&port?);
        let places = [at_port(part), part, at_port(whole), whole];
        let mut hashes = places.into_iter().flatten().filter_map(|policy| {
            let balancer = policy.load_balancer.as_ref()?;
            balancer.get("consistentHash")
        });
        let hash = hashes.next()?;
        let text = |name: &str| hash.get(name).and_then(Value::as_str);
        if let Some(name) = text("httpHeaderName") {
            return Some(json!({"header": {"header_name": name}}));
        }
        if let Some(name) = text("httpQueryParameterName") {
            return Some(json!({"query_parameter": {"name": name}}));
        }
        if hash.get("useSourceIp").and_then(Value::as_bool) == Some(true) {
            return Some(json!({"connection_properties": {"source_ip": true}}));
        }
        let cookie = hash.get("httpCookie")?;
        let mut out = Map::new();
        for (name, field) in [("name", "name"), ("path", "path")] {
            if let Some(value) = cookie.get(field) {
                out.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(ttl) = cookie.get("ttl").and_then(Value::as_str).and_then(duration) {
            out.insert("ttl".to_owned(), json!(ttl));
        }
        Some(json!({"cookie": out}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::Document;

    fn model(rules: &str) -> Model {
        let text = format!(
            "kind: Service\nmetadata: {{name: a, namespace: shop}}\nspec: {{ports: [{{port: 80}}]}}\n{rules}"
        );
        Model::read(&Document::read_text("a.yaml", &text).unwrap()).0
    }

    fn rule(name: &str, namespace: &str, spec: &str) -> String {
        format!(
            "---\nkind: DestinationRule\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
        )
    }

    fn simple(policy: &TrafficPolicy) -> Option<&str> {
        policy.load_balancer.as_ref()?.get("simple")?.as_str()
    }

    #[test]
    fn a_part_changes_what_its_rule_says_of_a_port() {
        let spec = "{host: a, trafficPolicy: {loadBalancer: {simple: RANDOM}, portLevelSettings: \
                    [{port: {number: 80}, loadBalancer: {simple: ROUND_ROBIN}, tls: {mode: DISABLE}}]}, subsets: [\
                    {name: v1, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}}, {name: v2}, \
                    {name: v3, trafficPolicy: {portLevelSettings: [{port: {number: 80}}]}}]}";
        let model = model(&rule("a", "shop", spec));
        let found = Rule::find(&model, &model.services[0], "shop", &BTreeMap::new()).unwrap();
        for (subset, port, balancer, has_tls) in [
            ("", 80, Some("ROUND_ROBIN"), true),
            ("", 81, Some("RANDOM"), false),
            ("v1", 80, Some("LEAST_REQUEST"), true),
            ("v1", 81, Some("LEAST_REQUEST"), false),
            ("v2", 80, Some("ROUND_ROBIN"), true),
            // Settings for a port leave nothing of the others.
            ("v3", 80, None, false),
            ("v3", 81, Some("RANDOM"), false),
        ] {
            let policy = found.policy(subset, port);
            assert_eq!(
                (simple(&policy), policy.tls.is_some()),
                (balancer, has_tls),
                "{subset} {port}"
            );
        }
    }

    #[test]
    fn of_several_rules_the_first_that_says_anything_says_how() {
        let first = rule("a", "shop", "{host: a, subsets: [{name: v1}]}");
        let second = rule(
            "b",
            "shop",
            "{host: a, trafficPolicy: {loadBalancer: {simple: RANDOM}}}",
        );
        let model = model(&(first + &second));
        let found = Rule::find(&model, &model.services[0], "shop", &BTreeMap::new()).unwrap();
        assert_eq!(simple(&found.policy("v1", 80)), Some("RANDOM"));
    }

    #[test]
    fn a_rule_for_the_whole_mesh_is_the_last_for_gateways_as_well() {
        let whole = "{host: '*.local', trafficPolicy: {loadBalancer: {simple: RANDOM}}}";
        let own = "{host: '*.local', exportTo: [.], trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}}";
        let of_service = rule(
            "a",
            "shop",
            "{host: a, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}",
        );
        for (rules, expected) in [
            (rule("m", "istio-system", whole), "RANDOM"),
            (
                rule("m", "istio-system", whole) + &of_service,
                "ROUND_ROBIN",
            ),
            (
                rule("m", "istio-system", own) + &of_service,
                "LEAST_REQUEST",
            ),
        ] {
            let model = model(&rules);
            let service = &model.services[0];
            let found = Rule::find(&model, service, "istio-system", &BTreeMap::new()).unwrap();
            assert_eq!(simple(&found.policy("", 80)), Some(expected), "{rules}");
        }
    }

    #[test]
    fn a_client_is_remembered_by_the_narrowest_word() {
        let by =
            |name: &str| format!("loadBalancer: {{consistentHash: {{httpHeaderName: {name}}}}}");
        let spec = format!(
            "{{host: a, trafficPolicy: {{{}, portLevelSettings: [{{port: {{number: 80}}, {}}}]}}, \
             subsets: [{{name: v1, trafficPolicy: {{{}}}}}, {{name: v2}}]}}",
            by("rule"),
            by("port"),
            by("part")
        );
        let model = model(&rule("a", "shop", &spec));
        let found = Rule::find(&model, &model.services[0], "shop", &BTreeMap::new()).unwrap();
        for (subset, port, expected) in [
            ("v1", Some(80), "part"),
            ("v2", Some(80), "port"),
            ("v2", None, "rule"),
            ("", Some(81), "rule"),
        ] {
            let hash = found.hash_policy(subset, port).unwrap();
            assert_eq!(hash["header"]["header_name"], expected, "{subset} {port:?}");
        }
    }
}
