//! Where our filter means to differ from Envoy's own, each with its reason. What is not in this table
//! is decided alike, which the other tests of this program see to.

use integration::client::Request;
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::peers::{COMMA, WORLD};
use crate::authorization_policy::rig::{Manager, Talk, blind, native, ours, over_tls};

struct Difference {
    /// What a reader of the policy has to know.
    why: &'static str,
    action: &'static str,
    rule: Value,
    /// Without `set_filter_state` before it.
    blind: bool,
    peer: Option<&'static str>,
    /// Whether Envoy's own filter and ours let a `GET /` pass.
    passes: [bool; 2],
}

fn table() -> Vec<Difference> {
    let source = |fields: Value| json!({"from": [{"source": fields}]});
    let unseen_address = "the TCP peer is shown to no module: without the filter state nothing is \
        allowed by it, and what is denied by it is denied";
    let unseen_names = "a module sees the first name of each kind in a certificate: without the \
        filter state a later one allows nothing, and is taken to be there where it would deny";
    let joined = "Envoy joins the names of a certificate by commas, so one with a comma in it is read \
        as two; no SPIFFE id has one, and an authority must not issue such a name";
    let sleep = || json!({"principals": ["cluster.local/ns/default/sa/sleep"]});
    let difference = |why, action, rule, blind, peer, passes| Difference {
        why,
        action,
        rule,
        blind,
        peer,
        passes,
    };
    vec![
        difference(
            unseen_address,
            "ALLOW",
            source(json!({"ipBlocks": ["127.0.0.1"]})),
            true,
            None,
            [true, false],
        ),
        difference(
            unseen_address,
            "ALLOW",
            source(json!({"notIpBlocks": ["10.0.0.1"]})),
            true,
            None,
            [true, false],
        ),
        difference(
            unseen_address,
            "DENY",
            source(json!({"ipBlocks": ["10.0.0.1"]})),
            true,
            None,
            [true, false],
        ),
        difference(
            unseen_address,
            "DENY",
            source(json!({"notIpBlocks": ["127.0.0.1"]})),
            true,
            None,
            [true, false],
        ),
        difference(
            unseen_names,
            "ALLOW",
            source(sleep()),
            true,
            Some("two URIs"),
            [true, false],
        ),
        difference(
            unseen_names,
            "ALLOW",
            source(json!({"notPrincipals": ["cluster.local/ns/no/sa/body"]})),
            true,
            Some("one URI"),
            [true, false],
        ),
        difference(
            unseen_names,
            "DENY",
            source(json!({"principals": ["cluster.local/ns/no/sa/body"]})),
            true,
            Some("one URI"),
            [true, false],
        ),
        difference(
            joined,
            "ALLOW",
            source(sleep()),
            false,
            Some(COMMA),
            [false, true],
        ),
    ]
}

#[test]
fn each_intended_difference_is_as_it_is_told() {
    let table = table();
    let mut listeners = Vec::new();
    for (index, difference) in table.iter().enumerate() {
        let config = json!({"policies": [{
            "name": "p", "namespace": "ns", "action": difference.action, "rules": [difference.rule],
        }]});
        let names = ["native", "ours"].map(|side| format!("{side}-{index}"));
        let manager = Manager::default();
        let mine = match difference.blind {
            true => blind(&names[1], &config),
            false => ours(&names[1], &config, &manager),
        };
        let both = [native(&names[0], &config, &manager), mine];
        listeners.extend(both.map(|listener| match difference.peer {
            Some(_) => over_tls(listener),
            None => listener,
        }));
    }
    let envoy = Shared::start(listeners, []);
    for (index, difference) in table.iter().enumerate() {
        let tls = WORLD.peer(difference.peer);
        let passes = ["native", "ours"].map(|side| {
            let mut talk = Talk::to(envoy.addr(&format!("{side}-{index}")), false, tls);
            !talk.ask(&Request::get("/")).refused()
        });
        assert_eq!(
            passes, difference.passes,
            "{} {} over {:?}: {}",
            difference.action, difference.rule, difference.peer, difference.why
        );
    }
}

/// What is known is used: neither the filter state nor a second name is needed to know these.
#[test]
fn a_module_that_sees_enough_decides_as_envoy_does() {
    let sleep = json!(["cluster.local/ns/default/sa/sleep"]);
    let nobody = json!(["cluster.local/ns/no/sa/body"]);
    let cases = [
        ("ALLOW", json!({"principals": sleep}), Some("one URI")),
        ("DENY", json!({"principals": sleep}), Some("one URI")),
        ("ALLOW", json!({"notPrincipals": sleep}), Some("one URI")),
        ("ALLOW", json!({"principals": sleep}), None),
        ("DENY", json!({"principals": nobody}), None),
        ("ALLOW", json!({"notPrincipals": nobody}), None),
        (
            "DENY",
            json!({"principals": nobody}),
            Some("no certificate"),
        ),
        ("ALLOW", json!({"namespaces": ["default"]}), Some("one URI")),
        (
            "ALLOW",
            json!({"trustDomains": ["cluster.local"]}),
            Some("one URI"),
        ),
        (
            "ALLOW",
            json!({"serviceAccounts": ["default/sleep"]}),
            Some("one URI"),
        ),
        ("ALLOW", json!({"remoteIpBlocks": ["127.0.0.1"]}), None),
    ];
    let listeners = cases.iter().enumerate().flat_map(|(index, (action, source, peer))| {
        let config = json!({"policies": [{
            "name": "p", "namespace": "ns", "action": action, "rules": [{"from": [{"source": source}]}],
        }]});
        let both = [
            native(&format!("native-{index}"), &config, &Manager::default()),
            blind(&format!("ours-{index}"), &config),
        ];
        both.map(|listener| match peer {
            Some(_) => over_tls(listener),
            None => listener,
        })
    });
    let envoy = Shared::start(listeners.collect::<Vec<_>>(), []);
    for (index, (action, source, peer)) in cases.iter().enumerate() {
        let [theirs, mine] = ["native", "ours"].map(|side| {
            let tls = WORLD.peer(*peer);
            Talk::to(envoy.addr(&format!("{side}-{index}")), false, tls).ask(&Request::get("/"))
        });
        assert_eq!(mine, theirs, "{action} {source} over {peer:?}");
    }
}
