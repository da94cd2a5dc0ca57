//! What is taken out of a document changes what comes of it: the configuration, or what is told.

use convert::{Form, Modules, Placement, read, write};
use documents::Document;
use policies::Settings;
use serde_json::{Value, json};

/// Objects with everything in them that their kinds have, and a cluster adds.
fn corpus() -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {
                "name": "orders", "namespace": "shop", "uid": "1", "generation": 2, "labels": {"team": "a"},
                "annotations": {"istio.io/dry-run": "true", "note": "b"}
            },
            "spec": {
                "selector": {"matchLabels": {"app": "orders", "version": "v1"}},
                "action": "DENY",
                "rules": [
                    {
                        "from": [{"source": {
                            "principals": ["cluster.local/ns/a/sa/b"], "notPrincipals": ["*/ns/c/*"],
                            "requestPrincipals": ["i/*"], "notRequestPrincipals": ["i/x"],
                            "namespaces": ["a"], "notNamespaces": ["c"],
                            "ipBlocks": ["10.0.0.0/8"], "notIpBlocks": ["10.1.0.0/16"],
                            "remoteIpBlocks": ["192.0.2.0/24"], "notRemoteIpBlocks": ["192.0.2.1"],
                        }}],
                        "to": [{"operation": {
                            "hosts": ["a.example"], "notHosts": ["b.example"], "ports": ["80"], "notPorts": ["81"],
                            "methods": ["GET"], "notMethods": ["PUT"], "paths": ["/a/*"], "notPaths": ["/a/b"],
                        }}],
                        "when": [{"key": "request.headers[x]", "values": ["1"], "notValues": ["2"]}]
                    },
                    {"to": [{"operation": {"methods": ["POST"]}}]}
                ]
            },
            "status": {"conditions": []}
        }),
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication",
            "metadata": {"name": "tokens", "namespace": "shop", "resourceVersion": "7"},
            "spec": {
                "selector": {"matchLabels": {"app": "orders"}},
                "jwtRules": [{
                    "issuer": "https://issuer.example", "audiences": ["a"], "jwksUri": "https://issuer.example/keys",
                    "fromHeaders": [{"name": "x-token", "prefix": "t "}], "fromParams": ["t"], "fromCookies": ["c"],
                    "outputPayloadToHeader": "x-payload", "forwardOriginalToken": true, "timeout": "3s",
                    "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}], "spaceDelimitedClaims": ["roles"],
                }]
            }
        }),
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"name": "reviews", "namespace": "shop"},
            "spec": {
                "hosts": ["reviews", "b.example"], "gateways": ["mesh", "edge"], "exportTo": ["."],
                "tcp": [{"route": [{"destination": {"host": "a"}}]}],
                "tls": [{"match": [{"sniHosts": ["a"]}]}],
                "http": [
                    {
                        "name": "slow",
                        "match": [{
                            "name": "m", "uri": {"prefix": "/a"}, "ignoreUriCase": true, "method": {"exact": "GET"},
                            "scheme": {"exact": "https"}, "authority": {"prefix": "r"}, "headers": {"x": {"exact": "1"}},
                            "withoutHeaders": {"y": {}}, "queryParams": {"q": {"exact": "1"}}, "port": 80,
                            "sourceLabels": {"app": "web"}, "sourceNamespace": "shop",
                        }],
                        "fault": {
                            "delay": {"percentage": {"value": 10.0}, "fixedDelay": "5s"},
                            "abort": {"percentage": {"value": 50}, "httpStatus": 503},
                        },
                        "route": [{"destination": {"host": "reviews", "subset": "v1"}, "weight": 100}],
                        "timeout": "3s", "retries": {"attempts": 3}, "rewrite": {"uri": "/b"},
                        "mirror": {"host": "m"}, "mirrorPercentage": {"value": 1.0}, "corsPolicy": {"allowMethods": ["GET"]},
                        "headers": {"request": {"set": {"a": "b"}}},
                    },
                    {"fault": {"abort": {"httpStatus": 500, "percentage": {"value": 1}}}}
                ]
            }
        }),
        json!({
            "apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry",
            "metadata": {"name": "tags", "namespace": "shop"},
            "spec": {
                "selector": {"matchLabels": {"app": "orders"}},
                "tracing": [{
                    "match": {"mode": "SERVER"}, "providers": [{"name": "zipkin"}], "randomSamplingPercentage": 50.0,
                    "disableSpanReporting": false, "useRequestIdForTraceSampling": true,
                    "customTags": {"a": {"literal": {"value": "1"}}, "b": {"header": {"name": "x-b", "defaultValue": "c"}}},
                }],
                "metrics": [{
                    "providers": [{"name": "prometheus"}], "reportingInterval": "5s",
                    "overrides": [{
                        "match": {"metric": "REQUEST_COUNT", "mode": "SERVER"}, "disabled": false,
                        "tagOverrides": {"response_code": {"operation": "REMOVE"}},
                    }],
                }],
                "accessLogging": [{"providers": [{"name": "envoy"}], "match": {"mode": "SERVER"}, "disabled": false, "filter": {"expression": "true"}}],
            }
        }),
    ]
}

/// All that is said of a document, but for places in it.
fn said(object: &Value, form: Form) -> Result<String, String> {
    told(object, form).map(|(text, _)| text)
}

/// The same, and the paths of what is lost as a whole.
fn told(object: &Value, form: Form) -> Result<(String, Vec<String>), String> {
    let documents = Document::read_text("a.yaml", &object.to_string()).unwrap();
    let converted = read(&documents, &Settings::default(), Modules::Whole)
        .map_err(|problems| format!("{problems:?}"))?;
    let placement = Placement::default();
    let mut text = write(&converted, form, &placement)?;
    for loss in converted
        .losses
        .iter()
        .chain(&placement.losses(&converted, form))
    {
        text.push_str(&format!(
            "\nloss {} {} {}",
            loss.path, loss.what, loss.consequence
        ));
    }
    for note in &converted.notes {
        let (_, note) = note.split_once(": ").unwrap();
        text.push_str(&format!("\nnote {note}"));
    }
    let lost = converted.losses.iter().map(|loss| loss.path.clone());
    let noted = converted
        .notes
        .iter()
        .filter_map(|note| note.split(": ").nth(1));
    let noted = noted
        .filter(|path| path.starts_with("spec."))
        .map(str::to_owned);
    Ok((without_places(&text), lost.chain(noted).collect()))
}

/// `a.yaml:1:20` is where it stands, and moves with what stands before it.
fn without_places(text: &str) -> String {
    let mut parts = text.split("a.yaml:");
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        left.push_str(part.trim_start_matches(|char: char| char.is_ascii_digit() || char == ':'));
    }
    left
}

/// Every way to leave one field or one entry out, with its path.
fn fewer(value: &Value, path: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let mut less = fields.clone();
                less.remove(name);
                out.push((format!("{path}.{name}"), Value::Object(less)));
                let mut below = Vec::new();
                fewer(inner, &format!("{path}.{name}"), &mut below);
                for (path, changed) in below {
                    let mut fields = fields.clone();
                    fields[name] = changed;
                    out.push((path, Value::Object(fields)));
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                let mut less = items.clone();
                less.remove(index);
                out.push((format!("{path}[{index}]"), less.into()));
                let mut below = Vec::new();
                fewer(inner, &format!("{path}[{index}]"), &mut below);
                for (path, changed) in below {
                    let mut items = items.clone();
                    items[index] = changed;
                    out.push((path, items.into()));
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_field_is_dropped_in_silence() {
    let mut silent = Vec::new();
    let mut count = 0;
    for object in corpus() {
        for form in [Form::Config, Form::EnvoyFilter] {
            let (whole, lost) = told(&object, form).unwrap();
            let mut all = Vec::new();
            fewer(&object, object["kind"].as_str().unwrap(), &mut all);
            for (path, less) in all {
                count += 1;
                let (_, own) = path.split_once('.').unwrap();
                // The kind says as much as the version; and what is told as a whole is told.
                let is_below = |lost: &String| own.len() > lost.len() && own.starts_with(lost);
                if own == "apiVersion" || own.starts_with("status.") || lost.iter().any(is_below) {
                    continue;
                }
                // What is refused is told.
                if said(&less, form).is_ok_and(|less| less == whole) {
                    silent.push(format!("{form:?} {path}"));
                }
            }
        }
    }
    assert!(count > 400, "{count} changes");
    assert!(silent.is_empty(), "{silent:#?}");
}
