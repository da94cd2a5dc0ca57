//! A serde deserializer over a tree that reports what does not fit and goes on.
//!
//! A misfit is reported with its path, and the reader is given an empty value of the kind it asked
//! for; the configuration is refused at the end, so nobody ever acts on the stand-in.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value, map};

use super::names::{listed, nearest, none_of, place};
use super::problems::{At, Problems};

/// What a configuration is read into: whatever serde reads, or what reads a [`Node`] itself.
pub trait FromNode {
    /// Reads the whole of it.
    fn from_node(node: Node<'_>) -> Self;
}

impl<T: DeserializeOwned + Default> FromNode for T {
    fn from_node(node: Node<'_>) -> Self {
        T::deserialize(node).unwrap_or_else(|Misfit(problem)| {
            node.problems.misfit(node.at, problem);
            T::default()
        })
    }
}

/// By this name a [`Node`] knows that [`spelling`] is meant.
const SPELLING: &str = "mesh_filters.spelling";

/// Reads what [`Node::spelling`] reads, for a field that serde reads:
/// `#[serde(deserialize_with = "spelling")]`.
///
/// # Errors
/// None of a [`Node`].
pub fn spelling<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_none<E>(self) -> Result<Option<String>, E> {
            Ok(None)
        }

        fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
            Ok(Some(text.to_owned()))
        }
    }
    deserializer.deserialize_newtype_struct(SPELLING, Text)
}

/// An error that a `Deserialize` implementation raised itself.
#[derive(Debug)]
pub struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Misfit(message.to_string())
    }
}

/// A part of a configuration, with its place: for those who read it themselves, because serde's
/// derived code for a large configuration weighs more than all that is done with it.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    at: &'a At<'a>,
    problems: &'a Problems,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, at: &'a At<'a>, problems: &'a Problems) -> Self {
        Node {
            value,
            at,
            problems,
        }
    }

    /// Shows the fields of a mapping by their place in `known`, which are in camel case; in a
    /// configuration they may be in snake case. What is null is as good as absent, and what is not
    /// known is reported.
    pub fn fields(self, known: &[&str], see: &mut dyn FnMut(usize, Node<'_>)) {
        if !self.expect_known(known) {
            return;
        }
        for (name, value) in self.mapping().filter(|(_, value)| !value.is_null()) {
            let Some(place) = self.place(name, known) else {
                continue;
            };
            let at = self.at.field(known.get(place).unwrap_or(&""));
            see(place, Node::new(value, &at, self.problems));
        }
    }

    /// Shows the entries of a mapping whose keys may be anything.
    pub fn entries(self, see: &mut dyn FnMut(&str, Node<'_>)) {
        for (name, value) in self.mapping() {
            see(
                name,
                Node {
                    value,
                    at: &self.at.field(name),
                    problems: self.problems,
                },
            );
        }
    }

    /// Shows the elements of a list.
    pub fn elements(self, see: &mut dyn FnMut(Node<'_>)) {
        for (index, value) in self.list().iter().enumerate() {
            see(Node {
                value,
                at: &self.at.index(index),
                problems: self.problems,
            });
        }
    }

    /// All of it, as it is.
    pub(super) fn tree(self) -> &'a Value {
        self.value
    }

    /// Where it is.
    pub fn at(self) -> At<'a> {
        *self.at
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.value.is_null()
    }

    /// Whether it is a text.
    pub fn is_text(self) -> bool {
        self.value.is_string()
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.value.is_array()
    }

    /// The text it is.
    pub fn text(self) -> String {
        self.str().to_owned()
    }

    /// The text it is, or the number as text: for what is no text as it stands, whose check says
    /// what to write in its place.
    pub fn spelling(self) -> String {
        match self.value {
            Value::Number(number) => number.to_string(),
            _ => self.text(),
        }
    }

    /// The texts of the list it is.
    pub fn texts(self) -> Vec<String> {
        let mut texts = Vec::new();
        self.elements(&mut |element| texts.push(element.text()));
        texts
    }

    /// Whether it is true.
    pub fn flag(self) -> bool {
        self.value.as_bool().unwrap_or_else(|| {
            // As YAML 1.1 spells them, and some do in quotes.
            let text = self.value.as_str().unwrap_or_default();
            let meant = match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => "; write `true`, without quotes",
                "false" | "no" | "off" | "n" => "; write `false`, without quotes",
                _ => "",
            };
            let problem = format!("`{}` is not true or false{meant}", self.value);
            self.problems.misfit(self.at, problem);
            false
        })
    }

    /// Which of these names it is, by its place; the first where it is none, which is reported.
    pub fn one_of(self, names: &[&str]) -> usize {
        let text = match self.value {
            Value::String(text) => text,
            // In quotes it would be none of them either, so that the names are what to tell.
            Value::Number(_) | Value::Bool(_) => &self.value.to_string(),
            _ => {
                self.expected("a text");
                return 0;
            }
        };
        let place = names.iter().position(|name| *name == text);
        place.unwrap_or_else(|| {
            self.problems.misfit(self.at, none_of(text, names));
            0
        })
    }

    fn str(&self) -> &'a str {
        self.value.as_str().unwrap_or_else(|| {
            self.expected("a text");
            ""
        })
    }

    fn list(&self) -> &'a [Value] {
        match self.value {
            Value::Array(list) => list,
            _ => {
                self.expected("a list");
                &[]
            }
        }
    }

    fn mapping(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        if !self.value.is_object() {
            self.expected("a mapping");
        }
        self.value.as_object().into_iter().flatten()
    }

    /// The place of a field; of one that stands here in both spellings, which is reported, one counts.
    fn place(&self, name: &str, known: &[&str]) -> Option<usize> {
        let place = place(name, known)?;
        let field = *known.get(place)?;
        (field == name || self.value.get(field).is_none()).then_some(place)
    }

    /// Whether it is a mapping; what is wrong with the names of its fields is reported.
    fn expect_known(&self, fields: &[&str]) -> bool {
        let Some(map) = self.value.as_object() else {
            let scalar = !matches!(self.value, Value::Null | Value::Array(_));
            // What a percentage and a StringMatch are with nothing else said.
            let meant = ["value", "exact"]
                .into_iter()
                .find(|name| fields.contains(name));
            match meant.filter(|_| scalar) {
                Some(name) => {
                    let problem = format!("must be a mapping: write `{{{name}: {}}}`", self.value);
                    self.problems.misfit(self.at, problem);
                }
                None => self.expected("a mapping"),
            }
            return false;
        };
        self.problems.spelt_once(map, fields, self.at);
        for name in map.keys().filter(|name| place(name, fields).is_none()) {
            self.unknown(name, fields);
        }
        true
    }

    #[cold]
    fn unknown(&self, name: &str, fields: &[&str]) {
        let at = self.at.field(name);
        let problem = match nearest(name, fields) {
            Some(field) => {
                self.problems.follow_up(&self.at.field(field));
                format!("unknown field; did you mean `{field}`?")
            }
            None if fields.is_empty() => "unknown field; nothing is set here".to_owned(),
            None => format!("unknown field; known here are {}", listed(fields)),
        };
        self.problems.misfit(&at, problem);
        self.problems.follow_up(self.at);
    }
}

impl Node<'_> {
    fn expected(&self, kind: &str) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let remedy = match self.value {
            Value::Number(number) if kind == "a text" => format!("; write `\"{number}\"`"),
            // What is written without quotes as `yes`, `on`, `no` or `off` is one too.
            Value::Bool(_) if kind == "a text" => {
                "; write it in quotes, as also `yes`, `no`, `on` and `off`".to_owned()
            }
            _ => String::new(),
        };
        self.problems.misfit(
            self.at,
            format!("{kind} is expected here, not {found}{remedy}"),
        );
    }

    /// A number, also in quotes, as protobuf's JSON takes it: Envoy's own YAML reader hands every
    /// fraction in a Struct over as text, `10.0` as `"10.0"`.
    fn number(&self) -> Option<Number> {
        match self.value {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) => match super::tree::json(text.as_bytes()) {
                Ok(Value::Number(number)) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number it is; 0 where it is none, which is reported.
    pub fn fraction(&self) -> f64 {
        let number = self.number().and_then(|number| number.as_f64());
        number.unwrap_or_else(|| {
            let bare = self.value.as_str().and_then(|text| text.strip_suffix('%'));
            // Read as JSON: the standard library's reader of fractions weighs 18 kB.
            let number =
                |text: &&str| matches!(super::tree::json(text.as_bytes()), Ok(Value::Number(_)));
            let remedy = match bare.filter(number) {
                Some(bare) => format!("; write `{bare}`"),
                None => String::new(),
            };
            let problem = format!("`{}` is not a number{remedy}", self.value);
            self.problems.misfit(self.at, problem);
            0.0
        })
    }

    /// The whole number it is; 0 where it is none of these, which is reported.
    pub fn whole(&self, least: i128, most: i128) -> i128 {
        let number = self.number().and_then(|number| {
            let signed = number.as_i64().map(i128::from);
            let whole = || {
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0 && n.abs() < 1e15)
            };
            #[allow(clippy::cast_possible_truncation, reason = "whole and below 10^15")]
            signed
                .or_else(|| number.as_u64().map(i128::from))
                .or_else(|| whole().map(|n| n as i128))
        });
        number
            .filter(|n| (least..=most).contains(n))
            .unwrap_or_else(|| {
                let problem = format!(
                    "`{}` is not a whole number between {least} and {most}",
                    self.value
                );
                self.problems.misfit(self.at, problem);
                0
            })
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty),+ $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let number = self.whole(<$type>::MIN.into(), <$type>::MAX.into());
            visitor.$visit(<$type>::try_from(number).unwrap_or_default())
        })+
    };
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Misfit;

    whole_numbers! {
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_f64(self.fraction())
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_bool(self.flag())
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(self.str())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(Elements {
            list: self.list().iter().enumerate(),
            node: self,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.visit(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.visit(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let variant = variants.get(self.one_of(variants)).copied();
        visitor.visit_enum(Variant(variant.unwrap_or_default()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null if name == SPELLING => visitor.visit_none(),
            _ if name == SPELLING => visitor.visit_str(&self.spelling()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    /// For fields that are free form, or known only to be passed over.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => self.deserialize_f64(visitor),
            },
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

impl Node<'_> {
    fn visit<'de, V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let empty = Map::new();
        match fields {
            Some(fields) => {
                self.expect_known(fields);
            }
            None if !self.value.is_object() => self.expected("a mapping"),
            None => {}
        }
        let map = self.value.as_object().unwrap_or(&empty);
        visitor.visit_map(Entries {
            map: map.iter(),
            fields,
            next: None,
            node: self,
        })
    }
}

struct Elements<'a> {
    list: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    node: Node<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some((index, value)) = self.list.next() else {
            return Ok(None);
        };
        let at = self.node.at.index(index);
        descend(seed, value, &at, self.node.problems).map(Some)
    }
}

struct Entries<'a> {
    map: map::Iter<'a>,
    fields: Option<&'static [&'static str]>,
    next: Option<(&'a str, &'a Value)>,
    node: Node<'a>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let (fields, node) = (self.fields, self.node);
        self.next = self.map.find_map(|(name, value)| {
            let known = match fields {
                None => name.as_str(),
                Some(fields) => *fields.get(node.place(name, fields)?)?,
            };
            Some((known, value))
        });
        match self.next {
            Some((name, _)) => seed.deserialize(name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let (name, value) = self
            .next
            .take()
            .ok_or_else(|| Misfit("a value without its key".to_owned()))?;
        let at = self.node.at.field(name);
        descend(seed, value, &at, self.node.problems)
    }
}

/// Reads a part; what its own `Deserialize` refuses is reported at its own place.
fn descend<'de, T: DeserializeSeed<'de>>(
    seed: T,
    value: &Value,
    at: &At<'_>,
    problems: &Problems,
) -> Result<T::Value, Misfit> {
    let before = problems.count();
    seed.deserialize(Node::new(value, at, problems))
        .inspect_err(|Misfit(problem)| {
            if problems.count() == before {
                problems.misfit(at, problem.clone());
            }
        })
}

struct Variant(&'static str);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        Ok((seed.deserialize(self.0.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Misfit> {
        Err(Misfit("a name is expected here".to_owned()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Misfit> {
        Err(Misfit("a name is expected here".to_owned()))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Misfit> {
        Err(Misfit("a name is expected here".to_owned()))
    }
}
