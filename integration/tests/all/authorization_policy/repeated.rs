//! A header that comes twice: a module is shown each value, by every version of Envoy, and ours match each
//! alone. Envoy's own RBAC does so since 1.38; before, the joined values were a way around a DENY.

use integration::client::{Client, Request};
use integration::envoy::{Capability, has};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, native, ours};

/// Requests whose `x-a` is `secret` once, among others.
fn requests() -> [Request; 4] {
    [
        &["secret"][..],
        &["public", "secret"],
        &["secret", "public"],
        &["", "secret", ""],
    ]
    .map(|values| {
        let request = Request::get("/").authority("app.example");
        let values = values.iter();
        values.fold(request, |request, value| request.header("x-a", value))
    })
}

fn policies(action: &str, condition: Value) -> Value {
    json!({"policies": [{
        "name": "p", "namespace": "ns", "action": action, "rules": [{"when": [condition]}],
    }]})
}

#[test]
fn no_value_hides_behind_another() {
    let is_secret = json!({"key": "request.headers[x-a]", "values": ["secret"]});
    let is_not_secret = json!({"key": "request.headers[x-a]", "notValues": ["secret"]});
    let manager = Manager::default();
    let cases = [
        // Refused if one of the values is the one that is denied.
        ("DENY", policies("DENY", is_secret.clone()), 403),
        // Allowed only if none of them is the one that is not.
        ("NOT", policies("ALLOW", is_not_secret), 403),
        ("ALLOW", policies("ALLOW", is_secret), 200),
    ];
    let listeners = cases.iter().flat_map(|(name, config, _)| {
        [
            native(&format!("native-{name}"), config, &manager),
            ours(&format!("ours-{name}"), config, &manager),
        ]
    });
    let envoy = Shared::start(listeners.collect::<Vec<_>>(), []);

    for (name, _, expected) in &cases {
        for http1 in [true, false] {
            let statuses = |side: &str| {
                let addr = envoy.addr(&format!("{side}-{name}"));
                let client = match http1 {
                    true => Client::http1(addr),
                    false => Client::http2(addr),
                };
                requests().map(|request| client.send(request).status)
            };
            assert_eq!(statuses("ours"), [*expected; 4], "{name}, http1: {http1}");
            // `public,secret` is neither `secret` nor a header without it.
            let joined = if *expected == 403 { 200 } else { 403 };
            let theirs = match has(Capability::RepeatedHeaders) {
                true => [*expected; 4],
                false => [*expected, joined, joined, joined],
            };
            assert_eq!(statuses("native"), theirs, "{name}, http1: {http1}");
        }
    }
}
