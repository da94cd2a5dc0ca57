//! Functions, methods, macros and lists.

use super::super::advice;
use super::super::rules::{FUNCTIONS, MACROS, METHODS, expect, has_size, takes, unknown};
use super::{Operand, Parser, Read};
use crate::attribute::Kind;

impl Parser {
    pub(super) fn function(&mut self, name: &str) -> Read {
        if name == "has" {
            self.descend()?;
            let part = self.member()?;
            self.tokens.expect(")")?;
            self.depth = self.depth.saturating_sub(1);
            return match part.path {
                Some(path) if part.dotted => {
                    let node = self.builder.has(&path);
                    self.reads.push(path);
                    Ok(Operand::known(Kind::Bool, node))
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
        let mut arguments = self.list(")")?;
        let (Some(argument), []) = (arguments.pop(), arguments.as_slice()) else {
            return Err(format!("`{name}()` takes one argument"));
        };
        let fits = takes(name, argument.kind, argument.literal.is_some());
        if !fits {
            return Err(format!("`{name}()` does not take {}", argument.kind.name()));
        }
        Ok(self.operation(*kind, name, vec![argument]))
    }

    pub(super) fn method(&mut self, of: Operand, name: &str) -> Read {
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
        let mut arguments = self.list(")")?;
        if arguments.len() != *count {
            return Err(format!("`{name}()` takes {count} arguments here"));
        }
        let texts = || std::iter::once(&of).chain(&arguments);
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
            return Ok(Operand::of(*kind));
        }
        arguments.insert(0, of);
        Ok(self.operation(*kind, name, arguments))
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
        Ok(Operand::of(Kind::Bool))
    }

    pub(super) fn list(&mut self, end: &'static str) -> Result<Vec<Operand>, String> {
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
