//! Root contexts: one for each plugin configuration, with their timers.

use super::clock::Timer;
use super::number::number;
use super::state::Root;
use super::upstreams::Outcome;
use super::vm::{Verdict, Vm};

impl Vm {
    /// Makes a root context with its first two callbacks, unless the module refuses to start.
    pub(crate) fn new_root(&mut self) -> Option<u32> {
        let state = self.state_mut();
        let id = state.new_context();
        let size = number(state.vm_config.len());
        state.live.insert(id);
        state.roots.insert(id, Root::default());
        self.callback("proxy_on_context_create", id, &[0]);
        accepted(self.callback("proxy_on_vm_start", id, &[size])).then_some(id)
    }

    pub(crate) fn configure(&mut self, root: u32, config: &[u8]) -> bool {
        if let Some(root) = self.root_mut(root) {
            root.configured = true;
            root.config = config.to_vec();
            root.configuring = true;
        }
        let verdict = self.callback("proxy_on_configure", root, &[number(config.len())]);
        if let Some(root) = self.root_mut(root) {
            root.configuring = false;
        }
        accepted(verdict)
    }

    /// What Envoy does with a root context that no listener uses any more.
    pub(crate) fn retire(&mut self, id: u32) {
        let Some(root) = self.root_mut(id) else {
            return;
        };
        root.timer = None;
        if accepted(self.callback("proxy_on_done", id, &[])) {
            self.delete(id);
        } else if let Some(root) = self.root_mut(id) {
            root.lingering = true;
        }
    }

    pub(crate) fn delete(&mut self, context: u32) {
        self.callback("proxy_on_delete", context, &[]);
        self.state_mut().live.remove(&context);
        self.state_mut().roots.remove(&context);
    }

    pub(crate) fn queue_ready(&mut self, root: u32, token: u32) {
        if self.state().live.contains(&root) {
            self.callback("proxy_on_queue_ready", root, &[token]);
        }
    }

    /// The moment of the next timer or call timeout.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let state = self.state();
        if state.dead.is_some() {
            return None;
        }
        let timers = state.roots.values().filter_map(|root| root.timer);
        let tick = timers.map(|timer| timer.due).min();
        tick.into_iter().chain(state.upstreams.next_due()).min()
    }

    /// Runs what is due, and arms each timer again from now, as Envoy does.
    pub(crate) fn fire_timers(&mut self) {
        let now = self.state().shared.monotonic();
        for id in self.state().upstreams.overdue(now) {
            // An earlier one's callback may have cancelled it.
            if let Some(pending) = self.state().upstreams.pending.get(&id) {
                let outcome = Outcome::timeout(&pending.call.protocol);
                self.answer(id, outcome);
            }
        }
        let roots: Vec<_> = self.state().roots.keys().copied().collect();
        for root in roots {
            self.tick(root, now);
        }
    }

    fn tick(&mut self, root: u32, now: u64) {
        let timer = self.state().roots.get(&root).and_then(|root| root.timer);
        if timer.is_none_or(|timer| timer.due > now) {
            return;
        }
        self.callback("proxy_on_tick", root, &[]);
        let ticks = self.state().shared.ticks.get();
        if let Some(root) = self.state_mut().roots.get_mut(&root)
            && let Some(timer) = &mut root.timer
        {
            *timer = Timer::armed(timer.period, now, ticks);
        }
    }

    /// A root context, until it is deleted.
    pub(crate) fn root_mut(&mut self, root: u32) -> Option<&mut Root> {
        self.state_mut().roots.get_mut(&root)
    }
}

/// A callback that is missing agrees; a dead VM does not.
fn accepted(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Returned(value) => value != 0,
        Verdict::Missing => true,
        Verdict::Dead => false,
    }
}
