//! Replicas as clients see them.

mod hostile;

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::state::Limits;
use crate::{Call, Served, Workload, serve, serve::serve_within};

const DEADLINE: Duration = Duration::from_secs(20);

fn start(workload: Workload) -> (Served, SocketAddr) {
    let any = "127.0.0.1:0".parse().unwrap();
    let served = serve(&Handle::current(), &[any], workload).unwrap();
    let address = served.addresses()[0];
    (served, address)
}

fn start_within(limits: Limits) -> (Served, SocketAddr) {
    let any = "127.0.0.1:0".parse().unwrap();
    let served = serve_within(&Handle::current(), &[any], Workload::named("a"), limits);
    let served = served.unwrap();
    let address = served.addresses()[0];
    (served, address)
}

/// A call of whoever is at an address.
fn call(service: &str, address: SocketAddr) -> Call {
    Call {
        service: service.to_owned(),
        path: "/".to_owned(),
        address,
    }
}

/// Sends bytes and reads all that comes until the other side closes.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be refused before it is all written.
    let _ = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut all)).await;
    // A reset ends an answer as well.
    let _ = read.expect("an end of the answer in time");
    String::from_utf8_lossy(&all).into_owned()
}

/// Asks as a line and headers say, and has the status and the body.
async fn ask(address: SocketAddr, line: &str, headers: &str) -> (u16, String) {
    let request =
        format!("{line} HTTP/1.1\r\nhost: reviews:9080\r\nconnection: close\r\n{headers}\r\n");
    let answer = raw(address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

async fn asked(address: SocketAddr, path: &str) -> (u16, Value) {
    let (status, body) = ask(address, &format!("GET {path}"), "").await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn it_says_who_answered_and_what_came() {
    let (served, address) = start(Workload {
        version: "v2".to_owned(),
        identity: Some("spiffe://cluster.local/ns/default/sa/reviews".to_owned()),
        ..Workload::named("reviews-v2")
    });
    let headers =
        "End-User: jason\r\nx-forwarded-client-cert: By=a;URI=spiffe://b\r\ncontent-length: 3\r\n";
    let (status, body) = ask(address, "POST /reviews/0?a=b", &format!("{headers}\r\nabc")).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({
        "name": "reviews-v2",
        "version": "v2",
        "namespace": "default",
        "address": "127.0.0.1",
        "identity": "spiffe://cluster.local/ns/default/sa/reviews",
        "caller": "spiffe://b",
        "requests": 1,
        "method": "POST",
        "authority": "reviews:9080",
        "path": "/reviews/0?a=b",
        "headers": {
            "connection": "close",
            "content-length": "3",
            "end-user": "jason",
            "x-forwarded-client-cert": "By=a;URI=spiffe://b",
        },
        "bodyBytes": 3,
    });
    assert_eq!(answer, expected);
    assert!(body.starts_with("{\n  \"name\": "), "{body}");
    assert_eq!(served.requests(), 1);
}

#[tokio::test]
async fn without_a_sidecar_nobody_vouches() {
    let (_served, address) = start(Workload::named("a"));
    let (_, body) = ask(
        address,
        "GET /",
        "x-forwarded-client-cert: URI=spiffe://b\r\n",
    )
    .await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer.get("caller"), None);
}

#[tokio::test]
async fn it_speaks_http2_at_once() {
    let (_served, address) = start(Workload::named("a"));
    let stream = TcpStream::connect(address).await.unwrap();
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("http://reviews:9080/x");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["authority"], "reviews:9080");
    let request = hyper::Request::get("http://reviews:9080/reset");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    assert!(sender.send_request(request).await.is_err());
}

#[tokio::test]
async fn it_calls_others_and_tells_what_they_said() {
    let (ratings, at) = start(Workload::named("ratings-v1"));
    let gone = call("gone", "127.0.0.1:1".parse().unwrap());
    let (served, address) = start(Workload {
        calls: vec![call("ratings:9080", at), gone],
        ..Workload::named("reviews-v2")
    });
    let (_, body) = ask(address, "GET /", "end-user: jason\r\nx-other: a\r\n").await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let called = &answer["called"];
    assert_eq!(called[0]["service"], "ratings:9080");
    assert_eq!(called[0]["status"], 200);
    let inner = &called[0]["answer"];
    assert_eq!(inner["name"], "ratings-v1");
    assert_eq!(inner["authority"], "ratings:9080");
    let headers = json!({"end-user": "jason", "x-called-by": "reviews-v2.default"});
    assert_eq!(inner["headers"], headers);
    let problem = called[1]["problem"].as_str().unwrap();
    assert!(problem.contains("127.0.0.1:1"), "{problem}");

    // Another one, which fails, on the same connections.
    ask(at, "PUT /fail?status=503&times=1", "").await;
    served.change(Workload {
        calls: vec![call("ratings:9080", at)],
        ..Workload::named("reviews-v3")
    });
    let (status, answer) = asked(address, "/").await;
    assert_eq!((status, &answer["name"]), (200, &json!("reviews-v3")));
    assert_eq!(answer["called"][0]["status"], 503);
    assert_eq!(ratings.requests(), 2);
}

#[tokio::test]
async fn a_circle_of_calls_ends_and_is_told() {
    let any = "127.0.0.1:0".parse().unwrap();
    let serve = |name: &str| serve(&Handle::current(), &[any], Workload::named(name)).unwrap();
    let (a, b) = (serve("a"), serve("b"));
    let calling = |name: &str, service: &str, other: &Served| Workload {
        calls: vec![call(service, other.addresses()[0])],
        ..Workload::named(name)
    };
    a.change(calling("a", "b", &b));
    b.change(calling("b", "a", &a));
    let (status, answer) = asked(a.addresses()[0], "/").await;
    assert_eq!(status, 200);
    let again = &answer["called"][0]["answer"]["called"][0]["answer"];
    let problem = again["problem"].as_str().unwrap();
    assert!(problem.contains("in a circle"), "{problem}");
    assert_eq!([a.requests(), b.requests()], [2, 1]);
}

#[tokio::test]
async fn it_misbehaves_as_one_request_asks() {
    let (_served, address) = start(Workload::named("a"));
    let (status, answer) = asked(address, "/status/503").await;
    assert_eq!((status, &answer["name"]), (503, &json!("a")));
    let (status, _) = ask(address, "GET /x", "x-fail: status=418\r\n").await;
    assert_eq!(status, 418);

    let started = Instant::now();
    assert_eq!(asked(address, "/delay/150ms").await.0, 200);
    assert!(started.elapsed() >= Duration::from_millis(150));

    let started = Instant::now();
    let (status, body) = ask(address, "GET /drip?bytes=4&over=200ms", "").await;
    assert_eq!((status, body.as_str()), (200, "****"));
    assert!(started.elapsed() >= Duration::from_millis(150));

    assert_eq!(
        raw(address, b"GET /reset HTTP/1.1\r\nhost: a\r\n\r\n").await,
        ""
    );
    let request =
        b"GET /response-headers?x-a=1&x-a=2&content-type=a/b HTTP/1.1\r\nconnection: close\r\n\r\n";
    let answer = raw(address, request).await;
    for header in [
        "\r\nx-a: 1\r\n",
        "\r\nx-a: 2\r\n",
        "\r\ncontent-type: a/b\r\n",
    ] {
        assert!(answer.contains(header), "{answer}");
    }
    let (status, answer) = asked(address, "/status/99").await;
    assert_eq!(status, 400);
    assert_eq!(answer["problem"], "`99` is no status from 200 to 599");
}

#[tokio::test]
async fn it_misbehaves_until_told_otherwise() {
    let (served, address) = start(Workload::named("a"));
    let (status, _) = ask(address, "PUT /fail?status=503&delay=1ms", "").await;
    assert_eq!((status, served.requests()), (200, 0));
    for _ in 0..3 {
        assert_eq!(asked(address, "/").await.0, 503);
    }
    // Who asks for something else gets that.
    assert_eq!(ask(address, "GET /status/204", "").await.0, 204);
    ask(address, "DELETE /fail", "").await;
    assert_eq!(asked(address, "/").await.0, 200);
    for wrong in ["", "?status=1", "?what=1"] {
        let (status, _) = ask(address, &format!("PUT /fail{wrong}"), "").await;
        assert_eq!(status, 400, "{wrong}");
    }
    assert_eq!(asked(address, "/fail").await.0, 200);
}

#[tokio::test]
async fn what_is_dropped_is_gone() {
    let (served, address) = start(Workload::named("a"));
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET /delay/30s HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let counted = timeout(DEADLINE, async {
        while served.requests() == 0 {
            tokio::task::yield_now().await;
        }
    });
    counted.await.unwrap();
    drop(served);
    let mut rest = Vec::new();
    let ended = timeout(DEADLINE, open.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty());
    let again = || serve(&Handle::current(), &[address], Workload::named("a"));
    let free = timeout(DEADLINE, async {
        while again().is_err() {
            tokio::task::yield_now().await;
        }
    });
    free.await.unwrap();
}

#[tokio::test]
async fn where_it_cannot_listen_is_told() {
    let (_served, address) = start(Workload::named("a"));
    let refused = |address: SocketAddr| {
        let served = serve(&Handle::current(), &[address], Workload::named("a"));
        served.unwrap_err().to_string()
    };
    let problem = refused(address);
    assert!(
        problem.starts_with(&format!("cannot listen on {address}: ")),
        "{problem}"
    );
    assert!(refused("0.0.0.0:0".parse().unwrap()).contains("not of this machine alone"));
}

#[tokio::test]
async fn two_thousand_requests_are_soon_answered() {
    let (served, address) = start(Workload::named("a"));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let started = Instant::now();
    let mut buffer = [0; 4096];
    for _ in 0..2_000 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let read = timeout(DEADLINE, stream.read(&mut buffer)).await;
        assert!(read.unwrap().unwrap() > 0);
    }
    assert_eq!(served.requests(), 2_000);
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
}
