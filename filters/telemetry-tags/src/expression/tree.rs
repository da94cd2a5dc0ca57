//! Expressions that this module evaluates itself, without a call to Envoy: strings, ints and bools of what stands
//! in headers, and of at most one attribute that Envoy has to be asked for.
//!
//! An expression is a tree only if all of it is known here and gives what Envoy's CEL gives, in every case; where
//! one part is not, the whole expression is Envoy's to evaluate.

mod build;
mod evaluate;
mod operator;
mod text;
mod value;

use crate::attribute::{Attribute, Kind};

pub(super) use build::Builder;
use operator::Operator;

/// An expression with its value as text.
#[derive(Debug)]
pub(super) struct Tree {
    root: Node,
    /// The attribute that Envoy is asked for, at most once an evaluation.
    property: Option<Attribute>,
    /// How many looks at the headers of the request it takes.
    headers: usize,
    /// Whether it reads values of the response's headers.
    reads_response: bool,
}

/// A part of an expression. The checker has seen to it that kinds fit.
#[derive(Debug)]
pub(super) struct Node {
    what: What,
    /// What an operator works on.
    parts: Vec<Node>,
}

#[derive(Debug)]
enum What {
    Text(Box<str>),
    Int(i64),
    Bool(bool),
    /// An attribute that is a header of the request or the response, or is cut out of one.
    Header(Box<Attribute>),
    HasHeader(Box<Attribute>),
    /// The one attribute that Envoy is asked for.
    Property(Kind),
    HasProperty,
    Operator(Operator),
}
