//! Cases in the built module, under wasmtime.

use std::time::Duration;

use sdk_helpers::claims;
use sdk_helpers::config::timestamp;

use super::module_path;
use cases::{Case, Engine, NOW, Outcome, Suite, TAG};
use wasm_host::{Headers, Host, Level, Module, Protocol, State};

/// A module that was given a suite's configuration.
pub struct InWasm {
    host: Host,
    filter: String,
}

impl InWasm {
    /// Configures the module of a filter as Istio does, with JSON text.
    ///
    /// # Errors
    /// The lines it logged when it refused.
    pub fn with_text(filter: &str, suite: &Suite) -> Result<Self, Vec<String>> {
        Self::with(filter, suite.config.to_string().as_bytes())
    }

    /// Configures it as Envoy does from plain YAML, with a serialized Struct.
    ///
    /// # Errors
    /// The lines it logged when it refused.
    pub fn with_struct(filter: &str, suite: &Suite) -> Result<Self, Vec<String>> {
        Self::with(filter, &crate::protobuf::encode_struct(&suite.config))
    }

    fn with(filter: &str, configuration: &[u8]) -> Result<Self, Vec<String>> {
        let host = Host::new(&Module::load(module_path(filter)).unwrap()).unwrap();
        assert!(host.vm_start(b""), "the module refused to start");
        let accepted = host.configure(configuration);
        let in_wasm = InWasm {
            host,
            filter: filter.to_owned(),
        };
        if accepted {
            Ok(in_wasm)
        } else {
            Err(in_wasm.logged(Level::Error))
        }
    }

    /// The lines it logged at a level, without the filter's name, which each must begin with.
    pub fn logged(&self, level: Level) -> Vec<String> {
        let name = format!("{}: ", self.filter);
        self.host
            .log()
            .into_iter()
            .filter(|(at, _)| *at == level)
            .map(|(_, line)| match line.strip_prefix(&name) {
                Some(line) => line.to_owned(),
                None => panic!("the log line `{line}` does not name the filter"),
            })
            .collect()
    }
}

impl Engine for InWasm {
    fn takes(&self, case: &Case) -> bool {
        case.dice.is_none()
    }

    /// The fake timer has whole milliseconds.
    fn grain(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn run(&self, case: &Case) -> Outcome {
        let host = &self.host;
        let now = case.now.as_deref().unwrap_or(NOW);
        host.set_time(timestamp(now).expect("the time of a case").as_nanos());
        // What other workers hold.
        let gauge = format!("mesh_filters.{}.active", self.filter);
        host.world().set_metric(&gauge, case.active.unwrap_or(0));
        let mut seen = Outcome::default();
        for (case, wait) in case.requests() {
            seen = self.send(&case);
            host.advance(wait.unwrap_or_default());
        }
        assert_eq!(host.dead(), None);
        assert_eq!(host.crashed(), None);
        assert_eq!(host.violations(), Vec::<String>::new());
        seen
    }
}

impl InWasm {
    fn send(&self, case: &Case) -> Outcome {
        let host = &self.host;
        let stream = host.stream();
        for (path, bytes) in case.encoded_facts() {
            match path.as_slice() {
                ["filter_state", key] => stream.set_filter_state(key, bytes),
                path => stream.property(path, bytes),
            }
        }
        if let Some(claims) = &case.claims {
            stream.set_filter_state(claims::PATH[1], claims.to_string());
        }
        stream.request_headers(case.headers(), true);
        let mut delay = None;
        let mut answers = case.answers.iter();
        while stream.state() == State::Paused {
            if let Some(call) = host.calls().first() {
                match (answers.next(), &call.protocol) {
                    (Some(answered), _) => {
                        let headers = answered.headers();
                        host.answer_http(call.id, headers, &answered.body, Headers::default())
                    }
                    (None, Protocol::Http) => host.fail_http(call.id),
                    (None, Protocol::Grpc { .. }) => host.answer_grpc(call.id, 14, b""),
                }
                .unwrap();
                continue;
            }
            let tick = host.tick_period().expect("a held stream has a timer");
            host.advance(tick);
            delay = Some(delay.unwrap_or(Duration::ZERO) + tick);
        }
        let state = format!("wasm.mesh_filters.{}", self.filter);
        let mut seen = Outcome {
            delay,
            reason: stream
                .filter_state(&state)
                .map(|reason| String::from_utf8(reason).expect("a reason is text")),
            ..Outcome::default()
        };
        match stream.state() {
            State::Continued => stream
                .response_headers(&[(":status", "200")], true)
                .unwrap(),
            State::Replied(reply) => {
                let response = stream.response();
                let text = |name: &str| response.text(name);
                seen.status = text(":status").and_then(|status| status.parse().ok());
                seen.grpc_status = text("grpc-status").and_then(|status| status.parse().ok());
                seen.body = Some(match text("grpc-message") {
                    Some(message) => message,
                    None => String::from_utf8(reply.body).expect("a body is text"),
                });
                seen.details = Some(reply.details);
            }
            other => panic!("the stream is {other:?}"),
        }
        let response = stream.response();
        for (name, _) in response.pairs() {
            let name = String::from_utf8_lossy(name).into_owned();
            if let Some(value) = response.text(&name) {
                seen.headers.insert(name, value);
            }
        }
        for name in case.expect.tags.keys() {
            if let Some(value) = stream.filter_state(&format!("{TAG}{name}")) {
                let value = String::from_utf8(value).expect("a tag is text");
                seen.tags.insert(name.clone(), value);
            }
        }
        stream.done();
        seen
    }
}
