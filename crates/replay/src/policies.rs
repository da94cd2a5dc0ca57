//! Policies as a log is judged by them: the AuthorizationPolicies of a configuration that decide anything, and
//! what they ask of a request.

mod assume;
mod read;

use std::collections::BTreeMap;

use explain::Judge;
use sdk_helpers::Timestamp;
use serde_json::{Map, Value, json};

use crate::field::Field;
pub(crate) use assume::Assumption;
use read::Policy;

/// The AuthorizationPolicies of a configuration.
#[derive(Debug, Clone)]
pub struct Policies {
    /// What is said beside the policies, such as the trust domain.
    own: Map<String, Value>,
    policies: Vec<Policy>,
    needs: Vec<Need>,
    passed_over: Vec<&'static str>,
}

/// Something that conditions ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub field: Field,
    /// The conditions: `shop/orders.rules[0].when[0]`.
    pub conditions: Vec<String>,
}

/// The filter that judges.
const FILTER: &str = "authorization-policy";

/// No policy looks at the time.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

impl Policies {
    /// Takes them out of a configuration of the one module, such as `policies::gather` makes.
    ///
    /// # Errors
    /// What keeps them from being judged by themselves, though the whole was taken.
    pub fn read(tree: &Value) -> Result<Self, String> {
        let (own, mut policies) = read::read(tree);
        policies.retain(Policy::decides);
        let mut needs: BTreeMap<Field, Vec<String>> = BTreeMap::new();
        for policy in &policies {
            for (place, field) in policy.conditions() {
                let conditions = needs.entry(field).or_default();
                conditions.push([policy.reason_name(), place].concat());
            }
        }
        let needs = needs.into_iter();
        let read = Policies {
            own,
            policies,
            needs: needs
                .map(|(field, conditions)| Need { field, conditions })
                .collect(),
            passed_over: read::passed_over(tree),
        };
        read.judge(None)?;
        Ok(read)
    }

    /// What they ask for, in order.
    #[must_use]
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// What else is in the configuration, and is not replayed.
    #[must_use]
    pub fn passed_over(&self) -> &[&'static str] {
        &self.passed_over
    }

    /// Whether there is any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// What decides by them, where conditions that ask for some fields are taken to hold, or not to.
    pub(crate) fn judge(&self, assumption: Option<&Assumption<'_>>) -> Result<Judge, String> {
        let policies = self.policies.iter().cloned();
        let policies = policies.map(|mut policy| {
            if let Some(assumption) = assumption {
                assumption.apply(&mut policy);
            }
            policy.into_value()
        });
        let policies: Vec<Value> = policies.collect();
        let mut tree = self.own.clone();
        if policies.is_empty() {
            tree.insert("allowAll".to_owned(), true.into());
        }
        tree.insert("policies".to_owned(), json!(policies));
        let filter = catalog::find(FILTER).map_err(|error| error.to_string())?;
        Judge::load(filter, &Value::Object(tree), NOW).map_err(|errors| {
            let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!(
                "the policies cannot be judged by themselves: {}",
                problems.join("; ")
            )
        })
    }
}

#[cfg(test)]
mod tests;
