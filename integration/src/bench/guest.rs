//! A module of a scenario in the wasm host, where what a request costs can be counted.

use super::module::Module;
use super::scenario::headers;
use crate::protobuf::encode_struct;
use cases::Sent;
use wasm_host::{Error, Host, Level, Module as Code, State, Stream};

/// A held stream is given so many ticks to go on.
const TICKS: usize = 10_000;

/// A part of a request's way through a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The context is made, and the request's headers come.
    Request,
    /// The answer's headers come.
    Response,
    /// The log is written, and the context goes.
    End,
}

/// A module with a configuration in force.
pub struct Guest {
    host: Host,
}

impl Guest {
    /// Starts `code`, which is the module's or was made of it. `peer` is whose certificate the requests come
    /// with.
    ///
    /// # Errors
    /// If it does not run or refuses the configuration.
    pub fn start(module: &Module, code: &Code, peer: Option<&str>) -> Result<Self, String> {
        let host = Host::new(code).map_err(|error| error.to_string())?;
        // Envoy's default; below it a log line is no host call.
        host.log_level(Level::Info);
        reads_expressions(&host);
        let configuration = encode_struct(&module.configuration());
        if !(host.vm_start(b"") && host.configure(&configuration)) {
            return Err(format!(
                "{} refuses its configuration: {:?}",
                module.name(),
                host.log()
            ));
        }
        if let Some(principal) = peer {
            let uri = format!("spiffe://{principal}");
            host.property(&["connection", "mtls"], [1]);
            host.property(&["connection", "uri_san_peer_certificate"], uri);
        }
        Ok(Self { host })
    }

    /// Its VM.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// One request through all of its life; `seen` is told of each part that is over.
    ///
    /// # Errors
    /// If the answer cannot come.
    pub fn request(&self, sent: &Sent, mut seen: impl FnMut(Phase)) -> Result<(), String> {
        self.pass(sent, &mut seen)
            .map_err(|error| error.to_string())
    }

    fn pass(&self, sent: &Sent, seen: &mut impl FnMut(Phase)) -> Result<(), Error> {
        let stream = self.host.stream();
        stream.request_headers(pairs(sent), true);
        self.wait(&stream);
        seen(Phase::Request);
        if stream.state() == State::Continued {
            stream.response_headers(&[(":status", "200"), ("content-length", "0")], true)?;
            self.wait(&stream);
            seen(Phase::Response);
        }
        stream.done();
        seen(Phase::End);
        Ok(())
    }

    fn wait(&self, stream: &Stream) {
        for _ in 0..TICKS {
            let held = stream.state() == State::Paused;
            let Some(tick) = self.host.tick_period().filter(|_| held) else {
                return;
            };
            self.host.advance(tick);
        }
    }
}

/// Envoy's CEL as far as a count needs it: every expression can be read, and each has the same value.
fn reads_expressions(host: &Host) {
    host.foreign("expr_create", |_| Ok(1_u32.to_le_bytes().to_vec()));
    host.foreign("expr_delete", |_| Ok(Vec::new()));
    host.foreign("expr_evaluate", |_| Ok(b"value".to_vec()));
}

fn pairs(sent: &Sent) -> Vec<(&str, &str)> {
    let mut pairs = vec![
        (":method", sent.method.as_str()),
        (":path", sent.path.as_str()),
        (":scheme", "http"),
        (":authority", sent.authority.as_str()),
    ];
    pairs.extend(headers(sent));
    pairs
}
