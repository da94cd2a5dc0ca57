//! A configuration whose fields are configurations of their own.

use serde_json::Value;

use super::names::known;
use super::problems::{At, Problems};
use super::reader::Node;

/// Takes a mapping apart by the names of its fields, so many, in either spelling: what stands under each,
/// in their order, and null where nothing does. A field that is not among them is an error.
pub fn parts<const COUNT: usize>(
    tree: Value,
    fields: &[&'static str],
    at: &At<'_>,
    problems: &Problems,
) -> [Value; COUNT] {
    Node::new(&tree, at, problems).fields(fields, &mut |_, _| {});
    let mut map = match tree {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    };
    let names: Vec<String> = map.keys().cloned().collect();
    std::array::from_fn(|place| {
        let field = fields.get(place)?;
        let name = names.iter().find(|name| known(name, &[field]).is_some())?;
        map.remove(name)
    })
    .map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_field_is_taken_out_by_its_name() {
        let problems = Problems::default();
        let tree = json!({"rate_limit": {"a": 1}, "tags": [2], "other": null, "tgas": 1});
        let parts = parts::<3>(
            tree,
            &["tags", "rateLimit", "other"],
            &At::root(),
            &problems,
        );
        assert_eq!(parts, [json!([2]), json!({"a": 1}), Value::Null]);
        let errors = problems.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].at, "tgas");
    }

    #[test]
    fn what_is_no_mapping_has_no_fields() {
        let problems = Problems::default();
        let parts = parts::<1>(json!([1]), &["a"], &At::root(), &problems);
        assert_eq!(parts, [Value::Null]);
        assert_eq!(
            problems.errors()[0].to_string(),
            "a mapping is expected here, not a list"
        );
    }
}
