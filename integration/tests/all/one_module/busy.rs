//! Many streams at once that wait in the middle of the chain, for a service, for another one, and for a
//! delay: each gets what is its own, and who leaves leaves nothing behind.

use std::time::Duration;

use fastrand::Rng;
use integration::client::{Client, Request, Response};
use integration::envoy::Envoy;
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::one_module::everything::{NAME, one};
use crate::one_module::pick::{once_in, one as one_of};
use crate::one_module::tokens::{A, B, keys_of, signed};
use crate::one_module::{SOON, limiter, service};

const REQUESTS: usize = 600;
const AT_ONCE: usize = 32;
/// Whoever has this number as `sub` is denied.
const DENIED: usize = 3;

fn configuration() -> Value {
    let all = json!({"numerator": 100});
    json!({
        "requestAuthentication": {"jwtRules": [
            {"issuer": A, "jwks": keys_of(A), "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]},
            {"issuer": B, "jwks": keys_of(B), "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]},
        ]},
        "authorizationPolicy": {
            "extensionProviders": [service::provider()],
            "policies": [
                {"name": "ask", "namespace": "ns", "action": "CUSTOM", "provider": {"name": "authz"},
                 "rules": [{"to": [{"operation": {"paths": ["/ask*"]}}]}]},
                {"name": "denied", "namespace": "ns", "action": "DENY", "rules": [
                    {"when": [{"key": "request.headers[x-sub]", "values": [DENIED.to_string()]}]},
                ]},
            ],
        },
        "rateLimit": {"limits": [limiter::limit("asked")], "global": limiter::global()},
        "faultInjection": {"http": [{"fault": {
            "delay": {"percentage": all, "headerDelay": {}},
            "abort": {"percentage": all, "headerAbort": {}},
        }}]},
        "telemetryTags": {"tags": [{"name": "sub", "header": {"name": "x-sub"}}]},
    })
}

/// One request, and what it is about.
struct Asked {
    sub: usize,
    path: String,
    authz: &'static str,
    key: Option<&'static str>,
    delay: u32,
    aborted: bool,
}

impl Asked {
    fn drawn(dice: &mut Rng, number: usize) -> Self {
        let start = one_of(dice, &["/ask", "/plain"]);
        Asked {
            sub: dice.usize(..6),
            path: format!("{start}/{number}"),
            authz: one_of::<&str>(dice, &["allow", "edit", "deny"]),
            key: *one_of(dice, &[None, Some("one"), Some("two")]),
            delay: dice.u32(..12),
            aborted: once_in(dice, 5),
        }
    }

    fn request(&self) -> Request {
        let issuer = if self.sub.is_multiple_of(2) { A } else { B };
        let token = signed(issuer, &json!({"sub": self.sub.to_string()}));
        let mut request = Request::get(&self.path)
            .header("authorization", format!("Bearer {token}"))
            .header(service::ASKED, self.authz);
        if let Some(key) = self.key {
            request = request.header("x-key", key);
        }
        if self.delay > 0 {
            request = request.header("x-envoy-fault-delay-request", self.delay.to_string());
        }
        if self.aborted {
            request = request.header("x-envoy-fault-abort-request", "418");
        }
        request
    }

    fn asks(&self) -> bool {
        self.path.starts_with("/ask")
    }

    /// The answer, and who it is said to be of where the upstream gives it.
    fn check(&self, answer: &Response) {
        let refused = self.asks() && self.authz == "deny";
        let expected = if refused || self.sub == DENIED {
            403
        } else if self.key == Some("two") {
            429
        } else if self.aborted {
            418
        } else {
            200
        };
        assert_eq!(answer.status, expected, "{}", self.path);
        if expected != 200 {
            return;
        }
        let echo = answer.json().unwrap();
        assert_eq!(echo["path"], self.path.as_str());
        let headers = echo["headers"].as_array().unwrap();
        let sent = |name: &str| -> Vec<&Value> {
            let named = headers.iter().filter(|pair| pair[0] == name);
            named.map(|pair| &pair[1]).collect()
        };
        assert_eq!(
            sent("x-sub"),
            [&json!(self.sub.to_string())],
            "{}",
            self.path
        );
        let told = answer.header("x-down") == Some("told");
        assert_eq!(told, self.asks() && self.authz == "edit", "{}", self.path);
        let counted = answer.header("x-from-limiter").is_some();
        assert_eq!(counted, self.key.is_some(), "{}", self.path);
        assert!(
            answer.elapsed >= Duration::from_millis(self.delay.into()),
            "{}",
            self.path
        );
    }
}

#[test]
fn many_streams_that_wait_get_what_is_their_own() {
    let upstream = Upstream::start();
    let authorizer = Upstream::with(|request| service::answer(&request));
    let limiter = Upstream::with(|request| limiter::answer(&request));
    let clusters = [
        cluster("upstream", upstream.addr(), false),
        cluster(service::CLUSTER, authorizer.addr(), false),
        cluster(limiter::CLUSTER, limiter.addr(), true),
    ];
    let listener = one(&configuration()).to("upstream");
    let envoy = Envoy::builder(bootstrap([listener], clusters))
        .workers(2)
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let client = Client::http1(envoy.addr(NAME));
    let mut dice = Rng::with_seed(0x000b_0517);
    let asked: Vec<Asked> = (0..REQUESTS).map(|n| Asked::drawn(&mut dice, n)).collect();
    let answers = client.burst(REQUESTS, AT_ONCE, |n| asked[n].request());
    for (asked, answer) in asked.iter().zip(&answers) {
        asked.check(answer);
    }
    tagged(&envoy, &asked, &answers);

    for (n, path) in ["/ask/left", "/plain/left"]
        .iter()
        .cycle()
        .take(20)
        .enumerate()
    {
        client
            .get(path)
            .header(service::ASKED, "slow")
            .header("x-envoy-fault-delay-request", "200")
            .abandon_after(Duration::from_millis(10 * n as u64));
    }
    for held in [
        "http.one.downstream_rq_active",
        "wasmcustom.mesh_filters.fault-injection.active",
    ] {
        envoy.admin().wait_stat(held, |held| held == 0, SOON);
    }
    let last = Asked {
        delay: 0,
        ..Asked::drawn(&mut dice, REQUESTS)
    };
    last.check(&client.send(last.request()));
    assert!(!envoy.log().contains("Function: proxy_"), "a VM failed");
}

/// The tag of each request is its own too.
fn tagged(envoy: &Envoy, asked: &[Asked], answers: &[Response]) {
    for (asked, _) in asked
        .iter()
        .zip(answers)
        .filter(|(_, answer)| answer.status == 200)
    {
        let part = format!("\"path\":\"{}\"", asked.path);
        let line = envoy.wait_log(&part, SOON);
        assert!(
            line.contains(&format!("\"sub\":\"{}\"", asked.sub)),
            "{line}"
        );
    }
}
