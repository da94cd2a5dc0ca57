//! A stream on its way through a chain.

use std::collections::BTreeMap;
use std::fmt;

use sdk_helpers::chain::{HandedOver, Passage, Stage};
use sdk_helpers::claims;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::filter::Exchange;
use sdk_helpers::{Beyond, Decision, Record, Request, Response, ResponseEdits, Resume, World};

use crate::erased::Callbacks;
use crate::loaded::Loaded;

/// A request on its way: what each filter decides is asked for one after the other, and each sees what
/// the ones before it left, as in Envoy.
///
/// ```text
/// next → Continue → next → Ask → resume → Continue → next → none; then respond, and end
///                                       → Reply    → next → none; then respond to that answer, and end
/// ```
///
/// A stream decides nothing itself. Time stands still: how long a [`Decision::Delay`] lasts is told and
/// not waited for.
pub struct Stream<'a> {
    loaded: &'a Loaded,
    callbacks: Box<dyn Callbacks + 'a>,
    request: Request,
    passage: Passage,
    /// How many filters were asked.
    asked: usize,
    /// Whether the last decision lets the request go on to the next filter.
    goes_on: bool,
    /// Whether it goes on after a pause, where functions of the host do not see it.
    is_resumed: bool,
    /// What was recorded so far.
    recorded: Vec<Recorded>,
}

/// What a filter recorded.
struct Recorded {
    stage: usize,
    record: Record,
    /// Whether it answered the request with it.
    is_refusal: bool,
}

/// What a filter decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// Which: see [`Loaded::stages`].
    pub stage: usize,
    /// What.
    pub decision: Decision,
}

/// What a filter did to a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Responded {
    /// Which: see [`Loaded::stages`].
    pub stage: usize,
    /// What: the changes that it decided with the request first.
    pub edits: ResponseEdits,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(
        loaded: &'a Loaded,
        callbacks: Box<dyn Callbacks + 'a>,
        request: Request,
    ) -> Self {
        Stream {
            loaded,
            callbacks,
            request,
            passage: Passage::default(),
            asked: 0,
            goes_on: true,
            is_resumed: false,
            recorded: Vec::new(),
        }
    }

    /// The request as the filters that were asked have left it.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What is in filter state by now, `wasm.mesh_filters.` and more: reasons, claims and tags.
    #[must_use]
    pub fn filter_state(&self) -> BTreeMap<String, Vec<u8>> {
        let written = self.loaded.filter_state();
        let mut state = BTreeMap::new();
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for recorded in &self.recorded {
            let Recorded { stage, record, .. } = recorded;
            let name = self.loaded.stages().get(*stage).map_or("", |of| of.name);
            if let Some(reason) = self.loaded.reason(*stage, record) {
                let reasons = reasons.entry(name).or_default();
                reasons.push(reason);
                if written.has_reason(recorded.is_refusal) {
                    let key = ["wasm.mesh_filters.", name].concat();
                    state.insert(key, reasons.join(",").into());
                }
            }
            if let Some(claims) = record.claims.as_ref().filter(|_| written.claims) {
                let key = ["wasm.", claims::STATE].concat();
                state.insert(key, claims.json().to_vec());
            }
        }
        for (key, value) in self.left() {
            state.insert(["wasm.", key].concat(), value.to_vec());
        }
        state
    }

    /// What filters left in filter state beside reasons and claims, such as tags, without `wasm.`; of what was
    /// left several times the last counts.
    pub fn left(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let records = self.recorded.iter().map(|recorded| &recorded.record);
        let left = records.flat_map(|record| &record.state);
        left.map(|(key, value)| (&**key, &**value))
    }

    /// What the next filter decides. None after the last, after an answer, and while a filter asks or
    /// waits, which is to be [resumed](Stream::resume) first.
    ///
    /// # Errors
    /// What is beyond the filter's needs, for which the shell fails the stream closed: a bug in the
    /// filter.
    pub fn next(&mut self, world: &dyn World) -> Result<Option<Decided>, Beyond> {
        if !self.goes_on {
            return Ok(None);
        }
        let Some(stage) = self.passage.next(self.loaded.stages().len()) else {
            return Ok(None);
        };
        self.asked = stage.saturating_add(1);
        let world = seen(self.loaded, &self.passage, world, self.is_resumed);
        let decision = self.callbacks.on_request(stage, &self.request, &world);
        self.decided(stage, decision).map(Some)
    }

    /// What [`Stream::next`] would tell in such a world, where dice fall otherwise for example, with nothing
    /// decided by it. What filters share changes in that world.
    pub fn trial(&mut self, world: &dyn World) -> Option<Decided> {
        let stage = self.asked;
        if !self.goes_on || stage >= self.loaded.stages().len() {
            return None;
        }
        let world = seen(self.loaded, &self.passage, world, self.is_resumed);
        let decision = self.callbacks.on_request(stage, &self.request, &world);
        Some(Decided { stage, decision })
    }

    /// What each rule of a filter is to the request as it now stands: see
    /// [`Filter::explain`](sdk_helpers::Filter::explain). What filters share changes in that world.
    pub fn explain(&self, stage: usize, world: &dyn World) -> Vec<RuleExplanation> {
        let world = seen(self.loaded, &self.passage, world, self.is_resumed);
        self.loaded.explain(stage, &self.request, &world)
    }

    /// The filter that is asked next; none after the last, and while none can be asked.
    #[must_use]
    pub fn upcoming(&self) -> Option<Stage> {
        let stages = self.loaded.stages();
        stages.get(self.asked).filter(|_| self.goes_on).copied()
    }

    /// What the filter that was asked last decides now, after [`Decision::Ask`] or [`Decision::Wait`].
    ///
    /// # Errors
    /// As of [`Stream::next`].
    pub fn resume(&mut self, resume: Resume, world: &dyn World) -> Result<Decided, Beyond> {
        self.is_resumed = true;
        let stage = self.passage.stage();
        let world = seen(self.loaded, &self.passage, world, true);
        let request = &self.request;
        let decision = self.callbacks.on_resume(stage, resume, request, &world);
        self.decided(stage, decision)
    }

    /// What is changed in a response, by each filter that saw the request, the last of them first: in an
    /// upstream's, or in the answer of a filter itself. It is changed so.
    pub fn respond(&mut self, response: &mut Response, world: &dyn World) -> Vec<Responded> {
        let mut all = Vec::new();
        for stage in self.passage.response_stages() {
            let Some(of) = self.loaded.stages().get(stage).copied() else {
                continue;
            };
            let mut headers: Vec<_> = self.passage.response_edits(stage).cloned().collect();
            headers.iter().for_each(|edit| response.apply(edit));
            let mut record = Record::default();
            if of.needs.response_headers {
                let world = seen(self.loaded, &self.passage, world, false);
                let edits = self.callbacks.on_response(stage, response, &world);
                edits.headers.iter().for_each(|edit| response.apply(edit));
                headers.extend(edits.headers);
                self.record(stage, &edits.record, false);
                record = edits.record;
            }
            all.push(Responded {
                stage,
                edits: ResponseEdits { headers, record },
            });
        }
        self.passage.respond();
        all
    }

    /// What is recorded at the end, by each filter that sees it, whether it saw the request or not.
    pub fn end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Vec<(usize, Record)> {
        let mut all = Vec::new();
        for (stage, of) in self.loaded.stages().iter().enumerate() {
            if of.needs.end {
                let world = seen(self.loaded, &self.passage, world, false);
                let record = self.callbacks.on_end(stage, exchange, &world);
                self.record(stage, &record, false);
                all.push((stage, record));
            }
        }
        all
    }

    fn decided(&mut self, stage: usize, decision: Decision) -> Result<Decided, Beyond> {
        let of = self.loaded.stages().get(stage).copied();
        if let Some(of) = &of {
            // Whatever it is, it must not let the request go on.
            self.goes_on = false;
            of.needs.check(&decision)?;
            self.follow(stage, &decision);
        }
        Ok(Decided { stage, decision })
    }

    fn follow(&mut self, stage: usize, decision: &Decision) {
        match decision {
            Decision::Continue(edits) => {
                self.goes_on = true;
                edits
                    .request
                    .iter()
                    .for_each(|edit| self.request.apply(edit));
                self.record(stage, &edits.record, false);
                self.passage.change_response(edits.response.clone());
            }
            Decision::Reply(reply) => {
                self.passage.answer();
                self.record(stage, &reply.record, true);
            }
            Decision::Delay { record, then, .. } => {
                self.record(stage, record, false);
                self.is_resumed = true;
                self.follow(stage, then);
            }
            Decision::Ask { record, .. } | Decision::Wait { record, .. } => {
                self.record(stage, record, false);
            }
        }
    }

    fn record(&mut self, stage: usize, record: &Record, is_refusal: bool) {
        self.passage.hand_over(record.clone());
        self.recorded.push(Recorded {
            stage,
            record: record.clone(),
            is_refusal,
        });
    }
}

/// The world behind the filters that were asked before.
fn seen<'a>(
    loaded: &Loaded,
    passage: &'a Passage,
    world: &'a dyn World,
    is_resumed: bool,
) -> HandedOver<'a> {
    HandedOver {
        world,
        passage,
        claims_in_state: loaded.filter_state().claims,
        shows_stream: world.shows_stream() && !is_resumed,
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.loaded.name())
            .field("passage", &self.passage)
            .finish_non_exhaustive()
    }
}
