//! The part of CEL that Envoy and the interpreter of our tests read alike, checked for syntax,
//! names and kinds when a configuration is loaded.
//!
//! What only one of the two knows, or they answer differently, is refused here with what to write
//! instead: an expression that Envoy silently evaluates to nothing helps nobody.

mod calls;
mod operand;

use super::advice;
use super::rules::{combine, expect, negated};
use super::token::Tokens;
use super::tree::{Builder, Node, Tree};
use crate::attribute::{Kind, Phase, is_closed_between, is_foreign, look_up};

/// What an expression is found to be.
#[derive(Debug)]
pub(super) struct Parsed {
    /// What it gives.
    pub(super) kind: Kind,
    /// The whole of it, if it is just a literal.
    pub(super) literal: Option<String>,
    /// The whole of it, if it is just an attribute.
    pub(super) attribute: Option<Vec<String>>,
    /// The whole of it, if this module evaluates it as Envoy would.
    pub(super) tree: Option<Tree>,
    /// The attributes it reads, as far down as names lead.
    pub(super) reads: Vec<Vec<String>>,
    /// The patterns it matches texts by.
    pub(super) patterns: Vec<String>,
    /// From when on it can be evaluated.
    pub(super) phase: Phase,
    /// What is legal and surely not meant.
    pub(super) warning: Option<String>,
}

/// Deep enough for people, and far from the end of any stack.
const DEEPEST: usize = 32;
/// As many operands, so that no tree is deeper on the other side either.
const MOST_OPERANDS: usize = 200;
const LONGEST: usize = 4096;

/// Reads an expression.
///
/// # Errors
/// Says what is wrong, or what Envoy does not do.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser::of(text)?;
    let whole = parser.whole()?;
    let mut phase = Phase::Request;
    let mut closed = false;
    let mut warning = parser.warning.take();
    for path in &parser.reads {
        phase = phase.max(look_up(path)?.1);
        closed |= is_closed_between(path);
        if is_foreign(path) {
            let name = path.join(".");
            warning = Some(format!(
                "`{name}` is no attribute of Envoy's; it is read as `filter_state['wasm.{name}']`"
            ));
        }
    }
    if phase == Phase::Response && closed {
        phase = Phase::End;
    }
    if matches!(
        whole.kind,
        Kind::Duration | Kind::Time | Kind::Map | Kind::Null
    ) {
        return Err(format!("gives {}, which is no text", whole.kind.name()));
    }
    Ok(Parsed {
        kind: whole.kind,
        literal: whole.literal,
        attribute: whole.path,
        tree: whole.node.map(|root| parser.builder.finish(root)),
        reads: parser.reads,
        patterns: parser.patterns,
        phase,
        warning,
    })
}

/// Whether an expression can be read at all, whatever it means.
///
/// # Errors
/// Says where it cannot.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut parser = Parser::of(text)?;
    match parser.whole() {
        Err(problem) if parser.tokens.broken => Err(problem),
        _ => Ok(()),
    }
}

/// A part of an expression: what it gives, and what it is if it is just one thing.
struct Operand {
    kind: Kind,
    literal: Option<String>,
    /// The attribute it is.
    path: Option<Vec<String>>,
    /// Whether its last name stands behind a dot.
    dotted: bool,
    /// Itself, for this module to evaluate; `None` if only Envoy can.
    node: Option<Node>,
}

impl Operand {
    fn of(kind: Kind) -> Self {
        Operand {
            kind,
            literal: None,
            path: None,
            dotted: false,
            node: None,
        }
    }

    fn known(kind: Kind, node: Option<Node>) -> Self {
        Operand {
            node,
            ..Operand::of(kind)
        }
    }

    fn literal(kind: Kind, text: String) -> Self {
        Operand {
            node: Builder::literal(kind, &text),
            literal: Some(text),
            ..Operand::of(kind)
        }
    }

    /// What to write for `a || 'none'`.
    fn or_else(&self, operator: &str, other: &Operand) -> Option<String> {
        let path = self.path.as_ref().filter(|_| operator == "||")?;
        let other = other
            .literal
            .as_deref()
            .filter(|_| other.kind == Kind::Text);
        let instead = advice::or_else(path, self.dotted, other)?;
        Some(format!(
            "`||` takes true or false, and not a value for one that is missing; write `{instead}`"
        ))
    }
}

struct Parser {
    tokens: Tokens,
    reads: Vec<Vec<String>>,
    patterns: Vec<String>,
    builder: Builder,
    /// What is legal and surely not meant.
    warning: Option<String>,
    /// Variables of the macros around.
    scope: Vec<String>,
    depth: usize,
    operands: usize,
}

type Read = Result<Operand, String>;

impl Parser {
    fn of(text: &str) -> Result<Self, String> {
        Ok(Parser {
            tokens: Tokens::of(text)?,
            reads: Vec::new(),
            patterns: Vec::new(),
            builder: Builder::default(),
            warning: None,
            scope: Vec::new(),
            depth: 0,
            operands: 0,
        })
    }

    fn whole(&mut self) -> Read {
        let whole = self.expression()?;
        self.tokens.expect_end()?;
        Ok(whole)
    }

    /// Goes down one level of nesting; the caller goes up again.
    fn descend(&mut self) -> Result<(), String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST}"));
        }
        Ok(())
    }

    fn expression(&mut self) -> Read {
        self.descend()?;
        let condition = self.binary(0)?;
        let whole = if self.tokens.take("?") {
            expect(condition.kind, Kind::Bool, "?")?;
            let yes = self.binary(0)?;
            self.tokens.expect(":")?;
            let no = self.expression()?;
            let kind = if yes.kind == no.kind {
                yes.kind
            } else {
                Kind::Other
            };
            self.operation(kind, "?", vec![condition, yes, no])
        } else {
            condition
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(whole)
    }

    fn binary(&mut self, least: u8) -> Read {
        let mut left = self.unary()?;
        while let Some((operator, level)) =
            self.tokens.operator().filter(|(_, level)| *level >= least)
        {
            self.tokens.advance();
            let right = self.binary(level.saturating_add(1))?;
            if right.kind == Kind::Null {
                self.warn_of_null(&left);
            }
            left = match combine(operator, left.kind, right.kind) {
                Ok(kind) => self.infix(kind, operator, left, right),
                Err(problem) => return Err(left.or_else(operator, &right).unwrap_or(problem)),
            };
        }
        Ok(left)
    }

    fn infix(&mut self, kind: Kind, operator: &str, left: Operand, right: Operand) -> Operand {
        // A map by itself is nothing to this module, but it knows what is asked about one.
        if operator == "in"
            && let (Kind::Text, Some(name), Some(path)) = (left.kind, &left.literal, &right.path)
        {
            let path = [path.as_slice(), std::slice::from_ref(name)].concat();
            return Operand::known(kind, self.builder.has(&path));
        }
        self.operation(kind, operator, vec![left, right])
    }

    /// What an operator, a function or a method makes of parts.
    fn operation(&mut self, kind: Kind, written: &str, parts: Vec<Operand>) -> Operand {
        let mut parts = parts.into_iter().map(|part| (part.kind, part.node));
        Operand::known(kind, self.builder.operation(written, &mut parts))
    }

    /// Of Envoy's own attributes none is ever null; where one is missing, so is the answer.
    fn warn_of_null(&mut self, part: &Operand) {
        let path = part.path.as_ref().filter(|_| part.kind != Kind::Other);
        if let Some(path) = path
            && let Some(there) = advice::is_there(path, part.dotted)
        {
            self.warning = Some(format!(
                "`{}` is never null, and where it is missing the whole expression is `unknown`; write `{there}`",
                advice::written(path)
            ));
        }
    }

    fn unary(&mut self) -> Read {
        self.signed(true)
    }

    /// Of several minus signs the first is none of the number's own.
    fn signed(&mut self, is_first: bool) -> Read {
        self.operands = self.operands.saturating_add(1);
        if self.operands > MOST_OPERANDS {
            return Err(format!("has more than {MOST_OPERANDS} parts"));
        }
        if self.tokens.take("!") {
            let part = self.unary()?;
            expect(part.kind, Kind::Bool, "!")?;
            return Ok(self.operation(Kind::Bool, "!", vec![part]));
        }
        if self.tokens.take("-") {
            if is_first && self.tokens.take_least() {
                return Ok(Operand::literal(Kind::Int, i64::MIN.to_string()));
            }
            let part = self.signed(false)?;
            expect(part.kind, Kind::Int, "-")?;
            // Of the least of all numbers there is none.
            let kind = part.kind;
            let digits = part.literal.as_deref().map(negated);
            return Ok(
                match digits.filter(|digits| digits.parse::<i64>().is_ok()) {
                    Some(digits) => Operand::literal(kind, digits),
                    None => self.operation(kind, "-", vec![part]),
                },
            );
        }
        let mut part = self.member()?;
        if let Some(path) = &part.path {
            self.reads.push(path.clone());
            part.node = self.builder.attribute(path);
        }
        Ok(part)
    }
}
