//! When a condition of a route takes every request that another one is for, as far as it can be told from their
//! values alone: a yes is sure, and a no may be a "perhaps".

use crate::spot::Spot;

/// Whether `wide` matches every request that `narrow` matches.
pub(super) fn covers(wide: &Spot<'_>, narrow: &Spot<'_>) -> bool {
    wide.fields().into_iter().all(|(name, wanted)| {
        let given = narrow.field(name);
        match name {
            // Names, and what is said of the path.
            "name" | "statPrefix" | "ignoreUriCase" => true,
            "uri" => {
                is_any_path(&wanted)
                    || given.is_some_and(|given| path(wide, &wanted, narrow, &given))
            }
            "scheme" | "method" | "authority" => given.is_some_and(|given| text(&wanted, &given)),
            "headers" | "queryParams" => wanted.fields().into_iter().all(|(name, wanted)| {
                let given = given.as_ref().and_then(|given| given.field(name));
                given.is_some_and(|given| text(&wanted, &given))
            }),
            "sourceLabels" => wanted.fields().into_iter().all(|(name, wanted)| {
                let given = given.as_ref().and_then(|given| given.field(name));
                given.is_some_and(|given| given.value() == wanted.value())
            }),
            "gateways" => {
                let given = narrow.texts(name);
                let wanted = wide.texts(name);
                wanted.is_empty()
                    || !given.is_empty() && given.iter().all(|given| wanted.contains(given))
            }
            // Ports, namespaces, and what must not be there.
            _ => given.is_some_and(|given| given.value() == wanted.value()),
        }
    })
}

fn is_any_path(wanted: &Spot<'_>) -> bool {
    match wanted
        .value()
        .get("prefix")
        .and_then(|prefix| prefix.as_str())
    {
        Some(prefix) => ["", "/"].contains(&prefix),
        None => wanted.fields().is_empty(),
    }
}

/// Compares paths, which one side may ask for in capitals or not.
fn path(wide: &Spot<'_>, wanted: &Spot<'_>, narrow: &Spot<'_>, given: &Spot<'_>) -> bool {
    wide.is_true("ignoreUriCase") == narrow.is_true("ignoreUriCase") && text(wanted, given)
}

/// Whether each text that `given` takes, `wanted` takes too.
fn text(wanted: &Spot<'_>, given: &Spot<'_>) -> bool {
    let said = |of: &Spot<'_>, how: &str| {
        of.value()
            .get(how)
            .and_then(|text| text.as_str().map(str::to_owned))
    };
    if wanted.fields().is_empty() {
        // That it is there, which it is where something is asked of it.
        return true;
    }
    if let Some(prefix) = said(wanted, "prefix") {
        let given = said(given, "exact").or_else(|| said(given, "prefix"));
        return given.is_some_and(|given| given.starts_with(&prefix));
    }
    wanted.value() == given.value()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is_covered(wide: &Value, narrow: &Value) -> bool {
        covers(&Spot::root(wide), &Spot::root(narrow))
    }

    #[test]
    fn conditions_are_within_each_other() {
        let api = json!({"uri": {"prefix": "/api"}});
        for (wide, narrow) in [
            (json!({}), json!({})),
            (json!({}), api.clone()),
            (json!({"name": "all"}), api.clone()),
            (json!({"uri": {"prefix": "/"}}), json!({})),
            (
                json!({"uri": {"prefix": "/"}}),
                json!({"uri": {"regex": "/a.*"}}),
            ),
            (api.clone(), api.clone()),
            (api.clone(), json!({"uri": {"exact": "/api"}})),
            (
                api.clone(),
                json!({"uri": {"prefix": "/api/v1"}, "method": {"exact": "GET"}}),
            ),
            (
                json!({"headers": {"x-a": {}}}),
                json!({"headers": {"x-a": {"exact": "b"}, "x-c": {}}}),
            ),
            (
                json!({"headers": {"x-a": {"prefix": "b"}}}),
                json!({"headers": {"x-a": {"prefix": "bc"}}}),
            ),
            (
                json!({"uri": {"regex": "/a"}}),
                json!({"uri": {"regex": "/a"}, "port": 80}),
            ),
            (
                json!({"sourceLabels": {"app": "a"}}),
                json!({"sourceLabels": {"app": "a", "version": "v1"}}),
            ),
            (json!({"gateways": ["a", "b"]}), json!({"gateways": ["a"]})),
            (
                json!({"withoutHeaders": {"x-a": {}}}),
                json!({"withoutHeaders": {"x-a": {}}, "port": 80}),
            ),
        ] {
            assert!(is_covered(&wide, &narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            (api.clone(), json!({})),
            (api.clone(), json!({"uri": {"prefix": "/ap"}})),
            (api.clone(), json!({"uri": {"regex": "/api/.*"}})),
            (
                api.clone(),
                json!({"uri": {"prefix": "/api/v1"}, "ignoreUriCase": true}),
            ),
            (json!({"uri": {"exact": "/api"}}), api.clone()),
            (json!({"method": {"exact": "GET"}}), api),
            (
                json!({"headers": {"x-a": {"exact": "b"}}}),
                json!({"headers": {"x-a": {}}}),
            ),
            (
                json!({"headers": {"x-a": {"exact": "b"}}}),
                json!({"headers": {"x-c": {"exact": "b"}}}),
            ),
            (json!({"port": 80}), json!({"port": 81})),
            (json!({"gateways": ["a"]}), json!({})),
            (json!({"gateways": ["a"]}), json!({"gateways": ["a", "b"]})),
            (json!({"withoutHeaders": {"x-a": {}}}), json!({})),
            (
                json!({"sourceNamespace": "a"}),
                json!({"sourceNamespace": "b"}),
            ),
        ] {
            assert!(!is_covered(&wide, &narrow), "{wide} {narrow}");
        }
    }
}
