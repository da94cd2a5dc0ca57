//! A filter with a configuration in force.

use std::fmt;

use sdk_helpers::chain::{Chain, FilterState, Stage};
use sdk_helpers::config;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::filter::{BackgroundActions, BackgroundEvent};
use sdk_helpers::{
    Beyond, ConfigError, Gauges, Load, Outcomes, Record, Request, Series, SeriesId, World,
};
use serde_json::Value;

use crate::erased::Erased;
use crate::stream::Stream;

/// What took a configuration: one filter, which is the only stage of it, or several, a stage each in
/// the order in which requests meet them.
pub struct Loaded {
    chain: Box<dyn Erased>,
    warnings: Vec<ConfigError>,
    hash: u32,
}

impl Loaded {
    pub(crate) fn load<C: Chain>(
        configuration: &[u8],
        world: &dyn World,
    ) -> Result<Self, Vec<ConfigError>> {
        let loaded = C::load(configuration, world)?;
        Ok(Loaded {
            chain: Box::new(loaded.filter),
            warnings: loaded.warnings,
            hash: loaded.hash,
        })
    }

    /// Warnings are among `load.problems`.
    pub(crate) fn load_at<C: Chain>(tree: Value, load: &Load<'_>) -> Self {
        let hash = config::hash(&tree);
        Loaded {
            chain: Box::new(C::load_at(tree, load)),
            warnings: Vec::new(),
            hash,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.chain.name()
    }

    /// Its filters, each with its name, its needs and the hash of its own configuration. A stage is a
    /// place in this list.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        self.chain.stages()
    }

    /// What of all that goes into filter state.
    #[must_use]
    pub fn filter_state(&self) -> FilterState {
        self.chain.filter_state()
    }

    /// What is legal in the configuration and surely was not meant; nothing where it was loaded
    /// inside another one, whose problems hold it.
    #[must_use]
    pub fn warnings(&self) -> &[ConfigError] {
        &self.warnings
    }

    /// What the gauge `mesh_filters.<name>.config_hash` shows while this configuration is in force: see
    /// [`sdk_helpers::config::hash`].
    #[must_use]
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// What is in force, in a few words: `2 rules`.
    #[must_use]
    pub fn summary(&self) -> String {
        self.chain.summary()
    }

    /// Everything that a filter can decide.
    #[must_use]
    pub fn outcomes(&self, stage: usize) -> &Outcomes {
        self.chain.outcomes(stage)
    }

    /// The rules of a filter, each as its reasons name it: see [`sdk_helpers::Filter::rules`].
    #[must_use]
    pub fn rules(&self, stage: usize) -> Vec<String> {
        self.chain.rules(stage)
    }

    /// See [`sdk_helpers::Filter::explain`].
    pub(crate) fn explain(
        &self,
        stage: usize,
        request: &Request,
        world: &dyn World,
    ) -> Vec<RuleExplanation> {
        self.chain.explain(stage, request, world)
    }

    /// The gauges that its background work sets.
    #[must_use]
    pub fn gauges(&self, stage: usize) -> &Gauges {
        self.chain.gauges(stage)
    }

    /// A series that a record adds to.
    #[must_use]
    pub fn series(&self, stage: usize, id: SeriesId) -> Option<Series> {
        self.chain.series(stage, id)
    }

    /// The reason of a record of a filter's: each outcome with its detail, joined by commas; nothing
    /// where there is none.
    #[must_use]
    pub fn reason(&self, stage: usize, record: &Record) -> Option<String> {
        let mut text = String::new();
        for (id, detail) in record.noted() {
            if let Some(outcome) = self.outcomes(stage).find(id) {
                outcome.add_to(&mut text, detail);
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// A stream that has not begun.
    #[must_use]
    pub fn stream(&self, request: Request) -> Stream<'_> {
        Stream::new(self, self.chain.callbacks(), request)
    }

    /// What a filter wants done in the background.
    ///
    /// # Errors
    /// What is beyond the filter's needs, which the shell refuses: a bug in the filter.
    pub fn background(
        &self,
        stage: usize,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> Result<BackgroundActions, Beyond> {
        let actions = self.chain.background(stage, event, world);
        if let Some(of) = self.stages().get(stage) {
            of.needs.check_background(&actions)?;
        }
        Ok(actions)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("name", &self.name())
            .field("summary", &self.summary())
            .field("warnings", &self.warnings)
            .field("hash", &self.hash)
            .finish()
    }
}
