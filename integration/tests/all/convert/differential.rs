//! The same objects as Envoy's own filters, by the rules of istiod, and converted: in one Envoy, the same request gets
//! the same answer.

use fastrand::Rng;
use integration::client::{Client, Request, Response};
use integration::jwt_authn;
use integration::listener::Listener;
use integration::shared::Shared;
use serde_json::{Value, json};

use super::{converted, module};
use crate::authorization_policy::generate;
use crate::authorization_policy::peers::WORLD;
use crate::authorization_policy::rig::{self, Manager, Talk};
use crate::request_authentication::generated::Generator;
use crate::request_authentication::rules::{self, Setup};

const SEED: u64 = 20_261_201;
/// Policies of authorization, and requests to each.
const POLICIES: usize = 16;
const REQUESTS: usize = 80;
/// Rules of tokens, and requests to each.
const RULES: usize = 4;
const TOKENS: usize = 150;
/// VirtualServices, and requests to each.
const FAULTS: usize = 8;
const ASKED: usize = 60;

/// A configuration of ours as the objects that it says the same as.
fn policies(config: &Value) -> Vec<Value> {
    let entries = config["policies"].as_array().unwrap().iter();
    let mut objects: Vec<Value> = entries
        .map(|policy| {
            let mut spec = policy.clone();
            let fields = spec.as_object_mut().unwrap();
            let mut metadata =
                json!({"name": fields.remove("name"), "namespace": fields.remove("namespace")});
            if let Some(dry) = fields.remove("dryRun") {
                metadata["annotations"] = json!({"istio.io/dry-run": dry.to_string()});
            }
            json!({
                "apiVersion": "security.istio.io/v1",
                "kind": "AuthorizationPolicy",
                "metadata": metadata,
                "spec": spec,
            })
        })
        .collect();
    let mut mesh = serde_json::Map::new();
    for field in ["trustDomain", "trustDomainAliases"] {
        if let Some(value) = config.get(field) {
            mesh.insert(field.to_owned(), value.clone());
        }
    }
    if !mesh.is_empty() {
        objects.push(Value::Object(mesh));
    }
    objects
}

/// Policies whose objects say all that they do.
fn drawn(dice: &mut Rng) -> Value {
    loop {
        let config = generate::config(dice);
        let known = ["policies", "trustDomain", "trustDomainAliases"];
        let fields = config.as_object().unwrap().keys();
        let namespaces = config["policies"].as_array().unwrap().iter();
        let mut namespaces = namespaces.map(|policy| &policy["namespace"]);
        let first = namespaces.next().unwrap();
        if namespaces.all(|other| other == first)
            && fields
                .into_iter()
                .all(|name| known.contains(&name.as_str()))
        {
            return config;
        }
    }
}

/// What a client sees of an answer, the time aside.
fn visible(response: &Response) -> (u16, Option<Vec<u8>>, String) {
    let told = response
        .headers
        .iter()
        .find(|(name, _)| name == "www-authenticate");
    (
        response.status,
        told.map(|(_, value)| value.clone()),
        response.text(),
    )
}

/// An entry of a VirtualService, and Envoy's routes for it as istiod makes them: one for each match.
fn entry(dice: &mut Rng) -> (Value, Vec<Value>) {
    let status = [418, 503, 429, 200][dice.usize(..4)];
    let percent = [0, 100, 100, 100][dice.usize(..4)];
    let mut matches = Vec::new();
    let mut routes = Vec::new();
    for _ in 0..=dice.usize(..2) {
        let (uri, path) = [
            (json!({"prefix": "/a"}), json!({"prefix": "/a"})),
            (json!({"exact": "/a/b"}), json!({"path": "/a/b"})),
            (
                json!({"regex": "/[ab]/.*"}),
                json!({"safe_regex": {"regex": "/[ab]/.*"}}),
            ),
            (json!({"prefix": "/"}), json!({"prefix": "/"})),
        ][dice.usize(..4)]
        .clone();
        let mut one = json!({"uri": uri});
        let mut envoy = path;
        if dice.bool() {
            let value = ["1", "2"][dice.usize(..2)];
            one["headers"] = json!({"x-a": {"exact": value}});
            envoy["headers"] = json!([{"name": "x-a", "string_match": {"exact": value}}]);
        }
        if dice.u8(..3) == 0 {
            one["method"] = json!({"exact": "POST"});
            let method = json!({"name": ":method", "string_match": {"exact": "POST"}});
            match envoy.get_mut("headers").and_then(Value::as_array_mut) {
                Some(headers) => headers.push(method),
                None => envoy["headers"] = json!([method]),
            }
        }
        matches.push(one);
        let fault = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "abort": {"http_status": status, "percentage": {"numerator": percent}},
        });
        routes.push(json!({
            "match": envoy,
            "direct_response": {"status": 200},
            "typed_per_filter_config": {"envoy.filters.http.fault": fault},
        }));
    }
    let entry = json!({
        "match": matches,
        "fault": {"abort": {"httpStatus": status, "percentage": {"value": percent}}},
        "route": [{"destination": {"host": "reviews"}}],
    });
    (entry, routes)
}

/// A VirtualService, and Envoy's routes for it, the last of which is for what none matches.
fn faults(dice: &mut Rng) -> (Value, Vec<Value>) {
    let mut http = Vec::new();
    let mut routes = Vec::new();
    for _ in 0..=dice.usize(..3) {
        let (entry, of_it) = entry(dice);
        http.push(entry);
        routes.extend(of_it);
    }
    routes.push(json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}}));
    let service = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "reviews", "namespace": "default"},
        "spec": {"hosts": ["reviews"], "http": http},
    });
    (service, routes)
}

fn asked(dice: &mut Rng) -> Request {
    let path = ["/", "/a", "/a/b", "/b/c", "/ab", "/a/b?x=1", "/c"][dice.usize(..7)];
    let method = ["GET", "POST"][dice.usize(..2)];
    let request = Request::new(method, path).authority(
        [
            "reviews",
            "reviews.default",
            "reviews.default.svc.cluster.local:80",
        ][dice.usize(..3)],
    );
    match dice.usize(..3) {
        0 => request,
        index => request.header("x-a", ["1", "2"][index - 1]),
    }
}

/// One Envoy with everything in it.
#[test]
fn a_converted_policy_decides_like_the_original() {
    let mut dice = Rng::with_seed(SEED);
    let manager = Manager::default().paths("BASE");
    let mut listeners = Vec::new();
    let configs: Vec<Value> = (0..POLICIES).map(|_| drawn(&mut dice)).collect();
    for (index, config) in configs.iter().enumerate() {
        let only = converted(&policies(config), "authorization-policy");
        let ours = &only.configurations[0].tree;
        for (side, listener) in [
            (
                "native",
                rig::native(&format!("native-{index}"), config, &manager),
            ),
            ("ours", rig::ours(&format!("ours-{index}"), ours, &manager)),
        ] {
            let tls = match side {
                "native" => rig::native(&format!("{side}-{index}-tls"), config, &manager),
                _ => rig::ours(&format!("{side}-{index}-tls"), ours, &manager),
            };
            listeners.extend([listener, rig::over_tls(tls)]);
        }
    }
    // With one rule: what several make of several tokens is another test's, with its differences.
    let is_one = |setup: &Setup| setup.rules.as_array().is_some_and(|rules| rules.len() == 1);
    let rules: Vec<Setup> = rules::setups()
        .into_iter()
        .filter(is_one)
        .take(RULES)
        .collect();
    for (index, setup) in rules.iter().enumerate() {
        let tokens = json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "RequestAuthentication",
            "metadata": {"name": "tokens", "namespace": "default"},
            "spec": {"jwtRules": setup.rules},
        });
        let native = Listener::new(&format!("native-jwt-{index}"));
        let ours = Listener::new(&format!("ours-jwt-{index}"));
        listeners.extend([
            jwt_authn::filter(native, &setup.rules),
            module(ours, &converted(&[tokens], "request-authentication")),
        ]);
    }
    for index in 0..FAULTS {
        let (service, routes) = faults(&mut dice);
        let native = Listener::new(&format!("native-fault-{index}")).filter(
            "envoy.filters.http.fault",
            "fault.v3.HTTPFault",
            json!({}),
        );
        let ours = Listener::new(&format!("ours-fault-{index}"));
        listeners.extend([
            native.routes(routes),
            module(ours, &converted(&[service], "fault-injection")),
        ]);
    }
    let envoy = Shared::start(listeners, []);
    let (mut total, mut refused) = (0, 0);
    for (index, config) in configs.iter().enumerate() {
        for _ in 0..REQUESTS {
            let drawn = generate::drawn(&mut dice, WORLD.ordinary());
            let tls = drawn.peer.map(|peer| &WORLD.peers[peer].1);
            let ending = if tls.is_some() { "-tls" } else { "" };
            let [theirs, mine] = ["native", "ours"].map(|side| {
                let listener = format!("{side}-{index}{ending}");
                Talk::to(envoy.addr(&listener), drawn.http2, tls).ask(&drawn.request)
            });
            assert_eq!(mine, theirs, "{:?}: {config}", drawn.request);
            total += 1;
            refused += usize::from(theirs.refused());
        }
    }
    assert!(
        refused * 8 > total && refused * 8 < total * 7,
        "{refused} of {total} refused"
    );
    for (index, setup) in rules.iter().enumerate() {
        let mut generator = Generator::new(SEED, setup);
        let clients = ["native", "ours"]
            .map(|side| Client::http1(envoy.addr(&format!("{side}-jwt-{index}"))));
        let mut taken = 0;
        for _ in 0..TOKENS {
            // Which port it is, stands in the answer else.
            let request = generator.request().authority("orders.example");
            let [theirs, mine] = clients
                .each_ref()
                .map(|client| visible(&client.send(request.clone())));
            assert_eq!(mine, theirs, "{}: {request:?}", setup.name);
            taken += usize::from(theirs.0 == 200);
        }
        assert!(taken > 0 && taken < TOKENS, "{}: {taken} taken", setup.name);
    }
    let mut aborted = 0;
    for index in 0..FAULTS {
        let clients = ["native", "ours"]
            .map(|side| Client::http1(envoy.addr(&format!("{side}-fault-{index}"))));
        for _ in 0..ASKED {
            let request = asked(&mut dice);
            let [theirs, mine] = clients
                .each_ref()
                .map(|client| visible(&client.send(request.clone())));
            assert_eq!(mine, theirs, "{index}: {request:?}");
            aborted += usize::from(theirs.0 != 200);
        }
    }
    assert!(
        aborted * 8 > FAULTS * ASKED && aborted < FAULTS * ASKED,
        "{aborted} aborted"
    );
    assert!(!envoy.log().contains("panicked at"), "a module panicked");
}
