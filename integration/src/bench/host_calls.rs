//! How often a request crosses from a module into Envoy: the count that explains a cost, and that
//! no busy machine can disturb.

use std::collections::BTreeMap;

use super::module::Module;
use super::scenario::headers;
use crate::protobuf::encode_struct;
use cases::Sent;
use wasm_host::{Error, Host, Level, Module as Code, State, Stream};

/// A held stream is given so many ticks to go on.
const TICKS: usize = 10_000;

/// Host calls by name of one request through these modules, on average over the requests.
pub(super) fn of_one_request(
    modules: &[Module],
    requests: &[Sent],
    peer: Option<&str>,
) -> Result<BTreeMap<String, f64>, String> {
    let mut calls = BTreeMap::new();
    for module in modules {
        let host = configured(module)?;
        if let Some(principal) = peer {
            let uri = format!("spiffe://{principal}");
            host.property(&["connection", "mtls"], [1]);
            host.property(&["connection", "uri_san_peer_certificate"], uri);
        }
        // The first time around fills what the module keeps.
        for sent in requests {
            request(&host, sent).map_err(|error| error.to_string())?;
        }
        host.reset_host_calls();
        for sent in requests {
            request(&host, sent).map_err(|error| error.to_string())?;
        }
        for (name, count) in host.host_calls() {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let each = count as f64 / requests.len() as f64;
            *calls.entry(name).or_insert(0.0) += each;
        }
    }
    Ok(calls)
}

fn configured(module: &Module) -> Result<Host, String> {
    module.size()?;
    let code = Code::load(module.path()).map_err(|error| error.to_string())?;
    let host = Host::new(&code).map_err(|error| error.to_string())?;
    // Envoy's default; below it a log line is no host call.
    host.log_level(Level::Info);
    let configuration = encode_struct(&module.configuration());
    if host.vm_start(b"") && host.configure(&configuration) {
        return Ok(host);
    }
    Err(format!(
        "{} refuses its configuration: {:?}",
        module.name(),
        host.log()
    ))
}

fn request(host: &Host, sent: &Sent) -> Result<(), Error> {
    let stream = host.stream();
    stream.request_headers(pairs(sent), true);
    wait(host, &stream);
    if stream.state() == State::Continued {
        stream.response_headers(&[(":status", "200"), ("content-length", "0")], true)?;
        wait(host, &stream);
    }
    stream.done();
    Ok(())
}

fn wait(host: &Host, stream: &Stream) {
    for _ in 0..TICKS {
        let held = stream.state() == State::Paused;
        let Some(tick) = host.tick_period().filter(|_| held) else {
            return;
        };
        host.advance(tick);
    }
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
