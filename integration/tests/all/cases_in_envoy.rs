//! `mesh-filters test --envoy`, run as people run it.

use std::process::{Command, Output};

use integration::envoy::{Scratch, program, repository};
use serde_json::{Value, json};

/// One suite of each kind: cases that pass, that fail, that cannot be run; configurations with warnings, refused as is
/// said, and refused otherwise, by the filter and by Envoy alone.
const CASES: &str = r#"
- description: one an hour
  filter: rate-limit
  config: {limits: [{name: all, requests: 1, per: 1h}]}
  cases:
  - {name: the first, expect: {}}
  - {name: the first of another case, expect: {}}
  - name: a second
    before: [{}]
    expect: {reason: "limited:all", status: 429, body: local_rate_limited, headers: {x-ratelimit-remaining: "0"}}
  - {name: a second that is let through, before: [{}], expect: {}}
  - {name: a second after an hour, before: [{wait: 1h}], expect: {}}
  - {name: a path that HTTP does not have, request: {path: /a b}, expect: {}}
- description: claims, tags and a delay
  config:
    authorizationPolicy: {policies: [{name: p, namespace: ns, rules: [{when: [{key: "request.auth.claims[sub]", values: [me]}]}]}]}
    telemetryTags: {tags: [{name: user, claim: sub}]}
    faultInjection: {http: [{name: slow, fault: {delay: {fixedDelay: 50ms, percentage: {value: 100}}}}]}
  cases:
  - name: me
    claims: {sub: me}
    expect: {reasons: {authorization-policy: "allow:ns/p.rules[0]", fault-injection: "delay:slow"}, delay: 50ms, tags: {user: me}}
- description: nothing to do
  filter: fault-injection
  config: {}
  warnings: ["http: no entries: harmless, and no request ever gets a fault"]
- description: no requests at all
  filter: rate-limit
  config: {limits: [{name: all, requests: 0, per: 1h}]}
  refused: ["limits[0].requests: 0 would refuse every request; at least 1"]
- description: soon
  filter: rate-limit
  config: {limits: [{name: all, requests: 1, per: soon}]}
  cases: [{name: a request, expect: {}}]
"#;

fn run(folder: &Scratch, words: &[&str]) -> Output {
    let mut command = Command::new(integration::program::built("mesh-filters"));
    command
        .current_dir(folder.path())
        .args(["test", "--envoy", "--modules"])
        .arg(repository().join("dist"))
        .arg("--envoy-bin")
        .arg(program())
        .args(words);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_came_of_cases_is_told_as_without_envoy() {
    let folder = Scratch::new().unwrap();
    folder.write("mine.yaml", CASES).unwrap();
    let said = run(&folder, &["mine.yaml"]);
    assert_eq!(text(&said.stderr), "");
    assert_eq!(
        text(&said.stdout),
        "\
FAILED  mine.yaml  8 passed, 3 failed, 1 not run in Envoy

mine.yaml: one an hour: a second that is let through
          expected  seen
  reason  nothing   `limited:all`
  status  nothing   429
  body    nothing   `local_rate_limited`

mine.yaml: one an hour: a path that HTTP does not have
  no answer: path `/a b` of `app.example`: invalid uri character

mine.yaml: soon
  the configuration was refused
  seen, and not expected: limits[0].per: `soon` is not a duration such as `250ms`, `5s` or `1m30s`

mine.yaml: one an hour: a second after an hour
  not run in Envoy: it has `wait`, which a real Envoy cannot be given

8 passed, 3 failed, 1 not run in Envoy in 1 file
"
    );
    assert_eq!(said.status.code(), Some(1));
}

#[test]
fn programs_and_ci_are_told_what_was_not_run() {
    let folder = Scratch::new().unwrap();
    folder.write("mine.yaml", CASES).unwrap();
    let words = [
        "mine.yaml",
        "--filter",
        "a second after",
        "--format",
        "json",
        "--junit",
        "junit.xml",
    ];
    let said = run(&folder, &words);
    let document: Value = serde_json::from_slice(&said.stdout).unwrap();
    let counts = ["passed", "failed", "notRun"].map(|name| document[name].clone());
    assert_eq!(counts, [json!(1), json!(0), json!(1)], "{document}");
    let case = &document["files"][0]["cases"][1];
    assert_eq!(case["result"], "not run");
    assert_eq!(
        case["why"],
        "it has `wait`, which a real Envoy cannot be given"
    );
    let junit = folder.read("junit.xml").unwrap();
    assert!(
        junit.contains("<skipped message=\"it has `wait`,"),
        "{junit}"
    );
    assert_eq!(said.status.code(), Some(0));
}

#[test]
fn what_envoy_itself_refuses_is_in_its_words() {
    let folder = Scratch::new().unwrap();
    folder.write("mine.yaml", CASES).unwrap();
    folder.write("rate-limit.wasm", "no module").unwrap();
    let words = ["mine.yaml", "--filter", "the first of another", "--modules"];
    let mut command = Command::new(integration::program::built("mesh-filters"));
    command
        .current_dir(folder.path())
        .args(["test", "--envoy"])
        .args(words);
    command.arg(folder.path()).arg("--envoy-bin").arg(program());
    let said = command.output().unwrap();
    let told = text(&said.stdout);
    let begin =
        "FAILED  mine.yaml  0 passed, 1 failed\n\nmine.yaml: one an hour\n  Envoy refused it: ";
    assert!(told.starts_with(begin), "{told}{}", text(&said.stderr));
    assert_eq!(said.status.code(), Some(1));
}
