//! The JSON Schemas of the filters and their readers agree: on every configuration of a case, and on
//! each of them with one of its values or names changed.

use std::path::Path;

use authorization_policy::AuthorizationPolicy;
use boon::{Compiler, SchemaIndex, Schemas};
use cases::File;
use fault_injection::FaultInjection;
use mesh_filters_chain::MeshFilters;
use mesh_filters_chain::config::FilterStateWire;
use rate_limit::RateLimit;
use request_authentication::RequestAuthentication;
use sdk_helpers::chain::Chain;
use sdk_helpers::config::{self, Resource, Resources};
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, Filter, Problems};
use serde_json::{Value, json};
use telemetry_tags::TelemetryTags;

/// A filter's schema, and what its reader and its check say.
struct Agreement {
    schemas: Schemas,
    index: SchemaIndex,
    /// What of a configuration does not fit, before anything is checked.
    read: fn(&Value) -> Vec<String>,
    filter: &'static catalog::Filter,
}

fn read(tree: &Value, by: fn(Value, Vec<Resource>, &At<'_>, &Problems)) -> Vec<String> {
    let problems = Problems::default();
    let tree = config::parse(&bytes(tree)).unwrap();
    by(tree, Vec::new(), &At::root(), &problems);
    texts(&problems.errors())
}

/// Reads the configuration of one filter.
fn part<F: Filter>(tree: Value, resources: Vec<Resource>, at: &At<'_>, problems: &Problems) {
    let tree = F::ENVELOPE.unwrap(tree, resources, at, problems);
    config::read::<F::Wire>(&tree, at, problems);
}

/// Reads the configuration of all.
fn parts(tree: Value, _: Vec<Resource>, at: &At<'_>, problems: &Problems) {
    let [tokens, policies, limits, faults, tags] = MeshFilters::PARTS.map(|(field, _)| field);
    let fields = &[
        tokens,
        policies,
        limits,
        faults,
        tags,
        "resources",
        "filterState",
    ];
    let [.., resources, state] = &fields.map(|field| at.field(field));
    let [own @ .., listed, kept] = config::parts::<7>(tree, fields, at, problems);
    let mut listed = Resources::read(listed, resources, problems);
    if !kept.is_null() {
        config::read::<FilterStateWire>(&kept, state, problems);
    }
    let mut part_of = |filter: &str, tree: Value, at: &At<'_>| match filter {
        AuthorizationPolicy::NAME => {
            own_part::<AuthorizationPolicy>(tree, &mut listed, at, problems)
        }
        FaultInjection::NAME => own_part::<FaultInjection>(tree, &mut listed, at, problems),
        RateLimit::NAME => own_part::<RateLimit>(tree, &mut listed, at, problems),
        RequestAuthentication::NAME => {
            own_part::<RequestAuthentication>(tree, &mut listed, at, problems);
        }
        TelemetryTags::NAME => own_part::<TelemetryTags>(tree, &mut listed, at, problems),
        other => panic!("no filter is named `{other}`"),
    };
    for ((field, filter), tree) in MeshFilters::PARTS.into_iter().zip(own) {
        part_of(filter, tree, &at.field(field));
    }
}

fn own_part<F: Filter>(tree: Value, listed: &mut Resources, at: &At<'_>, problems: &Problems) {
    let resources = listed.take(F::ENVELOPE.kind);
    if !tree.is_null() || !resources.is_empty() {
        part::<F>(tree, resources, at, problems);
    }
}

impl Agreement {
    fn of(filter: &str) -> Self {
        let read: fn(&Value) -> Vec<String> = match filter {
            AuthorizationPolicy::NAME => |tree| read(tree, part::<AuthorizationPolicy>),
            FaultInjection::NAME => |tree| read(tree, part::<FaultInjection>),
            MeshFilters::NAME => |tree| read(tree, parts),
            RateLimit::NAME => |tree| read(tree, part::<RateLimit>),
            RequestAuthentication::NAME => |tree| read(tree, part::<RequestAuthentication>),
            TelemetryTags::NAME => |tree| read(tree, part::<TelemetryTags>),
            other => panic!("no filter is named `{other}`"),
        };
        let filter = catalog::find(filter).unwrap();
        let address = format!("https://mesh-filters.example/{}.json", filter.name());
        let mut compiler = Compiler::new();
        compiler.add_resource(&address, filter.schema()).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile(&address, &mut schemas);
        Agreement {
            index: index.unwrap_or_else(|error| panic!("{error:#}")),
            schemas,
            read,
            filter,
        }
    }

    /// All that is wrong with a configuration.
    fn load(&self, tree: &Value) -> Vec<String> {
        match self.filter.load(&bytes(tree), &FakeWorld::new()) {
            Ok(_) => vec![],
            Err(errors) => texts(&errors),
        }
    }

    /// What is wrong with a configuration by its schema.
    fn validate(&self, configuration: &Value) -> Result<(), String> {
        let valid = self.schemas.validate(configuration, self.index);
        valid.map_err(|error| format!("{error:#}"))
    }

    /// What the reader refuses is not valid, and what loads is. What else a check refuses a schema
    /// may know or not: it cannot say that a field is missing or excludes another, that a name stands
    /// twice, or that a text is no regex, address, URL, expression, template or key.
    fn check(&self, id: &str, configuration: &Value) -> Result<(), String> {
        let differs = |told: &str| Err(format!("{id}: {told}\nof\n{configuration}"));
        let mut misfits = (self.read)(configuration);
        misfits.retain(|misfit| !BEFORE_READING.iter().any(|told| misfit.contains(told)));
        match self.validate(configuration) {
            Ok(()) if misfits.is_empty() => Ok(()),
            Ok(()) => differs(&format!(
                "is valid, and the reader says\n{}",
                misfits.join("\n")
            )),
            Err(_) if !misfits.is_empty() => Ok(()),
            Err(invalid) => match self.load(configuration).is_empty() {
                true => differs(&format!("loads, and the schema says\n{invalid}")),
                false => Ok(()),
            },
        }
    }
}

/// What is found out before the reader, and is not for a schema to say: what several objects or fields
/// are refused for together, and what an annotation or a target must be.
const BEFORE_READING: [&str; 9] = [
    "stands in two places, and only lists add up",
    "only one of `selector`, `targetRef` and `targetRefs` can be set",
    "is none of `/Service`, `networking.istio.io/ServiceEntry`",
    "name: must be set",
    "namespace: must not be set",
    "labels take no wildcards",
    "stands beside the object too",
    "entries; at most 16",
    "is neither `true` nor `false`",
];

fn bytes(tree: &Value) -> Vec<u8> {
    tree.to_string().into_bytes()
}

fn texts(errors: &[sdk_helpers::ConfigError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn files() -> Vec<File> {
    File::read_filters(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters")).unwrap()
}

#[test]
fn they_agree_on_every_configuration() {
    let (mut loaded, mut refused) = (0, 0);
    for file in files() {
        let agreement = Agreement::of(&file.filter);
        for suite in &file.suites {
            let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
            agreement
                .check(&id, &suite.config)
                .unwrap_or_else(|told| panic!("{told}"));
            match agreement.validate(&suite.config) {
                Ok(()) => loaded += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        loaded > 100 && refused > 10,
        "{loaded} valid, {refused} not"
    );
}

/// Every value replaced by some of each kind, and every name by others.
#[test]
fn they_agree_on_configurations_with_one_thing_changed() {
    let (mut tried, mut next) = (0u32, 0u64);
    let mut differ = Vec::new();
    for file in files() {
        let agreement = Agreement::of(&file.filter);
        for suite in &file.suites {
            let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
            for place in places(&suite.config) {
                for change in CHANGES {
                    // One of some is tried, always the same.
                    next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if (next >> 33) % 8 != 0 {
                        continue;
                    }
                    let mut changed = suite.config.clone();
                    if change.make(&mut changed, &place) {
                        tried += 1;
                        let id = format!("{id} with {change:?} at {place}");
                        differ.extend(agreement.check(&id, &changed).err());
                    }
                }
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    assert!(tried > 1_000, "{tried}");
}

/// The JSON pointers of all values.
fn places(tree: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let inner: Vec<(String, &Value)> = match tree {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        _ => vec![],
    };
    for (step, value) in inner {
        places.extend(
            self::places(value)
                .iter()
                .map(|place| format!("/{step}{place}")),
        );
    }
    places
}

#[derive(Debug, Clone, Copy)]
enum Change {
    /// The value is another one, as JSON.
    Value(&'static str),
    /// A mapping has one more field.
    Field(&'static str),
    /// The names in a mapping are in snake case.
    Snake,
    /// A name stands there in both spellings.
    Twice,
}

const CHANGES: [Change; 14] = [
    Change::Value("null"),
    Change::Value("true"),
    Change::Value("7"),
    Change::Value("-0.5"),
    Change::Value("\"\""),
    Change::Value("\"7\""),
    Change::Value("\"some text\""),
    Change::Value("[]"),
    Change::Value("{}"),
    Change::Value("[\"a\"]"),
    Change::Field("zone"),
    Change::Field("name"),
    Change::Snake,
    Change::Twice,
];

impl Change {
    /// Whether there is such a change.
    fn make(self, tree: &mut Value, place: &str) -> bool {
        let there = tree.pointer_mut(place).expect("a place");
        match (self, there) {
            (Change::Value(text), there) => *there = serde_json::from_str(text).unwrap(),
            (Change::Field(name), Value::Object(map)) => {
                map.insert(name.to_owned(), json!(1));
            }
            (Change::Snake, Value::Object(map)) => {
                let entries = std::mem::take(map).into_iter();
                *map = entries.map(|(name, value)| (snake(&name), value)).collect();
            }
            (Change::Twice, Value::Object(map)) => {
                let Some((name, value)) = map.iter().find(|(name, _)| snake(name) != **name) else {
                    return false;
                };
                let (name, value) = (snake(name), value.clone());
                map.insert(name, value);
            }
            _ => return false,
        }
        true
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
