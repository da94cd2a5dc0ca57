//! What a field can be: text, a number, a list of something. Each kind knows how it is read, and
//! what people and editors are told of it.

use std::marker::PhantomData;

use serde_json::Value;

use super::reader::Node;
use super::table::{Table, Type};

/// A kind of field. It is read once, into a value that a check has yet to see, and described by
/// whoever writes a schema or a page about it; a module has none of the descriptions.
pub trait FieldKind {
    /// What it is read into.
    type Value;

    /// Whether it is a list, which those of several objects of Kubernetes make one of.
    const IS_LIST: bool = false;

    /// Reads it. What does not fit is reported, and something empty of the kind stands in for it.
    fn read(node: Node<'_>) -> Self::Value;

    /// What may be written there.
    fn describe() -> Type;
}

// The functions that are made anew for many kinds stand by themselves: a module keeps the names of
// its functions, and those of implementations are long.

fn elements<K: FieldKind>(node: Node<'_>) -> Vec<K::Value> {
    let mut list = Vec::new();
    node.elements(&mut |node| list.push(K::read(node)));
    list
}

fn entries<K: FieldKind>(node: Node<'_>) -> Vec<(String, K::Value)> {
    let mut entries = Vec::new();
    node.entries(&mut |name, node| entries.push((name.to_owned(), K::read(node))));
    entries
}

/// Reads a field where it stands: one function for all fields of a kind, which keeps tables small in
/// a module.
#[doc(hidden)]
pub fn read_into<K: FieldKind>(field: &mut Option<K::Value>, node: Node<'_>) {
    *field = Some(K::read(node));
}

impl FieldKind for String {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.text()
    }

    fn describe() -> Type {
        Type::Text {
            called: "text",
            pattern: None,
        }
    }
}

impl FieldKind for bool {
    type Value = bool;

    fn read(node: Node<'_>) -> bool {
        node.flag()
    }

    fn describe() -> Type {
        Type::Flag
    }
}

/// Any number, fractions too.
impl FieldKind for f64 {
    type Value = f64;

    fn read(node: Node<'_>) -> f64 {
        node.fraction()
    }

    fn describe() -> Type {
        Type::Number
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {
        $(impl FieldKind for $number {
            type Value = $number;

            fn read(node: Node<'_>) -> $number {
                let number = node.whole(<$number>::MIN.into(), <$number>::MAX.into());
                <$number>::try_from(number).unwrap_or_default()
            }

            fn describe() -> Type {
                Type::Whole {
                    least: <$number>::MIN.into(),
                    most: <$number>::MAX.into(),
                }
            }
        })+
    };
}

whole_numbers!(u16, u32, i32, i64);

impl<K: FieldKind> FieldKind for Vec<K> {
    type Value = Vec<K::Value>;
    const IS_LIST: bool = true;

    fn read(node: Node<'_>) -> Vec<K::Value> {
        elements::<K>(node)
    }

    fn describe() -> Type {
        Type::List(Box::new(K::describe()))
    }
}

/// What may be null where null is not the same as absent: an element of a list, an entry of a map.
impl<K: FieldKind> FieldKind for Option<K> {
    type Value = Option<K::Value>;

    fn read(node: Node<'_>) -> Option<K::Value> {
        (!node.is_null()).then(|| K::read(node))
    }

    fn describe() -> Type {
        K::describe()
    }
}

/// A mapping whose keys may be anything, in the order of its keys.
#[derive(Debug)]
pub struct Map<K>(PhantomData<K>);

impl<K: FieldKind> FieldKind for Map<K> {
    type Value = Vec<(String, K::Value)>;

    fn read(node: Node<'_>) -> Vec<(String, K::Value)> {
        entries::<K>(node)
    }

    fn describe() -> Type {
        Type::Map(Box::new(K::describe()))
    }
}

/// A mapping without fields, as Envoy's empty messages are: being there is all it says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Empty;

impl FieldKind for Empty {
    type Value = Empty;

    fn read(node: Node<'_>) -> Empty {
        node.fields(&[], &mut |_, _| {});
        Empty
    }

    fn describe() -> Type {
        Type::Table(Table {
            called: None,
            name: "Empty",
            about: String::new(),
            fields: vec![],
        })
    }
}

/// The text of a duration, for [`duration`](super::duration). A number is taken for one too, so
/// that `60` is told to be `60s`.
#[derive(Debug)]
pub struct DurationText;

impl FieldKind for DurationText {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.spelling()
    }

    fn describe() -> Type {
        Type::Duration
    }
}

/// The text of a time, for [`timestamp`](super::timestamp), or a number, which is told to be none.
#[derive(Debug)]
pub struct TimeText;

impl FieldKind for TimeText {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.spelling()
    }

    fn describe() -> Type {
        Type::Text {
            called: "RFC 3339 time",
            pattern: Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}"),
        }
    }
}

/// A text, or a number that its check tells to be a name.
#[derive(Debug)]
pub struct Spelling;

impl FieldKind for Spelling {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.spelling()
    }

    fn describe() -> Type {
        String::describe()
    }
}

/// A text for [`check_name`](crate::outcome::check_name): what reasons, logs and statistics can carry.
#[derive(Debug)]
pub struct NameText;

impl FieldKind for NameText {
    type Value = String;

    fn read(node: Node<'_>) -> String {
        node.text()
    }

    fn describe() -> Type {
        Type::Text {
            called: "text of `A-Z a-z 0-9 . _ - / ~`",
            pattern: Some(r"^[A-Za-z0-9._/~-]{1,317}$"),
        }
    }
}

/// Whatever it is, known only to be passed over.
#[derive(Debug)]
pub struct Anything;

impl FieldKind for Anything {
    type Value = ();

    fn read(_: Node<'_>) {}

    fn describe() -> Type {
        Type::Anything
    }
}

/// What is read elsewhere as this kind.
#[derive(Debug)]
pub struct Elsewhere<K>(PhantomData<K>);

impl<K: FieldKind> FieldKind for Elsewhere<K> {
    type Value = ();

    fn read(_: Node<'_>) {}

    fn describe() -> Type {
        K::describe()
    }
}

/// Free form.
impl FieldKind for Value {
    type Value = Value;

    fn read(node: Node<'_>) -> Value {
        node.tree().clone()
    }

    fn describe() -> Type {
        Type::Anything
    }
}
