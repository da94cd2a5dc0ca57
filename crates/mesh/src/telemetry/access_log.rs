//! `accessLogging`: who logs which requests, and how. What Istio writes to a proxy's standard output is a file beside
//! the proxy's others here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Proxied, Telemetered};
use crate::listeners::plain;
use crate::model::mesh_config::{FileLog, LogFormat, Provider};
use crate::model::telemetry::{AccessLogging, Mode};
use crate::proxy::files;
use crate::said::Said;

/// A line of Istio's own, operator by operator.
/// <https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format>
const LINE: [&str; 23] = [
    "[%START_TIME%]",
    "\"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\"",
    "%RESPONSE_CODE%",
    "%RESPONSE_FLAGS%",
    "%RESPONSE_CODE_DETAILS%",
    "%CONNECTION_TERMINATION_DETAILS%",
    "\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"",
    "%BYTES_RECEIVED%",
    "%BYTES_SENT%",
    "%DURATION%",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "\"%REQ(X-FORWARDED-FOR)%\"",
    "\"%REQ(USER-AGENT)%\"",
    "\"%REQ(X-REQUEST-ID)%\"",
    "\"%REQ(:AUTHORITY)%\"",
    "\"%UPSTREAM_HOST%\"",
    "%UPSTREAM_CLUSTER_RAW%",
    "%UPSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "%REQUESTED_SERVER_NAME%",
    "%ROUTE_NAME%",
    "\n",
];

/// The fields of Istio's own objects.
const FIELDS: [(&str, &str); 24] = [
    ("start_time", "%START_TIME%"),
    ("route_name", "%ROUTE_NAME%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    (
        "connection_termination_details",
        "%CONNECTION_TERMINATION_DETAILS%",
    ),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("duration", "%DURATION%"),
    (
        "upstream_service_time",
        "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    ),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    (
        "upstream_transport_failure_reason",
        "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    ),
];

/// The one operator of Istio's that Envoy has in an extension.
const WITHOUT_QUERY: &str = "%REQ_WITHOUT_QUERY";

impl Proxied<'_> {
    /// `access_log` of a connection manager.
    pub(super) fn access_log(&self, side: Mode, out: &mut Telemetered) -> Vec<Value> {
        let config = &self.model.mesh_config;
        let objects = self.objects();
        let elements: Vec<&AccessLogging> =
            objects.iter().flat_map(|one| &one.access_logging).collect();
        let defaults = &config.default_providers.access_logging;
        if elements.is_empty() && defaults.is_empty() {
            let file = config.access_log_file.as_ref().map(|path| FileLog {
                path: path.clone(),
                format: config.access_log_format.clone(),
                omits_empty: false,
            });
            return file.iter().map(|file| self.log(file, None)).collect();
        }
        let mut all = Vec::new();
        for (name, element) in in_force(&elements, defaults, side) {
            match config.provider(name) {
                Some(Provider::File(file)) => {
                    let filter = element.and_then(|element| element.filter.as_deref());
                    all.push(self.log(&file, filter));
                }
                other => out.said.push(Said {
                    place: element.map(|one| one.place.clone()).unwrap_or_default(),
                    what: match other {
                        None => format!("no extensionProvider is called {name}"),
                        Some(_) => format!("the extensionProvider {name} logs to no file"),
                    },
                    consequence: "it logs nothing here; `envoy` does, and an envoyFileAccessLog"
                        .to_owned(),
                }),
            }
        }
        all
    }

    fn log(&self, file: &FileLog, filter: Option<&str>) -> Value {
        let mut log = json!({
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": self.folder.join(file_name(&file.path)),
                "log_format": log_format(file),
            },
        });
        if let (Some(expression), Value::Object(fields)) = (filter, &mut log) {
            let typed = json!({
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": expression,
            });
            let extension = json!({"name": "envoy.access_loggers.extension_filters.cel", "typed_config": typed});
            fields.insert("filter".to_owned(), json!({"extension_filter": extension}));
        }
        log
    }
}

/// The providers that log on a side, each with the element that says so last.
fn in_force<'a>(
    elements: &[&'a AccessLogging],
    defaults: &'a [String],
    side: Mode,
) -> BTreeMap<&'a str, Option<&'a AccessLogging>> {
    let names_any = |one: &&&'a AccessLogging| !one.providers.is_empty();
    // The last element that names any says which there are at all.
    let last = elements.iter().rev().find(names_any);
    let there: &[String] = last.map_or(defaults, |one| &one.providers);
    let mut all = BTreeMap::new();
    if last.is_none() {
        all.extend(defaults.iter().map(|name| (name.as_str(), None)));
    }
    let mut inherited: &[String] = defaults;
    for &element in elements {
        if !element.providers.is_empty() {
            inherited = &element.providers;
        }
        if !element.mode.is_for(side) {
            continue;
        }
        for name in inherited.iter().filter(|name| there.contains(name)) {
            match element.disabled {
                true => all.remove(name.as_str()),
                false => all.insert(name.as_str(), Some(element)),
            };
        }
    }
    all
}

/// The file's own name, of whatever path: a proxy here writes into its own folder alone.
fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // None of its other files, which end otherwise, and nothing above it.
    let good = name.chars().all(is_plain) && name.ends_with(".log") && !name.starts_with('.');
    match good {
        true => name.to_owned(),
        false => files::ACCESS_LOG.to_owned(),
    }
}

fn log_format(file: &FileLog) -> Value {
    let (name, format) = match &file.format {
        None => ("text_format_source", line("")),
        Some(LogFormat::Text(text)) => ("text_format_source", line(text)),
        Some(LogFormat::Json(labels)) => ("json_format", object(labels)),
    };
    let needs_extension = format.to_string().contains(WITHOUT_QUERY);
    let mut out = Map::new();
    out.insert(name.to_owned(), format);
    if file.omits_empty {
        out.insert("omit_empty_values".to_owned(), json!(true));
    }
    if needs_extension {
        let extension = plain(
            "envoy.formatter.req_without_query",
            "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
        );
        out.insert("formatters".to_owned(), json!([extension]));
    }
    Value::Object(out)
}

/// A text ends its line, whether or not it says so.
fn line(text: &str) -> Value {
    let text = match text {
        "" => LINE.join(" ").replace(" \n", "\n"),
        text if text.ends_with('\n') => text.to_owned(),
        text => format!("{text}\n"),
    };
    json!({"inline_string": text})
}

fn object(labels: &Value) -> Value {
    match labels.as_object().filter(|labels| !labels.is_empty()) {
        Some(labels) => Value::Object(labels.clone()),
        None => FIELDS
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect(),
    }
}
