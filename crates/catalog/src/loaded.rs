//! A filter with a configuration in force, and its streams.

use std::fmt;

use sdk_helpers::config;
use sdk_helpers::filter::{BackgroundActions, BackgroundEvent, Exchange};
use sdk_helpers::{
    Beyond, ConfigError, Decision, Gauges, Load, Needs, Outcomes, Record, Request, Response,
    ResponseEdits, Resume, Series, SeriesId, World,
};

use serde_json::Value;

use crate::erased::{Callbacks, Erased};

/// A filter that took a configuration.
pub struct Loaded {
    filter: Box<dyn Erased>,
    needs: Needs,
    warnings: Vec<ConfigError>,
    hash: u32,
}

impl Loaded {
    pub(crate) fn load<F: sdk_helpers::Filter>(
        configuration: &[u8],
        world: &dyn World,
    ) -> Result<Self, Vec<ConfigError>> {
        let loaded = sdk_helpers::load::<F>(configuration, world)?;
        Ok(Loaded {
            filter: Box::new(loaded.filter),
            needs: F::NEEDS,
            warnings: loaded.warnings,
            hash: loaded.hash,
        })
    }

    /// Warnings are among `load.problems`.
    pub(crate) fn load_at<F: sdk_helpers::Filter>(tree: Value, load: &Load<'_>) -> Self {
        let hash = config::hash(&tree);
        Loaded {
            filter: Box::new(sdk_helpers::load_at::<F>(tree, load)),
            needs: F::NEEDS,
            warnings: Vec::new(),
            hash,
        }
    }

    /// The filter's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.filter.name()
    }

    /// What it may decide, and what it is told of. [`Needs::check`] tells of a decision beyond them, which
    /// Envoy would not do.
    #[must_use]
    pub fn needs(&self) -> &Needs {
        &self.needs
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
        self.filter.summary()
    }

    /// Everything that it can decide.
    #[must_use]
    pub fn outcomes(&self) -> &Outcomes {
        self.filter.outcomes()
    }

    /// The gauges that its background work sets.
    #[must_use]
    pub fn gauges(&self) -> &Gauges {
        self.filter.gauges()
    }

    /// A series that a record adds to.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<Series> {
        self.filter.series(id)
    }

    /// The reason of a record as filter state `wasm.mesh_filters.<name>` has it: each outcome
    /// with its detail, joined by commas; nothing where there is none.
    #[must_use]
    pub fn reason(&self, record: &Record) -> Option<String> {
        let texts = record.noted().filter_map(|(id, detail)| {
            let outcome = self.outcomes().find(id)?;
            Some(format!("{outcome}{detail}"))
        });
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then(|| texts.join(","))
    }

    /// A stream that has not begun.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream(self.filter.stream())
    }

    /// What is to be done in the background.
    ///
    /// # Errors
    /// What is beyond the filter's needs, which the shell refuses: a bug in the filter.
    pub fn background(
        &self,
        event: BackgroundEvent,
        world: &dyn World,
    ) -> Result<BackgroundActions, Beyond> {
        self.filter.background(event, world)
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

/// One stream with what its filter remembers of it. The steps are asked for in Envoy's order:
/// request, as many resumptions as the decisions ask for, response, end. A filter sees what it
/// [needs](sdk_helpers::Needs), as in Envoy.
pub struct Stream<'a>(Box<dyn Callbacks + 'a>);

impl Stream<'_> {
    /// What becomes of the request.
    ///
    /// # Errors
    /// What is beyond the filter's needs, for which the shell fails the stream closed: a bug in the
    /// filter.
    pub fn on_request(&mut self, request: &Request, world: &dyn World) -> Result<Decision, Beyond> {
        self.0.on_request(request, world)
    }

    /// What becomes of it now, after [`Decision::Ask`] or [`Decision::Wait`].
    ///
    /// # Errors
    /// As of [`Stream::on_request`].
    pub fn on_resume(
        &mut self,
        resume: Resume,
        request: &Request,
        world: &dyn World,
    ) -> Result<Decision, Beyond> {
        self.0.on_resume(resume, request, world)
    }

    /// What is changed in the response.
    #[must_use]
    pub fn on_response(&mut self, response: &Response, world: &dyn World) -> ResponseEdits {
        self.0.on_response(response, world)
    }

    /// What is recorded at its end, also if it never reached [`Stream::on_request`].
    #[must_use]
    pub fn on_end(&mut self, exchange: &Exchange<'_>, world: &dyn World) -> Record {
        self.0.on_end(exchange, world)
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}
