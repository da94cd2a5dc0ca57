//! How often a request crosses from a module into Envoy: the count that explains a cost, and that
//! no busy machine can disturb.

use std::collections::BTreeMap;

use super::guest::Guest;
use super::module::Module;
use cases::Sent;
use wasm_host::Module as Code;

/// Host calls by name of one request through these modules, on average over the requests.
pub(super) fn of_one_request(
    modules: &[Module],
    requests: &[Sent],
    peer: Option<&str>,
) -> Result<BTreeMap<String, f64>, String> {
    let mut calls = BTreeMap::new();
    for module in modules {
        module.size()?;
        let code = Code::load(module.path()).map_err(|error| error.to_string())?;
        let guest = Guest::start(module, &code, peer)?;
        // The first time around fills what the module keeps.
        for sent in requests {
            guest.request(sent, |_| ())?;
        }
        guest.host().reset_host_calls();
        for sent in requests {
            guest.request(sent, |_| ())?;
        }
        for (name, count) in guest.host().host_calls() {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let each = count as f64 / requests.len() as f64;
            *calls.entry(name).or_insert(0.0) += each;
        }
    }
    Ok(calls)
}
