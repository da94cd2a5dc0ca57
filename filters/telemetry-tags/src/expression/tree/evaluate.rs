//! What a tree comes to, as Envoy's CEL has it. `None` is CEL's error: an attribute that is missing, a number that
//! is too large. What needs such a part is one itself.

use std::borrow::Cow;
use std::cell::OnceCell;

use sdk_helpers::attributes::{boolean, int};

use super::operator::Operator;
use super::value::{Value, of_one, of_two};
use super::{Node, Tree, What};
use crate::attribute::{Attribute, Kind, View};

impl Tree {
    /// How many looks at the headers of the request it takes.
    pub(in crate::expression) fn headers(&self) -> usize {
        self.headers
    }

    /// Its value as text.
    pub(in crate::expression) fn evaluate<'a>(&'a self, view: &View<'a>) -> Option<Cow<'a, [u8]>> {
        if self.reads_response
            && let Some(response) = view.response
        {
            // For a value the whole map is needed, and then it costs nothing to find that there is none.
            response.headers();
        }
        let stream = Stream {
            view,
            asked: self.property.as_ref(),
            property: OnceCell::new(),
        };
        self.root.read(&stream).map(Value::into_text)
    }
}

/// What an evaluation reads.
struct Stream<'e, 'a> {
    view: &'e View<'a>,
    asked: Option<&'a Attribute>,
    /// The value of the attribute that Envoy is asked for, as Envoy gives it.
    property: OnceCell<Option<Vec<u8>>>,
}

impl Stream<'_, '_> {
    fn property(&self) -> Option<&[u8]> {
        let ask = || self.asked.and_then(|asked| asked.property(self.view));
        self.property.get_or_init(ask).as_deref()
    }
}

impl Node {
    fn read<'a>(&'a self, stream: &Stream<'_, 'a>) -> Option<Value<'a>> {
        let operator = match &self.what {
            What::Text(text) => return Some(Value::Text(Cow::Borrowed(text.as_bytes()))),
            What::Int(number) => return Some(Value::Int(*number)),
            What::Bool(is) => return Some(Value::Bool(*is)),
            What::Header(header) => return header.read(stream.view).map(Value::Text),
            What::HasHeader(header) => return Some(Value::Bool(header.is_there(stream.view))),
            What::Property(kind) => return decoded(*kind, stream.property()?),
            What::HasProperty => return Some(Value::Bool(stream.property().is_some())),
            What::Operator(operator) => *operator,
        };
        match (operator, self.parts.as_slice()) {
            (Operator::And, [a, b]) => unless(false, a, b, stream),
            (Operator::Or, [a, b]) => unless(true, a, b, stream),
            (Operator::Choice, [condition, yes, no]) => match condition.read(stream)?.truth()? {
                true => yes.read(stream),
                false => no.read(stream),
            },
            (Operator::In, [value, list]) => {
                let value = value.read(stream)?;
                let mut is_in = false;
                for one in &list.parts {
                    // An error makes the whole list one, also behind what is looked for.
                    is_in |= one.read(stream)? == value;
                }
                Some(Value::Bool(is_in))
            }
            (_, [a]) => of_one(operator, a.read(stream)?),
            (_, [a, b]) => of_two(operator, a.read(stream)?, b.read(stream)?),
            _ => None,
        }
    }
}

/// `&&` and `||`: where one side decides, the other one may be an error, whichever comes first.
fn unless<'a>(
    decides: bool,
    a: &'a Node,
    b: &'a Node,
    stream: &Stream<'_, 'a>,
) -> Option<Value<'a>> {
    let decides = Some(Value::Bool(decides));
    let a = a.read(stream);
    if a == decides {
        return a;
    }
    let b = b.read(stream);
    if b == decides {
        return b;
    }
    a.and(b)
}

/// A value as Envoy gives it for an attribute.
fn decoded<'a>(kind: Kind, bytes: &[u8]) -> Option<Value<'a>> {
    Some(match kind {
        Kind::Int => Value::Int(int(bytes)?),
        Kind::Bool => Value::Bool(boolean(bytes)?),
        _ => Value::Text(Cow::Owned(bytes.to_vec())),
    })
}
