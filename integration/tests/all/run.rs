//! `mesh-filters run`, as people run it: requests, edits, and how it ends.

use std::fs;
use std::path::Path;
use std::time::Duration;

use integration::client::{Client, raw};
use integration::jwt::{Algorithm, Issuer, Key};
use integration::running::Running;
use integration::service::Scratch;
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const FILE: &str = "policies.yaml";

/// A policy that lets `GET` of these paths through, and those with a token anything.
fn policies(path: &str, issuer: &Issuer) -> String {
    let keys = issuer.jwks_uri();
    format!(
        "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: orders, namespace: shop}}
spec:
  rules:
  - to: [{{operation: {{methods: [GET], paths: [{path}]}}}}]
  - from: [{{source: {{requestPrincipals: [\"*\"]}}}}]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: shop}}
spec:
  jwtRules: [{{issuer: shop, jwksUri: {keys}}}]
---
faultInjection:
  http:
  - {{name: slow, match: [{{uri: {{prefix: /open/slow}}}}], fault: {{delay: {{percentage: {{value: 100}}, fixedDelay: 200ms}}}}}}
"
    )
}

/// Writes a file beside another and moves it there, as some editors do.
fn replace(folder: &Path, text: &str) {
    let part = folder.join(".new");
    fs::write(&part, text).unwrap();
    fs::rename(part, folder.join(FILE)).unwrap();
}

/// The lines of JSON that it said.
fn events(running: &Running) -> Vec<Value> {
    let said = running.said();
    let lines = said.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Waits for the line of a request.
#[track_caller]
fn decided(running: &Running, path: &str) -> Value {
    let found = until(SOON, || {
        let mut events = events(running).into_iter();
        events.find(|event| event["event"] == "request" && event["path"] == path)
    });
    found.unwrap_or_else(|| panic!("{path}\n{}", running.said()))
}

#[test]
fn decisions_are_told_and_edits_taken_while_requests_go_on() {
    let key = Key::new(Algorithm::Es256, "one");
    let issuer = Issuer::start([&key]);
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path();
    fs::write(folder.join(FILE), policies("/open/*", &issuer)).unwrap();
    let mut running = Running::start(folder, &[FILE, "--format", "json"]);
    let listening = running.wait(&["\"listening\""]);
    let addr = running.addr();
    let client = Client::http1(addr);

    // What to type is what becomes of it.
    let listening: Value = serde_json::from_str(&listening).unwrap();
    let first = &listening["try"];
    assert_eq!(
        (&first[0]["status"], &first[1]["status"]),
        (&json!(200), &json!(403)),
        "{first}"
    );

    let echo = client.get("/open/a?token=0123456789abcdef").send();
    let echo: Value = serde_json::from_str(&echo.text()).unwrap();
    assert_eq!(echo["path"], "/open/a?token=0123456789abcdef");
    let allowed = decided(&running, "/open/a?token=***");
    assert_eq!(
        (&allowed["decision"], &allowed["status"]),
        (&json!("allow"), &json!(200))
    );
    assert_eq!(
        allowed["reasons"]["authorization-policy"],
        "allow:shop/orders.rules[0]"
    );
    assert_eq!(client.get("/closed").send().status, 403);
    let denied = decided(&running, "/closed");
    assert_eq!(denied["by"], "authorization-policy");
    assert!(
        denied["reason"]
            .as_str()
            .unwrap()
            .starts_with("no_allow:shop/orders.rules["),
        "{denied}"
    );
    assert_eq!(client.get("/open/slow").send().status, 200);
    let slow = decided(&running, "/open/slow");
    assert!(slow["heldMs"].as_u64().unwrap() >= 200, "{slow}");

    // Envoy fetches the keys of an issuer, through a cluster that no file has.
    let token = key.token(&json!({"iss": "shop", "sub": "a", "exp": 4_102_444_800_u64}));
    let bearer = format!("Bearer {token}");
    let with_token = client
        .method("POST", "/any")
        .header("authorization", &bearer)
        .send();
    assert_eq!(with_token.status, 200, "{}", running.said());
    assert_eq!(
        decided(&running, "/any")["reasons"]["request-authentication"],
        "verified:jwt-0"
    );

    // A connection that is open has the new policies too, and no request on it fails.
    let connection = client.connect();
    let ask = |path: &str| {
        connection
            .send(integration::client::Request::get(path))
            .status
    };
    assert_eq!(ask("/open/b"), 200);
    fs::write(folder.join(FILE), policies("/other/*", &issuer)).unwrap();
    let taken = until(SOON, || match ask("/other/b") {
        403 => None,
        status => Some(status),
    });
    assert_eq!((taken, ask("/open/b")), (Some(200), 403));
    running.wait(&["\"reloaded\"", "true"]);

    // A refused edit is told with its place, and changes nothing.
    replace(
        folder,
        &policies("/third/*", &issuer).replace("methods", "methodz"),
    );
    let refused: Value = serde_json::from_str(&running.wait(&["\"refused\""])).unwrap();
    let finding = &refused["findings"][0];
    assert_eq!(
        (&finding["file"], &finding["line"]),
        (&json!(FILE), &json!(6)),
        "{refused}"
    );
    assert!(
        finding["message"].as_str().unwrap().contains("`methods`"),
        "{refused}"
    );
    assert_eq!((ask("/other/c"), ask("/third/c")), (200, 403));
    replace(folder, &policies("/third/*", &issuer));
    assert!(
        until(SOON, || (ask("/third/c") == 200).then_some(())).is_some(),
        "{}",
        running.said()
    );

    // A request is a line, whatever its bytes are.
    for bytes in [
        &b"GET /\x1b[2J\r\n\r\n"[..],
        b"\x16\x03\x01",
        b"GET /%00 HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        raw(addr, &[bytes, b"\r\n\r\n"].concat(), Duration::from_secs(2));
    }
    let odd = until(SOON, || {
        let mut events = events(&running).into_iter();
        events.find(|event| event["reason"] == "path_normalization_failed")
    });
    assert_eq!(odd.unwrap()["by"], "envoy");
    assert!(!running.said().contains(&token), "a token is told");

    let envoy = running.envoy();
    Running::signal(running.pid(), "INT");
    assert_eq!(running.ended().code(), Some(130));
    assert!(running.left().is_empty(), "{:?}", running.left());
    let process = format!("/proc/{envoy}");
    let has_ended = until(SOON, || (!Path::new(&process).exists()).then_some(()));
    assert!(has_ended.is_some(), "Envoy is left");
}

#[test]
fn an_envoy_that_dies_ends_it() {
    let upstream = Upstream::start();
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path();
    fs::create_dir(folder.join("all")).unwrap();
    let policy = "authorizationPolicy: {policies: [{name: a, namespace: shop, rules: [{to: [{operation: {paths: [\"/a/*\"]}}]}]}]}\n";
    fs::write(folder.join("all").join(FILE), policy).unwrap();
    let upstream_url = format!("http://{}", upstream.addr());
    let mut running = Running::start(folder, &["all", "--upstream", &upstream_url]);
    running.wait(&["listening on http://127.0.0.1:", &upstream_url]);
    let client = Client::http1(running.addr());

    assert_eq!(client.get("/a/b").send().status, 200);
    assert_eq!(upstream.count(), 1);
    running.wait(&[
        "allow 200 GET /a/b",
        "authorization-policy: allow:shop/a.rules[0]",
    ]);
    assert_eq!(client.get("/a//b").send().status, 200);
    assert_eq!(client.get("//a/b").send().status, 403);
    running.wait(&[
        "deny  403 GET //a/b",
        "authorization-policy: no_allow:shop/a.rules[0].to[0].operation.paths",
    ]);

    // A new file of the folder says that slashes are merged: the listener is another, in the same place.
    fs::write(
        folder.join("all/mesh.yaml"),
        "pathNormalization: {normalization: MERGE_SLASHES}\n",
    )
    .unwrap();
    running.wait(&["reloaded"]);
    let merged = until(SOON, || {
        (client.get("//a//b").send().status == 200).then_some(())
    });
    assert!(merged.is_some(), "{}", running.said());

    // What the filters take and Envoy does not: no name of a server is that long. The files of before are put back.
    let issuer = format!("https://{}/", "a".repeat(300));
    let tokens =
        format!("requestAuthentication: {{jwtRules: [{{issuer: a, jwksUri: \"{issuer}\"}}]}}\n");
    fs::write(folder.join("all/tokens.yaml"), tokens).unwrap();
    running.wait(&["Envoy refuses them"]);
    assert_eq!(client.get("//a//b").send().status, 200);
    assert_eq!(client.get("/c").send().status, 403);

    Running::signal(running.envoy(), "KILL");
    assert_eq!(running.ended().code(), Some(2));
    running.wait(&["Envoy has ended, with 137; the end of its log"]);
    assert!(running.left().is_empty(), "{:?}", running.left());
}
