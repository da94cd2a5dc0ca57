//! A filter that does everything the shell offers, one thing a path, so that the shell is tested
//! where it runs: calls and their failures, waiting, delays, edits on both ways, filter state,
//! shared cells, the end of a stream, and the end of the VM.
//!
//! The query says how: `?cluster=`, `?path=` and `?timeout-us=` of a call, `?ms=` or `?at=` how long
//! a hold lasts.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use sdk_helpers::{
    BackgroundActions, BackgroundEvent, Call, CallResult, Decision, Edits, Exchange, Filter,
    HeaderEdit, Load, LocalReply, Needs, OutcomeId, Outcomes, Record, Request, Response,
    ResponseEdits, Resume, World,
};

/// The probe.
#[derive(Debug)]
pub struct Probe {
    cluster: String,
    fetch: bool,
    outcomes: Outcomes,
    seen: OutcomeId,
    answered: OutcomeId,
    ended: OutcomeId,
    /// What was fetched in the background.
    fetched: RefCell<Option<Vec<u8>>>,
    fetches: Cell<u32>,
}

sdk_helpers::fields! {
    /// Its configuration.
    pub struct Wire {
        /// where calls go
        cluster: String,
        /// whether something is fetched in the background
        fetch: bool,
    }
}

/// The longest a call may take, and a hold that is not told otherwise.
const PATIENCE: Duration = Duration::from_millis(500);

/// The only call in the background.
const FETCH: u32 = 7;

impl Filter for Probe {
    const NAME: &'static str = "probe";
    const NEEDS: Needs = Needs {
        delays: true,
        waits: true,
        http_calls: true,
        grpc_calls: true,
        response_headers: true,
        response_edits: true,
        end: true,
        background: true,
    };
    type Wire = Wire;
    /// The number of times it was asked about this stream.
    type Memory = u32;

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        if wire.cluster.is_none() {
            load.problems.error(
                &load.at.field("cluster"),
                "is missing; name a cluster of Envoy's",
            );
        }
        let mut outcomes = Outcomes::default();
        Probe {
            cluster: wire.cluster.unwrap_or_default(),
            fetch: wire.fetch.unwrap_or(false),
            seen: outcomes.add("seen", None),
            answered: outcomes.add("answered", Some("probe")),
            ended: outcomes.add("ended", None),
            outcomes,
            fetched: RefCell::new(None),
            fetches: Cell::new(0),
        }
    }

    fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    fn summary(&self) -> String {
        "probing".to_owned()
    }

    fn on_request(&self, request: &Request, world: &dyn World, asked: &mut u32) -> Decision {
        *asked = asked.saturating_add(1);
        let record = Record::of(self.seen);
        let (cluster, path) = (self.cluster(request), text(request, "path", "/answer"));
        let timeout = number(request, "timeout-us").map_or(PATIENCE, Duration::from_micros);
        match request.path() {
            b"/http" => Decision::Ask {
                call: http(&cluster, &path, timeout),
                record,
            },
            b"/grpc" => Decision::Ask {
                call: grpc(&cluster, &text(request, "path", "Echo"), timeout),
                record,
            },
            b"/wait" => Decision::Wait {
                at_most: time(request, world),
                record,
            },
            b"/delay" => Decision::Delay {
                by: time(request, world),
                record,
                then: Box::new(Decision::Continue(Edits {
                    record: Record::of(self.answered),
                    ..Edits::default()
                })),
            },
            b"/delay-reply" => Decision::Delay {
                by: time(request, world),
                record,
                then: Box::new(Decision::Reply(reply("delayed", self.answered))),
            },
            b"/delay-ask" => Decision::Delay {
                by: time(request, world),
                record,
                then: Box::new(Decision::Ask {
                    call: http(&cluster, &path, timeout),
                    record: Record::of(self.answered),
                }),
            },
            b"/delay-grpc" => Decision::Delay {
                by: time(request, world),
                record,
                then: Box::new(Decision::Ask {
                    call: grpc(&cluster, "Echo", timeout),
                    record: Record::of(self.answered),
                }),
            },
            b"/edits" => Decision::Continue(edits(record)),
            b"/reply" => Decision::Reply(reply("told", self.seen)),
            b"/absurd" => Decision::Reply(LocalReply {
                status: 42,
                headers: (0..2000)
                    .map(|n| (format!("x-{n}").into(), b"1".to_vec()))
                    .collect(),
                ..reply("absurd", self.seen)
            }),
            b"/cell" => Decision::Reply(reply(&count(world), self.seen)),
            b"/host-function" => Decision::Reply(reply(&compressed(world), self.seen)),
            // What a bug in a filter would do to its VM.
            b"/trap" => std::process::abort(),
            _ => Decision::pass(),
        }
    }

    fn on_resume(
        &self,
        resume: Resume,
        request: &Request,
        _: &dyn World,
        asked: &mut u32,
    ) -> Decision {
        *asked = asked.saturating_add(1);
        let text = match resume {
            Resume::Answered(CallResult::Http { headers, body }) => format!(
                "http {} {}",
                String::from_utf8_lossy(headers.first(":status").unwrap_or_default()),
                String::from_utf8_lossy(&body)
            ),
            Resume::Answered(CallResult::Grpc { status, message }) => {
                format!("grpc {status} {}", String::from_utf8_lossy(&message))
            }
            Resume::Answered(CallResult::Failed | CallResult::Unsent) => "failed".to_owned(),
            Resume::Woken => match &*self.fetched.borrow() {
                Some(body) => format!("woken {}", String::from_utf8_lossy(body)),
                None => "woken".to_owned(),
            },
            Resume::TimedOut => "timed out".to_owned(),
        };
        let text = format!("{text} (asked {asked} times)");
        if request.has("x-go-on") {
            let mut edits = Edits::default();
            edits
                .request
                .push(HeaderEdit::Set("x-probe".into(), text.into_bytes()));
            return Decision::Continue(edits);
        }
        Decision::Reply(reply(&text, self.answered))
    }

    fn on_response(&self, response: &Response, _: &dyn World, _: &mut u32) -> ResponseEdits {
        let status = response.status().unwrap_or(0).to_string();
        ResponseEdits {
            headers: vec![HeaderEdit::Set(
                "x-probe-status".into(),
                status.into_bytes(),
            )],
            ..ResponseEdits::default()
        }
    }

    fn on_end(&self, exchange: &Exchange<'_>, _: &dyn World, asked: &mut u32) -> Record {
        let path = String::from_utf8_lossy(exchange.request.path()).into_owned();
        let status = exchange.response.status().unwrap_or(0);
        Record {
            state: vec![(
                "probe.end".into(),
                format!("{path} {status} asked={asked}").into_bytes().into(),
            )],
            ..Record::of(self.ended)
        }
    }

    fn background(&self, event: BackgroundEvent, _: &dyn World) -> BackgroundActions {
        if !self.fetch {
            return BackgroundActions::default();
        }
        match event {
            BackgroundEvent::Loaded | BackgroundEvent::TimerFired => BackgroundActions {
                calls: vec![(FETCH, http(&self.cluster, "/fetch", PATIENCE))],
                ..BackgroundActions::default()
            },
            BackgroundEvent::Answered(tag, answer) => {
                let body = match answer {
                    CallResult::Http { headers, body }
                        if headers.first(":status") == Some(b"200") =>
                    {
                        Some(body)
                    }
                    _ => None,
                };
                let good = tag == FETCH && body.is_some();
                if good {
                    self.fetches.set(self.fetches.get().saturating_add(1));
                    *self.fetched.borrow_mut() = body;
                }
                BackgroundActions {
                    timer: Some(Duration::from_millis(100)),
                    wake: good,
                    ..BackgroundActions::default()
                }
            }
        }
    }
}

impl Probe {
    /// Where a call of this request goes: `?cluster=`, else where the configuration says.
    fn cluster(&self, request: &Request) -> String {
        text(request, "cluster", &self.cluster)
    }
}

fn text(request: &Request, parameter: &str, otherwise: &str) -> String {
    match request.query_parameter(parameter) {
        Some(value) => String::from_utf8_lossy(value).into_owned(),
        None => otherwise.to_owned(),
    }
}

fn number(request: &Request, parameter: &str) -> Option<u64> {
    text(request, parameter, "").parse().ok()
}

/// Until the millisecond `?at=` of the Unix epoch, or for `?ms=`, else for [`PATIENCE`].
fn time(request: &Request, world: &dyn World) -> Duration {
    let until = number(request, "at").map(|at| {
        let now = world.now().as_nanos().div_euclid(1_000_000);
        Duration::from_millis(at.saturating_sub(now))
    });
    until
        .or_else(|| number(request, "ms").map(Duration::from_millis))
        .unwrap_or(PATIENCE)
}

fn http(cluster: &str, path: &str, timeout: Duration) -> Call {
    Call::Http {
        cluster: cluster.to_owned(),
        headers: [
            (":method", b"GET".as_slice()),
            (":path", path.as_bytes()),
            (":authority", b"probe.example"),
            ("x-bytes", b"\x80caf\xe9\xff"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .into(),
        body: vec![],
        timeout,
    }
}

fn grpc(cluster: &str, method: &str, timeout: Duration) -> Call {
    Call::Grpc {
        cluster: cluster.to_owned(),
        service: "probe.Service".to_owned(),
        method: method.to_owned(),
        metadata: vec![("x-meta".to_owned(), b"1".to_vec())],
        message: b"ping".to_vec(),
        timeout,
    }
}

fn edits(record: Record) -> Edits {
    Edits {
        request: vec![
            HeaderEdit::Set("x-set".into(), b"new".to_vec()),
            HeaderEdit::Add("x-add".into(), b"2".to_vec()),
            HeaderEdit::Remove("x-remove".into()),
            HeaderEdit::Set("x-bytes".into(), b"\x80caf\xe9\xff".to_vec()),
            HeaderEdit::Set("x-evil".into(), b"a\r\nx-injected: 1".to_vec()),
        ],
        response: vec![
            HeaderEdit::Add("x-probe".into(), b"\xe9t\xe9".to_vec()),
            HeaderEdit::Set("x-evil".into(), b"a\r\nx-injected: 1".to_vec()),
        ],
        record: Record {
            state: vec![("probe.state".into(), b"left behind".as_slice().into())],
            ..record
        },
    }
}

fn reply(text: &str, outcome: OutcomeId) -> LocalReply {
    LocalReply {
        status: 299,
        grpc_status: Some(9),
        body: text.to_owned().into(),
        headers: vec![
            ("x-probe".into(), b"1".to_vec()),
            ("x-evil".into(), b"a\r\nx-injected: 1".to_vec()),
        ],
        record: Record::of(outcome),
    }
}

/// Counts in a cell that all workers share.
fn count(world: &dyn World) -> String {
    let mut number = 0u64;
    let done = world.update("probe.count", &mut |seen| {
        let before = seen
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u64::from_le_bytes);
        number = before.saturating_add(1);
        Some(number.to_le_bytes().to_vec())
    });
    match done {
        Ok(()) => number.to_string(),
        Err(_) => "contended".to_owned(),
    }
}

fn compressed(world: &dyn World) -> String {
    let there = world
        .host_function("compress", b"aaaaaaaaaaaaaaaaaaaaaaaa")
        .is_some();
    let missing = world.host_function("no_such_function", b"").is_none();
    format!("{there} {missing}")
}

shell::register!(Probe);
