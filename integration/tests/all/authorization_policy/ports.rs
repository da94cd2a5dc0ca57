//! Ports, which a policy has to know before Envoy has one.

use std::net::TcpListener;

use integration::client::Request;
use integration::envoy::{Config, Envoy};
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, Talk, native, ours};

/// Stands for the port of the listener.
const HERE: &str = "<here>";

#[test]
fn the_port_of_the_listener_is_the_one_that_counts() {
    let operation = |fields: Value| json!({"to": [{"operation": fields}]});
    let when = |field: &str| json!({"when": [{"key": "destination.port", field: [HERE]}]});
    let cases = [
        ("ALLOW", operation(json!({"ports": [HERE]})), true),
        (
            "DENY",
            operation(json!({"ports": ["1", format!("0{HERE}")]})),
            false,
        ),
        ("ALLOW", operation(json!({"notPorts": [HERE]})), false),
        ("ALLOW", when("values"), true),
        ("ALLOW", when("notValues"), false),
        ("ALLOW", operation(json!({"ports": ["1"]})), false),
    ];
    let mut listeners = Vec::new();
    let mut held = Vec::new();
    for (index, (action, rule, _)) in cases.iter().enumerate() {
        for side in ["native", "ours"] {
            let (socket, port) = free_port();
            held.push(socket);
            let config = json!({"policies": [
                {"name": "p", "namespace": "ns", "action": action, "rules": [rule]},
            ]});
            let config = config.to_string().replace(HERE, &port.to_string());
            let config = serde_json::from_str(&config).unwrap();
            let name = format!("{side}-{index}");
            let listener = match side {
                "native" => native(&name, &config, &Manager::default()),
                _ => ours(&name, &config, &Manager::default()),
            };
            let mut listener = listener.build();
            listener["address"]["socket_address"]["port_value"] = json!(port);
            listeners.push(listener);
        }
    }
    let config = Config::from_value(json!({"static_resources": {"listeners": listeners}}));
    drop(held);
    let envoy = Envoy::builder(config).start();
    for (index, (action, rule, passes)) in cases.iter().enumerate() {
        // A port in the authority is the client's word and means nothing here.
        let request = Request::get("/").authority("app.example:1");
        let [theirs, mine] = ["native", "ours"].map(|side| {
            Talk::to(envoy.addr(&format!("{side}-{index}")), false, None).ask(&request)
        });
        assert_eq!(mine, theirs, "{action} {rule}");
        assert_eq!(!mine.refused(), *passes, "{action} {rule}");
    }
}

/// A port that nobody is given while the socket is held.
fn free_port() -> (TcpListener, u16) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}
