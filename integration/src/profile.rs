//! Where the instructions of a request go: by callback, and by function.
//!
//! By callback they are wasmtime's own count. By function they come of counters that are put into a copy of the
//! module; both count the same, so that the one can be held against the other.

pub mod counters;

use std::collections::BTreeMap;

use rustc_demangle::demangle;
use wasm_host::Module as Code;

use crate::bench::guest::{Guest, Phase};
use crate::bench::module::Module;
use cases::Sent;
use counters::Counted;

/// Requests that the mean is taken over, at least.
const REQUESTS: usize = 100;

/// The instructions of one request, on average over many.
#[derive(Debug, Default)]
pub struct Profile {
    /// By callback.
    pub callbacks: BTreeMap<String, f64>,
    /// By function, the dearest first.
    pub functions: Vec<Function>,
}

/// What one function runs itself, without those it calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// As its author wrote it, without a hash; functions of one name are one.
    pub name: String,
    /// Until the request's headers have passed, with the making of the context.
    pub request: f64,
    /// While the answer's headers pass.
    pub response: f64,
    /// At the end of the stream.
    pub end: f64,
}

impl Function {
    /// In all callbacks.
    pub fn total(&self) -> f64 {
        self.request + self.response + self.end
    }
}

/// Runs `wasm` under the configuration of `module` and counts, after each of the requests has come once.
///
/// # Errors
/// If the module does not run or refuses its configuration.
pub fn profile(
    wasm: &[u8],
    module: &Module,
    requests: &[Sent],
    peer: Option<&str>,
) -> Result<Profile, String> {
    let Counted { wasm: copy, names } = counters::put_into(wasm)?;
    let code = Code::compile_counting(wasm).map_err(|error| error.to_string())?;
    let plain = Guest::start(module, &code, peer)?;
    let code = Code::compile(&copy).map_err(|error| error.to_string())?;
    let counting = Guest::start(module, &code, peer)?;
    for sent in requests {
        plain.request(sent, |_| ())?;
        counting.request(sent, |_| ())?;
    }
    plain.host().reset_instructions();
    let mut books = Books::new(&counting, names);
    let times = REQUESTS.div_ceil(requests.len());
    for sent in std::iter::repeat_n(requests, times).flatten() {
        plain.request(sent, |_| ())?;
        counting.request(sent, |phase| books.read(&counting, phase))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let count = (times * requests.len()) as f64;
    let callbacks = plain.host().instructions().into_iter();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let callbacks = callbacks.map(|(name, used)| (name, used as f64 / count));
    Ok(Profile {
        callbacks: callbacks.collect(),
        functions: books.functions(count),
    })
}

/// What the counters of functions said, by phase.
struct Books {
    /// Counter and plain name.
    names: Vec<(String, String)>,
    last: Vec<i64>,
    sums: Vec<[i64; 3]>,
}

impl Books {
    fn new(guest: &Guest, names: Vec<(String, String)>) -> Self {
        let mut books = Self {
            last: vec![0; names.len()],
            sums: vec![[0; 3]; names.len()],
            names,
        };
        books.read(guest, Phase::End);
        books.sums.fill([0; 3]);
        books
    }

    /// Adds what has come since the last time.
    fn read(&mut self, guest: &Guest, phase: Phase) {
        for (at, (counter, _)) in self.names.iter().enumerate() {
            let now = guest.host().global(counter).unwrap_or_default();
            self.sums[at][phase as usize] += now.wrapping_sub(self.last[at]);
            self.last[at] = now;
        }
    }

    fn functions(self, requests: f64) -> Vec<Function> {
        let mut by_name: BTreeMap<String, [i64; 3]> = BTreeMap::new();
        for ((_, name), sums) in self.names.into_iter().zip(self.sums) {
            let all = by_name.entry(format!("{:#}", demangle(&name))).or_default();
            for (all, sum) in all.iter_mut().zip(sums) {
                *all += sum;
            }
        }
        by_name.retain(|_, sums| sums.iter().any(|sum| *sum > 0));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let mut functions: Vec<Function> = by_name
            .into_iter()
            .map(|(name, sums)| (name, sums.map(|sum| sum as f64 / requests)))
            .map(|(name, [request, response, end])| Function {
                name,
                request,
                response,
                end,
            })
            .collect();
        functions.sort_by(|a, b| b.total().total_cmp(&a.total()));
        functions
    }
}

impl Profile {
    /// As a table: the callbacks, then so many functions.
    pub fn table(&self, most: usize) -> String {
        let all: f64 = self.callbacks.values().sum();
        let mut text = format!("{all:>9.0}  instructions a request\n");
        for (name, used) in &self.callbacks {
            text += &format!("{used:>9.0}  {name}\n");
        }
        text += "\n    total    request   response        end  function\n";
        for one in self.functions.iter().take(most) {
            let Function {
                name,
                request,
                response,
                end,
            } = one;
            text += &format!(
                "{:>9.1}  {request:>9.1}  {response:>9.1}  {end:>9.1}  {name}\n",
                one.total()
            );
        }
        if let Some(rest) = self.functions.get(most..).filter(|rest| !rest.is_empty()) {
            let rest_of: f64 = rest.iter().map(Function::total).sum();
            text += &format!("{rest_of:>9.1}  {} more functions\n", rest.len());
        }
        text
    }
}
