//! What runs the cases of a file.

use cases::{File, Report};
use envoy_cases::InEnvoy;

use crate::ending::Failure;
use crate::local_envoy::LocalEnvoy;

/// Where cases are run.
#[derive(Clone, Copy)]
pub(super) enum Engine<'a> {
    /// In the filters' own code.
    Native,
    /// In the built modules, which this Envoy loads.
    Envoy(&'a LocalEnvoy),
}

impl Engine<'_> {
    /// Runs all of a file.
    pub(super) fn run(self, file: &File) -> Result<Report, Failure> {
        let local = match self {
            Engine::Native => return Ok(cases::run(file, &cases::natively)),
            Engine::Envoy(local) => local,
        };
        let inside = InEnvoy::start(
            file,
            |filter| local.module(filter),
            |builder| {
                let started = local.with(builder)?.start();
                started.map_err(|error| Failure::at(&file.path, error))
            },
        )?;
        Ok(cases::run(file, &|_, suite| inside.suite(suite)))
    }
}
