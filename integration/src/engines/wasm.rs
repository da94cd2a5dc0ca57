//! Cases in the built module, under wasmtime.

use std::path::Path;
use std::time::Duration;

use cases::{Case, Configured, Engine, EngineError, OURS, Outcome, Step, Suite, TAG};
use sdk_helpers::claims;

use super::module_path;
use wasm_host::{Error, Headers, Host, Level, Module, Protocol, State};

/// A module that was given a suite's configuration.
pub struct InWasm {
    host: Host,
    filter: String,
}

impl InWasm {
    /// Configures the module of a filter as Istio does, with JSON text.
    ///
    /// # Errors
    /// If there is no such module, or it does not start.
    pub fn with_text(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
        Self::module_of(&module_path(filter), filter, suite)
    }

    /// The same for a filter whose module is this file.
    ///
    /// # Errors
    /// If there is no such module, or it does not start.
    pub fn module_of(path: &Path, filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
        Self::with(path, filter, suite.config.to_string().as_bytes())
    }

    /// Configures it as Envoy does from plain YAML, with a serialized Struct.
    ///
    /// # Errors
    /// If there is no such module, or it does not start.
    pub fn with_struct(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
        let bytes = crate::protobuf::encode_struct(&suite.config);
        Self::with(&module_path(filter), filter, &bytes)
    }

    fn with(path: &Path, filter: &str, configuration: &[u8]) -> Result<Configured, EngineError> {
        let module = Module::load(path).map_err(told)?;
        let host = Host::new(&module).map_err(told)?;
        if !host.vm_start(b"") {
            return Err(format!("the module refused to start: {:?}", host.log()).into());
        }
        let taken = host.configure(configuration);
        let engine = InWasm {
            host,
            filter: filter.to_owned(),
        };
        if !taken {
            return Ok(Configured::Refused(engine.logged(Level::Error)?));
        }
        Ok(Configured::InForce {
            warnings: engine.logged(Level::Warn)?,
            engine: Box::new(engine),
        })
    }

    /// The lines it logged at a level, without the filter's name, which each must begin with.
    fn logged(&self, level: Level) -> Result<Vec<String>, EngineError> {
        let name = format!("{}: ", self.filter);
        let lines = self.host.log().into_iter();
        let lines = lines.filter(|(at, _)| *at == level);
        lines
            .map(|(_, line)| match line.strip_prefix(&name) {
                Some(line) => Ok(line.to_owned()),
                None => Err(format!("the log line `{line}` does not name the filter").into()),
            })
            .collect()
    }
}

fn told(error: Error) -> EngineError {
    EngineError(error.to_string())
}

impl Engine for InWasm {
    fn unmet(&self, case: &Case) -> Option<String> {
        let why = "it fixes `dice`, and the module's are seeded by the host";
        case.dice.as_ref().map(|_| why.to_owned())
    }

    /// The fake timer has whole milliseconds.
    fn grain(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        let host = &self.host;
        host.set_time(case.time().as_nanos());
        // What other workers hold.
        for filter in catalog::filters() {
            let gauge = format!("mesh_filters.{}.active", filter.name());
            host.world().set_metric(&gauge, case.active.unwrap_or(0));
        }
        let mut seen = Outcome::default();
        for step in case.steps() {
            seen = self.send(case, &step)?;
            host.advance(step.wait);
        }
        let (dead, crashed, violations) = (host.dead(), host.crashed(), host.violations());
        if dead.is_some() || crashed.is_some() || !violations.is_empty() {
            let problem =
                format!("dead: {dead:?}, crashed: {crashed:?}, violations: {violations:?}");
            return Err(problem.into());
        }
        Ok(seen)
    }
}

impl InWasm {
    fn send(&self, case: &Case, step: &Step<'_>) -> Result<Outcome, EngineError> {
        let host = &self.host;
        let stream = host.stream();
        for (path, value) in &case.attributes {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["filter_state", key] => stream.set_filter_state(key, value),
                path => stream.property(path, value),
            }
        }
        if let Some(claims) = step.claims {
            stream.set_filter_state(claims::PATH[1], claims.to_string());
        }
        stream.request_headers(step.request.all_headers(), true);
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
                .map_err(told)?;
                continue;
            }
            let Some(tick) = host.tick_period() else {
                return Err(
                    "the stream is held, and there is neither a call nor a timer"
                        .to_owned()
                        .into(),
                );
            };
            host.advance(tick);
            delay = Some(delay.unwrap_or(Duration::ZERO) + tick);
        }
        let mut seen = Outcome {
            delay,
            ..Outcome::default()
        };
        let filters = catalog::filters().iter();
        let mut names: Vec<&str> = filters.map(|filter| filter.name()).collect();
        names.push(&self.filter);
        for name in names {
            if let Some(reason) = stream.filter_state(&[OURS, name].concat()) {
                seen.note(&self.filter, name, text("the reason", reason)?);
            }
        }
        match stream.state() {
            State::Continued => stream
                .response_headers(&[(":status", "200")], true)
                .map_err(told)?,
            State::Replied(reply) => {
                let response = stream.response();
                let header = |name: &str| response.text(name);
                seen.status = header(":status").and_then(|status| status.parse().ok());
                seen.grpc_status = header("grpc-status").and_then(|status| status.parse().ok());
                seen.body = Some(match header("grpc-message") {
                    Some(message) => message,
                    None => text("the body", reply.body)?,
                });
                seen.details = Some(reply.details);
            }
            other => return Err(format!("the stream is {other:?}").into()),
        }
        let response = stream.response();
        for (name, _) in response.pairs() {
            let name = String::from_utf8_lossy(name).into_owned();
            if let Some(value) = response.text(&name) {
                seen.headers.insert(name, value);
            }
        }
        stream.done();
        for name in case.expect.tags.keys() {
            if let Some(value) = stream.filter_state(&format!("{TAG}{name}")) {
                seen.tags.insert(name.clone(), text("a tag", value)?);
            }
        }
        Ok(seen)
    }
}

fn text(what: &str, bytes: Vec<u8>) -> Result<String, EngineError> {
    let text = String::from_utf8(bytes);
    text.map_err(|error| EngineError(format!("{what} is no text: {:?}", error.as_bytes())))
}
