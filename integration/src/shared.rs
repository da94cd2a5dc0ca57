//! Envoys that tests have one after another. Envoy takes a second or two of processor time to compile a module, and
//! keeps what it has compiled while a listener has it: so the listeners of the next test take the place of those of the
//! last one, which is a twentieth of the work.
//!
//! For tests that look at answers and at what comes to upstreams. What Envoy counts and logs is that of all tests that
//! had it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use ::envoy::resources;
use serde_json::{Value, json};

use crate::envoy::{Admin, Config, Envoy, Launcher, Scratch};
use crate::listener::Listener;
use crate::service::wait::until;
use crate::updates;

/// How long Envoy may take to read what it is told, on a busy machine.
const SOON: Duration = Duration::from_secs(120);
/// The file of its clusters.
const CLUSTERS: &str = "cds.json";

/// Those that no test has at the moment.
static IDLE: Mutex<Vec<Warm>> = Mutex::new(Vec::new());

/// An Envoy, and the modules that its listeners have.
#[derive(Debug)]
struct Warm {
    envoy: Envoy,
    modules: BTreeSet<String>,
}

/// An Envoy that is one test's until it is dropped.
#[derive(Debug)]
pub struct Shared {
    warm: Option<Warm>,
    /// What the names of its listeners begin with.
    prefix: String,
}

impl Shared {
    /// One with these listeners and clusters, and nothing that another test left: VMs are its own, and so is what they
    /// share.
    ///
    /// # Panics
    /// Envoy does not start, or does not take them.
    #[track_caller]
    pub fn start(
        listeners: impl IntoIterator<Item = Listener>,
        clusters: impl IntoIterator<Item = Value>,
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{count}/");
        // A listener for any port of an address would be given the socket of one for the same that is on its way out.
        let address = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() | (count << 8));
        let listeners = listeners.into_iter().map(Listener::build);
        let mut listeners: Vec<Value> = listeners.collect();
        for listener in &mut listeners {
            let name = listener["name"].as_str().unwrap_or_default();
            listener["name"] = format!("{prefix}{name}").into();
            if let Some(socket) = listener.pointer_mut("/address/socket_address")
                && socket["port_value"] == 0
            {
                socket["address"] = address.to_string().into();
            }
        }
        let mut modules = BTreeSet::new();
        let mut listeners = Value::from(listeners);
        of_its_own(&mut listeners, &prefix, &mut modules);
        let listeners = listeners.as_array().cloned().unwrap_or_default();
        let warm = Warm::with(modules);
        warm.take(&listeners, clusters);
        Self {
            warm: Some(warm),
            prefix,
        }
    }

    /// The address of a listener.
    #[track_caller]
    pub fn addr(&self, listener: &str) -> SocketAddr {
        let name = format!("{}{listener}", self.prefix);
        self.envoy().addr(&name)
    }

    /// Its admin interface.
    #[track_caller]
    pub fn admin(&self) -> Admin {
        self.envoy().admin()
    }

    /// What it has written since it started, for other tests too.
    #[track_caller]
    pub fn log(&self) -> String {
        self.envoy().log()
    }

    fn envoy(&self) -> &Envoy {
        &self.warm.as_ref().expect("an Envoy").envoy
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(warm) = self.warm.take() else {
            return;
        };
        // A failing test shows the end of the log, and leaves its Envoy to nobody. Containers outlive this process.
        if !std::thread::panicking() && warm.envoy.launcher() == Launcher::Process {
            idle(|all| all.push(warm));
        }
    }
}

impl Warm {
    /// One that has these modules, else any, else a new one.
    #[track_caller]
    fn with(modules: BTreeSet<String>) -> Self {
        let found = idle(|all| {
            let fits = |warm: &Warm| warm.modules.is_superset(&modules);
            let place = all.iter().position(fits);
            place.map(|place| all.swap_remove(place))
        });
        let envoy = found.map_or_else(started, |warm| warm.envoy);
        Self { envoy, modules }
    }

    /// Puts these in the place of what was there.
    #[track_caller]
    fn take(&self, listeners: &[Value], clusters: impl IntoIterator<Item = Value>) {
        // Listeners name clusters.
        self.told("cluster_manager.cds", || {
            write(self.envoy.scratch(), clusters)
        });
        self.told("listener_manager.lds", || {
            updates::update(&self.envoy, listeners)
        });
    }

    /// Tells Envoy something, and waits until it has taken it.
    #[track_caller]
    fn told(&self, of: &str, tell: impl FnOnce()) {
        // A busy Envoy does not answer in time, which is no reason to give up: it compiles what it is told to run.
        let admin = ::envoy::Envoy::admin(&self.envoy);
        let names = ["update_success", "update_rejected"].map(|end| format!("{of}.{end}"));
        let counts = || {
            let [taken, refused] = names.each_ref().map(|name| admin.stat(name).ok());
            Some((taken?, refused?))
        };
        let (before, well) = until(SOON, counts).expect("an Envoy that answers");
        tell();
        let read = until(SOON, || {
            let (taken, refused) = counts()?;
            (taken > before || refused > well).then_some(refused)
        });
        assert_eq!(read, Some(well), "{of}: {}", self.envoy.log());
    }
}

/// A new one, with nothing in it.
#[track_caller]
fn started() -> Envoy {
    static AT_THE_END: Once = Once::new();
    AT_THE_END.call_once(|| {
        atexit(clear);
    });
    let scratch = Scratch::new().expect("a folder");
    let mut config = Config::from_value(json!({}));
    updates::watch(&scratch, &[], &mut config);
    write(&scratch, []);
    let source = resources::source(&scratch.path().join(CLUSTERS));
    config.value_mut()["dynamic_resources"]["cds_config"] = source;
    let arguments = ["--drain-time-s", "1", "--file-flush-interval-msec", "10"];
    Envoy::builder(config)
        .scratch(scratch)
        .args(arguments)
        .start()
}

#[track_caller]
fn write(scratch: &Scratch, clusters: impl IntoIterator<Item = Value>) {
    let text = resources::file("envoy.config.cluster.v3.Cluster", clusters);
    scratch.write(CLUSTERS, &text).expect("a file of clusters");
}

/// Gives VMs names that no other test has, and says which modules run in them.
fn of_its_own(value: &mut Value, prefix: &str, modules: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| of_its_own(item, prefix, modules)),
        Value::Object(fields) => {
            if let Some(Value::String(id)) = fields.get_mut("vm_id") {
                id.insert_str(0, prefix);
            }
            if let Some(Value::String(file)) = fields.get("filename") {
                modules.insert(file.clone());
            }
            fields
                .values_mut()
                .for_each(|field| of_its_own(field, prefix, modules));
        }
        _ => {}
    }
}

fn idle<T>(work: impl FnOnce(&mut Vec<Warm>) -> T) -> T {
    work(&mut IDLE.lock().unwrap_or_else(PoisonError::into_inner))
}

unsafe extern "C" {
    safe fn atexit(callback: extern "C" fn()) -> i32;
}

/// Takes away the folders of Envoys that end with this process.
extern "C" fn clear() {
    let folders: Vec<PathBuf> = idle(|all| {
        let folders = all
            .iter()
            .map(|warm| warm.envoy.scratch().path().to_owned());
        folders.collect()
    });
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}
