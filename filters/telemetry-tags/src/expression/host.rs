//! Envoy's CEL, by the functions it lends to modules.

use std::cell::Cell;

use sdk_helpers::World;

use super::Source;
use crate::attribute::{Kind, View};

/// An expression that Envoy evaluates.
#[derive(Debug)]
pub(super) struct Program {
    source: Source,
    /// Envoy's number for it, once it was asked.
    token: Cell<Option<[u8; 4]>>,
}

impl Program {
    /// Envoy reads it later, in [`Program::prepare`].
    pub(super) fn new(source: Source) -> Result<Self, String> {
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

    pub(super) fn evaluate(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let value = view
            .world
            .host_function("expr_evaluate", &self.token.get()?)?;
        let number = || value.as_slice().try_into().ok().map(u64::from_le_bytes);
        let text = match self.source.kind {
            Kind::Int => number()?.cast_signed().to_string(),
            Kind::Uint => number()?.to_string(),
            Kind::Bool => match value.as_slice() {
                [flag] => (*flag != 0).to_string(),
                _ => return None,
            },
            _ => return Some(value),
        };
        Some(text.into_bytes())
    }
}
