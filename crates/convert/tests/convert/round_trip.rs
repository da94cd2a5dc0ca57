//! What is written is read again as the same configuration, for every configuration that a case has.

use std::path::Path;

use convert::{Converted, Form, Modules, Placement, read, write};
use documents::Document;
use policies::Settings;
use serde_json::Value;

const FORMS: [Form; 5] = [
    Form::Config,
    Form::EnvoyFilter,
    Form::WasmPlugin,
    Form::TrafficExtension,
    Form::Envoy,
];

/// Reads a text as the configuration of a filter, or of all.
fn of(text: &str, filter: &str) -> Result<Converted, String> {
    let filter = catalog::find(filter).unwrap();
    let settings = Settings {
        filter: Some(filter),
        ..Settings::default()
    };
    let documents = Document::read_text("a.yaml", text).map_err(|error| error.to_string())?;
    read(&documents, &settings, Modules::Only(filter)).map_err(|problems| format!("{problems:?}"))
}

/// Every configuration of every case that a filter takes.
fn corpus() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters");
    let mut all = Vec::new();
    for file in cases::File::read_filters(&root).unwrap() {
        for suite in file.suites {
            if suite.refused.is_empty()
                && suite.config.get("kind").is_none()
                && suite.config.is_object()
            {
                all.push((file.filter.clone(), suite.config));
            }
        }
    }
    all
}

/// The objects of a list of Kubernetes', or the one that it is.
fn opened(object: &Value) -> Vec<Value> {
    match object.get("items") {
        Some(Value::Array(items)) => items.clone(),
        _ => vec![object.clone()],
    }
}

/// The parts of the one configuration by one of their two spellings, and lists in its list of objects opened.
fn camel(filter: &str, config: &Value) -> Value {
    let mut config = config.clone();
    for (field, _) in catalog::find(filter)
        .unwrap()
        .parts()
        .iter()
        .chain(&[("filterState", "")])
    {
        let fields = config.as_object_mut().unwrap();
        if let Some(part) = fields.remove(&sdk_helpers::config::snake(field)) {
            fields.insert((*field).to_owned(), part);
        }
    }
    let objects = config.get("resources").filter(|_| filter == cases::ALL);
    let objects: Option<Vec<Value>> = objects.map(|objects| match objects {
        Value::Array(objects) => objects.iter().flat_map(opened).collect(),
        list => opened(list),
    });
    if let Some(objects) = objects {
        config["resources"] = objects.into();
    }
    config
}

#[test]
fn a_configuration_comes_back_out_of_everything_that_loads_it() {
    let mut count = 0;
    for (filter, config) in corpus() {
        // An object of Kubernetes is taken out of its clothes, and is another text.
        if config.get("items").is_some() || config.get("apiVersion").is_some() {
            continue;
        }
        let first = match of(&config.to_string(), &filter) {
            Ok(first) => first,
            // What only a proxy can evaluate is not loaded without one.
            Err(problem) => panic!("{filter}: {problem}: {config}"),
        };
        assert_eq!(
            first.configurations[0].tree,
            camel(&filter, &config),
            "{filter}"
        );
        for form in FORMS {
            let text = write(&first, form, &Placement::default()).unwrap();
            let again = of(&text, &filter).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            assert_eq!(again.configurations.len(), 1);
            assert_eq!(
                again.configurations[0].tree, first.configurations[0].tree,
                "{filter}, {form:?}:\n{text}"
            );
        }
        count += 1;
    }
    assert!(count > 250, "{count} configurations");
}

/// Several modules in one file are found by their names, and come back as one configuration.
#[test]
fn modules_apart_come_back_together() {
    let text = "
rateLimit: {limits: [{name: a, requests: 1, per: 1s}]}
authorizationPolicy: {policies: [{name: b, rules: [{}]}]}
faultInjection: {http: [{fault: {abort: {httpStatus: 503, percentage: {value: 10.0}}}}]}
";
    let documents = Document::read_text("a.yaml", text).unwrap();
    let settings = Settings::default();
    let whole = read(&documents, &settings, Modules::Whole).unwrap();
    let each = read(&documents, &settings, Modules::Each).unwrap();
    let names: Vec<&str> = each
        .configurations
        .iter()
        .map(|it| it.filter.name())
        .collect();
    assert_eq!(
        names,
        ["authorization-policy", "rate-limit", "fault-injection"]
    );
    for form in [
        Form::EnvoyFilter,
        Form::WasmPlugin,
        Form::TrafficExtension,
        Form::Envoy,
    ] {
        let text = write(&each, form, &Placement::default()).unwrap();
        let documents = Document::read_text("b.yaml", &text).unwrap();
        let again = read(&documents, &settings, Modules::Whole).unwrap();
        assert_eq!(
            again.configurations[0].tree, whole.configurations[0].tree,
            "{form:?}"
        );
        assert_eq!(again.losses, [], "{form:?}");
    }
}
