//! `mesh-filters test`, run as people run it.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::harness;
use crate::harness::{ended, fed, program, run, text};
use quick_junit::{Report, TestCaseStatus};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const POLICY: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  action: DENY
  rules:
  - to: [{operation: {methods: [DELETE]}}]
  - to: [{operation: {paths: [\"/admin*\"]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
";

const CASES: &str = r#"
- description: orders
  files: [../policies]
  cases:
  - {name: reading, expect: {}}
  - name: deleting
    request: {method: DELETE}
    expect: {reasons: {authorization-policy: "deny:shop/orders.rules[0]"}, status: 403, body: "RBAC: access denied"}
"#;

const LIMITS: &str = r#"
# Three a minute, over a clock that stands still.
- description: limits
  filter: rate-limit
  config: {limits: [{name: all, requests: 1, per: 1m}]}
  cases:
  - {name: the first, expect: {}}
  - name: a second
    request: {path: /two}
    before: [{}]
    expect: {reason: "limited:all", status: 429, body: local_rate_limited}
  - {name: a second a minute later, before: [{wait: 1m}], request: {path: /three}, expect: {}}
"#;

/// A folder as people have one: policies, and cases beside them.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write(folder.path(), "policies/orders.yaml", POLICY);
    write(folder.path(), "cases/orders.yaml", CASES);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[track_caller]
fn says(folder: &TempDir, words: &[&str], code: i32, said: &str) {
    let output = run(folder.path(), words);
    ended(&output, code);
    let stream = if code == 2 {
        &output.stderr
    } else {
        &output.stdout
    };
    assert_eq!(text(stream), said);
}

#[test]
fn a_line_a_file_and_policies_beside_them_are_passed_over() {
    let folder = folder();
    write(folder.path(), "cases/more/limits.yml", LIMITS);
    let all = "\
ok      cases/more/limits.yml  4 passed
ok      cases/orders.yaml      3 passed

7 passed in 2 files
";
    says(&folder, &["test"], 0, all);
    says(&folder, &["test", "cases"], 0, all);
    says(
        &folder,
        &["test", "cases/orders.yaml"],
        0,
        "ok      cases/orders.yaml  3 passed\n\n3 passed in 1 file\n",
    );
}

#[test]
fn a_failure_has_what_was_expected_beside_what_was_seen() {
    let folder = folder();
    let wrong = CASES
        .replace("status: 403", "status: 401")
        .replace("expect: {}", "expect: {status: 500, delay: 5s}");
    write(folder.path(), "cases/orders.yaml", &wrong);
    says(
        &folder,
        &["test", "cases"],
        1,
        "\
FAILED  cases/orders.yaml  1 passed, 2 failed

cases/orders.yaml: orders: reading
          expected  seen
  status  500       nothing
  delay   5s        nothing

cases/orders.yaml: orders: deleting
          expected  seen
  status  401       403

1 passed, 2 failed in 1 file
",
    );
}

#[test]
fn warnings_of_files_count_where_they_are_written_down() {
    let folder = folder();
    let warned = |warning: &str| {
        CASES.replace(
            "  cases:",
            &format!("  warnings: [\"{warning}\"]\n  cases:"),
        )
    };
    let real =
        "resources[0].spec.selector: changes nothing here: the filter works wherever it is loaded";
    write(folder.path(), "cases/orders.yaml", &warned(real));
    ended(&run(folder.path(), &["test"]), 0);
    write(folder.path(), "cases/orders.yaml", &warned("another"));
    ended(&run(folder.path(), &["test"]), 1);
}

#[test]
fn a_configuration_that_is_refused_fails_its_suite() {
    let folder = folder();
    write(
        folder.path(),
        "policies/orders.yaml",
        &POLICY.replace("action: DENY", "action: REFUSE"),
    );
    says(
        &folder,
        &["test", "cases"],
        1,
        "\
FAILED  cases/orders.yaml  0 passed, 1 failed

cases/orders.yaml: orders
  the configuration was refused
  seen, and not expected: resources[0].spec.action: `REFUSE` is none of `ALLOW`, `DENY`, `AUDIT`, `CUSTOM`

0 passed, 1 failed in 1 file
",
    );
}

#[test]
fn coverage_names_the_rules_that_no_case_reached() {
    let folder = folder();
    let said = "\
ok      cases/orders.yaml  3 passed

coverage: 1 of 2 rules reached, 50 %
  no case reached authorization-policy shop/orders.rules[1], of cases/orders.yaml: orders
";
    let end = "\n3 passed in 1 file\n";
    says(
        &folder,
        &["test", "cases", "--coverage"],
        0,
        &format!("{said}{end}"),
    );
    says(
        &folder,
        &["test", "cases", "--min-coverage", "50"],
        0,
        &format!("{said}{end}"),
    );
    let too_few = "too few: 50 % is less than the 51 % that --min-coverage asks for\n";
    says(
        &folder,
        &["test", "cases", "--min-coverage", "51"],
        1,
        &format!("{said}{too_few}{end}"),
    );
    // The same policies in another file: what either reaches is reached.
    let admin = r#"
- description: for admins
  files: [../policies/orders.yaml]
  cases:
  - name: an admin
    request: {path: /admin/x}
    expect: {reasons: {authorization-policy: "deny:shop/orders.rules[1]"}, status: 403, body: "RBAC: access denied"}
"#;
    write(folder.path(), "cases/admin.yaml", admin);
    let output = run(folder.path(), &["test", "--coverage", "--format", "json"]);
    ended(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let whole = json!({"rules": 2, "reached": 2, "percent": 100, "unreached": []});
    assert_eq!(document["coverage"], whole);
}

#[test]
fn a_rule_that_only_came_close_was_not_reached() {
    let folder = folder();
    write(
        folder.path(),
        "policies/orders.yaml",
        &POLICY.replace("DENY", "ALLOW"),
    );
    let cases = r#"
- description: orders
  files: [../policies]
  cases:
  - name: reading
    expect:
      reasons: {authorization-policy: "no_allow:shop/orders.rules[0].to[0].operation.methods"}
      status: 403
      body: "RBAC: access denied"
"#;
    write(folder.path(), "cases/orders.yaml", cases);
    let output = run(folder.path(), &["test", "--coverage", "--format", "json"]);
    ended(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["coverage"]["rules"], 2);
    assert_eq!(document["coverage"]["reached"], 0);
}

#[test]
fn every_filter_tells_its_rules() {
    let folder = folder();
    let cases = r#"
- description: all
  config:
    rateLimit: {limits: [{name: l, requests: 1, per: 1m}]}
    faultInjection: {http: [{name: chaos, match: [{headers: {x: {exact: z}}}], fault: {abort: {httpStatus: 503, percentage: {value: 100}}}}]}
    authorizationPolicy: {policies: [{name: p, action: DENY, rules: [{to: [{operation: {paths: [/no]}}]}]}]}
    telemetryTags: {tags: [{name: t, literal: {value: a}, maxValues: 1}]}
  cases: [{name: anybody, expect: {tags: {t: a}}}]
"#;
    write(folder.path(), "cases/orders.yaml", cases);
    let output = run(folder.path(), &["test", "--coverage", "--format", "json"]);
    ended(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let unreached = document["coverage"]["unreached"].as_array().unwrap().iter();
    let rules: Vec<(&str, &str)> = unreached
        .map(|it| (it["filter"].as_str().unwrap(), it["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rules,
        [
            ("authorization-policy", "p.rules[0]"),
            ("rate-limit", "l"),
            ("fault-injection", "chaos")
        ]
    );
}

#[test]
fn a_filter_leaves_the_cases_with_a_text_in_their_name() {
    let folder = folder();
    write(folder.path(), "cases/limits.yaml", LIMITS);
    says(
        &folder,
        &["test", "--filter", "A SECOND A"],
        0,
        "ok      cases/limits.yaml  2 passed\n\n2 passed in 1 file\n",
    );
    says(
        &folder,
        &["test", "--filter", "limits: "],
        0,
        "ok      cases/limits.yaml  4 passed\n\n4 passed in 1 file\n",
    );
    says(
        &folder,
        &["test", "--filter", "nobody"],
        2,
        "mesh-filters: no case has `nobody` in its name\n",
    );
}

#[test]
fn junit_has_every_case_and_what_differs() {
    let folder = folder();
    let wrong = CASES
        .replace("status: 403", "status: 401")
        .replace("reading", "\"<reading> & \\\"more\\\" ]]>\"");
    write(folder.path(), "cases/orders.yaml", &wrong);
    ended(&run(folder.path(), &["test", "--junit", "report.xml"]), 1);
    let xml = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    let report = Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (3, 1, 0));
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "cases/orders.yaml");
    let names: Vec<&str> = suite
        .test_cases
        .iter()
        .map(|case| case.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["the configuration", "<reading> & \"more\" ]]>", "deleting"]
    );
    assert!(
        suite
            .test_cases
            .iter()
            .all(|case| case.classname.as_deref() == Some("orders"))
    );
    let TestCaseStatus::NonSuccess { message, .. } = &suite.test_cases[2].status else {
        panic!("it failed: {xml}");
    };
    assert_eq!(message.as_deref(), Some("status: expected 401, saw 403"));
    says(
        &folder,
        &["test", "--junit", "no/such/report.xml"],
        2,
        "mesh-filters: no/such/report.xml: No such file or directory (os error 2)\n",
    );
}

#[test]
fn json_has_every_case_and_what_differs() {
    let folder = folder();
    write(
        folder.path(),
        "cases/orders.yaml",
        &CASES.replace("status: 403", "status: 401"),
    );
    let output = run(folder.path(), &["test", "--format", "json"]);
    ended(&output, 1);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        ["passed", "failed", "notRun"].map(|name| &document[name]),
        [&json!(2), &json!(1), &json!(0)]
    );
    let cases = &document["files"][0]["cases"];
    assert_eq!(
        cases[0],
        json!({"suite": "orders", "case": null, "result": "passed", "why": null, "problem": null, "differences": []})
    );
    assert_eq!(
        cases[2]["differences"],
        json!([{"of": "status", "expected": "401", "seen": "403"}])
    );
    assert_eq!(document["coverage"], Value::Null);
}

#[test]
fn what_is_no_case_file_ends_with_2_and_says_where() {
    let folder = folder();
    for (text, told) in [
        (
            "- {description: a, cases: [{name: n, expects: {}}]}",
            "suite `a`: unknown field `expects`",
        ),
        (
            "- {description: a, cases: []}",
            "suite `a`: has neither `config`, with a configuration, nor `files` with one",
        ),
        (
            "- {description: a, config: {}, files: [x], cases: []}",
            "suite `a`: has `config` and `files`; only one of them counts",
        ),
        (
            "- {description: a, files: [../nowhere], cases: []}",
            "suite `a`: `files`: cases/../nowhere: No such file",
        ),
        (
            "- {description: a, files: [empty.yaml], cases: []}",
            "suite `a`: `files` have nothing in them",
        ),
        (
            "- {description: a, files: [two.yaml], cases: []}",
            "suite `a`: `files` have several configurations; they are to have one, or Istio's resources alone",
        ),
        (
            "- {description: a, filter: rate-limit, files: [../policies], cases: []}",
            "suite `a`: `files` have no resource that `rate-limit` takes: RateLimit",
        ),
        (
            "- {description: a, filter: x, config: {}, cases: [{name: n, expect: {}}]}",
            "suite `a`: no filter is named `x`; there are: ",
        ),
        (
            "- description: [cases",
            "orders.yaml:1:16: is no YAML: unclosed bracket",
        ),
        ("- &a [*a] # description cases", ""),
    ] {
        write(folder.path(), "cases/empty.yaml", "");
        write(
            folder.path(),
            "cases/two.yaml",
            "limits: []\n---\nlimits: []\n",
        );
        write(folder.path(), "cases/orders.yaml", text);
        let output = run(folder.path(), &["test"]);
        ended(&output, 2);
        let said = harness::text(&output.stderr);
        assert!(
            said.starts_with("mesh-filters: cases/orders.yaml:") && said.contains(told),
            "{text}: {said}"
        );
        assert_eq!(harness::text(&output.stdout), "");
    }
}

#[test]
fn hostile_files_are_told_and_do_no_harm() {
    let folder = tempdir().unwrap();
    let words = "# description cases\n";
    let bomb: String = (0..30).fold("- &a0 [x]\n".to_owned(), |all, n| {
        let last = format!("*a{n}, ").repeat(20);
        format!("{all}- &a{} [{last}]\n", n + 1)
    });
    let deep = format!("- {}{}", "[".repeat(100_000), "]".repeat(100_000));
    for hostile in [
        bomb,
        deep,
        "- \u{0}\u{7}".to_owned(),
        "[{description: 1, cases: {{ .Values }}}]".to_owned(),
    ] {
        write(folder.path(), "hostile.yaml", &format!("{words}{hostile}"));
        let output = run(folder.path(), &["test"]);
        ended(&output, 2);
        let said = text(&output.stderr);
        assert!(
            said.starts_with("mesh-filters: hostile.yaml:") && said.len() < 2_000,
            "{said}"
        );
    }
    fs::write(folder.path().join("hostile.yaml"), b"- \xff\xfe").unwrap();
    ended(&run(folder.path(), &["test"]), 2);
}

#[test]
fn nothing_to_run_is_told() {
    let folder = tempdir().unwrap();
    says(
        &folder,
        &["test"],
        2,
        "mesh-filters: .: has no file named *.yaml, *.yml or *.json\n",
    );
    write(folder.path(), "policies/orders.yaml", POLICY);
    says(
        &folder,
        &["test", "policies"],
        2,
        "mesh-filters: policies: no file in it is a list of suites, each with `description` and `cases`\n",
    );
    says(
        &folder,
        &["test", "missing.yaml"],
        2,
        "mesh-filters: missing.yaml: No such file or directory (os error 2)\n",
    );
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = folder();
    let cases = LIMITS.replace("filter: rate-limit", "");
    let words = ["test", "-", "--filter-name", "rate-limit"];
    let output = fed(folder.path(), &words, &cases);
    ended(&output, 0);
    assert_eq!(
        text(&output.stdout),
        "ok      <stdin>  4 passed\n\n4 passed in 1 file\n"
    );
}

#[test]
fn it_watches_the_files_and_the_policies_they_name() {
    let folder = folder();
    let mut child = program(folder.path())
        .args(["test", "cases", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = |from: Box<dyn std::io::Read + Send>| {
        let (send, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let all = std::io::BufRead::lines(std::io::BufReader::new(from));
            all.map_while(Result::ok)
                .for_each(|line| drop(send.send(line)));
        });
        lines
    };
    let said = lines(Box::new(child.stdout.take().unwrap()));
    let errors = lines(Box::new(child.stderr.take().unwrap()));
    let wait = |lines: &std::sync::mpsc::Receiver<String>, wanted: &str| {
        let deadline = std::time::Duration::from_secs(60);
        while !lines
            .recv_timeout(deadline)
            .expect(wanted)
            .starts_with(wanted)
        {}
    };
    wait(&said, "3 passed in 1 file");
    write(
        folder.path(),
        "policies/orders.yaml",
        &POLICY.replace("DELETE", "PATCH"),
    );
    wait(&said, "2 passed, 1 failed in 1 file");
    write(
        folder.path(),
        "cases/orders.yaml",
        "- {description: a, cases: 1}",
    );
    wait(&errors, "mesh-filters: cases/orders.yaml: suite `a`: ");
    write(
        folder.path(),
        "cases/orders.yaml",
        &CASES.replace("DELETE", "PATCH"),
    );
    wait(&said, "3 passed in 1 file");
    child.kill().unwrap();
    child.wait().unwrap();
    let stdin = run(folder.path(), &["test", "-", "--watch"]);
    ended(&stdin, 2);
}

/// The corpus that all engines run. Whose they are is told by the folders they are in.
#[test]
fn the_filters_own_cases_pass() {
    let filters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../filters");
    let folders: Vec<String> = fs::read_dir(&filters)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("cases"))
        .filter(|cases| cases.is_dir())
        .map(|cases| cases.display().to_string())
        .collect();
    assert!(folders.len() >= 6, "{folders:?}");
    let mut words = vec!["test", "--format", "json", "--coverage"];
    words.extend(folders.iter().map(String::as_str));
    let output = run(&filters, &words);
    ended(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        document["passed"].as_u64().unwrap() > 1_000,
        "{}",
        document["passed"]
    );
    assert_eq!(document["failed"], 0);
    let coverage = &document["coverage"];
    assert!(coverage["percent"].as_u64().unwrap() > 50, "{coverage}");
}
