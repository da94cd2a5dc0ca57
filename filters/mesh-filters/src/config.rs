//! One configuration for five filters.

mod wire;

use authorization_policy::AuthorizationPolicy;
use sdk_helpers::chain::{FilterState, Reasons, Stage};
use sdk_helpers::config::{Resources, hash, parts, read};
use sdk_helpers::filter::wire_at;
use sdk_helpers::{At, Filter, Load, Problems, World};
use serde_json::Value;

use crate::{Filters, MeshFilters, Place};
pub use wire::{FilterStateWire, Wire};

/// How many fields there are.
const COUNT: usize = Wire::FIELDS.len();

/// What is wrong with any of the five is told.
pub(crate) fn compile(tree: Value, load: &Load<'_>) -> MeshFilters {
    let Load {
        at: root,
        problems,
        world,
    } = *load;
    let parts = parts::<COUNT>(tree, Wire::FIELDS, &root, problems);
    let [tokens, policies, limits, faults, tags, resources, state] = parts;
    let name = |place| Wire::FIELDS.get(place).copied().unwrap_or_default();
    let names: [At<'_>; COUNT] = std::array::from_fn(|place| root.field(name(place)));
    let [
        at_tokens,
        at_policies,
        at_limits,
        at_faults,
        at_tags,
        at_resources,
        at_state,
    ] = &names;
    let is_empty_list = resources == Value::Array(Vec::new());
    let mut resources = Resources::read(resources, at_resources, problems);
    let has_resources = !resources.is_empty();
    let mut chain = Configuring {
        chain: MeshFilters {
            filters: Filters::default(),
            order: Vec::new(),
            stages: Vec::new(),
            filter_state: filter_state(&state, at_state, problems),
        },
        resources: &mut resources,
        problems,
        world,
    };
    let policies = chain.part(policies, at_policies, |wire, load| {
        AuthorizationPolicy::custom_apart(wire, load)
    });
    let (policies, policies_hash) = policies.unzip();
    let [custom, rest] = policies.unwrap_or_default();
    let policies_hash = policies_hash.unwrap_or_default();
    let custom = custom.map(|filter| (filter, policies_hash));
    let rest = rest.map(|filter| (filter, policies_hash));
    let tokens = chain.part(tokens, at_tokens, Filter::compile);
    let limits = chain.part(limits, at_limits, Filter::compile);
    let faults = chain.part(faults, at_faults, Filter::compile);
    let tags = chain.part(tags, at_tags, Filter::compile);
    // Istio's order.
    let mut chain = chain.chain;
    chain.filters = Filters {
        custom: chain.stage(Place::Custom, custom),
        tokens: chain.stage(Place::Tokens, tokens),
        policies: chain.stage(Place::Policies, rest),
        limits: chain.stage(Place::Limits, limits),
        faults: chain.stage(Place::Faults, faults),
        tags: chain.stage(Place::Tags, tags),
    };
    if chain.stages.is_empty() && !has_resources && !problems.has_errors() {
        let (at, problem) = match is_empty_list {
            true => (
                at_resources,
                "is an empty list, and nothing else is configured",
            ),
            false => (&root, "configures no filter, so every request would pass"),
        };
        let names = Wire::FIELDS
            .split_last()
            .map_or(&[][..], |(_, names)| names);
        problems.error(
            at,
            format!("{problem}; write one or more of `{}`", names.join("`, `")),
        );
    }
    chain
}

fn filter_state(tree: &Value, at: &At<'_>, problems: &Problems) -> FilterState {
    if tree.is_null() {
        return FilterState::default();
    }
    let wire = read::<FilterStateWire>(tree, at, problems);
    FilterState {
        claims: wire.claims.unwrap_or(true),
        reasons: wire.reasons.unwrap_or(Reasons::All),
    }
}

struct Configuring<'a> {
    chain: MeshFilters,
    resources: &'a mut Resources,
    problems: &'a Problems,
    world: &'a dyn World,
}

impl Configuring<'_> {
    /// What is made of the configuration of one filter, and its hash; nothing where it has none.
    fn part<F: Filter, T>(
        &mut self,
        tree: Value,
        at: &At<'_>,
        compile: impl FnOnce(F::Wire, &Load<'_>) -> T,
    ) -> Option<(T, u32)>
    where
        T: OfFilter<F>,
    {
        let resources = self.resources.take(F::ENVELOPE.kind);
        if tree.is_null() && resources.is_empty() {
            return None;
        }
        let own = resources.iter().fold(hash(&tree), |all, resource| {
            all.rotate_left(1) ^ resource.hash()
        });
        let load = Load {
            at: *at,
            problems: self.problems,
            world: self.world,
        };
        let wire = wire_at::<F>(tree, resources, &load);
        Some((compile(wire, &load), own))
    }
}

/// What a configuration of `F` makes.
trait OfFilter<F> {}

impl<F: Filter> OfFilter<F> for F {}

impl OfFilter<AuthorizationPolicy> for [Option<AuthorizationPolicy>; 2] {}

impl MeshFilters {
    /// Adds a stage, if there is a filter for it.
    fn stage<F: Filter>(&mut self, place: Place, filter: Option<(F, u32)>) -> Option<F> {
        let (filter, hash) = filter?;
        self.order.push(place);
        self.stages.push(Stage {
            name: F::NAME,
            needs: F::NEEDS,
            hash,
        });
        Some(filter)
    }
}
