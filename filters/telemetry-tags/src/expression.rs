//! Expressions: CEL, as far as Envoy and the interpreter of our tests agree on it.
//!
//! A literal or a plain attribute is read here and costs what reading it costs; anything else is
//! Envoy's to evaluate, by the functions it lends to modules. Outside of Envoy the `cel` crate does
//! the same and no byte of it gets into a module.

#[cfg(target_arch = "wasm32")]
#[path = "expression/host.rs"]
mod engine;
#[cfg(not(target_arch = "wasm32"))]
#[path = "expression/native.rs"]
pub mod engine;
mod syntax;
mod token;

use sdk_helpers::World;

use crate::attribute::{Attribute, Kind, Phase, View};

/// A checked expression.
#[derive(Debug)]
pub struct Expression {
    how: How,
    /// From when on it can be evaluated.
    pub phase: Phase,
}

#[derive(Debug)]
enum How {
    Literal(String),
    Attribute(Attribute),
    Engine(engine::Program),
}

/// An expression for an engine.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the engine takes it.
    pub text: String,
    /// What it gives.
    pub kind: Kind,
    /// The attributes it reads.
    pub reads: Vec<Vec<String>>,
}

impl Expression {
    /// Checks one.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = syntax::parse(text)?;
        let plain = |path: &Vec<String>| Attribute::plain(path, parsed.kind, parsed.phase);
        let how = if let Some(literal) = parsed.literal {
            How::Literal(literal)
        } else if let Some(attribute) = parsed.attribute.as_ref().and_then(plain) {
            How::Attribute(attribute)
        } else {
            // What the value is decides how its bytes are read, and of a map's value nobody knows.
            let text = match parsed.kind {
                Kind::Other => format!("string({text})"),
                _ => text.to_owned(),
            };
            How::Engine(engine::Program::new(Source {
                text,
                kind: parsed.kind,
                reads: parsed.reads,
            })?)
        };
        Ok(Expression {
            how,
            phase: parsed.phase,
        })
    }

    /// Whether its value never changes.
    pub fn is_literal(&self) -> bool {
        matches!(self.how, How::Literal(_))
    }

    /// Has the engine read it.
    ///
    /// # Errors
    /// Says why the engine will not.
    pub fn prepare(&self, world: &dyn World) -> Result<(), String> {
        match &self.how {
            How::Engine(program) => program.prepare(world),
            How::Literal(_) | How::Attribute(_) => Ok(()),
        }
    }

    /// Its value as text; `None` if it has none, because an attribute is missing, say.
    pub fn evaluate(&self, view: &View<'_>) -> Option<Vec<u8>> {
        match &self.how {
            How::Literal(text) => Some(text.clone().into_bytes()),
            How::Attribute(attribute) => attribute.read(view),
            How::Engine(program) => program.evaluate(view),
        }
    }
}
