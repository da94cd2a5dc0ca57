//! The part of CEL that Envoy and the interpreter of our tests read alike, checked for syntax,
//! names and kinds when a configuration is loaded.
//!
//! What only one of the two knows, or they answer differently, is refused here with what to write
//! instead: an expression that Envoy silently evaluates to nothing helps nobody.

use super::token::{Token, Tokens};
use crate::attribute::{Kind, Phase, is_closed_between, look_up};

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
    /// From when on it can be evaluated.
    pub(super) phase: Phase,
}

/// Deep enough for people, and far from the end of any stack.
const DEEPEST: usize = 32;
/// As many operands, so that no tree is deeper on the other side either.
const MOST_OPERANDS: usize = 200;
const LONGEST: usize = 4096;

/// Functions, methods and their kinds of results.
const METHODS: [(&str, usize, Kind); 5] = [
    ("startsWith", 1, Kind::Bool),
    ("endsWith", 1, Kind::Bool),
    ("contains", 1, Kind::Bool),
    ("matches", 1, Kind::Bool),
    ("size", 0, Kind::Int),
];
const FUNCTIONS: [(&str, Kind); 5] = [
    ("size", Kind::Int),
    ("string", Kind::Text),
    ("int", Kind::Int),
    ("duration", Kind::Duration),
    ("timestamp", Kind::Time),
];
const MACROS: [&str; 3] = ["exists", "all", "exists_one"];

/// Reads an expression.
///
/// # Errors
/// Says what is wrong, or what Envoy does not do.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser {
        tokens: Tokens::of(text)?,
        reads: Vec::new(),
        scope: Vec::new(),
        depth: 0,
        operands: 0,
    };
    let whole = parser.expression()?;
    parser.tokens.expect_end()?;
    let mut phase = Phase::Request;
    let mut closed = false;
    for path in &parser.reads {
        phase = phase.max(look_up(path)?.1);
        closed |= is_closed_between(path);
    }
    if phase == Phase::Response && closed {
        phase = Phase::End;
    }
    if matches!(whole.kind, Kind::Duration | Kind::Time) {
        return Err(format!(
            "gives {}, which is no text; compare it with another one",
            whole.kind.name()
        ));
    }
    Ok(Parsed {
        kind: whole.kind,
        literal: whole.literal,
        attribute: whole.path,
        reads: parser.reads,
        phase,
    })
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

struct Parser {
    tokens: Tokens,
    reads: Vec<Vec<String>>,
    /// Variables of the macros around.
    scope: Vec<String>,
    depth: usize,
    operands: usize,
}

type Read = Result<Part, String>;

impl Parser {
    fn expression(&mut self) -> Read {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST}"));
        }
        let condition = self.binary(0)?;
        let whole = if self.tokens.take("?") {
            expect(&condition, Kind::Bool, "?")?;
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
            left = combine(operator, &left, &right)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Read {
        self.operands = self.operands.saturating_add(1);
        if self.operands > MOST_OPERANDS {
            return Err(format!("has more than {MOST_OPERANDS} parts"));
        }
        if self.tokens.take("!") {
            let part = self.unary()?;
            expect(&part, Kind::Bool, "!")?;
            return Ok(Part::of(Kind::Bool));
        }
        if self.tokens.take("-") {
            let part = self.unary()?;
            expect(&part, Kind::Int, "-")?;
            let literal = part.literal.map(|digits| format!("-{digits}"));
            return Ok(Part {
                literal,
                ..Part::of(Kind::Int)
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
                        self.reads.extend(part.path.take());
                        self.reads.extend(index.path);
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
                Kind::Other => Ok(Part::of(Kind::Other)),
                kind => Err(format!("{} has no field `{name}`", kind.name())),
            };
        };
        let is_header = path.len() == 2 && path.get(1).is_some_and(|field| field == "headers");
        if is_header && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("`{name}`: write names of headers in lower case"));
        }
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
            return Ok(Part::of(Kind::Other));
        }
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Part {
                literal: Some(text),
                ..Part::of(Kind::Text)
            }),
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
            "null" => return Err("`null` is no value of a tag".to_owned()),
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
            let part = self.member()?;
            self.tokens.expect(")")?;
            return match part.path.filter(|_| part.dotted) {
                Some(path) => {
                    self.reads.push(path);
                    Ok(Part::of(Kind::Bool))
                }
                None => Err("`has()` takes a field, such as `has(request.referer)`".to_owned()),
            };
        }
        let Some((_, kind)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown(name));
        };
        let arguments = self.list(")")?;
        let [argument] = arguments.as_slice() else {
            return Err(format!("`{name}()` takes one argument"));
        };
        let fits = match name {
            "size" => !matches!(argument.kind, Kind::Int | Kind::Uint | Kind::Bool),
            "string" => !matches!(argument.kind, Kind::Duration | Kind::Time | Kind::Bool),
            "int" => !matches!(argument.kind, Kind::Duration | Kind::Bytes | Kind::Bool),
            _ => argument.literal.is_some() && argument.kind == Kind::Text,
        };
        if !fits {
            return Err(format!("`{name}()` does not take {}", argument.kind.name()));
        }
        Ok(Part::of(*kind))
    }

    fn method(&mut self, of: &Part, name: &str) -> Read {
        if MACROS.contains(&name) {
            return self.comprehension();
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
        if name == "matches" && !arguments.iter().all(|part| part.literal.is_some()) {
            return Err("`matches()` takes a pattern that is written out".to_owned());
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
        expect(&body, Kind::Bool, "the condition")?;
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
        }
        self.tokens.expect(end)?;
        Ok(parts)
    }
}

fn unknown(name: &str) -> String {
    format!(
        "`{name}()` is no function that Envoy has; known are `startsWith`, `endsWith`, `contains`, \
         `matches`, `size`, `string`, `int`, `has`, `exists`, `all`, `exists_one`, `duration`, `timestamp`"
    )
}

fn expect(part: &Part, kind: Kind, operator: &str) -> Result<(), String> {
    if part.kind == kind || part.kind == Kind::Other {
        return Ok(());
    }
    Err(format!(
        "`{operator}` takes {}, not {}",
        kind.name(),
        part.kind.name()
    ))
}

fn combine(operator: &str, left: &Part, right: &Part) -> Read {
    let same = left.kind == right.kind || left.kind == Kind::Other || right.kind == Kind::Other;
    let kind = if left.kind == Kind::Other {
        right.kind
    } else {
        left.kind
    };
    let refuse = || {
        let remedy = match (left.kind, right.kind) {
            (Kind::Bytes, Kind::Text) | (Kind::Text, Kind::Bytes) => {
                "; write `string(…)` around the bytes"
            }
            (Kind::Uint, Kind::Int) | (Kind::Int, Kind::Uint) => "; write `5u` for an unsigned 5",
            (Kind::Text, Kind::Int) | (Kind::Int, Kind::Text) => "; a number has no quotes",
            _ => "",
        };
        Err(format!(
            "`{operator}` does not take {} and {}{remedy}",
            left.kind.name(),
            right.kind.name()
        ))
    };
    match operator {
        "||" | "&&" => {
            expect(left, Kind::Bool, operator)?;
            expect(right, Kind::Bool, operator)?;
            Ok(Part::of(Kind::Bool))
        }
        "in" if right.kind == Kind::Other => Ok(Part::of(Kind::Bool)),
        "==" | "!=" if same => Ok(Part::of(Kind::Bool)),
        "<" | "<=" | ">" | ">=" if same && kind != Kind::Bool => Ok(Part::of(Kind::Bool)),
        "+" if same && matches!(kind, Kind::Text | Kind::Int | Kind::Other) => Ok(Part::of(kind)),
        "-" | "*" | "/" | "%" if same && matches!(kind, Kind::Int | Kind::Other) => {
            Ok(Part::of(kind))
        }
        _ => refuse(),
    }
}
