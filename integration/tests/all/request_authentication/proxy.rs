//! A proxy in the test's own process: a VM for each worker and one for the main thread, an issuer,
//! clients, and a clock that runs as the test says. An hour of outage takes it a second.

use std::collections::BTreeSet;
use std::time::Duration;

use integration::engines::module_path;
use integration::jwt::{Behaviour, Key, jwks};
use serde_json::{Value, json};
use wasm_host::{Headers, Host, Module, State, Stream, World};

use crate::request_authentication::FILTER;

/// So finely is the proxy looked at.
const STEP: Duration = Duration::from_millis(10);
/// Between two requests of a worker under load.
const PACE: Duration = Duration::from_millis(50);
/// How long an issuer takes that answers well.
const LATENCY: Duration = Duration::from_millis(30);

/// What became of one request.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When it was sent, from the start of the proxy.
    pub(crate) at: Duration,
    /// Whose token it had.
    pub(crate) label: String,
    pub(crate) status: u32,
    pub(crate) body: String,
    pub(crate) elapsed: Duration,
}

/// The proxy.
pub(crate) struct Proxy {
    world: World,
    start: u64,
    /// The first is the main thread's, which has no streams.
    vms: Vec<Host>,
    /// The worker that gets the next request.
    turn: usize,
    load: Vec<(String, String)>,
    paced: Duration,
    held: Vec<(Stream, Sample)>,
    samples: Vec<Sample>,
    keys: Value,
    behaviour: Behaviour,
    gone: bool,
    fetches: Vec<Duration>,
    seen: BTreeSet<(usize, u32)>,
    answers: Vec<Due>,
}

type Head = Vec<(&'static str, String)>;

/// An answer on its way to a VM.
struct Due {
    vm: usize,
    call: u32,
    at: Duration,
    /// Head and body; without them the connection is refused.
    answer: Option<(Head, Vec<u8>)>,
}

impl Proxy {
    /// Loads these rules into so many workers; the issuer of all of them publishes these keys.
    pub(crate) fn new<'a>(
        workers: usize,
        rules: &Value,
        keys: impl IntoIterator<Item = &'a Key>,
    ) -> Self {
        let module = Module::load(module_path(FILTER)).unwrap();
        let world = World::new();
        let config = json!({ "jwtRules": rules }).to_string();
        let vm = |seed: usize| {
            let host = Host::in_world(&module, &world).unwrap();
            host.seed(seed as u64 + 1);
            assert!(host.configure(config.as_bytes()), "{:?}", host.log());
            host
        };
        Self {
            start: world.time(),
            vms: (0..=workers).map(vm).collect(),
            world,
            turn: 0,
            load: Vec::new(),
            paced: Duration::ZERO,
            held: Vec::new(),
            samples: Vec::new(),
            keys: jwks(keys),
            behaviour: Behaviour::Well,
            gone: false,
            fetches: Vec::new(),
            seen: BTreeSet::new(),
            answers: Vec::new(),
        }
    }

    /// The time since the start.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.world.time() - self.start)
    }

    /// The issuer publishes other keys from now on.
    pub(crate) fn publish<'a>(&mut self, keys: impl IntoIterator<Item = &'a Key>) {
        self.keys = jwks(keys);
    }

    /// The issuer answers like this from now on.
    pub(crate) fn behave(&mut self, behaviour: Behaviour) {
        self.behaviour = behaviour;
    }

    /// Whether the issuer's port is closed from now on.
    pub(crate) fn gone(&mut self, gone: bool) {
        self.gone = gone;
    }

    /// When keys were asked for, whatever came of it.
    pub(crate) fn fetches(&self) -> &[Duration] {
        &self.fetches
    }

    /// Every worker sends these from now on, in turn, while time passes.
    pub(crate) fn load(&mut self, tokens: &[(&str, &str)]) {
        let owned = |(label, token): &(&str, &str)| ((*label).to_owned(), (*token).to_owned());
        self.load = tokens.iter().map(owned).collect();
    }

    /// Lets time pass, with every timer, answer and request at its moment.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        while self.now() < end {
            if self.now() >= self.paced && !self.load.is_empty() {
                self.paced = self.now() + PACE;
                for _ in 1..self.vms.len() {
                    // A token is one turn behind with each round, so that it meets every worker.
                    let round = self.turn / (self.vms.len() - 1);
                    let (label, token) = self.load[(self.turn + round) % self.load.len()].clone();
                    self.send(&label, &token);
                }
            }
            self.world.advance(STEP);
            self.issue();
            self.settle();
        }
    }

    /// Runs until this is so.
    #[track_caller]
    pub(crate) fn until(&mut self, deadline: Duration, is_so: impl Fn(&Self) -> bool) {
        let end = self.now() + deadline;
        while !is_so(self) {
            assert!(self.now() < end, "not so in {deadline:?}");
            self.run(STEP);
        }
    }

    /// Runs until the issuer is asked again, and says when that was.
    #[track_caller]
    pub(crate) fn next_fetch(&mut self) -> Duration {
        let before = self.fetches.len();
        self.until(Duration::from_secs(20), |proxy| {
            proxy.fetches.len() > before
        });
        self.fetches[before]
    }

    /// The next worker gets a request with this token.
    pub(crate) fn send(&mut self, label: &str, token: &str) {
        let workers = self.vms.len() - 1;
        let worker = &self.vms[1 + self.turn % workers];
        self.turn += 1;
        let bearer = format!("Bearer {token}");
        let head = [
            (":method", "GET"),
            (":path", "/"),
            (":authority", "app.example"),
            ("authorization", bearer.as_str()),
        ];
        let sample = Sample {
            at: self.now(),
            label: label.to_owned(),
            status: 0,
            body: String::new(),
            elapsed: Duration::ZERO,
        };
        self.held.push((worker.request(&head, true), sample));
        self.settle();
    }

    /// The same, and waits for the answer.
    pub(crate) fn ask(&mut self, token: &str) -> Sample {
        let label = format!("asked at {:?}", self.now());
        self.send(&label, token);
        self.until(Duration::from_secs(60), |proxy| {
            proxy.samples.iter().any(|sample| sample.label == label)
        });
        let last = self
            .samples
            .iter()
            .rposition(|sample| sample.label == label);
        self.samples.remove(last.unwrap())
    }

    /// What became of the tokens of this label that were sent in this time.
    pub(crate) fn between(&self, label: &str, from: Duration, to: Duration) -> Vec<Sample> {
        let wanted =
            |sample: &&Sample| sample.label == label && sample.at >= from && sample.at < to;
        self.samples.iter().filter(wanted).cloned().collect()
    }

    /// Asserts that all of them were accepted, and that there were some.
    #[track_caller]
    pub(crate) fn accepted(&self, label: &str, from: Duration, to: Duration) {
        let samples = self.between(label, from, to);
        let refused = samples.iter().find(|sample| sample.status != 200);
        assert!(refused.is_none(), "of {}: {refused:?}", samples.len());
        assert!(
            samples.len() > 5,
            "{} of `{label}` were sent",
            samples.len()
        );
    }

    /// A counter or gauge of the rule `fetched`; none is zero.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let name = format!("mesh_filters.{FILTER}.{name}[policy=fetched]");
        self.world.metric(&name).unwrap_or(0)
    }

    /// Asserts that every VM is alive, and did nothing that Envoy would punish.
    #[track_caller]
    pub(crate) fn assert_well(&self) {
        for vm in &self.vms {
            assert_eq!((vm.dead(), vm.crashed()), (None, None));
            assert_eq!(vm.violations(), Vec::<String>::new());
        }
    }

    /// What the issuer does: takes note of who asks, and answers whoever has waited long enough.
    fn issue(&mut self) {
        let now = self.now();
        for (vm, host) in self.vms.iter().enumerate() {
            for call in host.calls() {
                if self.seen.insert((vm, call.id)) {
                    let wait = match self.behaviour {
                        Behaviour::Slow(time) if !self.gone => time,
                        _ => LATENCY,
                    };
                    if !self.gone {
                        self.fetches.push(now);
                    }
                    self.answers.push(Due {
                        vm,
                        call: call.id,
                        at: now + wait,
                        answer: (!self.gone).then(|| self.answer()),
                    });
                }
            }
        }
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.answers)
            .into_iter()
            .partition(|due| due.at <= now);
        self.answers = later;
        for due in due {
            let host = &self.vms[due.vm];
            // It may have given up meanwhile.
            if host.calls().iter().any(|pending| pending.id == due.call) {
                match due.answer {
                    Some((head, body)) => host.answer_http(due.call, &head, body, Headers::new()),
                    None => host.fail_http(due.call),
                }
                .unwrap();
            }
        }
    }

    fn answer(&self) -> (Head, Vec<u8>) {
        let head = |status: u16| vec![(":status", status.to_string())];
        let keys = self.keys.to_string().into_bytes();
        match &self.behaviour {
            Behaviour::Well | Behaviour::Slow(_) => (head(200), keys),
            Behaviour::Status(status) => (head(*status), keys),
            Behaviour::Body(body) => (head(200), body.clone()),
            Behaviour::Redirect(to) => {
                let mut head = head(302);
                head.push(("location", to.clone()));
                (head, Vec::new())
            }
        }
    }

    /// Notes the streams that wait no longer.
    fn settle(&mut self) {
        let now = self.now();
        for (stream, mut sample) in std::mem::take(&mut self.held) {
            match stream.state() {
                State::Paused => {
                    self.held.push((stream, sample));
                    continue;
                }
                State::Continued => sample.status = 200,
                State::Replied(reply) => {
                    sample.status = reply.status;
                    sample.body = String::from_utf8_lossy(&reply.body).into_owned();
                }
                State::Reset => {}
                State::Crashed(death) => panic!("Envoy would die here: {death}"),
            }
            stream.done();
            sample.elapsed = now - sample.at;
            self.samples.push(sample);
        }
    }
}
