//! What a remedy makes of the bytes of a file, and what of the values read from them.

use granit_parser::ScalarStyle;
use sdk_helpers::config::Remedy;
use serde_json::Value;

use super::edit::Edit;
use super::nodes::{Place, Scalar};
use super::path::{Step, find, key};

/// How a remedy is written at a place of a text; none where that cannot be told for certain.
pub(super) fn edit(text: &str, place: &Place<'_>, remedy: &Remedy) -> Option<Edit> {
    let (at, written) = match remedy {
        Remedy::Rename(name) => (place.name?, styled(name, place.name?.style)?),
        Remedy::Write(Value::String(word)) => (place.value?, styled(word, place.value?.style)?),
        Remedy::Write(value) => {
            let is_json = place
                .name
                .is_some_and(|it| it.style == ScalarStyle::DoubleQuoted);
            (place.value?, written(value, is_json))
        }
        Remedy::Quote => {
            let value = place.value?;
            let shown = shown(text, value)?;
            (value, Value::from(shown).to_string())
        }
        Remedy::List => {
            let value = place.value?;
            let is_short = !matches!(value.style, ScalarStyle::Literal | ScalarStyle::Folded);
            let shown = text.get(value.bytes.clone()).filter(|_| is_short)?;
            (value, format!("[{shown}]"))
        }
    };
    (!at.is_marked).then_some(Edit {
        start: at.bytes.start,
        end: at.bytes.end,
        text: written,
    })
}

/// A text that stands there without quotes, in one line.
fn shown<'a>(text: &'a str, scalar: &Scalar) -> Option<&'a str> {
    let shown = text.get(scalar.bytes.clone())?;
    (scalar.style == ScalarStyle::Plain && !shown.contains(['\n', '\r'])).then_some(shown)
}

/// A word in the quotes that another has.
fn styled(word: &str, style: ScalarStyle) -> Option<String> {
    Some(match style {
        ScalarStyle::Plain => word.to_owned(),
        ScalarStyle::SingleQuoted => format!("'{}'", word.replace('\'', "''")),
        ScalarStyle::DoubleQuoted => Value::from(word).to_string(),
        _ => return None,
    })
}

/// A value as people write it in YAML, or as JSON.
fn written(value: &Value, is_json: bool) -> String {
    match value {
        Value::Object(fields) if !is_json => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", written(value, is_json)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// What the document has to be afterwards. None where it has no such place.
pub(super) fn applied(
    document: &mut Value,
    steps: &[Step],
    remedy: &Remedy,
    text: &str,
    place: &Place<'_>,
) -> Option<()> {
    match remedy {
        Remedy::Rename(name) => {
            let (Step::Field(field), above) = steps.split_last()? else {
                return None;
            };
            let map = find(document, above)?.as_object_mut()?;
            let field = key(field, map)?;
            // Renamed already, or another has the name.
            if map.contains_key(name) {
                return None;
            }
            let value = map.remove(&field)?;
            map.insert(name.clone(), value);
        }
        Remedy::Write(value) => *find(document, steps)? = value.clone(),
        Remedy::Quote => *find(document, steps)? = shown(text, place.value?)?.into(),
        Remedy::List => {
            let value = find(document, steps)?;
            *value = Value::Array(vec![value.take()]);
        }
    }
    Some(())
}
