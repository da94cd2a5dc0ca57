//! Scenarios are data: which requests, through which chains of filters, and what it may cost.
//!
//! A filter brings its own in `filters/<name>/benches/*.yaml`, a test module in
//! `integration/modules/<name>/bench.yaml`. Each file is a list.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::budget::Budget;
use super::module::Module;
use super::repeat;
use super::tokens::Tokens;
use crate::rbac;
use cases::{Sent, Values};

/// The variant that every scenario has unless it says `baseline: false`: no filter but the router.
pub const EMPTY: &str = "empty";

/// One table of the report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What `--scenario` takes; unique.
    pub name: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// What is sent, in turn: one plain `GET /` unless told.
    #[serde(default = "plain")]
    pub requests: Vec<Sent>,
    /// Tokens to send, and the key set that verifies them.
    pub tokens: Option<Tokens>,
    /// How many connections send at the same time.
    #[serde(default = "connections")]
    pub connections: u32,
    /// How long one variant is under load in one round: one second unless told. Many short rounds
    /// lie closer together than few long ones, and what disturbs one disturbs all of it.
    #[serde(default = "seconds")]
    pub seconds: u32,
    /// Whether the empty chain is measured too, and taken off.
    #[serde(default = "yes")]
    pub baseline: bool,
    /// Whose certificate the load comes with (`cluster.local/ns/default/sa/sleep`); without one it
    /// comes as plaintext.
    pub peer: Option<String>,
    /// Static clusters, as Envoy has them.
    #[serde(default)]
    pub clusters: Vec<Value>,
    /// The chains.
    pub variants: Vec<Variant>,
    /// What it may cost: see [`Budget`].
    #[serde(default)]
    pub budget: Vec<Budget>,
}

/// One chain of filters, on a listener of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Unique in its scenario; one word.
    pub name: String,
    /// Filters before the router, as Envoy has them, or in short `{wasm: …, configuration: …}`
    /// (see [`Module`]). `{rbac: …}` stands for Envoy's own filters for the same configuration of
    /// authorization-policy.
    pub http_filters: Vec<Value>,
    /// `typed_per_filter_config` of the only route.
    #[serde(default)]
    pub per_route: Map<String, Value>,
    /// Access loggers, as Envoy has them.
    #[serde(default)]
    pub access_log: Vec<Value>,
    /// The variant whose cost is taken off: `empty` unless told.
    pub over: Option<String>,
    /// The variant whose added cost this one's is divided by, mostly the native filter.
    pub against: Option<String>,
    /// What is sent, in place of the scenario's.
    pub requests: Option<Vec<Sent>>,
    /// The status of every answer.
    #[serde(default = "ok")]
    pub status: u16,
}

fn plain() -> Vec<Sent> {
    vec![Sent::default()]
}

fn connections() -> u32 {
    16
}

fn seconds() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn ok() -> u16 {
    200
}

impl Scenario {
    /// A variant by its name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// What is sent to a variant.
    pub fn requests_of<'a>(&'a self, variant: &'a Variant) -> &'a [Sent] {
        variant.requests.as_deref().unwrap_or(&self.requests)
    }

    /// Adds the empty chain, and takes it off where nothing else is.
    fn completed(mut self) -> Self {
        if self.baseline {
            for variant in &mut self.variants {
                variant.over.get_or_insert_with(|| EMPTY.to_owned());
            }
            self.variants.insert(0, Variant::empty());
        }
        self
    }

    /// Sees that every name means something.
    fn check(&self) -> Result<(), String> {
        let names: BTreeSet<&str> = self.variants.iter().map(|v| v.name.as_str()).collect();
        if names.len() < self.variants.len() {
            return Err("two variants have the same name".to_owned());
        }
        let budgeted = self.budget.iter().flat_map(Budget::variants);
        let related = self.variants.iter().flat_map(|v| [&v.over, &v.against]);
        let mut named = budgeted.chain(related.flatten().map(String::as_str));
        if let Some(unknown) = named.find(|name| !names.contains(name)) {
            return Err(format!("no variant is named `{unknown}`"));
        }
        for variant in &self.variants {
            variant.modules()?;
            for filter in &variant.http_filters {
                let sample = repeat::sample(filter)?;
                if let Some(policies) = sample.get("rbac") {
                    rbac::filters(policies)?;
                }
            }
            if self.requests_of(variant).is_empty() {
                return Err(format!("`{}` has no requests", variant.name));
            }
        }
        Ok(())
    }
}

impl Variant {
    /// The chain without filters.
    pub fn empty() -> Self {
        Self {
            name: EMPTY.to_owned(),
            http_filters: Vec::new(),
            per_route: Map::new(),
            access_log: Vec::new(),
            over: None,
            against: None,
            requests: None,
            status: ok(),
        }
    }

    /// The modules in the chain as they are written, which is what tells chains apart.
    ///
    /// # Errors
    /// If one is written wrongly.
    pub fn module_names(&self) -> Result<Vec<String>, String> {
        Ok(self.modules()?.into_iter().map(|one| one.wasm).collect())
    }

    /// The modules in the chain, in order.
    ///
    /// # Errors
    /// If one is written wrongly.
    pub fn modules(&self) -> Result<Vec<Module>, String> {
        let short = self.http_filters.iter().filter_map(Module::read);
        short
            .collect::<Result<_, _>>()
            .map_err(|problem| format!("`{}`: {problem}", self.name))
    }
}

/// Names and values of a request's headers, in order, a repeated one several times.
pub fn headers(request: &Sent) -> impl Iterator<Item = (&str, &str)> {
    request.headers.iter().flat_map(|(name, values)| {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        };
        values.iter().map(|value| (name.as_str(), value.as_str()))
    })
}

/// Reads a list of scenarios.
///
/// # Errors
/// If it is none, or a name in it means nothing.
pub fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let scenarios: Vec<Scenario> =
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let scenarios: Vec<Scenario> = scenarios.into_iter().map(Scenario::completed).collect();
    for scenario in &scenarios {
        let wrong = |problem| format!("`{}`: {problem}", scenario.name);
        scenario.check().map_err(wrong)?;
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = r"
- name: short
  description: the least a scenario can say
  variants:
  - {name: ours, http_filters: [{wasm: rate-limit, configuration: {a: 1}}], against: native}
  - {name: native, http_filters: [{name: envoy.filters.http.local_ratelimit}]}
  budget: [ours <= 3 * native]
";

    #[test]
    fn the_empty_chain_comes_by_itself() {
        let scenario = &parse(SHORT).unwrap()[0];
        let names: Vec<&str> = scenario.variants.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, [EMPTY, "ours", "native"]);
        assert_eq!(scenario.variants[1].over.as_deref(), Some(EMPTY));
        assert_eq!(scenario.variants[0].over, None);
        assert_eq!(scenario.requests[0].path, "/");
        let without = parse(&SHORT.replace("  variants:", "  baseline: false\n  variants:"));
        assert_eq!(without.unwrap()[0].variants[0].over, None);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (part, instead, problem) in [
            (
                "against: native",
                "against: nobody",
                "no variant is named `nobody`",
            ),
            ("3 * native", "3 * floor", "no variant is named `floor`"),
            (
                "{name: native",
                "{name: ours",
                "two variants have the same name",
            ),
            ("configuration", "config", "unknown field `config`"),
            ("description", "purpose", "unknown field"),
        ] {
            let text = SHORT.replace(part, instead);
            let error = parse(&text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
