//! What Envoy makes of a service's answers, and of having none.

use std::time::{Duration, Instant};

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{bootstrap, cluster};
use integration::upstream::{Answer, Upstream};
use sdk_helpers::protobuf::Message;
use serde_json::{Value, json};

use crate::rate_limit::ours;

fn header(name: &str, value: &[u8]) -> Message {
    Message::new().bytes(1, name).bytes(3, value)
}

/// Answers by the value of the descriptor's entry.
fn scripted() -> Upstream {
    Upstream::with(|request| {
        let (_, descriptors, _) = crate::rate_limit::limiter::read(&request.messages()[0]);
        let code = |code| Message::new().number(1, code);
        let headers = |message: Message| {
            message
                .message(3, &header("x-from-service", b"1"))
                .message(3, &header(":status", b"299"))
                .message(3, &header("x-evil", b"a\r\nx-injected: 1"))
                .message(4, &header("x-to-upstream", b"\xff"))
        };
        let message = match descriptors[0]["x-key"].as_str() {
            "over" => headers(code(2)).bytes(5, "slow down"),
            "unknown" => code(0),
            "garbage" => return Answer::grpc(b"\xff\xff\xff"),
            "error" => return Answer::grpc_error(13, "broken"),
            "slow" => return Answer::grpc(&code(2).into_bytes()).after(Duration::from_secs(25)),
            "huge" => code(2).bytes(5, vec![b'x'; 1_000_000]),
            _ => headers(code(1)),
        };
        Answer::grpc(&message.into_bytes())
    })
}

fn config(cluster: &str, failure_mode: &str) -> Value {
    json!({
        "limits": [{"name": "user", "key": [{"header": "x-key"}], "global": true}],
        "global": {"domain": "d", "cluster": cluster, "timeout": "3s", "failureMode": failure_mode},
    })
}

fn start(name: &str, failure_mode: &str, service: &Upstream, upstream: &Upstream) -> Envoy {
    let listener = ours(&config(name, failure_mode)).to("upstream");
    let clusters = [
        cluster(name, service.addr(), true),
        cluster("upstream", upstream.addr(), false),
    ];
    Envoy::builder(bootstrap([listener], clusters)).start()
}

#[test]
fn yes_and_no_and_neither() {
    let (service, upstream) = (scripted(), Upstream::start());
    for (mode, without) in [("allow", 200), ("deny", 500)] {
        let envoy = start("rls", mode, &service, &upstream);
        let client = Client::http1(envoy.addr("ours"));
        let get = |key: &str| client.get("/").header("x-key", key).send();

        upstream.forget();
        let yes = get("fine");
        assert_eq!(yes.status, 200);
        assert_eq!(yes.header("x-from-service"), Some("1"));
        assert_eq!(
            (yes.header("x-injected"), yes.header("x-evil")),
            (None, None)
        );
        assert_eq!(upstream.requests()[0].values("x-to-upstream"), [b"\xff"]);

        let no = get("over");
        assert_eq!((no.status, no.text().as_str()), (429, "slow down"));
        assert_eq!(no.header("x-from-service"), Some("1"));
        assert_eq!(no.header("x-envoy-ratelimited"), Some("true"));
        assert_eq!((no.header("x-injected"), no.header("x-evil")), (None, None));
        assert_eq!(get("huge").status, 429);

        for key in ["unknown", "garbage", "error"] {
            assert_eq!(get(key).status, without, "{mode} {key}");
        }
        let start = Instant::now();
        assert_eq!(get("slow").status, without, "{mode}");
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(upstream.count(), if mode == "allow" { 5 } else { 1 });
        assert!(!envoy.log().contains("Function: proxy_"), "a VM failed");
    }
}

/// As Istio names the clusters of services.
#[test]
fn a_cluster_of_the_mesh_is_asked() {
    let (service, upstream) = (scripted(), Upstream::start());
    let name = "outbound|8081||ratelimit.default.svc.cluster.local";
    let envoy = start(name, "deny", &service, &upstream);
    let client = Client::http1(envoy.addr("ours"));
    assert_eq!(client.get("/").header("x-key", "fine").send().status, 200);
    assert_eq!(client.get("/").header("x-key", "over").send().status, 429);
}

#[test]
fn a_client_that_leaves_while_the_service_thinks_harms_nobody() {
    let (service, upstream) = (scripted(), Upstream::start());
    let envoy = start("rls", "deny", &service, &upstream);
    let client = Client::http1(envoy.addr("ours"));
    for _ in 0..20 {
        let slow = client.get("/").header("x-key", "slow");
        slow.abandon_after(Duration::from_millis(50));
    }
    assert_eq!(client.get("/").header("x-key", "fine").send().status, 200);
    assert!(!envoy.log().contains("Function: proxy_"), "a VM failed");
}
