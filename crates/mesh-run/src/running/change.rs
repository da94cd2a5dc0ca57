//! Other objects put in the place of those before: who is new starts, who is gone ends, and the others are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::thread;

use super::{Applied, Running, State};
use crate::Error;
use crate::folder::{self, of_proxy};
use crate::plan::{Plan, PlannedProxy, certificates};
use crate::proxy::{First, Proxy, Refused};

/// How many Envoys are started side by side.
const AT_ONCE: usize = 8;

impl Running {
    /// New ones first, so that who is told of them can call them; who is gone is gone when nobody calls him any more.
    pub(super) fn change(&self, state: &mut State, plan: Plan) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        state.servers.add(&plan.servers)?;
        let is_new = |planned: &&PlannedProxy| !state.proxies.contains_key(&planned.name);
        let new: Vec<PlannedProxy> = plan.proxies.values().filter(is_new).cloned().collect();
        let (started, failed) = self.begin(new)?;
        let fresh: BTreeSet<String> = started.keys().cloned().collect();
        state.proxies.extend(started);
        for (proxy, why) in failed {
            applied.refused.push(Refused { proxy, why });
        }
        // Side by side: one that compiles a module takes its time.
        let outcomes: Vec<_> = thread::scope(|scope| {
            let told = state.proxies.iter_mut().filter_map(|(name, proxy)| {
                let planned = plan.proxies.get(name)?;
                let is_new = fresh.contains(name);
                Some(scope.spawn(move || (name.clone(), tell(proxy, planned, is_new))))
            });
            let told: Vec<_> = told.collect();
            told.into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect()
        });
        for outcome in outcomes {
            let (name, outcome) = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match outcome? {
                Outcome::Started(refused) => {
                    applied.started.push(name);
                    applied.refused.extend(refused);
                }
                Outcome::Refused(refused) => applied.refused.push(refused),
                Outcome::Changed => applied.changed.push(name),
                Outcome::Same => {}
            }
        }
        let gone = state
            .proxies
            .keys()
            .filter(|name| !plan.proxies.contains_key(*name));
        applied.stopped = gone.cloned().collect();
        for name in &applied.stopped {
            if let Some(proxy) = state.proxies.get(name) {
                proxy.end();
            }
        }
        for name in &applied.stopped {
            state.proxies.remove(name);
            let _ = std::fs::remove_dir_all(of_proxy(self.folder(), name));
        }
        state.servers.keep(&plan.servers);
        state.plan = plan;
        Ok(applied)
    }

    /// Starts proxies side by side, and waits for all: those that run, and why the others do not.
    #[expect(
        clippy::type_complexity,
        reason = "by name: who runs, and why somebody does not"
    )]
    pub(super) fn begin(
        &self,
        planned: Vec<PlannedProxy>,
    ) -> Result<(BTreeMap<String, Proxy>, BTreeMap<String, String>), Error> {
        let mut proxies = BTreeMap::new();
        let mut failed = BTreeMap::new();
        for some in planned.chunks(AT_ONCE) {
            let (first, started) = channel();
            for planned in some {
                let proxy = self.begin_one(planned, first.clone())?;
                proxies.insert(planned.name.clone(), proxy);
            }
            drop(first);
            for (name, outcome) in started {
                if let Err(why) = outcome {
                    proxies.remove(&name);
                    failed.insert(name, why);
                }
            }
        }
        Ok((proxies, failed))
    }

    fn begin_one(&self, planned: &PlannedProxy, first: First) -> Result<Proxy, Error> {
        let folder = of_proxy(self.folder(), &planned.name);
        folder::make(&folder)?;
        let issued = self.authority.issue(&planned.identity)?;
        let files = certificates(self.folder(), &planned.name);
        folder::write(&files.chain, &issued.chain)?;
        folder::write(&files.key, &issued.key)?;
        Proxy::start(planned.clone(), folder, &self.make, &self.tell, first)
    }
}

/// What became of what one proxy was told.
enum Outcome {
    Started(Option<Refused>),
    Changed,
    Same,
    Refused(Refused),
}

fn tell(proxy: &mut Proxy, planned: &PlannedProxy, is_new: bool) -> Result<Outcome, Error> {
    if is_new {
        return Ok(Outcome::Started(proxy.look()));
    }
    let is_same = proxy.planned().files == planned.files;
    Ok(match proxy.take(planned.clone())? {
        Some(refused) => Outcome::Refused(refused),
        None if is_same => Outcome::Same,
        None => Outcome::Changed,
    })
}
