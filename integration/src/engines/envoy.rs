//! Cases in a real Envoy: one for a file, with a listener for each suite.

use std::time::Duration;

use sdk_helpers::claims;
use serde_json::{Value, json};

use crate::client::{Client, Response};
use crate::envoy::{Envoy, Launcher};
use crate::listener::{Listener, bootstrap};
use cases::{Case, Engine, EngineError, File, OURS, Outcome, Step, Suite, TAG};

/// The header by which an access log line is found again.
const ID: &str = "x-case";

/// The header whose value becomes the verified claims.
const CLAIMS: &str = "x-case-claims";

/// Envoy with all suites of a file that it accepts.
pub struct InEnvoy {
    envoy: Envoy,
    filter: String,
}

impl InEnvoy {
    /// Starts it.
    pub fn start(file: &File, launcher: Launcher) -> Self {
        let listeners: Vec<Listener> = file
            .suites
            .iter()
            .enumerate()
            .filter(|(_, suite)| suite.refused.is_empty())
            .map(|(index, suite)| listener(&file.filter, &name(index), suite))
            .collect();
        let envoy = Envoy::builder(bootstrap(listeners, []))
            .launcher(launcher)
            .args(["--file-flush-interval-msec", "10"])
            .start();
        InEnvoy {
            envoy,
            filter: file.filter.clone(),
        }
    }

    /// Runs one case of the suite with this index.
    pub fn suite(&self, index: usize) -> impl Engine + '_ {
        OneListener {
            inside: self,
            listener: name(index),
        }
    }
}

fn name(suite: usize) -> String {
    format!("suite-{suite}")
}

struct OneListener<'a> {
    inside: &'a InEnvoy,
    listener: String,
}

impl Engine for OneListener<'_> {
    /// Timers are coarse, and the machine may be busy: only "never early" is exact here.
    fn grain(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn takes(&self, case: &Case) -> bool {
        !case.needs_fakes()
    }

    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        if !self.takes(case) {
            return Err("the case needs a fake world".to_owned().into());
        }
        let id = format!("{}/{}", self.listener, case.name);
        let before = case.steps().count().saturating_sub(1);
        for earlier in case.steps().take(before) {
            self.send(&earlier, "");
        }
        let response = self.send(&case.own(), &id);
        let line = self.access_log(&id);
        Ok(self.outcome(&response, &line))
    }
}

impl OneListener<'_> {
    fn send(&self, step: &Step<'_>, id: &str) -> Response {
        let envoy = &self.inside.envoy;
        let addr = envoy.addr(&self.listener);
        let headers: Vec<(String, Vec<u8>)> = step.request.plain_headers().collect();
        let grpc = headers
            .iter()
            .any(|(name, value)| name == "content-type" && value.starts_with(b"application/grpc"));
        let client = if grpc {
            Client::http2(addr)
        } else {
            Client::http1(addr)
        };
        let sent = step.request;
        let mut call = client
            .method(&sent.method, &sent.path)
            .authority(&sent.authority)
            .header(ID, id);
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        if let Some(claims) = step.claims {
            call = call.header(CLAIMS, claims.to_string());
        }
        call.send()
    }

    fn access_log(&self, id: &str) -> Value {
        let part = format!("\"case\":{}", Value::from(id));
        let line = self.inside.envoy.wait_log(&part, Duration::from_secs(10));
        let start = line.find('{').expect("an access log line is JSON");
        serde_json::from_str(&line[start..]).expect("an access log line is JSON")
    }

    fn outcome(&self, response: &Response, line: &Value) -> Outcome {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let details = text("details").expect("details");
        let mut seen = Outcome::default();
        for filter in catalog::filters() {
            let name = filter.name();
            let Some(reason) = text(&[OURS, name].concat()) else {
                continue;
            };
            // Held if it says so; how long it took is then how long it was held, and never less.
            if reason.starts_with("delay") {
                seen.delay = Some(response.elapsed);
            }
            seen.note(&self.inside.filter, name, reason);
        }
        for (field, value) in line.as_object().into_iter().flatten() {
            if let (Some(name), Some(value)) = (field.strip_prefix(TAG), value.as_str()) {
                seen.tags.insert(name.to_owned(), value.to_owned());
            }
        }
        for (name, value) in &response.headers {
            let value = String::from_utf8_lossy(value).into_owned();
            seen.headers.entry(name.clone()).or_insert(value);
        }
        if details.starts_with("mesh_filters.") {
            seen.status = Some(response.status);
            seen.grpc_status = response.grpc_status();
            seen.body = Some(match response.grpc_message() {
                Some(message) => message.to_owned(),
                None => response.text(),
            });
            seen.details = Some(details);
        } else {
            assert_eq!(response.status, 200, "{details}: {}", response.text());
        }
        seen
    }
}

/// A listener that takes claims from a header, as a filter that verified a token would leave them.
fn listener(filter: &str, name: &str, suite: &Suite) -> Listener {
    let claims = json!({"on_request_headers": [{
        "object_key": claims::PATH[1],
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": format!("%REQ({CLAIMS})%")}},
        "skip_if_empty": true,
    }]});
    let listener = Listener::new(name)
        .filter("claims", "set_filter_state.v3.Config", claims)
        .module(filter, &suite.config)
        .log("case", &format!("%REQ({ID})%"));
    let tags = suite.tags().into_iter().map(|tag| [TAG, tag].concat());
    let filters = catalog::filters().iter();
    let reasons = filters.map(|filter| [OURS, filter.name()].concat());
    tags.chain(reasons).fold(listener, |listener, state| {
        let format = format!("%FILTER_STATE({state}:PLAIN)%");
        listener.log(&state, &format)
    })
}
