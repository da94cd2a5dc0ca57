//! What the host keeps for one VM, and every host call works on.

use super::clock::Timer;
use super::exchange::{Exchange, Way};
use super::headers::Headers;
use super::instructions::Instructions;
use super::log::Level;
use super::metrics::MetricIds;
use super::reply::LocalReply;
use super::shared::Shared;
use super::status::Status;
use super::upstreams::Upstreams;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// More than this from one callback, and a real Envoy comes near the end of its stack.
const MOST_ACTIONS: usize = 64;

/// What a callback asked for and Envoy does once the callback has returned.
pub(crate) enum Action {
    Resume(u32, Way),
    Reply(u32, LocalReply),
    Reset(u32),
    Delete(u32),
    /// The answer of a call is over.
    Forget(u32),
}

/// An answer that a root context can read while its callback runs.
pub(crate) struct CallAnswer {
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Headers,
}

/// A root context: one plugin configuration.
#[derive(Default)]
pub(crate) struct Root {
    pub(crate) config: Vec<u8>,
    pub(crate) configured: bool,
    /// The configuration can be read only while it is handed over.
    pub(crate) configuring: bool,
    pub(crate) timer: Option<Timer>,
    pub(crate) http_answer: Option<CallAnswer>,
    pub(crate) grpc_answer: Option<Vec<u8>>,
    pub(crate) status: (u32, Vec<u8>),
    /// Its `proxy_on_done` said "not yet".
    pub(crate) lingering: bool,
}

/// A function that a test offers under a name.
pub(crate) type Foreign = Rc<RefCell<dyn FnMut(&[u8]) -> Result<Vec<u8>, Status>>>;

pub(crate) struct State {
    pub(crate) shared: Rc<Shared>,
    /// Its number among the VMs of the process.
    pub(crate) index: usize,
    pub(crate) vm_id: String,
    pub(crate) vm_config: Vec<u8>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) log: Vec<(Level, String)>,
    pub(crate) level: Level,
    pub(crate) host_calls: BTreeMap<String, u64>,
    /// How many of them had the module allocate memory.
    pub(crate) host_calls_with_bytes: u64,
    pub(crate) instructions: Instructions,
    pub(crate) next_context: u32,
    /// The root context that new streams belong to: the last whose configuration was taken.
    pub(crate) serving: Option<u32>,
    /// Contexts that `set_effective_context` accepts.
    pub(crate) live: BTreeSet<u32>,
    pub(crate) roots: BTreeMap<u32, Root>,
    /// Streams, also past ones: a test looks at them when they are over.
    pub(crate) exchanges: BTreeMap<u32, Exchange>,
    pub(crate) current: u32,
    pub(crate) effective: u32,
    pub(crate) callback: String,
    /// `_initialize` runs, in which most host calls are not there yet.
    pub(crate) starting: bool,
    /// A reply was sent: whatever the callback returns, the stream stops here.
    pub(crate) stop: bool,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) asked: usize,
    pub(crate) upstreams: Upstreams,
    pub(crate) metric_ids: MetricIds,
    pub(crate) foreign: BTreeMap<String, Foreign>,
    pub(crate) properties: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) random: u64,
    pub(crate) dead: Option<String>,
    pub(crate) crashed: Option<String>,
    pub(crate) violations: Vec<String>,
}

impl State {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let index = shared.next_vm();
        Self {
            shared,
            index,
            vm_id: String::new(),
            vm_config: Vec::new(),
            environment: Vec::new(),
            log: Vec::new(),
            level: Level::Trace,
            host_calls: BTreeMap::new(),
            host_calls_with_bytes: 0,
            instructions: Instructions::default(),
            next_context: 1,
            serving: None,
            live: BTreeSet::new(),
            roots: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            current: 0,
            effective: 0,
            callback: String::new(),
            starting: false,
            stop: false,
            actions: VecDeque::new(),
            asked: 0,
            upstreams: Upstreams::default(),
            metric_ids: MetricIds::default(),
            foreign: BTreeMap::new(),
            properties: BTreeMap::new(),
            // Workers draw different numbers, each the same ones in every run.
            random: index as u64 + 1,
            dead: None,
            crashed: None,
            violations: Vec::new(),
        }
    }

    /// The context that host calls address: the effective one, or, once that is gone, the true one.
    pub(crate) fn context(&self) -> u32 {
        if self.live.contains(&self.effective) {
            self.effective
        } else {
            self.current
        }
    }

    /// The stream that host calls address, if they address one.
    pub(crate) fn exchange(&mut self) -> Option<&mut Exchange> {
        let context = self.context();
        self.exchanges.get_mut(&context)
    }

    /// The root context that host calls address.
    pub(crate) fn root_id(&self) -> u32 {
        let context = self.context();
        let exchange = self.exchanges.get(&context);
        exchange.map_or(context, |exchange| exchange.root)
    }

    pub(crate) fn root(&mut self) -> Option<&mut Root> {
        let id = self.root_id();
        self.roots.get_mut(&id)
    }

    /// A root context that was started and has no configuration yet.
    pub(crate) fn unconfigured(&self) -> Option<u32> {
        let mut fresh = self.roots.iter().filter(|(_, root)| !root.configured);
        fresh.next().map(|(id, _)| *id)
    }

    pub(crate) fn new_context(&mut self) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        id
    }

    pub(crate) fn note(&mut self, level: Level, line: String) {
        if level >= self.level {
            self.log.push((level, line));
        }
    }

    /// Notes something that Envoy lets pass and a filter must not do.
    pub(crate) fn blame(&mut self, what: &str) {
        let line = format!("{what} (in {})", self.callback);
        self.violations.push(line);
    }

    /// Queues what Envoy does after the callback.
    pub(crate) fn defer(&mut self, action: Action) {
        self.actions.push_back(action);
        self.asked += 1;
        if self.asked == MOST_ACTIONS + 1 {
            self.blame("more than 64 resumes and replies in one callback: some 270 end the VM");
        }
    }

    /// Splitmix64: even enough for tests, and the same in every run.
    pub(crate) fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
