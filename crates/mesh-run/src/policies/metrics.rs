//! What Telemetry objects change of metrics: a part of the module's configuration, as the translation writes it.

use std::collections::BTreeSet;

use documents::Document;
use explain::Chain;
use mesh::Said;
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

/// The part, if the filter takes it.
pub(super) fn part(
    configuration: Value,
    documents: &[Document],
    now: Timestamp,
    said: &mut BTreeSet<Said>,
) -> Option<Value> {
    let mut refuse = |what: String| {
        let has_metrics = |document: &&Document| {
            let object = document.object();
            object.kind() == "Telemetry" && object.value().pointer("/spec/metrics").is_some()
        };
        let first = documents.iter().find(has_metrics);
        said.insert(Said {
            place: first
                .map(|document| document.place("spec.metrics"))
                .unwrap_or_default(),
            what,
            consequence: "metrics are as if no Telemetry changed any".to_owned(),
        });
    };
    let filter = match catalog::find("telemetry-tags") {
        Ok(filter) => filter,
        Err(error) => {
            refuse(error.to_string());
            return None;
        }
    };
    match Chain::load(filter, &configuration, now, None) {
        Ok(_) => Some(json!({"telemetryTags": configuration})),
        Err(errors) => {
            let told = errors.iter().map(ToString::to_string);
            refuse(told.collect::<Vec<String>>().join("; "));
            None
        }
    }
}
