//! What routes of VirtualServices do, one after the other, on httpbin.

mod further;

use std::time::Duration;

use integration::client::{Request, Response};
use integration::mesh::{Mesh, counts, name_of, seen, version_of};
use integration::service::wait::until;
use serde_json::{Value, json};

use super::rows::{ask, ask_often, get, see};

const SOON: Duration = Duration::from_secs(20);
const HTTPBIN: &str = "httpbin:8000";

#[test]
fn routes_of_httpbin_do_what_they_say() {
    let mesh = Mesh::up(&["httpbin", "routing"]);
    see(
        &mesh,
        &[
            ("matches", matches),
            ("order", order),
            ("rewrite", rewrite),
            ("redirect", redirect),
            ("direct response", direct_response),
            ("timeout", timeout),
            ("retries", retries),
            ("mirror", mirror),
            ("cors", cors),
            ("headers", headers),
            ("headers of the answer", further::headers_of_the_answer),
            ("retries that help", further::retries_that_help),
            ("delegate", delegate),
        ],
    );
}

/// Who answers this of httpbin.
#[track_caller]
fn who(mesh: &Mesh, request: &Request) -> String {
    let request = request.clone().authority(HTTPBIN);
    name_of(&mesh.from("sleep").send(request))
}

fn matches(mesh: &Mesh) {
    let both = |method: &str, path: &str| Request::new(method, path);
    let tester = |request: Request| request.header("x-tester", "yes");
    for (request, version) in [
        // Exact is the whole path, and a query is none of it.
        (Request::get("/exact"), "v2"),
        (Request::get("/exact?a=b"), "v2"),
        (Request::get("/exact/more"), "v1"),
        (Request::get("/Exact"), "v1"),
        // Prefix.
        (Request::get("/api/1"), "v2"),
        (Request::get("/api"), "v1"),
        // One of several matches.
        (Request::get("/either"), "v2"),
        (Request::get("/or"), "v2"),
        (Request::get("/neither"), "v1"),
        // All parts of one.
        (tester(both("POST", "/both?user=1")), "v2"),
        (both("POST", "/both?user=1"), "v1"),
        (tester(both("GET", "/both?user=1")), "v1"),
        (tester(both("POST", "/both?user=2")), "v1"),
        (tester(both("POST", "/both")), "v1"),
        // A regular expression is for the whole path.
        (Request::get("/item/42"), "v2"),
        (Request::get("/item/42/more"), "v1"),
        (Request::get("/item/none"), "v1"),
        // The last route takes what is left.
        (Request::get("/anything"), "v1"),
    ] {
        assert_eq!(
            who(mesh, &request),
            format!("httpbin-{version}"),
            "{request}"
        );
    }
}

/// The first that matches takes it, however exact a later one is.
fn order(mesh: &Mesh) {
    let routes = |first: &str, second: &str| {
        let route = |matching: &str| {
            let (kind, version) = match matching {
                "exact" => ("exact: /order/it", "v2"),
                _ => ("prefix: /order", "v1"),
            };
            format!(
                "  - match: [{{uri: {{{kind}}}}}]\n    route: [{{destination: {{host: other, subset: {version}}}}}]\n"
            )
        };
        format!(
            "apiVersion: v1
kind: Service
metadata: {{name: other}}
spec: {{selector: {{app: httpbin}}, ports: [{{name: http, port: 8000, targetPort: 8080}}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: other}}
spec:
  host: other
  subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: other}}
spec:
  hosts: [other]
  http:
{}{}",
            route(first),
            route(second)
        )
    };
    let sleep = mesh.from("sleep");
    let versions = |count| {
        let answers = ask_often(&sleep, count, &get("other:8000", "/order/it"));
        counts(&answers, version_of)
    };
    mesh.apply("other", &routes("exact", "prefix"));
    assert_eq!(versions(20), [("v2".to_owned(), 20)].into());
    mesh.apply("other", &routes("prefix", "exact"));
    assert_eq!(versions(20), [("v1".to_owned(), 20)].into());
    // Nothing matches, and nothing is for the rest.
    assert_eq!(ask(&sleep, "other:8000", "/elsewhere").status, 404);
}

fn rewrite(mesh: &Mesh) {
    let answer = ask(&mesh.from("sleep"), HTTPBIN, "/api/books/7?page=2");
    let seen = seen(&answer);
    assert_eq!(
        (&seen["path"], &seen["version"]),
        (&json!("/v1/books/7?page=2"), &json!("v2"))
    );
}

fn redirect(mesh: &Mesh) {
    let answer = ask(&mesh.from("sleep"), HTTPBIN, "/old");
    assert_eq!(answer.status, 301);
    assert_eq!(answer.header("location"), Some("http://httpbin:8000/new"));
}

fn direct_response(mesh: &Mesh) {
    let answer = ask(&mesh.from("sleep"), HTTPBIN, "/teapot");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (418, "no coffee here\n")
    );
}

fn timeout(mesh: &Mesh) {
    let sleep = mesh.from("sleep");
    let late = ask(&sleep, HTTPBIN, "/delay/3s");
    assert_eq!(late.status, 504, "{}", late.text());
    let waited = late.elapsed.as_secs_f64();
    assert!((0.9..2.5).contains(&waited), "{waited}");
    let in_time = ask(&sleep, HTTPBIN, "/delay/10ms");
    assert_eq!(in_time.status, 200);
}

fn retries(mesh: &Mesh) {
    let v1 = mesh.replica("httpbin-v1");
    let before = mesh.requests(&v1);
    let answer = ask(&mesh.from("sleep"), HTTPBIN, "/status/503");
    assert_eq!(answer.status, 503);
    // Once, and two times again; the last one is the question.
    assert_eq!(mesh.requests(&v1) - before, 3 + 1);
}

fn mirror(mesh: &Mesh) {
    let copied = mesh.replica("httpbin-v2");
    let before = mesh.requests(&copied);
    let answers = ask_often(&mesh.from("sleep"), 20, &get(HTTPBIN, "/mirrored"));
    assert_eq!(counts(&answers, version_of), [("v1".to_owned(), 20)].into());
    // Nobody waits for a copy.
    let mut asked = 0;
    let all = until(SOON, || {
        asked += 1;
        (mesh.requests(&copied) - before - asked == 20).then_some(())
    });
    assert!(
        all.is_some(),
        "{} copies",
        mesh.requests(&copied) - before - asked - 1
    );
}

fn cors(mesh: &Mesh) {
    let sleep = mesh.from("sleep");
    let preflight = |origin: &str| {
        let call = sleep.method("OPTIONS", "/cors").authority(HTTPBIN);
        let call = call.header("origin", origin);
        call.header("access-control-request-method", "POST").send()
    };
    let allowed = preflight("https://shop.example");
    assert_eq!(allowed.status, 200);
    for (header, value) in [
        ("access-control-allow-origin", "https://shop.example"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "x-tester"),
        ("access-control-max-age", "86400"),
    ] {
        assert_eq!(allowed.header(header), Some(value), "{header}");
    }
    // The sidecar itself has answered.
    assert!(allowed.body.is_empty(), "{}", allowed.text());
    let origin = |answer: &Response| {
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(origin(&preflight("https://other.example")), None);
    let actual = |from: &str| {
        let call = sleep.get("/cors").authority(HTTPBIN);
        call.header("origin", from).send()
    };
    let answer = actual("https://shop.example");
    assert_eq!(origin(&answer).as_deref(), Some("https://shop.example"));
    assert_eq!(version_of(&answer), "v1");
    assert_eq!(origin(&actual("https://other.example")), None);
}

fn headers(mesh: &Mesh) {
    let call = mesh.from("sleep").get("/headers").authority(HTTPBIN);
    let call = call
        .header("x-added", "before")
        .header("x-written", "before");
    let answer = call.header("x-secret", "hush").send();
    let headers: Value = seen(&answer)["headers"].clone();
    assert_eq!(headers["x-written"], "here", "{headers}");
    let added = headers["x-added"].to_string();
    assert!(
        added.contains("before") && added.contains("here"),
        "{headers}"
    );
    assert_eq!(headers.get("x-secret"), None, "{headers}");
    assert_eq!(answer.header("x-answered-by"), Some("the-mesh"));
    let other = ask(&mesh.from("sleep"), HTTPBIN, "/anything");
    assert_eq!(other.header("x-answered-by"), None);
}

fn delegate(mesh: &Mesh) {
    for (path, version) in [
        ("/shop/cart", "v2"),
        ("/shop/cart/1", "v2"),
        ("/shop/window", "v1"),
    ] {
        assert_eq!(
            who(mesh, &Request::get(path)),
            format!("httpbin-{version}"),
            "{path}"
        );
    }
}
