//! Addresses that do not come the plain way: over IPv6, and behind a proxy that tells of its client
//! before the request (the PROXY protocol).

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use integration::client::{Client, raw};
use integration::envoy::{Config, Envoy};
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, native, ours};

/// Sources to allow, one at a time.
fn sources() -> Vec<Value> {
    let blocks = [
        "::1",
        "::/0",
        "::1/64",
        "::2",
        "0.0.0.0/0",
        "127.0.0.1",
        "10.0.0.0/8",
        "2001:db8::/32",
    ];
    let mut all = Vec::new();
    for field in [
        "ipBlocks",
        "notIpBlocks",
        "remoteIpBlocks",
        "notRemoteIpBlocks",
    ] {
        for block in blocks {
            all.push(json!({"from": [{"source": {field: [block]}}]}));
        }
    }
    for block in blocks {
        all.push(json!({"when": [{"key": "destination.ip", "values": [block]}]}));
    }
    all
}

/// Both listeners for each source, changed a little.
fn start(manager: &Manager, change: impl Fn(&mut Value)) -> Envoy {
    let mut listeners = Vec::new();
    for (index, rule) in sources().iter().enumerate() {
        let config = json!({"policies": [{"name": "p", "namespace": "ns", "rules": [rule]}]});
        for listener in [
            native(&format!("native-{index}"), &config, manager),
            ours(&format!("ours-{index}"), &config, manager),
        ] {
            let mut listener = listener.build();
            change(&mut listener);
            listeners.push(listener);
        }
    }
    let config = Config::from_value(json!({"static_resources": {"listeners": listeners}}));
    Envoy::builder(config).start()
}

/// How many sources are allowed, where both sides agree on each.
fn allowed(envoy: &Envoy, status: impl Fn(SocketAddr) -> u16) -> usize {
    let mut allowed = 0;
    for (index, rule) in sources().iter().enumerate() {
        let [theirs, mine] =
            ["native", "ours"].map(|side| status(envoy.addr(&format!("{side}-{index}"))));
        assert_eq!(mine, theirs, "{rule}");
        allowed += usize::from(mine == 200);
    }
    allowed
}

#[test]
fn peers_over_ipv6() {
    let envoy = start(&Manager::default(), |listener| {
        listener["address"]["socket_address"]["address"] = json!("::1");
    });
    let count = allowed(&envoy, |addr| {
        let addr = (Ipv6Addr::LOCALHOST, addr.port()).into();
        Client::http1(addr).get("/").send().status
    });
    // `::1`, `::/0` and `::1/64` for each of three addresses, and for two of them the other five.
    assert_eq!(count, 3 * 3 + 2 * 5);
}

#[test]
fn a_proxy_that_tells_of_its_client() {
    let mut manager = Manager::default().trusted_proxies(Some(0));
    manager.0.push(("delayed_close_timeout", json!("0s")));
    let envoy = start(&manager, |listener| {
        listener["listener_filters"] = json!([{
            "name": "envoy.filters.listener.proxy_protocol",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
            },
        }]);
    });
    for told in [
        "TCP4 10.1.2.3 10.9.9.9 1234 80",
        "TCP6 2001:db8::1 ::1 1234 80",
        "TCP6 ::ffff:10.1.2.3 ::1 1234 80",
        "UNKNOWN",
    ] {
        let request =
            format!("PROXY {told}\r\nGET / HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n");
        let count = allowed(&envoy, |addr| {
            let answer = raw(addr, request.as_bytes(), Duration::from_secs(5));
            let answer = String::from_utf8_lossy(&answer);
            let status = answer.split(' ').nth(1);
            status.and_then(|status| status.parse().ok()).unwrap_or(0)
        });
        assert!(count > 0, "{told}");
    }
}
