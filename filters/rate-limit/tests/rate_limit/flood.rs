//! Many workers, floods of keys, races on every cell: whatever happens, no key gets more from a
//! limit than its burst and its rate.
//!
//! The workers share cells as Envoy's do, with a compare-and-set that fails if another was faster.
//! Between a worker's read and its write another may run a whole request, so the orders of events
//! are those of real threads, and the same in every run.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};

use rate_limit::RateLimit;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::world::{Attributes, Contended, Roll, Step, Timestamp, World};
use sdk_helpers::{Decision, Filter, Headers, Request, load};
use serde_json::{Value, json};

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// The cell with the seed of the hash.
const SEED: &str = "mesh_filters.rate-limit.seed";

/// One proxy with its workers.
struct Proxy {
    workers: Vec<RateLimit>,
    cells: RefCell<HashMap<String, (Vec<u8>, u64)>>,
    versions: Cell<u64>,
    now: Cell<u64>,
    dice: Cell<u64>,
    /// Requests that others may run in between, and the times at which they began.
    queue: RefCell<VecDeque<Vec<String>>>,
    depth: Cell<usize>,
    /// When the outermost request began that is still on.
    began: Cell<u64>,
    done: RefCell<Vec<Done>>,
    lost_races: Cell<u64>,
}

/// A request that was decided.
struct Done {
    keys: Vec<String>,
    admitted: bool,
    overflowed: bool,
    began: u64,
    ended: u64,
}

impl Proxy {
    fn new(workers: usize, config: &Value) -> Self {
        let bytes = config.to_string();
        Proxy {
            workers: (0..workers)
                .map(|_| {
                    load::<RateLimit>(bytes.as_bytes(), &FakeWorld::new())
                        .expect("a configuration")
                        .filter
                })
                .collect(),
            // Or the sets that keys fall into would differ from run to run.
            cells: RefCell::new([(SEED.to_owned(), (vec![7; 16], 0))].into()),
            versions: Cell::new(0),
            now: Cell::new(1_000 * SECOND),
            dice: Cell::new(0x9e37_79b9_7f4a_7c15),
            queue: RefCell::default(),
            depth: Cell::new(0),
            began: Cell::new(0),
            done: RefCell::default(),
            lost_races: Cell::new(0),
        }
    }

    /// xorshift64*.
    fn random(&self, below: u64) -> u64 {
        let mut state = self.dice.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.dice.set(state);
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % below
    }

    /// Runs requests to the end; each is a key for every limit.
    fn run(&self, requests: impl IntoIterator<Item = Vec<String>>, mut seen: impl FnMut(Done)) {
        for keys in requests {
            self.queue.borrow_mut().push_back(keys);
            if self.queue.borrow().len() < 16 {
                continue;
            }
            self.next();
            self.done.take().into_iter().for_each(&mut seen);
        }
        while self.next() {
            self.done.take().into_iter().for_each(&mut seen);
        }
    }

    fn next(&self) -> bool {
        let Some(keys) = self.queue.borrow_mut().pop_front() else {
            return false;
        };
        if self.depth.get() == 0 {
            self.began.set(self.now.get());
        }
        self.depth.set(self.depth.get() + 1);
        let headers = keys
            .iter()
            .enumerate()
            .map(|(index, key)| (format!("x-key-{index}"), key));
        let request = Request::new(Headers::from_pairs(headers));
        let worker = &self.workers[self.random(self.workers.len() as u64) as usize];
        let decision = worker.on_request(&request, self, &mut None);
        let (admitted, record) = match decision {
            Decision::Continue(edits) => (true, edits.record),
            Decision::Reply(reply) => (false, reply.record),
            other => panic!("{other:?}"),
        };
        let overflowed = record
            .outcomes()
            .any(|outcome| worker.outcomes().find(outcome).unwrap().reason == "overflow");
        self.depth.set(self.depth.get() - 1);
        self.done.borrow_mut().push(Done {
            keys,
            admitted,
            overflowed,
            began: self.began.get(),
            ended: self.now.get(),
        });
        true
    }
}

impl Attributes for Proxy {
    fn property(&self, _: &[&str]) -> Option<Vec<u8>> {
        None
    }
}

impl World for Proxy {
    /// The system's clock jumps about, which must not matter.
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.random(u64::MAX))
    }

    fn monotonic(&self) -> u64 {
        self.now.set(self.now.get() + self.random(200));
        self.now.get()
    }

    fn roll(&self) -> Roll {
        Roll::new(self.random(u64::MAX))
    }

    fn active(&self) -> u64 {
        0
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        for _ in 0..32 {
            let seen = self.cells.borrow().get(cell).cloned();
            let Some(value) = step(seen.as_ref().map(|(value, _)| value.as_slice())) else {
                return Ok(());
            };
            while self.depth.get() < self.workers.len() && self.random(4) == 0 {
                self.next();
            }
            let version = |cell: Option<&(Vec<u8>, u64)>| cell.map(|(_, version)| *version);
            let mut cells = self.cells.borrow_mut();
            if version(cells.get(cell)) == version(seen.as_ref()) {
                self.versions.set(self.versions.get() + 1);
                cells.insert(cell.to_owned(), (value, self.versions.get()));
                return Ok(());
            }
            self.lost_races.set(self.lost_races.get() + 1);
        }
        Err(Contended)
    }

    fn host_function(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Checks that no interval of time saw more admissions of a key than a burst and the rate.
struct Bound {
    interval: i128,
    window: i128,
    keys: HashMap<String, (i128, i128)>,
}

impl Bound {
    fn new(interval: u64, burst: u64) -> Self {
        Bound {
            interval: interval.into(),
            window: (interval * burst).into(),
            keys: HashMap::new(),
        }
    }

    /// For all admissions i to j of a key: (j - i + 1) · interval ≤ window + end(j) - start(i).
    fn admit(&mut self, key: &str, done: &Done) {
        let (began, ended) = (i128::from(done.began), i128::from(done.ended));
        let (count, latest) = self.keys.entry(key.to_owned()).or_insert((0, i128::MIN));
        *latest = (*latest).max(began - *count * self.interval);
        *count += 1;
        let used = *count * self.interval - ended + *latest;
        assert!(
            used <= self.window,
            "key {key}: {count} admissions are {} ns too many",
            used - self.window
        );
    }
}

fn limit(name: &str, header: usize, requests: u32, burst: u32) -> Value {
    json!({"name": name, "key": [{"header": format!("x-key-{header}")}], "requests": requests, "per": "1s", "burst": burst})
}

#[test]
fn eight_workers_a_million_keys_and_4096_cells() {
    let proxy = Proxy::new(8, &json!({"limits": [limit("flood", 0, 100, 5)]}));
    let mut bound = Bound::new(10 * MILLISECOND, 5);
    let (mut keys, mut admitted, mut overflowed) = (std::collections::HashSet::new(), 0u64, 0u64);
    // Every key of the flood comes once, and in between come a few hundred who keep at it.
    let requests = (0..1_000_000u64).flat_map(|key| {
        proxy.now.set(proxy.now.get() + 1_000);
        let loyal = (proxy.random(3) == 0).then(|| vec![format!("loyal-{}", proxy.random(300))]);
        loyal.into_iter().chain([vec![key.to_string()]])
    });
    proxy.run(requests, |done| {
        keys.insert(done.keys[0].clone());
        overflowed += u64::from(done.overflowed);
        if done.admitted {
            admitted += 1;
            bound.admit(&done.keys[0], &done);
        }
    });
    assert!(keys.len() >= 1_000_000);
    // 4,096 keys in cells of eight, and the seed.
    assert_eq!(proxy.cells.borrow().len(), 512 + 1);
    assert!(
        overflowed > 100_000 && admitted > 100_000,
        "{overflowed} {admitted}"
    );
    assert!(proxy.lost_races.get() > 50, "{}", proxy.lost_races.get());
}

#[test]
fn one_hot_key_gets_its_limit_and_no_more() {
    let proxy = Proxy::new(8, &json!({"limits": [limit("hot", 0, 1_000, 50)]}));
    let mut bound = Bound::new(MILLISECOND, 50);
    let mut admitted = 0u64;
    let start = proxy.now.get();
    let requests = (0..100_000).map(|_| {
        proxy.now.set(proxy.now.get() + 20_000);
        vec!["hot".to_owned()]
    });
    proxy.run(requests, |done| {
        if done.admitted {
            admitted += 1;
            bound.admit("hot", &done);
        }
    });
    let ideal = 50 + (proxy.now.get() - start) / MILLISECOND;
    assert!(
        (ideal - 1..=ideal).contains(&admitted),
        "{admitted} of {ideal}"
    );
}

#[test]
fn several_limits_at_once_hold_each_and_take_together() {
    let limits = [(0, 1_000, 10), (1, 500, 20), (2, 200, 3)];
    let config: Vec<Value> = limits
        .iter()
        .map(|(header, requests, burst)| {
            limit(&format!("limit-{header}"), *header, *requests, *burst)
        })
        .collect();
    let proxy = Proxy::new(8, &json!({"limits": config}));
    let mut bounds: Vec<Bound> = limits
        .iter()
        .map(|(_, requests, burst)| Bound::new(SECOND / u64::from(*requests), u64::from(*burst)))
        .collect();
    let mut admitted = 0u64;
    let start = proxy.now.get();
    let requests = (0..100_000).map(|_| {
        proxy.now.set(proxy.now.get() + 20_000);
        (0..3)
            .map(|limit| format!("{limit}-{}", proxy.random(2)))
            .collect()
    });
    proxy.run(requests, |done| {
        if done.admitted {
            admitted += 1;
            for (key, bound) in done.keys.iter().zip(&mut bounds) {
                bound.admit(key, &done);
            }
        }
    });
    // The third limit is the narrowest for both of its keys, and what it refuses costs the others
    // nothing: it can always be used up to its rate.
    let ideal = 2 * (3 + (proxy.now.get() - start) / (5 * MILLISECOND));
    assert!(
        admitted <= ideal && admitted >= ideal - ideal / 50,
        "{admitted} of {ideal}"
    );
    assert!(proxy.lost_races.get() > 50, "{}", proxy.lost_races.get());
}
