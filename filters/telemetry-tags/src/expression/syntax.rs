//! The part of CEL that Envoy and the interpreter of our tests read alike, checked for syntax,
//! names and kinds when a configuration is loaded.
//!
//! What only one of the two knows, or they answer differently, is refused here with what to write
//! instead: an expression that Envoy silently evaluates to nothing helps nobody.

use super::advice;
use super::rules::{
    FUNCTIONS, MACROS, METHODS, combine, expect, has_size, negated, takes, unknown,
};
use super::token::{LEAST, RESERVED, Token, Tokens};
use crate::attribute::{Kind, Phase, is_closed_between, is_foreign, look_up};

/// What an expression is found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    /// What it gives.
    pub(super) kind: Kind,
    /// The whole of it, if it is just a literal.
    pub(super) literal: Option<String>,
    /// The whole of it, if it is just an attribute.
    pub(super) attribute: Option<Vec<String>>,
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

/// What a part of an expression is.
struct Part {
    kind: Kind,
    literal: Option<String>,
    /// The attribute it is.
    path: Option<Vec<String>>,
    /// Whether its last name stands behind a dot.
    dotted: bool,
}

impl Part {
    fn of(kind: Kind) -> Self {
        Part {
            kind,
            literal: None,
            path: None,
            dotted: false,
        }
    }
}

impl Part {
    /// What to write for `a || 'none'`.
    fn or_else(&self, operator: &str, other: &Part) -> Option<String> {
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
    /// What is legal and surely not meant.
    warning: Option<String>,
    /// Variables of the macros around.
    scope: Vec<String>,
    depth: usize,
    operands: usize,
}

type Read = Result<Part, String>;

impl Parser {
    fn of(text: &str) -> Result<Self, String> {
        Ok(Parser {
            tokens: Tokens::of(text)?,
            reads: Vec::new(),
            patterns: Vec::new(),
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

    /// Goes down one level; whoever comes up again takes it back.
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
            Part::of(if yes.kind == no.kind {
                yes.kind
            } else {
                Kind::Other
            })
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
                Ok(kind) => Part::of(kind),
                Err(problem) => return Err(left.or_else(operator, &right).unwrap_or(problem)),
            };
        }
        Ok(left)
    }

    /// Of Envoy's own attributes none is ever null; where one is missing, so is the answer.
    fn warn_of_null(&mut self, part: &Part) {
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
            return Ok(Part::of(Kind::Bool));
        }
        if self.tokens.take("-") {
            if is_first && self.tokens.take_least() {
                return Ok(Part {
                    literal: Some(i64::MIN.to_string()),
                    ..Part::of(Kind::Int)
                });
            }
            let part = self.signed(false)?;
            expect(part.kind, Kind::Int, "-")?;
            return Ok(Part {
                literal: part.literal.map(|digits| negated(&digits)),
                ..Part::of(part.kind)
            });
        }
        let part = self.member()?;
        if let Some(path) = &part.path {
            self.reads.push(path.clone());
        }
        Ok(part)
    }

    fn member(&mut self) -> Read {
        let mut part = self.primary()?;
        loop {
            if self.tokens.take(".") {
                let name = self.tokens.name()?;
                if self.tokens.take("(") {
                    // What a method is called on is read in its own right.
                    self.reads.extend(part.path.take());
                    part = self.method(&part, &name)?;
                } else {
                    part = self.select(part, name)?;
                    part.dotted = true;
                }
            } else if self.tokens.take("[") {
                let index = self.expression()?;
                self.tokens.expect("]")?;
                part = match (index.kind, index.literal, part.path.is_some()) {
                    (Kind::Text, Some(name), true) => self.select(part, name)?,
                    (Kind::Text | Kind::Int | Kind::Other, ..) => {
                        expect(part.kind, Kind::Map, "[]")?;
                        self.reads.extend(part.path.take());
                        Part::of(Kind::Other)
                    }
                    (kind, ..) => return Err(format!("{} is no key of a map", kind.name())),
                };
            } else {
                return Ok(part);
            }
        }
    }

    fn select(&mut self, part: Part, name: String) -> Read {
        let Some(mut path) = part.path else {
            return match part.kind {
                Kind::Other | Kind::Map => Ok(Part::of(Kind::Other)),
                kind => Err(format!("{} has no field `{name}`", kind.name())),
            };
        };
        path.push(name);
        let (kind, _) = look_up(&path)?;
        Ok(Part {
            path: Some(path),
            ..Part::of(kind)
        })
    }

    fn primary(&mut self) -> Read {
        if self.tokens.take("(") {
            let inner = self.expression()?;
            self.tokens.expect(")")?;
            return Ok(inner);
        }
        if self.tokens.take("[") {
            self.list("]")?;
            return Ok(Part::of(Kind::Map));
        }
        if self.tokens.take("{") {
            return Err("a map that is written out is not supported here".to_owned());
        }
        match self.tokens.next() {
            Some(Token::Fraction) => {
                Err("a number with a fraction or an exponent is not supported here".to_owned())
            }
            Some(Token::Text(text)) => Ok(Part {
                literal: Some(text),
                ..Part::of(Kind::Text)
            }),
            Some(Token::Bytes) => Ok(Part::of(Kind::Bytes)),
            Some(Token::Int(number)) if number >= LEAST => {
                Err(format!("`{number}` is larger than any whole number"))
            }
            Some(Token::Int(number)) => Ok(Part {
                literal: Some(number.to_string()),
                ..Part::of(Kind::Int)
            }),
            Some(Token::Uint(number)) => Ok(Part {
                literal: Some(number.to_string()),
                ..Part::of(Kind::Uint)
            }),
            Some(Token::Name(name)) => self.named(name),
            other => Err(self.tokens.unexpected(other.as_ref())),
        }
    }

    fn named(&mut self, name: String) -> Read {
        match name.as_str() {
            "true" | "false" => {
                return Ok(Part {
                    literal: Some(name),
                    ..Part::of(Kind::Bool)
                });
            }
            "null" => return Ok(Part::of(Kind::Null)),
            word if RESERVED.contains(&word) => {
                return Err(format!("`{word}` is a word that CEL keeps to itself"));
            }
            _ => {}
        }
        if self.tokens.take("(") {
            return self.function(&name);
        }
        if self.scope.contains(&name) {
            return Ok(Part::of(Kind::Other));
        }
        let path = vec![name];
        let (kind, _) = look_up(&path)?;
        Ok(Part {
            path: Some(path),
            ..Part::of(kind)
        })
    }

    fn function(&mut self, name: &str) -> Read {
        if name == "has" {
            self.descend()?;
            let part = self.member()?;
            self.tokens.expect(")")?;
            self.depth = self.depth.saturating_sub(1);
            return match part.path {
                Some(path) if part.dotted => {
                    self.reads.push(path);
                    Ok(Part::of(Kind::Bool))
                }
                Some(path) if path.len() > 1 => {
                    let there = advice::is_there(&path, false).unwrap_or_default();
                    Err(format!(
                        "`has()` takes a field behind a dot, such as `has(request.referer)`; for a key write `{there}`"
                    ))
                }
                _ => Err("`has()` takes a field, such as `has(request.referer)`".to_owned()),
            };
        }
        let Some((_, kind)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(name));
        };
        let arguments = self.list(")")?;
        let [argument] = arguments.as_slice() else {
            return Err(format!("`{name}()` takes one argument"));
        };
        let fits = takes(name, argument.kind, argument.literal.is_some());
        if !fits {
            return Err(format!("`{name}()` does not take {}", argument.kind.name()));
        }
        Ok(Part::of(*kind))
    }

    fn method(&mut self, of: &Part, name: &str) -> Read {
        if MACROS.contains(&name) {
            expect(of.kind, Kind::Map, name)?;
            return self.comprehension();
        }
        if name == "size" && !has_size(of.kind) {
            return Err(format!("`size()` does not take {}", of.kind.name()));
        }
        let Some((_, count, kind)) = METHODS.iter().find(|(known, ..)| *known == name) else {
            return Err(unknown(name));
        };
        let arguments = self.list(")")?;
        if arguments.len() != *count {
            return Err(format!("`{name}()` takes {count} arguments here"));
        }
        let texts = || std::iter::once(of).chain(&arguments);
        if *kind == Kind::Bool && !texts().all(|part| matches!(part.kind, Kind::Text | Kind::Other))
        {
            let other = texts().find(|part| part.kind != Kind::Text);
            let found = other.map_or("", |part| part.kind.name());
            return Err(format!(
                "`{name}()` takes texts, not {found}; see `string()`"
            ));
        }
        if name == "matches" {
            let pattern = arguments.into_iter().next().and_then(|part| part.literal);
            let Some(pattern) = pattern else {
                return Err("`matches()` takes a pattern that is written out".to_owned());
            };
            self.patterns.push(pattern);
        }
        Ok(Part::of(*kind))
    }

    /// `list.exists(x, x == 1)`, behind its parenthesis.
    fn comprehension(&mut self) -> Read {
        let variable = self.tokens.name()?;
        self.tokens.expect(",")?;
        self.scope.push(variable);
        let body = self.expression()?;
        self.scope.pop();
        self.tokens.expect(")")?;
        expect(body.kind, Kind::Bool, "the condition")?;
        Ok(Part::of(Kind::Bool))
    }

    fn list(&mut self, end: &'static str) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        if self.tokens.take(end) {
            return Ok(parts);
        }
        loop {
            parts.push(self.expression()?);
            if !self.tokens.take(",") {
                break;
            }
            // A list may end with a comma; arguments may not.
            if end == "]" && self.tokens.take(end) {
                return Ok(parts);
            }
        }
        self.tokens.expect(end)?;
        Ok(parts)
    }
}
