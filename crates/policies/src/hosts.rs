//! The hosts of a VirtualService: its routes, and the faults on them, are for requests to these alone.

use serde_json::{Map, Value, json};

/// Has every route of a VirtualService ask for its hosts as well. A short name is one in the object's own
/// namespace, and any of its longer forms, as istiod has it.
pub(crate) fn apply(object: &mut Value) {
    let namespace = crate::text(object, &["metadata", "namespace"]);
    let namespace = namespace.unwrap_or("default").to_owned();
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let hosts = spec.get("hosts").and_then(Value::as_array);
    let hosts: Vec<&str> = hosts
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if hosts.is_empty() || hosts.contains(&"*") {
        return;
    }
    let forms = hosts.iter().flat_map(|host| forms(host, &namespace));
    let patterns: Vec<String> = forms.map(|form| pattern(&form)).collect();
    let authority = json!({"regex": format!("(?i)(?:{})(?::[0-9]+)?", patterns.join("|"))});
    let routes = spec.get_mut("http").and_then(Value::as_array_mut);
    for route in routes
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        let matches = route.entry("match").or_insert_with(|| json!([{}]));
        if matches.as_array().is_some_and(Vec::is_empty) || matches.is_null() {
            *matches = json!([{}]);
        }
        let matches = matches.as_array_mut().into_iter().flatten();
        for one in matches.filter_map(Value::as_object_mut) {
            ask(one, &authority);
        }
    }
}

fn ask(one: &mut Map<String, Value>, authority: &Value) {
    let headers = one.entry("headers").or_insert_with(|| json!({}));
    // A route that asks for an authority by this name asks for it alone.
    if let Some(headers) = headers.as_object_mut() {
        headers
            .entry(":authority")
            .or_insert_with(|| authority.clone());
    }
}

fn forms(host: &str, namespace: &str) -> Vec<String> {
    let mut forms = vec![host.to_owned()];
    if !host.contains(['.', '*']) {
        for end in ["", ".svc", ".svc.cluster.local"] {
            forms.push(format!("{host}.{namespace}{end}"));
        }
    }
    forms
}

/// A host as a regular expression: a star stands at its beginning, for one label or more.
fn pattern(host: &str) -> String {
    let (star, rest) = match host.strip_prefix('*') {
        Some(rest) => (".+", rest),
        None => ("", host),
    };
    let mut pattern = star.to_owned();
    for character in rest.chars() {
        if !character.is_ascii_alphanumeric() && character != '-' {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_ask_for_the_hosts() {
        let mut object = json!({"metadata": {"namespace": "shop"}, "spec": {
            "hosts": ["ratings", "*.a.example"],
            "http": [{"match": [{"uri": {"prefix": "/"}}, {"headers": {"x": {"exact": "1"}}}]}, {"route": []}],
        }});
        apply(&mut object);
        let authority = json!({"regex": r"(?i)(?:ratings|ratings\.shop|ratings\.shop\.svc|ratings\.shop\.svc\.cluster\.local|.+\.a\.example)(?::[0-9]+)?"});
        assert_eq!(
            object["spec"]["http"],
            json!([
                {"match": [
                    {"uri": {"prefix": "/"}, "headers": {":authority": authority}},
                    {"headers": {"x": {"exact": "1"}, ":authority": authority}},
                ]},
                {"route": [], "match": [{"headers": {":authority": authority}}]},
            ])
        );
        let mut any = json!({"spec": {"hosts": ["*"], "http": [{}]}});
        apply(&mut any);
        assert_eq!(any, json!({"spec": {"hosts": ["*"], "http": [{}]}}));
    }
}
