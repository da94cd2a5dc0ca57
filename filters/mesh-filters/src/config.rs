//! One configuration for five filters.

mod wire;

use authorization_policy::AuthorizationPolicy;
use fault_injection::FaultInjection;
use rate_limit::RateLimit;
use request_authentication::RequestAuthentication;
use sdk_helpers::chain::{FilterState, Reasons, Stage};
use sdk_helpers::config::{Resources, hash, parts, read};
use sdk_helpers::filter::wire_at;
use sdk_helpers::{At, Filter, Load, Problems, World};
use serde_json::Value;
use telemetry_tags::TelemetryTags;

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
    let mut chain = MeshFilters {
        filters: Filters::default(),
        order: Vec::new(),
        stages: Vec::new(),
        filter_state: filter_state(&state, at_state, problems),
    };
    let mut parts = Parts {
        resources: &mut resources,
        problems,
        world,
    };
    let apart = AuthorizationPolicy::custom_apart;
    let policies = parts.part::<AuthorizationPolicy, _>(policies, at_policies, apart);
    let [custom, rest] = match policies {
        Some((both, hash)) => both.map(|filter| Some((filter?, hash))),
        None => [None, None],
    };
    let tokens = parts.part::<RequestAuthentication, _>(tokens, at_tokens, Filter::compile);
    let limits = parts.part::<RateLimit, _>(limits, at_limits, Filter::compile);
    let faults = parts.part::<FaultInjection, _>(faults, at_faults, Filter::compile);
    let tags = parts.part::<TelemetryTags, _>(tags, at_tags, Filter::compile);
    // Istio's order.
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

/// What the parts of a configuration have in common.
struct Parts<'a> {
    resources: &'a mut Resources,
    problems: &'a Problems,
    world: &'a dyn World,
}

impl Parts<'_> {
    /// What is made of the configuration of one filter, and its hash; nothing where it has none.
    fn part<F: Filter, T>(
        &mut self,
        tree: Value,
        at: &At<'_>,
        compile: impl FnOnce(F::Wire, &Load<'_>) -> T,
    ) -> Option<(T, u32)> {
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
