//! Paths of fields, as findings name them, taken apart.

use sdk_helpers::config::snake;
use serde_json::{Map, Value};

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

/// The steps of `spec.rules[0].labels["a.b/c"]`; none where it is no such path.
pub(super) fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (name, behind) = name(quoted)?;
            steps.push(Step::Field(name));
            rest = behind;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (index, behind) = index.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = behind;
        } else {
            let plain = match steps.is_empty() {
                true => rest,
                false => rest.strip_prefix('.')?,
            };
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (name, behind) = plain.split_at(end);
            (!name.is_empty()).then_some(())?;
            steps.push(Step::Field(name.to_owned()));
            rest = behind;
        }
    }
    Some(steps)
}

/// A name in quotes up to `"]`, and what is behind it. Names with other escapes than those of quotes are none.
fn name(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let behind = quoted.get(at..)?.strip_prefix("\"]")?;
                return Some((name, behind));
            }
            '\\' => {
                let (_, escaped) = letters.next()?;
                ['"', '\\'].contains(&escaped).then_some(())?;
                name.push(escaped);
            }
            letter => name.push(letter),
        }
    }
    None
}

/// Which of these names is a field, which in a file may stand in snake case too.
pub(super) fn spelt<'a>(
    field: &str,
    mut names: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let exact = names.clone().find(|name| *name == field);
    exact.or_else(|| names.find(|name| *name == snake(field)))
}

/// The value at a path.
pub(super) fn find<'a>(tree: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(tree, |value, step| match step {
        Step::Field(name) => {
            let map = value.as_object_mut()?;
            let name = key(name, map)?;
            map.get_mut(&name)
        }
        Step::Index(index) => value.get_mut(index),
    })
}

/// The name that a field has in a mapping.
pub(super) fn key(field: &str, map: &Map<String, Value>) -> Option<String> {
    spelt(field, map.keys().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdk_helpers::At;

    #[test]
    fn a_path_is_taken_apart_as_it_was_written() {
        let names = ["spec", "a.b/c", "say \"x\\y\"", "rules", "-"];
        let root = At::root();
        let (one, two) = (root.field(names[0]), names);
        let (two, three) = (one.field(two[1]), two[2]);
        let three = two.field(three);
        let path = three.index(7);
        let field = |name: &str| Step::Field(name.to_owned());
        let expected = vec![
            field(names[0]),
            field(names[1]),
            field(names[2]),
            Step::Index(7),
        ];
        assert_eq!(steps(&path.to_string()), Some(expected));
        assert_eq!(steps(""), Some(Vec::new()));
        assert_eq!(steps("[1][2]"), Some(vec![Step::Index(1), Step::Index(2)]));
        for none in [".a", "a.", "a..b", "[", "[x]", "[\"a", "[\"\\n\"]", "a[0]b"] {
            assert_eq!(steps(none), None, "{none}");
        }
    }

    #[test]
    fn a_field_is_found_in_both_spellings() {
        let mut tree = serde_json::json!({"jwks_uri": 1, "jwksUri": 2, "source_cidr": [3]});
        let mut at = |path: &str| find(&mut tree, &steps(path).unwrap()).cloned();
        assert_eq!(at("jwksUri"), Some(2.into()));
        assert_eq!(at("jwks_uri"), Some(1.into()));
        assert_eq!(at("sourceCIDR[0]"), Some(3.into()));
        assert_eq!(at("sourceCIDR[1]"), None);
    }
}
