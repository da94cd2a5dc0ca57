//! When a rule of an AuthorizationPolicy matches whatever another one does, as far as it can be told from
//! their values alone: a yes is sure, and a no may be a "perhaps".

use serde_json::Value;

use crate::spot::Spot;

/// Whether `wide` matches every request that `narrow` matches.
pub(crate) fn covers(wide: &Spot<'_>, narrow: &Spot<'_>) -> bool {
    branches(wide, narrow, "from", "source")
        && branches(wide, narrow, "to", "operation")
        && wide.list("when").iter().all(|wanted| {
            let mut given = narrow.list("when").into_iter();
            given.any(|given| {
                let is_same = given.text("key") == wanted.text("key");
                let key = wanted.text("key");
                is_same && condition(wanted.value(), given.value(), is_pattern_key(key))
            })
        })
}

/// Any of them matches: each of the narrow ones is within one of the wide ones.
fn branches(wide: &Spot<'_>, narrow: &Spot<'_>, list: &str, field: &str) -> bool {
    let wide = wide.list(list);
    if wide.is_empty() {
        return true;
    }
    let narrow = narrow.list(list);
    let all = |branch: &Spot<'_>| {
        let Some(inner) = branch.field(field) else {
            return false;
        };
        let mut wide = wide.iter().filter_map(|branch| branch.field(field));
        wide.any(|outer| fields(&outer, &inner))
    };
    !narrow.is_empty() && narrow.iter().all(all)
}

/// All of them match: each that the wide one asks for the narrow one asks for too, and for less.
fn fields(wide: &Spot<'_>, narrow: &Spot<'_>) -> bool {
    wide.fields().into_iter().all(|(name, wanted)| {
        let Some(given) = narrow.field(name) else {
            return false;
        };
        let (wanted, given) = (texts(wanted.value()), texts(given.value()));
        match name.starts_with("not") {
            true => within(&given, &wanted, is_pattern_field(name)),
            false => !given.is_empty() && within(&wanted, &given, is_pattern_field(name)),
        }
    })
}

fn condition(wide: &Value, narrow: &Value, has_patterns: bool) -> bool {
    let (wanted, given) = (listed(wide, "values"), listed(narrow, "values"));
    let (unwanted, not_given) = (listed(wide, "notValues"), listed(narrow, "notValues"));
    let values = wanted.is_empty() || !given.is_empty() && within(&wanted, &given, has_patterns);
    values && within(&not_given, &unwanted, has_patterns)
}

fn listed<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    value.get(field).map(texts).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

/// Whether each of the narrow values is matched by one of the wide ones.
fn within(wide: &[&str], narrow: &[&str], has_patterns: bool) -> bool {
    narrow.iter().all(|narrow| {
        let mut wide = wide.iter();
        wide.any(|wide| wide == narrow || has_patterns && pattern(wide, narrow))
    })
}

/// Fields whose values are compared by Istio's `*` alone. Others are compared by more than their text: addresses,
/// identities of peers, which have the trust domain's aliases too, and those of tokens, part by part.
fn is_pattern_field(name: &str) -> bool {
    const PATTERNS: [&str; 6] = [
        "hosts",
        "notHosts",
        "methods",
        "notMethods",
        "paths",
        "notPaths",
    ];
    PATTERNS.contains(&name)
}

fn is_pattern_key(key: &str) -> bool {
    ["request.headers[", "request.auth.claims[", "connection.sni"]
        .iter()
        .any(|start| key.starts_with(start))
}

/// Whether every text that `narrow` matches is one that `wide` matches. A `*` at the beginning counts first,
/// else one at the end; any other is a letter. A path with braces is a template.
fn pattern(wide: &str, narrow: &str) -> bool {
    if wide == "*" {
        return true;
    }
    if [wide, narrow].iter().any(|text| text.contains('{')) {
        return false;
    }
    if let Some(end) = wide.strip_prefix('*') {
        return match narrow.strip_prefix('*') {
            Some(inner) => inner.ends_with(end),
            None => !narrow.ends_with('*') && narrow.ends_with(end),
        };
    }
    let Some(start) = wide.strip_suffix('*') else {
        return false;
    };
    !narrow.starts_with('*')
        && narrow
            .strip_suffix('*')
            .unwrap_or(narrow)
            .starts_with(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_are_within_each_other() {
        for (wide, narrow, expected) in [
            ("*", "/a", true),
            ("*", "/a/{*}", true),
            ("/a*", "/a", true),
            ("/a*", "/ab*", true),
            ("/a*", "*/a", false),
            ("/ab*", "/a*", false),
            ("*/a", "/b/a", true),
            ("*/a", "*/b/a", true),
            ("*/a", "/b*", false),
            ("*a", "a*", false),
            ("/a/*", "/a/{*}", false),
            ("/a", "/b", false),
        ] {
            assert_eq!(pattern(wide, narrow), expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn rules_are_within_each_other() {
        let get = json!({"to": [{"operation": {"methods": ["GET"]}}]});
        let paths = json!({"to": [{"operation": {"methods": ["GET"], "paths": ["/a"]}}]});
        let either =
            json!({"to": [{"operation": {"methods": ["GET"]}}, {"operation": {"paths": ["/b"]}}]});
        let not = json!({"to": [{"operation": {"methods": ["GET"], "notPaths": ["/a*"]}}]});
        let not_more =
            json!({"to": [{"operation": {"methods": ["GET"], "notPaths": ["/a*", "/b"]}}]});
        let from = json!({"from": [{"source": {"principals": ["a"]}}], "to": [{"operation": {"methods": ["GET"]}}]});
        let when = json!({"when": [{"key": "request.headers[x]", "values": ["a*"]}]});
        let when_both = json!({"when": [
            {"key": "request.headers[x]", "values": ["ab"]},
            {"key": "source.ip", "values": ["10.0.0.0/8"]},
        ]});
        let networks = json!({"when": [{"key": "source.ip", "values": ["10.0.0.0/7"]}]});
        let anything = json!({});
        for (wide, narrow, expected) in [
            (&anything, &get, true),
            (&get, &anything, false),
            (&get, &paths, true),
            (&paths, &get, false),
            (&either, &get, true),
            (&get, &either, false),
            (&not, &not_more, true),
            (&not_more, &not, false),
            (&get, &not, true),
            (&get, &from, true),
            (&from, &get, false),
            (&when, &when_both, true),
            (&when_both, &when, false),
            (&networks, &when_both, false),
        ] {
            let (wide, narrow) = (Spot::root(wide), Spot::root(narrow));
            assert_eq!(covers(&wide, &narrow), expected, "{wide:?} {narrow:?}");
        }
    }
}
