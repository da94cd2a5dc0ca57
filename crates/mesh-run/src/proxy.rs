//! A proxy that runs: kept running, told what is new, and asked what it took.

mod keeper;
mod sync;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use envoy::{Admin, Builder};
use mesh::proxy::files;
use serde_json::{Value, json};

use crate::folder;
use crate::plan::{Kind, PlannedProxy};
use crate::{Error, Event};
use keeper::{Command, Keeper};

/// Makes the Envoy that a proxy is: which program it is, and with which arguments.
pub type Make = Arc<dyn Fn(Builder) -> Builder + Send + Sync>;
/// Who is told what happens.
pub type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// Where it is told how a proxy's first start went, by its name.
pub(crate) type First = Sender<(String, Result<(), String>)>;

/// A running proxy.
pub(crate) struct Proxy {
    planned: PlannedProxy,
    folder: PathBuf,
    keeper: Keeper,
    /// Why it did not take what it was told last.
    refused: Option<String>,
}

/// That a proxy did not take what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub proxy: String,
    /// Envoy's words.
    pub why: String,
}

/// How a proxy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyStatus {
    /// `reviews-v1.default`.
    pub name: String,
    /// Where it stands.
    pub kind: Kind,
    /// Who it is.
    pub identity: String,
    /// Its admin interface.
    pub admin: SocketAddr,
    /// Its process, if it runs.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// Whether it has taken what its files say, each by its name; none where it does not answer.
    pub synced: Vec<(&'static str, Option<bool>)>,
    /// What it did not take last, and why.
    pub refused: Option<String>,
    /// Its memory in bytes, with its share of what Envoys have in common, and with all of that.
    pub memory: Option<Memory>,
}

/// The memory of a process in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What it has for itself, and its share of what several have.
    pub proportional: u64,
    /// All that is in RAM of it, counted whole for each process.
    pub resident: u64,
}

impl Proxy {
    /// Writes its files and starts it. What becomes of the first start is sent to `first`.
    pub(crate) fn start(
        planned: PlannedProxy,
        folder: PathBuf,
        make: &Make,
        tell: &Tell,
        first: First,
    ) -> Result<Self, Error> {
        write_secrets(&folder, &planned)?;
        for (file, text) in &planned.files {
            folder::write(&folder.join(file), text)?;
        }
        let command = Command {
            name: planned.name.clone(),
            folder: folder.clone(),
            make: Arc::clone(make),
            tell: Arc::clone(tell),
        };
        Ok(Self {
            keeper: Keeper::start(command, first)?,
            planned,
            folder,
            refused: None,
        })
    }

    pub(crate) fn planned(&self) -> &PlannedProxy {
        &self.planned
    }

    /// Has it end, without waiting for that.
    pub(crate) fn end(&self) {
        self.keeper.end();
    }

    fn admin(&self) -> Admin {
        Admin::at(self.planned.admin())
    }

    /// Why it has not taken what it reads first, if so: it runs without.
    pub(crate) fn look(&mut self) -> Option<Refused> {
        let why = sync::refused_at_start(&self.admin(), &self.folder)?;
        self.refused = Some(why.clone());
        Some(Refused {
            proxy: self.planned.name.clone(),
            why,
        })
    }

    /// Tells it what is new, and waits until it has taken it; where it refuses, what it was told before stays in force.
    pub(crate) fn take(&mut self, planned: PlannedProxy) -> Result<Option<Refused>, Error> {
        write_secrets(&self.folder, &planned)?;
        if planned.files == self.planned.files {
            self.planned = planned;
            return Ok(None);
        }
        let of = |planned: &PlannedProxy, name: &str| {
            let mut all = planned.files.iter();
            all.find(|(file, _)| *file == name)
                .map(|(_, text)| text.clone())
        };
        if of(&planned, files::BOOTSTRAP) != of(&self.planned, files::BOOTSTRAP) {
            self.write(planned)?;
            // A bootstrap is read once, so another one is another start.
            self.keeper.again();
            return Ok(self.look());
        }
        if self.keeper.state().pid.is_none() {
            // It reads them when it is started again.
            return self.write(planned).map(|()| None);
        }
        match sync::replace(&self.admin(), &self.folder, &self.planned, &planned)? {
            Ok(()) => {
                self.refused = None;
                self.planned = planned;
                Ok(None)
            }
            Err(why) => {
                self.refused = Some(why.clone());
                Ok(Some(Refused {
                    proxy: planned.name,
                    why,
                }))
            }
        }
    }

    fn write(&mut self, planned: PlannedProxy) -> Result<(), Error> {
        for (file, text) in &planned.files {
            folder::write(&self.folder.join(file), text)?;
        }
        self.planned = planned;
        self.refused = None;
        Ok(())
    }

    pub(crate) fn status(&self) -> ProxyStatus {
        let state = self.keeper.state();
        let planned = &self.planned;
        ProxyStatus {
            name: planned.name.clone(),
            kind: planned.kind,
            identity: planned.identity.clone(),
            admin: planned.admin(),
            pid: state.pid,
            restarts: state.restarts,
            synced: sync::synced(&self.admin(), planned, state.pid.is_some()),
            refused: self.refused.clone(),
            memory: state.pid.and_then(memory),
        }
    }
}

impl ProxyStatus {
    /// Whether it runs and has taken all that it was told.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let is_synced = self.synced.iter().all(|(_, synced)| *synced == Some(true));
        self.pid.is_some() && is_synced && self.refused.is_none()
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let synced = self.synced.iter();
        let synced: serde_json::Map<String, Value> = synced
            .map(|(file, synced)| ((*file).to_owned(), json!(synced)))
            .collect();
        json!({
            "name": self.name,
            "kind": self.kind.word(),
            "identity": self.identity,
            "admin": self.admin.to_string(),
            "pid": self.pid,
            "restarts": self.restarts,
            "well": self.is_well(),
            "synced": synced,
            "refused": self.refused,
            "memory": self.memory.map(|memory| json!({
                "proportional": memory.proportional,
                "resident": memory.resident,
            })),
        })
    }
}

impl Kind {
    /// `gateway` or `sidecar`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gateway => "gateway",
            Kind::Sidecar => "sidecar",
        }
    }
}

/// Other bytes have another name, so what is there stays as it is.
fn write_secrets(folder: &Path, planned: &PlannedProxy) -> Result<(), Error> {
    for secret in &planned.secrets {
        let path = folder.join(&secret.name);
        if !path.exists() {
            folder::write_bytes(&path, &secret.bytes)?;
        }
    }
    Ok(())
}

/// As Linux counts it.
fn memory(pid: u32) -> Option<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Memory {
        proportional: field("Pss:")?,
        resident: field("Rss:")?,
    })
}
