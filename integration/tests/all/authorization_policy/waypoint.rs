//! Behind Istio's ambient mesh a waypoint has no TLS peer: who asks stands in filter state, and istiod
//! has RBAC look there.

use integration::client::Request;
use integration::listener::Listener;
use integration::rbac;
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::FILTER;
use crate::authorization_policy::peers::SLEEP;
use crate::authorization_policy::rig::{Talk, peer_state};

/// Where Istio's Envoy leaves the peer of the tunnel that a request came through.
const KEY: &str = "io.istio.peer_principal";

fn behind_a_tunnel(name: &str, peer: Option<&str>) -> Listener {
    let listener = Listener::new(name);
    let Some(peer) = peer else { return listener };
    let state = json!({"on_request_headers": [{
        "object_key": KEY,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": peer}},
    }]});
    listener.filter("tunnel", "set_filter_state.v3.Config", state)
}

/// The native filter as istiod makes it for a waypoint: filter state in place of the certificate.
fn by_filter_state(value: Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("authenticated") {
            Some(peer) => {
                json!({"filter_state": {"key": KEY, "string_match": peer["principal_name"]}})
            }
            None => fields
                .into_iter()
                .map(|(name, field)| (name, by_filter_state(field)))
                .collect(),
        },
        Value::Array(items) => items.into_iter().map(by_filter_state).collect(),
        other => other,
    }
}

#[test]
fn the_peer_of_the_tunnel_is_the_peer() {
    let sleep = format!("spiffe://{SLEEP}");
    let peers = [
        None,
        Some(sleep.as_str()),
        Some("spiffe://cluster.local/ns/foo/sa/web"),
    ];
    let sources = [
        json!({"principals": [SLEEP]}),
        json!({"notPrincipals": [SLEEP]}),
        json!({"principals": ["*"]}),
        json!({"namespaces": ["default"]}),
        json!({"notNamespaces": ["default"]}),
        json!({"serviceAccounts": ["foo/web"]}),
        json!({"trustDomains": ["cluster.local"]}),
    ];
    let mut cases = Vec::new();
    for source in &sources {
        for action in ["ALLOW", "DENY"] {
            for peer in peers {
                cases.push((action, source, peer));
            }
        }
    }
    let mut listeners = Vec::new();
    for (index, (action, source, peer)) in cases.iter().enumerate() {
        let config = json!({"policies": [{
            "name": "p", "namespace": "ns", "action": action, "rules": [{"from": [{"source": source}]}],
        }]});
        let filters = rbac::filters(&config).unwrap();
        let native = behind_a_tunnel(&format!("native-{index}"), *peer);
        listeners.push(filters.into_iter().fold(native, |listener, fields| {
            listener.filter(rbac::FILTER, rbac::MESSAGE, by_filter_state(fields))
        }));
        let blind = behind_a_tunnel(&format!("ours-{index}"), *peer);
        listeners.push(blind.module(FILTER, &config));
        // The same where the snippet of the README is in the chain as well.
        let told = behind_a_tunnel(&format!("told-{index}"), *peer);
        let told = told.filter("peer", "set_filter_state.v3.Config", peer_state());
        listeners.push(told.module(FILTER, &config));
    }
    let envoy = Shared::start(listeners, []);
    for (index, (action, source, peer)) in cases.iter().enumerate() {
        let [theirs, mine, told] = ["native", "ours", "told"].map(|side| {
            Talk::to(envoy.addr(&format!("{side}-{index}")), false, None).ask(&Request::get("/"))
        });
        assert_eq!(mine, theirs, "{action} {source} from {peer:?}");
        assert_eq!(
            told, theirs,
            "{action} {source} from {peer:?}, with the snippet"
        );
    }
}
