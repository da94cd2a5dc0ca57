//! What a request costs that can be counted: how often it crosses from a module into Envoy, and how many
//! instructions it runs. The counts explain a cost, and no busy machine can disturb them.

use std::collections::BTreeMap;

use super::guest::Guest;
use super::module::Module;
use cases::Sent;
use wasm_host::Module as Code;

/// Requests that the mean is taken over, at least.
const REQUESTS: usize = 20;

/// Counts of one request, on average over several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Host calls by name.
    pub host_calls: BTreeMap<String, f64>,
    /// How many of them gave bytes.
    pub with_bytes: f64,
    /// Instructions of wasm by callback.
    pub instructions: BTreeMap<String, f64>,
}

impl Counts {
    /// All host calls.
    pub fn calls(&self) -> f64 {
        self.host_calls.values().fold(0.0, |sum, calls| sum + calls)
    }

    /// The instructions of all callbacks.
    pub fn instructions(&self) -> f64 {
        self.instructions.values().fold(0.0, |sum, used| sum + used)
    }
}

/// Of one request through these modules.
pub(super) fn of_one_request(
    modules: &[Module],
    requests: &[Sent],
    peer: Option<&str>,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for module in modules {
        module.size()?;
        let code = Code::load_counting(module.path()).map_err(|error| error.to_string())?;
        let guest = Guest::start(module, &code, peer)?;
        // The first time around fills what the module keeps.
        for sent in requests {
            guest.request(sent, |_| ())?;
        }
        let host = guest.host();
        host.reset_host_calls();
        host.reset_instructions();
        let times = REQUESTS.div_ceil(requests.len());
        for sent in std::iter::repeat_n(requests, times).flatten() {
            guest.request(sent, |_| ())?;
        }
        let all = times * requests.len();
        add(&mut counts.host_calls, host.host_calls(), all);
        add(&mut counts.instructions, host.instructions(), all);
        counts.with_bytes += mean(host.host_calls_with_bytes(), all);
    }
    Ok(counts)
}

fn add(means: &mut BTreeMap<String, f64>, counted: BTreeMap<String, u64>, requests: usize) {
    for (name, count) in counted {
        *means.entry(name).or_default() += mean(count, requests);
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn mean(count: u64, requests: usize) -> f64 {
    count as f64 / requests as f64
}
