//! The JSON Schema of case files and their reader agree: on every file of the filters, and on each of their suites
//! with one thing changed.

use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use cases::File;
use serde_json::{Value, json};

struct OwnSchema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl OwnSchema {
    fn new() -> Self {
        let address = "https://mesh-filters.example/cases.json";
        let mut compiler = Compiler::new();
        compiler.add_resource(address, cases::schema()).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile(address, &mut schemas).unwrap();
        OwnSchema { schemas, index }
    }

    fn refuses(&self, file: &Value) -> Option<String> {
        let valid = self.schemas.validate(file, self.index);
        valid.err().map(|error| format!("{error:#}"))
    }
}

fn reader_refuses(file: &Value) -> Option<String> {
    let read = File::parse("rate-limit", "mine.yaml", &file.to_string());
    read.err().map(|error| error.problem)
}

/// Every file of every filter, as a tree.
fn files() -> Vec<(String, Value)> {
    let filters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters");
    let files = File::read_filters(&filters).unwrap();
    let tree = |file: File| {
        let text = std::fs::read_to_string(&file.path).unwrap();
        let tree = serde_saphyr::from_str(&text).unwrap();
        (file.path.display().to_string(), tree)
    };
    files.into_iter().map(tree).collect()
}

#[test]
fn every_file_is_valid() {
    let schema = OwnSchema::new();
    let files = files();
    assert!(files.len() > 20, "{}", files.len());
    for (path, tree) in files {
        let refused = schema.refuses(&tree);
        assert!(refused.is_none(), "{path}: {}", refused.unwrap());
    }
}

/// What a schema cannot say: that a suite expects one thing, names are unique, a file is there, and a time or a byte
/// is one.
const BEYOND: [&str; 6] = [
    "must have cases, warnings, or the errors",
    "another suite has this description",
    "two cases are named",
    "`files`",
    "is not a time",
    "is no byte",
];

#[test]
fn they_agree_on_suites_with_one_thing_changed() {
    let schema = OwnSchema::new();
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(0.5),
        json!(""),
        json!("7"),
        json!("5s"),
        json!("text"),
        json!([]),
        json!({}),
        json!(["a"]),
        json!({"zone": {}}),
    ];
    let (mut taken, mut refused, mut next) = (0, 0, 0u64);
    let mut differ = Vec::new();
    for (path, tree) in files() {
        let suites = tree.as_array().unwrap();
        for suite in suites {
            for place in places(suite, 0) {
                for value in &values {
                    // One of some is tried, always the same.
                    next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if (next >> 33) % 64 != 0 {
                        continue;
                    }
                    let mut changed = suite.clone();
                    *changed.pointer_mut(&place).unwrap() = value.clone();
                    let changed = json!([changed]);
                    let by_reader = reader_refuses(&changed);
                    let by_schema = schema.refuses(&changed);
                    let beyond = by_reader
                        .as_ref()
                        .is_some_and(|told| BEYOND.iter().any(|beyond| told.contains(beyond)));
                    match &by_reader {
                        Some(_) => refused += 1,
                        None => taken += 1,
                    }
                    let differs = match (&by_reader, &by_schema) {
                        (Some(_), None) => !beyond,
                        // A number for a text, and nothing for what may be left out, are read as they are meant.
                        (None, Some(_)) => value.is_array() || value.is_object(),
                        _ => false,
                    };
                    if differs {
                        differ.push(format!("{path} with {value} at {place}: the reader says {by_reader:?}, the schema {by_schema:?}"));
                    }
                }
            }
        }
    }
    assert!(
        differ.is_empty(),
        "{}\n{}",
        differ.len(),
        differ[..differ.len().min(20)].join("\n")
    );
    assert!(
        taken > 300 && refused > 300,
        "{taken} taken, {refused} refused"
    );
}

/// The JSON pointers of everything in a suite but the inside of its configuration and of claims.
fn places(tree: &Value, depth: usize) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match tree {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(at, it)| (at.to_string(), it))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        _ => vec![],
    };
    let mut all = Vec::new();
    for (step, value) in inner {
        all.push(format!("/{step}"));
        if step != "config" && step != "claims" && depth < 6 {
            let below = places(value, depth + 1);
            all.extend(below.iter().map(|place| format!("/{step}{place}")));
        }
    }
    all
}

#[test]
fn it_tells_what_is_missing_and_what_is_not_known() {
    let schema = OwnSchema::new();
    for (file, valid) in [
        (
            json!([{"description": "a", "config": {}, "warnings": ["w"]}]),
            true,
        ),
        (
            json!([{"description": "a", "files": ["policies"], "cases": []}]),
            true,
        ),
        (
            json!([{"description": "a", "filter": "rate-limit", "config": null, "refused": ["e"]}]),
            true,
        ),
        (json!([{"description": "a"}]), false),
        (
            json!([{"description": "a", "config": {}, "files": ["policies"]}]),
            false,
        ),
        (
            json!([{"description": "a", "config": {}, "case": []}]),
            false,
        ),
        (json!({"description": "a", "config": {}}), false),
        (
            json!([{"description": "a", "config": {}, "cases": [{"name": "n"}]}]),
            false,
        ),
        (
            json!([{"description": "a", "config": {}, "cases": [{"name": "n", "expect": {"delay": "5"}}]}]),
            false,
        ),
        (
            json!([{"description": "a", "config": {}, "cases": [{"name": "n", "expect": {"status": 70_000}}]}]),
            false,
        ),
    ] {
        let refused = schema.refuses(&file);
        assert_eq!(refused.is_none(), valid, "{file}: {refused:?}");
    }
}
