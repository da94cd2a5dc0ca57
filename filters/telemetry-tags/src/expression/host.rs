//! Envoy's CEL, by the functions it lends to modules.

use std::cell::Cell;

use sdk_helpers::World;

use super::CelSource;
use crate::attribute::{View, written};

/// An expression that Envoy evaluates.
#[derive(Debug)]
pub(super) struct Program {
    source: CelSource,
    /// Envoy's number for it, once it was asked.
    token: Cell<Option<[u8; 4]>>,
}

impl Program {
    /// Envoy reads it later, in [`Program::prepare`].
    pub(super) fn new(source: CelSource) -> Result<Self, String> {
        let token = Cell::new(None);
        Ok(Program { source, token })
    }

    pub(super) fn prepare(&self, world: &dyn World) -> Result<(), String> {
        let token = world
            .host_function("expr_create", self.source.text.as_bytes())
            .and_then(|token| token.as_slice().try_into().ok());
        self.token.set(token);
        if token.is_some() {
            return Ok(());
        }
        Err(
            "this Envoy has no CEL or does not read this expression; its log may say more"
                .to_owned(),
        )
    }

    /// Has Envoy forget it.
    pub(super) fn forget(&self, world: &dyn World) {
        if let Some(token) = self.token.take() {
            let _ = world.host_function("expr_delete", &token);
        }
    }

    pub(super) fn evaluate(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let value = view
            .world
            .host_function("expr_evaluate", &self.token.get()?)?;
        written(self.source.kind, value)
    }
}
