//! What stands between operators: literals, attributes and what is in parentheses.

use super::super::rules::expect;
use super::super::token::{LEAST, RESERVED, Token};
use super::{Operand, Parser, Read};
use crate::attribute::{Kind, look_up};

impl Parser {
    pub(super) fn member(&mut self) -> Read {
        let mut part = self.primary()?;
        loop {
            if self.tokens.take(".") {
                let name = self.tokens.name()?;
                if self.tokens.take("(") {
                    // What a method is called on is read in its own right.
                    if let Some(path) = part.path.take() {
                        part.node = self.builder.attribute(&path);
                        self.reads.push(path);
                    }
                    part = self.method(part, &name)?;
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
                        Operand::of(Kind::Other)
                    }
                    (kind, ..) => return Err(format!("{} is no key of a map", kind.name())),
                };
            } else {
                return Ok(part);
            }
        }
    }

    fn select(&mut self, part: Operand, name: String) -> Read {
        let Some(mut path) = part.path else {
            return match part.kind {
                Kind::Other | Kind::Map => Ok(Operand::of(Kind::Other)),
                kind => Err(format!("{} has no field `{name}`", kind.name())),
            };
        };
        path.push(name);
        let (kind, _) = look_up(&path)?;
        Ok(Operand {
            path: Some(path),
            ..Operand::of(kind)
        })
    }

    fn primary(&mut self) -> Read {
        if self.tokens.take("(") {
            let inner = self.expression()?;
            self.tokens.expect(")")?;
            return Ok(inner);
        }
        if self.tokens.take("[") {
            let parts = self.list("]")?;
            return Ok(self.operation(Kind::Map, "[", parts));
        }
        if self.tokens.take("{") {
            return Err("a map that is written out is not supported here".to_owned());
        }
        match self.tokens.next() {
            Some(Token::Fraction) => {
                Err("a number with a fraction or an exponent is not supported here".to_owned())
            }
            Some(Token::Text(text)) => Ok(Operand::literal(Kind::Text, text)),
            Some(Token::Bytes) => Ok(Operand::of(Kind::Bytes)),
            Some(Token::Int(number)) if number >= LEAST => {
                Err(format!("`{number}` is larger than any whole number"))
            }
            Some(Token::Int(number)) => Ok(Operand::literal(Kind::Int, number.to_string())),
            Some(Token::Uint(number)) => Ok(Operand::literal(Kind::Uint, number.to_string())),
            Some(Token::Name(name)) => self.named(name),
            other => Err(self.tokens.unexpected(other.as_ref())),
        }
    }

    fn named(&mut self, name: String) -> Read {
        match name.as_str() {
            "true" | "false" => return Ok(Operand::literal(Kind::Bool, name)),
            "null" => return Ok(Operand::of(Kind::Null)),
            word if RESERVED.contains(&word) => {
                return Err(format!("`{word}` is a word that CEL keeps to itself"));
            }
            _ => {}
        }
        if self.tokens.take("(") {
            return self.function(&name);
        }
        if self.scope.contains(&name) {
            return Ok(Operand::of(Kind::Other));
        }
        let path = vec![name];
        let (kind, _) = look_up(&path)?;
        Ok(Operand {
            path: Some(path),
            ..Operand::of(kind)
        })
    }
}
