//! What a filter is.

use std::time::Duration;

use serde_json::Value;

use crate::config::kind::FieldKind;
use crate::config::{self, At, ConfigError, Envelope, Problems, Resource};
use crate::decision::{Call, CallResult, Decision, LocalReply, Record, ResponseEdits, Resume};
use crate::explanation::RuleExplanation;
use crate::ids::{GaugeId, OutcomeId, SeriesId};
use crate::needs::Needs;
use crate::outcome::Outcomes;
use crate::request::{Request, Response};
use crate::statistic::{Gauges, Series};
use crate::world::World;

/// One filter: made once from its configuration, asked once or more for every stream.
///
/// Nothing here fails after [`Filter::compile`]: what a request may be is an answer, not an error.
pub trait Filter: Sized + 'static {
    /// Folder, crate, `root_id` and prefix of every statistic.
    const NAME: &'static str;

    /// What it does beyond continuing and replying. Callbacks that it does not need are not called, and
    /// what it decides beyond its needs is refused.
    const NEEDS: Needs = Needs::NOTHING;

    /// The configuration as a user writes it: a table of [`fields!`](crate::fields).
    type Wire: FieldKind<Value = Self::Wire>;

    /// The objects of Kubernetes that a configuration may be written as.
    const ENVELOPE: Envelope = Envelope::NONE;

    /// What is remembered of one stream between its callbacks.
    type Memory: Default;

    /// Checks and compiles a configuration. Every error and warning goes to `load.problems`; with an
    /// error there, what is returned is never used, so something stands in for what could not be
    /// compiled.
    fn compile(wire: Self::Wire, load: &Load<'_>) -> Self;

    /// Everything this filter can decide; each owns a counter, defined at load.
    fn outcomes(&self) -> &Outcomes;

    /// Its rules, each as reasons name it: `http-0`, or with the detail of a record, `viewer.rules[0]`. Tests want
    /// each of them reached; no module asks. The policies of its outcomes unless a filter has others.
    fn rules(&self) -> Vec<String> {
        let mut rules: Vec<String> = Vec::new();
        for policy in self.outcomes().iter().filter_map(|it| it.policy.as_ref()) {
            if !rules.contains(policy) {
                rules.push(policy.clone());
            }
        }
        rules
    }

    /// What each of its rules is to a request, in order, as [`Filter::on_request`] would find it. A program shows
    /// it; no module asks. What it counts it counts in `world`: whoever asks hands in one that nobody else sees.
    fn explain(&self, _request: &Request, _world: &dyn World) -> Vec<RuleExplanation> {
        Vec::new()
    }

    /// For the log line that says what is in force: `2 rules`.
    fn summary(&self) -> String;

    /// Decides what becomes of a request.
    fn on_request(
        &self,
        request: &Request,
        world: &dyn World,
        memory: &mut Self::Memory,
    ) -> Decision;

    /// Decides again about a request that was paused by [`Decision::Ask`] or [`Decision::Wait`]. A filter
    /// that decides those says here what comes of it; unless it does, the request is refused.
    fn on_resume(
        &self,
        _resume: Resume,
        _request: &Request,
        _world: &dyn World,
        _memory: &mut Self::Memory,
    ) -> Decision {
        Decision::Reply(LocalReply::new(500))
    }

    /// Changes a response on its way back. Called with [`Needs::response_headers`].
    fn on_response(
        &self,
        _response: &Response,
        _world: &dyn World,
        _memory: &mut Self::Memory,
    ) -> ResponseEdits {
        ResponseEdits::default()
    }

    /// Sees the end of a stream, also of one that never reached [`Filter::on_request`] because an
    /// earlier filter answered it. Called with [`Needs::end`].
    fn on_end(
        &self,
        _exchange: &Exchange<'_>,
        _world: &dyn World,
        _memory: &mut Self::Memory,
    ) -> Record {
        Record::default()
    }

    /// Gauges that [`Filter::background`] sets; each is defined at load.
    fn gauges(&self) -> &Gauges {
        Gauges::none()
    }

    /// A series that a [`Record`] adds to; asked when the first sample of it comes. How many there
    /// can be is for the filter to bound: Envoy never frees one.
    fn series(&self, _id: SeriesId) -> Option<Series> {
        None
    }

    /// Work that belongs to no stream, such as fetching keys. Called once the configuration is in
    /// force, and then for what it set going itself.
    fn background(&self, _event: BackgroundEvent, _world: &dyn World) -> BackgroundActions {
        BackgroundActions::default()
    }
}

/// A stream at its end.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The request as it now stands.
    pub request: &'a Request,
    /// The response as it went out.
    pub response: &'a Response,
}

/// Why [`Filter::background`] is called.
#[derive(Debug, Clone, PartialEq)]
pub enum BackgroundEvent {
    /// The configuration came into force in this VM.
    Loaded,
    /// The time of [`BackgroundActions::timer`] has come. Also as soon as a stream begins to wait
    /// ([`Decision::Wait`]), whatever the time, and once for several that begin together.
    TimerFired,
    /// What came of the call of this tag.
    Answered(u32, CallResult),
}

/// What [`Filter::background`] wants done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BackgroundActions {
    /// Calls to make; what comes of each comes back under its tag.
    pub calls: Vec<(u32, Call)>,
    /// Sets the timer, from now on. There is one: it replaces the time that was set before, and
    /// `None` leaves that as it is.
    pub timer: Option<Duration>,
    /// Whether every stream that waits ([`Decision::Wait`]) resumes now.
    pub wake: bool,
    /// Counted.
    pub outcomes: Vec<OutcomeId>,
    /// Warnings in Envoy's log, each the outcome it is about and what more there is to say, in one
    /// line without anything secret. They count nothing.
    pub warnings: Vec<(OutcomeId, String)>,
    /// New values of [`Filter::gauges`].
    pub gauges: Vec<(GaugeId, u64)>,
}

/// What a configuration is compiled with: where it stands, where its problems go, and the host.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    /// Where it begins. That is [`At::root`] unless it stands inside another one: the path of every
    /// problem starts here.
    pub at: At<'a>,
    /// Every error and warning of it.
    pub problems: &'a Problems,
    /// For checks that need Envoy, such as whether it parses a CEL expression. There is no stream
    /// yet: attributes are those of the plugin and the node.
    pub world: &'a dyn World,
}

/// A filter that has been loaded, and what to say about it.
#[derive(Debug)]
pub struct Loaded<F> {
    /// The filter.
    pub filter: F,
    /// What is legal in its configuration and surely was not meant.
    pub warnings: Vec<ConfigError>,
    /// See [`config::hash`].
    pub hash: u32,
}

impl<F> Loaded<F> {
    /// The same of what is made of the filter.
    pub fn map<T>(self, what: impl FnOnce(F) -> T) -> Loaded<T> {
        Loaded {
            filter: what(self.filter),
            warnings: self.warnings,
            hash: self.hash,
        }
    }
}

/// Bytes → Wire → Config → Policy: all of it or nothing.
///
/// # Errors
/// Every problem of the configuration, each with the path of its field.
pub fn load<F: Filter>(bytes: &[u8], world: &dyn World) -> Result<Loaded<F>, Vec<ConfigError>> {
    load_by(bytes, world, load_at::<F>)
}

/// The same of whatever is made of a tree.
pub(crate) fn load_by<T>(
    bytes: &[u8],
    world: &dyn World,
    make: impl FnOnce(Value, &Load<'_>) -> T,
) -> Result<Loaded<T>, Vec<ConfigError>> {
    let tree = config::parse(bytes).map_err(|error| vec![error])?;
    let hash = config::hash(&tree);
    let problems = Problems::default();
    let load = Load {
        at: At::root(),
        problems: &problems,
        world,
    };
    let filter = make(tree, &load);
    if problems.has_errors() {
        return Err(problems.errors());
    }
    Ok(Loaded {
        filter,
        warnings: problems.warnings(),
        hash,
    })
}

/// The same from a tree that was parsed before, which may be a part of a larger one: `load.at` is
/// the place where it stands there.
///
/// With an error in `load.problems`, what is returned must not be used.
pub fn load_at<F: Filter>(tree: Value, load: &Load<'_>) -> F {
    F::compile(wire_at::<F>(tree, Vec::new(), load), load)
}

/// The first half of it, bytes → Wire, also of objects that stand elsewhere in the same
/// configuration.
pub fn wire_at<F: Filter>(tree: Value, resources: Vec<Resource>, load: &Load<'_>) -> F::Wire {
    let tree = F::ENVELOPE.unwrap(tree, resources, &load.at, load.problems);
    // The memory of a module never shrinks: the tree is gone before anything is made of what it said.
    config::read::<F::Wire>(&tree, &load.at, load.problems)
}
