//! A mesh that runs: started, told other objects, asked, and gone when dropped.

mod change;
mod limits;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use documents::File;
use mesh::Said;
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::folder::{self, Folder};
use crate::network::{self, Network};
use crate::plan::{Plan, PlannedProxy, Settings};
use crate::proxy::{Make, Proxy, ProxyStatus, Refused, Tell};
use crate::servers::Servers;
use crate::{Error, Event, Objects, told};
use limits::{check, is_not_too_much, modules_are_there};

/// What is wrong with files before they are a mesh.
pub type Check = Arc<dyn Fn(&[File]) -> Checked + Send + Sync>;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// How much of it keeps the files from being a mesh.
    pub errors: usize,
    /// For people.
    pub text: String,
    /// For programs.
    pub findings: Value,
}

/// What a mesh is started with.
pub struct Start {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The folder for its files; one that goes with the mesh where none is named.
    pub folder: Option<PathBuf>,
    /// The network; the first that is free where none is asked for.
    pub network: Option<u8>,
    /// What is the same for all objects, but for the folder.
    pub settings: Settings,
    /// The time, from which on certificates are good.
    pub now: Timestamp,
    /// Which Envoy.
    pub make: Make,
    /// What looks through the files first, if anything.
    pub check: Option<Check>,
    /// Who is told what happens.
    pub tell: Tell,
}

/// A mesh that runs.
pub struct Running {
    // In this order they end: nobody is called who is gone, and the folder is the last to go.
    state: Mutex<State>,
    authority: Authority,
    settings: Settings,
    make: Make,
    check: Option<Check>,
    tell: Tell,
    network: Network,
    folder: Folder,
}

struct State {
    paths: Vec<PathBuf>,
    plan: Plan,
    proxies: BTreeMap<String, Proxy>,
    servers: Servers,
    checked: Checked,
}

/// What became of other objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The proxies that were told something new and took it.
    pub changed: Vec<String>,
    /// Those that are new.
    pub started: Vec<String>,
    /// Those that are gone.
    pub stopped: Vec<String>,
    /// Those that keep to what they were told before, and why.
    pub refused: Vec<Refused>,
    /// What there is to say of the objects that there was not before.
    pub notes: Vec<Said>,
    /// What was found in the files, which keeps nobody from doing what they say.
    pub checked: Checked,
}

impl Running {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// The files are no mesh, an address is taken, or an Envoy does not start: then nothing is left of what was started.
    pub fn start(start: Start) -> Result<Self, Error> {
        let objects = Objects::read(&start.paths)?;
        let checked = check(start.check.as_ref(), &objects)?;
        let folder = Folder::new(start.folder.as_deref())?;
        let settings = Settings {
            folder: folder.path().to_owned(),
            ..start.settings
        };
        // Which addresses it needs is the same in every network.
        let sketch = Plan::new(&objects, &settings, *network::NETWORKS.start(), None)?;
        let network = Network::take(start.network, |number| sketch.listens_in(number))?;
        let plan = Plan::new(&objects, &settings, network.number(), None)?;
        is_not_too_much(&plan)?;
        if plan.proxies.is_empty() && plan.servers.is_empty() {
            return Err(Error::Objects(
                "the files have no Gateway and no workload (Deployment or Pod), so nothing would run".to_owned(),
            ));
        }
        modules_are_there(&plan)?;
        let authority = Authority::new(plan.model.trust_domain(), start.now)?;
        folder::write(&folder.path().join(folder::ROOTS), &authority.roots())?;
        let running = Self {
            state: Mutex::new(State {
                paths: start.paths,
                servers: Servers::start(&plan.servers)?,
                proxies: BTreeMap::new(),
                plan,
                checked,
            }),
            authority,
            settings,
            make: start.make,
            check: start.check,
            tell: start.tell,
            network,
            folder,
        };
        {
            let mut state = running.lock();
            let all: Vec<PlannedProxy> = state.plan.proxies.values().cloned().collect();
            let (proxies, failed) = running.begin(all)?;
            if let Some((name, why)) = failed.into_iter().next() {
                return Err(Error::Envoy(format!("{name}: {why}")));
            }
            state.proxies = proxies;
            running.tell_of_it(&state)?;
        }
        Ok(running)
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file for what happens in it where nobody looks on.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.folder().join(folder::EVENTS)
    }

    /// The files and folders that it is made of.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock().paths.clone()
    }

    /// What there is to say of its objects.
    #[must_use]
    pub fn notes(&self) -> Vec<Said> {
        self.lock().plan.notes.clone()
    }

    /// What was found in its files, which does not keep them from being a mesh.
    #[must_use]
    pub fn checked(&self) -> Checked {
        self.lock().checked.clone()
    }

    /// Every address of it, for programs: what `mesh.json` in its folder says.
    #[must_use]
    pub fn json(&self) -> Value {
        told::mesh(self.folder(), &self.lock().plan)
    }

    /// How each proxy is.
    #[must_use]
    pub fn status(&self) -> Vec<ProxyStatus> {
        let state = self.lock();
        state.proxies.values().map(Proxy::status).collect()
    }

    /// Those that did not take what they read first.
    pub fn refused_at_start(&self) -> Vec<Refused> {
        let mut state = self.lock();
        state.proxies.values_mut().filter_map(Proxy::look).collect()
    }

    /// Reads the files again, and `more` behind them, and has everybody do what they say now. Who refuses keeps to what
    /// he was told before.
    ///
    /// # Errors
    /// They are no mesh: then everything is as before, but that is told.
    pub fn apply(&self, more: &[PathBuf]) -> Result<Applied, Error> {
        let mut state = self.lock();
        let mut paths = state.paths.clone();
        // Who is said again comes last again.
        paths.retain(|path| !more.contains(path));
        paths.extend(more.iter().cloned());
        let planned = self.plan(&state, &paths);
        let (plan, checked) = match planned {
            Ok(planned) => planned,
            Err(error) => {
                let why = error.to_string();
                (self.tell)(Event::Unreadable { why });
                return Err(error);
            }
        };
        let known = &state.plan.notes;
        let new = plan.notes.iter().filter(|note| !known.contains(note));
        let notes: Vec<Said> = new.cloned().collect();
        for note in &notes {
            let text = note.to_string();
            (self.tell)(Event::Note { text });
        }
        if checked.text != state.checked.text && !checked.text.is_empty() {
            let text = checked.text.clone();
            (self.tell)(Event::Found { text });
        }
        state.paths = paths;
        state.checked = checked.clone();
        let mut applied = self.change(&mut state, plan)?;
        (applied.notes, applied.checked) = (notes, checked);
        self.tell_of_it(&state)?;
        for refused in &applied.refused {
            let Refused { proxy, why } = refused.clone();
            (self.tell)(Event::Refused { proxy, why });
        }
        let Applied {
            changed,
            started,
            stopped,
            refused,
            ..
        } = applied.clone();
        if refused.is_empty() || !(changed.is_empty() && started.is_empty() && stopped.is_empty()) {
            (self.tell)(Event::Applied {
                changed,
                started,
                stopped,
            });
        }
        Ok(applied)
    }

    fn plan(&self, state: &State, paths: &[PathBuf]) -> Result<(Plan, Checked), Error> {
        let objects = Objects::read(paths)?;
        let checked = check(self.check.as_ref(), &objects)?;
        let network = self.network.number();
        let plan = Plan::new(&objects, &self.settings, network, Some(&state.plan))?;
        is_not_too_much(&plan)?;
        modules_are_there(&plan)?;
        let before = state.plan.listens();
        let all = plan.listens();
        network::are_free(all.difference(&before)).map_err(|(address, why)| {
            Error::Taken(format!("{address} cannot be listened on: {why}"))
        })?;
        Ok((plan, checked))
    }

    fn tell_of_it(&self, state: &State) -> Result<(), Error> {
        let text = told::mesh(self.folder(), &state.plan);
        let path = self.folder().join(folder::MESH);
        folder::write(&path, &format!("{text:#}\n"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // All at once: each may take a while.
        self.proxies.values().for_each(Proxy::end);
    }
}

impl Applied {
    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let refused = self.refused.iter();
        let refused = refused.map(|one| json!({"proxy": one.proxy, "why": one.why}));
        json!({
            "changed": self.changed,
            "started": self.started,
            "stopped": self.stopped,
            "refused": refused.collect::<Vec<_>>(),
            "notes": self.notes.iter().map(told::note).collect::<Vec<_>>(),
            "findings": self.checked.findings,
            "found": self.checked.text,
        })
    }
}
