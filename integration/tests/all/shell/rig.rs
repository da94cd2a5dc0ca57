//! A real Envoy with the probe in it, and how to ask it what happened.

use std::time::Duration;

use integration::client::{Client, Response};
use integration::envoy::{Builder, Config, Envoy, Scratch, repository};
use integration::service::wait::until;
use integration::upstream::{Answer, Recorded, Upstream, echo};
use serde_json::Value;

/// How long what is about to happen may take.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Where the filters are in a listener.
const FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";

/// Where the access log is in a listener, and its file.
const LOG: &str = "/filter_chains/0/filters/0/typed_config/access_log/0/typed_config";
const LOG_FILE: &str = "access.log";

/// What Envoy writes when a VM dies, for whatever reason.
const DEATH: &str = "Proxy-Wasm plugin in-VM backtrace";

/// An Envoy to be.
pub(crate) struct Plan {
    pub(crate) config: Config,
    workers: u32,
}

impl Plan {
    /// The probe before this upstream, in two workers.
    pub(crate) fn before(upstream: &Upstream) -> Self {
        let addr = upstream.addr();
        let config = Config::from_yaml(include_str!("envoy.yaml")).unwrap();
        let config = config.endpoint("http1", addr).unwrap();
        Plan {
            config: config.endpoint("http2", addr).unwrap(),
            workers: 2,
        }
    }

    /// In one worker, where a test needs all streams in one VM.
    pub(crate) fn one_worker(mut self) -> Self {
        self.workers = 1;
        self
    }

    /// With this configuration of the probe.
    pub(crate) fn configured(mut self, configuration: Value) -> Self {
        plugin(self.listener())["configuration"]["value"] = configuration;
        self
    }

    /// With this policy for a VM that dies.
    pub(crate) fn failing(mut self, policy: &str) -> Self {
        plugin(self.listener())["failure_policy"] = policy.into();
        self
    }

    /// With a filter that comes before the probe.
    pub(crate) fn behind(mut self, filter: Value) -> Self {
        let filters = self.listener().pointer_mut(FILTERS);
        let filters = filters.and_then(Value::as_array_mut);
        filters.expect("HTTP filters").insert(0, filter);
        self
    }

    /// The only listener.
    pub(crate) fn listener(&mut self) -> &mut Value {
        &mut self.config.value_mut()["static_resources"]["listeners"][0]
    }

    pub(crate) fn builder(mut self) -> Builder {
        let module = repository().join("target/test-modules/probe.wasm");
        assert!(module.exists(), "no probe: run `cargo xtask build` first");
        let scratch = Scratch::new().unwrap();
        log_to(self.listener(), &scratch);
        self.builder_in(scratch)
    }

    /// For a configuration that names files in this folder.
    pub(crate) fn builder_in(self, scratch: Scratch) -> Builder {
        Envoy::builder(self.config)
            .scratch(scratch)
            .workers(self.workers)
            .args(["--file-flush-interval-msec", "10"])
    }

    #[track_caller]
    pub(crate) fn start(self) -> Rig {
        Rig {
            envoy: self.builder().start(),
        }
    }
}

/// The probe's plugin in a listener.
pub(crate) fn plugin(listener: &mut Value) -> &mut Value {
    let filters = listener.pointer_mut(FILTERS).and_then(Value::as_array_mut);
    let mut filters = filters.into_iter().flatten();
    let probe = filters.find(|filter| filter["name"] == "probe");
    &mut probe.expect("the probe")["typed_config"]["config"]
}

/// Puts the access log of a listener into a file of its own, where no other line comes between.
pub(crate) fn log_to(listener: &mut Value, scratch: &Scratch) {
    let log = listener.pointer_mut(LOG).expect("an access log");
    log["path"] = scratch.path().join(LOG_FILE).display().to_string().into();
}

/// An Envoy with the probe.
pub(crate) struct Rig {
    pub(crate) envoy: Envoy,
}

impl Rig {
    pub(crate) fn client(&self) -> Client {
        Client::http1(self.envoy.addr("probe"))
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.client().get(path).send()
    }

    /// The access log's line about the request with this `x-id`.
    #[track_caller]
    pub(crate) fn line(&self, id: &str) -> Value {
        self.lines(id, 1).remove(0)
    }

    /// The access log's lines about the requests with this `x-id`, as soon as there are so many.
    #[track_caller]
    pub(crate) fn lines(&self, id: &str, count: usize) -> Vec<Value> {
        let found = || {
            let log = self.envoy.scratch().read(LOG_FILE)?;
            // The last line may not be whole yet.
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let lines: Vec<Value> = lines.filter(|line: &Value| line["id"] == id).collect();
            (lines.len() >= count).then_some(lines)
        };
        until(SOON, found).unwrap_or_else(|| panic!("no {count} lines about `{id}`"))
    }

    /// How many lines of the log contain this.
    pub(crate) fn logged(&self, part: &str) -> usize {
        let log = self.envoy.log();
        log.lines().filter(|line| line.contains(part)).count()
    }

    /// A metric of the probe's.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.envoy.admin().stat(&full(name))
    }

    #[track_caller]
    pub(crate) fn wait_metric(&self, name: &str, value: u64) {
        let admin = self.envoy.admin();
        admin.wait_stat(&full(name), |now| now == value, SOON);
    }

    /// No VM has died, and every worker serves.
    #[track_caller]
    pub(crate) fn lives(&self) {
        // Connections spread over the workers, so some reach each.
        for _ in 0..8 {
            assert_eq!(self.get("/reply").text(), "told");
        }
        assert_eq!(self.logged(DEATH), 0, "a VM died");
    }

    #[track_caller]
    pub(crate) fn wait_death(&self) {
        self.envoy.wait_log(DEATH, SOON);
    }
}

fn full(name: &str) -> String {
    format!("wasmcustom.mesh_filters.probe.{name}")
}

/// A server that answers the probe's calls, and echoes what else arrives.
pub(crate) fn upstream() -> Upstream {
    Upstream::with(|request| answer(&request))
}

pub(crate) fn answer(request: &Recorded) -> Answer {
    match request.path.as_str() {
        "/answer" => Answer::status(200).body(format!("good over {}", request.protocol)),
        "/late" => Answer::status(200).after(Duration::from_millis(300)),
        "/never" => Answer::status(200).after(Duration::from_secs(60)),
        "/probe.Service/Echo" => Answer::grpc(&request.messages().concat()),
        "/probe.Service/Late" => Answer::grpc(b"late").after(Duration::from_millis(300)),
        "/probe.Service/Never" => Answer::grpc(b"never").after(Duration::from_secs(60)),
        "/probe.Service/Refuse" => Answer::grpc_error(7, "not you"),
        _ => echo(request),
    }
}
