//! Every filter by its name, behind one type: what a program needs that loads configurations and
//! asks what becomes of a request, and that is not to know how many filters there are.
//!
//! ```text
//! name ─find→ Filter ─load(bytes, world)→ Loaded ─stream(request)→ Stream ─next …→ Decided
//! ```
//!
//! `mesh-filters`, all of them in one chain, is one of them: its configuration has those of the others
//! as [parts](Filter::parts), and its streams pass a stage for each. A filter by itself is a chain of one.
//!
//! A filter is pure code: whoever asks gives it the world, so the same crate explains a
//! request, checks a file and runs cases. A fake world is `sdk_helpers::world::fake::FakeWorld`,
//! with the feature `test-util`.
//!
//! ```
//! use sdk_helpers::world::fake::FakeWorld;
//! use sdk_helpers::{Decision, Headers, Request};
//!
//! let world = FakeWorld::new();
//! let filter = catalog::find("fault-injection")?;
//! let configuration = br#"{"http": [{"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}}]}"#;
//! let loaded = filter.load(configuration, &world).map_err(|errors| format!("{errors:?}"))?;
//! assert!(loaded.warnings().is_empty());
//!
//! let request = Request::new(Headers::from_pairs([(":method", "GET"), (":path", "/")]));
//! let decided = loaded.stream(request).next(&world)?.ok_or("a filter")?;
//! let Decision::Reply(reply) = decided.decision else {
//!     return Err("a reply is what we asked for".into());
//! };
//! assert_eq!(reply.status, 503);
//! let reason = loaded.reason(decided.stage, &reply.record);
//! assert_eq!(reason.as_deref(), Some("abort:http-0"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A new filter is one line in this file.

mod erased;
mod loaded;
mod no_proxy;
mod stream;

use std::fmt;

use mesh_filters_chain::MeshFilters;
use sdk_helpers::chain::{Chain, One};
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::table::Table;
use sdk_helpers::config::{Envelope, Part, schema, schema_of_parts};
use sdk_helpers::{ConfigError, Load, World};
use serde_json::Value;

pub use loaded::Loaded;
pub use no_proxy::NoProxy;
pub use stream::{Decided, Responded, Stream};

/// All of them, by name.
static FILTERS: &[Filter] = &[
    Filter::of::<authorization_policy::AuthorizationPolicy>(),
    Filter::of::<fault_injection::FaultInjection>(),
    Filter::MESH_FILTERS,
    Filter::of::<rate_limit::RateLimit>(),
    Filter::of::<request_authentication::RequestAuthentication>(),
    Filter::of::<telemetry_tags::TelemetryTags>(),
];

/// Every filter there is, by name.
#[must_use]
pub fn filters() -> &'static [Filter] {
    FILTERS
}

/// The filter of this name.
///
/// # Errors
/// If there is none, with the names there are.
pub fn find(name: &str) -> Result<&'static Filter, UnknownFilter> {
    let found = FILTERS.iter().find(|filter| filter.name() == name);
    found.ok_or_else(|| UnknownFilter(name.to_owned()))
}

/// No filter has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFilter(String);

impl fmt::Display for UnknownFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = FILTERS.iter().map(Filter::name).collect();
        write!(
            f,
            "no filter is named `{}`; there are: {}",
            self.0.escape_debug(),
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownFilter {}

/// One filter, or several in one chain, which a configuration makes a [`Loaded`] of.
#[derive(Clone, Copy)]
pub struct Filter {
    name: &'static str,
    load: LoadBytes,
    load_at: fn(Value, &Load<'_>) -> Loaded,
    envelope: Envelope,
    fields: fn() -> Table,
    parts: &'static [(&'static str, &'static str)],
}

/// Loads a configuration into what is of one type.
type LoadBytes = fn(&[u8], &dyn World) -> Result<Loaded, Vec<ConfigError>>;

impl Filter {
    /// A filter by itself: of ours, or of whoever has one elsewhere and wants to do with it what can be
    /// done with ours.
    #[must_use]
    pub const fn of<F: sdk_helpers::Filter>() -> Self {
        Filter {
            name: F::NAME,
            load: Loaded::load::<One<F>>,
            load_at: Loaded::load_at::<One<F>>,
            envelope: F::ENVELOPE,
            fields: || F::Wire::describe().into_table(),
            parts: &[],
        }
    }

    const MESH_FILTERS: Filter = Filter {
        name: MeshFilters::NAME,
        load: Loaded::load::<MeshFilters>,
        load_at: Loaded::load_at::<MeshFilters>,
        envelope: Envelope::NONE,
        fields: || mesh_filters_chain::config::Wire::describe().into_table(),
        parts: &MeshFilters::PARTS,
    };

    /// Its folder, its `root_id` in Envoy, and the prefix of its statistics: `mesh_filters.<name>`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The fields of its configuration, each with its kind, default and meaning.
    #[must_use]
    pub fn fields(&self) -> Table {
        (self.fields)()
    }

    /// The objects of Kubernetes that its configuration may be written as.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The filters whose configurations stand in its own: the field of each, and its name. None but in
    /// one that is made of several.
    #[must_use]
    pub fn parts(&self) -> &'static [(&'static str, &'static str)] {
        self.parts
    }

    /// The JSON Schema (2020-12) of its configuration in each way it may be written, made of
    /// [`Filter::fields`] and of the schemas of its parts.
    #[must_use]
    pub fn schema(&self) -> Value {
        let parts: Vec<Part> = self.parts.iter().filter_map(part).collect();
        match parts.as_slice() {
            [] => schema(self.name, &self.fields(), &self.envelope),
            parts => schema_of_parts(self.name, &self.fields(), parts),
        }
    }

    /// Loads a configuration: JSON text, or a serialized `google.protobuf.Struct` as Envoy hands it
    /// over. `world` answers the checks that need Envoy, such as whether it parses a CEL expression.
    ///
    /// # Errors
    /// Every error of it, each with the path of its field.
    pub fn load(
        &self,
        configuration: &[u8],
        world: &dyn World,
    ) -> Result<Loaded, Vec<ConfigError>> {
        (self.load)(configuration, world)
    }

    /// Loads a configuration that stands inside something else, such as a file with an EnvoyFilter:
    /// `load.at` is its place there, where the path of every problem begins.
    ///
    /// Errors and warnings go to `load.problems`; with an error there, what is returned must not be used.
    #[must_use]
    pub fn load_at(&self, tree: Value, load: &Load<'_>) -> Loaded {
        (self.load_at)(tree, load)
    }
}

fn part(&(field, name): &(&'static str, &'static str)) -> Option<Part> {
    let filter = FILTERS.iter().find(|filter| filter.name == name)?;
    Some(Part {
        field,
        kind: filter.envelope.kind,
        schema: filter.schema(),
    })
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.name).finish()
    }
}
