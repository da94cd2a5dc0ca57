//! Expressions: CEL, as far as Envoy and the interpreter of our tests agree on it.
//!
//! A literal, a plain attribute and a [`tree`] of such are evaluated here and cost what reading them costs; anything
//! else is Envoy's to evaluate, by the functions it lends to modules. Outside of Envoy the `cel` crate does
//! the same and no byte of it gets into a module.

mod advice;
#[cfg(target_arch = "wasm32")]
#[path = "expression/host.rs"]
mod engine;
#[cfg(not(target_arch = "wasm32"))]
#[path = "expression/native.rs"]
pub mod engine;
mod literal;
mod rules;
mod syntax;
mod token;
mod tree;

use std::borrow::Cow;

use sdk_helpers::{At, Problems, World};

use crate::attribute::{Attribute, Kind, Phase, View, comes_late};
use crate::claim::{Claim, LazyClaims};

/// A checked expression.
#[derive(Debug)]
pub struct Expression {
    how: How,
    /// What the engine reads of it: also what is evaluated here is only taken if the engine takes it.
    program: Option<Box<engine::Program>>,
    /// As the user wrote it.
    text: String,
    /// Its place in the configuration, for what is only found out when Envoy reads it.
    at: String,
    /// The patterns it matches texts by: whether they are any, only the engine knows.
    patterns: Vec<String>,
    /// Whether it reads what other filters may leave later.
    comes_late: bool,
    /// From when on it can be evaluated.
    pub phase: Phase,
}

#[derive(Debug)]
enum How {
    Literal(String),
    Attribute(Attribute),
    Claim(Claim),
    Tree(Box<tree::Tree>),
    Engine,
}

/// An expression as an engine takes it.
#[derive(Debug, Clone)]
pub struct CelSource {
    /// As the engine takes it.
    pub text: String,
    /// What it gives.
    pub kind: Kind,
    /// The attributes it reads.
    pub reads: Vec<Vec<String>>,
}

impl Expression {
    /// Checks the one at this place of the configuration.
    ///
    /// What is legal and surely not meant comes beside it.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str, at: &At<'_>) -> Result<(Self, Option<String>), String> {
        let parsed =
            syntax::parse(text).map_err(|problem| advice::instead_of(text).unwrap_or(problem))?;
        let plain = |path: &Vec<String>| Attribute::plain(path, parsed.kind, parsed.phase);
        let comes_late = parsed.reads.iter().any(|path| comes_late(path));
        let (how, program) = if let Some(literal) = parsed.literal {
            (How::Literal(literal), None)
        } else if let Some(attribute) = parsed.attribute.as_ref().and_then(plain) {
            (How::Attribute(attribute), None)
        } else {
            // How bytes are read depends on what kind the value is, which of a map's value is unknown.
            let text = match parsed.kind {
                Kind::Other => format!("string({text})"),
                _ => text.to_owned(),
            };
            let program = engine::Program::new(CelSource {
                text,
                kind: parsed.kind,
                reads: parsed.reads,
            })?;
            let how = match parsed.tree {
                Some(tree) => How::Tree(tree.into()),
                None => How::Engine,
            };
            (how, Some(program.into()))
        };
        let expression = Expression {
            how,
            program,
            text: text.to_owned(),
            at: at.to_string(),
            patterns: parsed.patterns,
            comes_late,
            phase: parsed.phase,
        };
        Ok((expression, advice::of_format(text).or(parsed.warning)))
    }

    /// What stands in place of one: the claim of this name.
    ///
    /// # Errors
    /// Says how a claim is written.
    pub fn of_claim(name: &str, at: &At<'_>) -> Result<Self, String> {
        Ok(Expression {
            how: How::Claim(Claim::parse(name)?),
            program: None,
            // With a blank it is the text of no expression.
            text: format!("claim {name}"),
            at: at.to_string(),
            patterns: Vec::new(),
            comes_late: false,
            phase: Phase::Request,
        })
    }

    /// Checks that one can be read, whatever it means.
    ///
    /// # Errors
    /// Says where it cannot.
    pub fn check_syntax(text: &str) -> Result<(), String> {
        syntax::check(text)
    }

    /// Whether another one is the same.
    pub fn is_same(&self, other: &Expression) -> bool {
        self.text == other.text
    }

    /// Has the engine read it, and reports at its place if it will not.
    pub fn prepare(&self, world: &dyn World, problems: &Problems) {
        let Some(program) = &self.program else {
            return;
        };
        let at = At::written(&self.at);
        if let Err(problem) = program.prepare(world) {
            problems.error(&at, problem);
        } else if let Some(pattern) = self.patterns.iter().find(|one| !is_pattern(one, world)) {
            problems.error(
                &at,
                format!("`{pattern}` is no pattern that Envoy can match by (RE2)"),
            );
        }
        if self.is_evaluated_here() {
            program.forget(world);
        }
    }

    /// As the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether no engine is asked for its value.
    pub fn is_evaluated_here(&self) -> bool {
        !matches!(self.how, How::Engine)
    }

    /// How many looks at the headers of the request it takes.
    pub fn headers(&self) -> usize {
        match &self.how {
            How::Attribute(attribute) => attribute.headers(),
            How::Tree(tree) => tree.headers(),
            How::Literal(_) | How::Claim(_) | How::Engine => 0,
        }
    }

    /// Whether it may have a value later where it has none now.
    pub fn comes_late(&self) -> bool {
        self.comes_late
    }

    /// Whether Envoy evaluates it, by a function that has to see the stream.
    pub fn is_envoys(&self) -> bool {
        matches!(self.how, How::Engine)
    }

    /// Its value as text; `None` if it has none, because an attribute is missing, say.
    pub fn evaluate<'a>(&'a self, view: &View<'a>) -> Option<Cow<'a, [u8]>> {
        match &self.how {
            How::Literal(text) => Some(Cow::Borrowed(text.as_bytes())),
            How::Attribute(attribute) => attribute.read(view),
            How::Claim(claim) => claim.read(view.claims, view.world).map(Cow::Owned),
            How::Tree(tree) => tree.evaluate(view),
            How::Engine => self.program.as_ref()?.evaluate(view).map(Cow::Owned),
        }
    }
}

/// Whether the engine can match a text by a pattern: it reads one only when it evaluates. An engine that
/// evaluates nothing yet says nothing about it.
fn is_pattern(pattern: &str, world: &dyn World) -> bool {
    let matches = |pattern: &str| {
        let source = CelSource {
            text: format!("''.matches({})", literal::quote(pattern)),
            kind: Kind::Bool,
            reads: vec![],
        };
        let nothing = View {
            request: None,
            response: None,
            claims: &LazyClaims::default(),
            world,
        };
        let program = engine::Program::new(source).ok()?;
        program.prepare(world).ok()?;
        let answer = program.evaluate(&nothing);
        program.forget(world);
        answer
    };
    matches(pattern).is_some() || matches("").is_none()
}
