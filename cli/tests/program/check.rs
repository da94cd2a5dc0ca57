//! `mesh-filters check`, run as people run it.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::harness;
use crate::harness::text;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const FAULT: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {delay: {fixedDelay: 5s}}
    route: [{destination: {host: reviews}}]
";
const LIMITS: &str = "rateLimit: {limits: [{name: all, requests: 100, per: soon}]}\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    said(&harness::run(folder, &[&["check"], words].concat()))
}

fn fed(folder: &Path, words: &[&str], input: &str) -> (Option<i32>, String, String) {
    said(&harness::fed(folder, &[&["check"], words].concat(), input))
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output.status.code(), out, err)
}

#[test]
fn a_finding_shows_its_line_and_how_to_mend_it() {
    let folder = folder(&[("limits.yaml", LIMITS)]);
    let (code, out, _) = run(folder.path(), &["limits.yaml"]);
    assert_eq!(
        out,
        "\
error[MF0101]: `soon` is not a duration such as `250ms`, `5s` or `1m30s`
 --> limits.yaml:1:54  rateLimit.limits[0].per
1 | rateLimit: {limits: [{name: all, requests: 100, per: soon}]}
  |                                                      ^
  = mend the field; until then the filter takes nothing of this configuration

1 error in 1 file
"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn warnings_end_well_unless_denied_or_allowed() {
    let allowed = FAULT.replace(
        "  - fault",
        "  # mesh-filters: allow MF0201, for a drill\n  - fault",
    );
    let folder = folder(&[("a/fault.yaml", FAULT), ("b/fault.yml", &allowed)]);
    let (code, out, _) = run(folder.path(), &["a"]);
    assert!(
        out.contains("warning[MF0201]") && out.contains(" --> a/fault.yaml:7:20"),
        "{out}"
    );
    assert_eq!(code, Some(0));
    let (code, _, _) = run(folder.path(), &["--deny", "warnings", "a"]);
    assert_eq!(code, Some(1));
    let (code, out, _) = run(folder.path(), &["--deny", "warnings", "b"]);
    assert_eq!((code, out.as_str()), (Some(0), "nothing found in 1 file\n"));
}

#[test]
fn programs_get_a_list_or_sarif() {
    let folder = folder(&[("a b/limits.json", LIMITS)]);
    let (_, out, _) = run(folder.path(), &["--format", "json", "."]);
    let list: Value = serde_json::from_str(&out).unwrap();
    let finding = &list[0];
    let seen = ["severity", "code", "file", "path"].map(|field| finding[field].as_str().unwrap());
    assert_eq!(
        seen,
        [
            "error",
            "MF0101",
            "./a b/limits.json",
            "rateLimit.limits[0].per"
        ]
    );
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&1.into(), &54.into())
    );
    let (code, out, _) = run(folder.path(), &["--format", "sarif", "."]);
    let log: Value = serde_json::from_str(&out).unwrap();
    let run = &log["runs"][0];
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "./a%20b/limits.json");
    assert_eq!(
        (&run["results"][0]["ruleId"], code),
        (&"MF0101".into(), Some(1))
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), check::rules().len());
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = tempdir().unwrap();
    let (code, out, _) = fed(folder.path(), &["-"], LIMITS);
    assert!(out.contains(" --> <stdin>:1:54"), "{out}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_bare_configuration_needs_a_name_where_it_has_none() {
    let text = "limits: [{name: all, requests: 0, per: 1m}]\nlimit: 1\n";
    let folder = folder(&[("limits.yaml", text)]);
    let (code, out, _) = run(folder.path(), &["limits.yaml"]);
    assert!(out.contains("info[MF0003]") && code == Some(0), "{out}");
    let (code, out, _) = run(folder.path(), &["--filter", "rate-limit", "limits.yaml"]);
    assert!(out.contains("unknown field") && code == Some(1), "{out}");
    let (code, _, err) = run(folder.path(), &["--filter", "ratelimit", "limits.yaml"]);
    assert!(
        err.contains("no filter is named `ratelimit`") && code == Some(2),
        "{err}"
    );
}

#[test]
fn a_code_is_explained() {
    let folder = tempdir().unwrap();
    let (code, out, _) = run(folder.path(), &["--explain", "mf0201"]);
    assert!(
        out.starts_with("warning[MF0201]: ") && out.contains("Not found:"),
        "{out}"
    );
    assert_eq!(code, Some(0));
    let (code, _, err) = run(folder.path(), &["--explain", "MF9999"]);
    assert!(
        err.contains("no finding has the code") && code == Some(2),
        "{err}"
    );
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let folder = folder(&[("notes.txt", "")]);
    for (words, problem) in [
        (&["no.yaml"][..], "no.yaml: "),
        (&["."], "has no file named"),
        (&[], "required"),
    ] {
        let (code, _, err) = run(folder.path(), words);
        assert!(err.contains(problem), "{err}");
        assert_eq!(code, Some(2));
    }
}

const WRONG: &str = "rateLimit:\r\n  limits: # of all\r\n  - {name: all, request: 100, per: 1m}";
const MENDED: &str = "rateLimit:\r\n  limits: # of all\r\n  - {name: all, requests: 100, per: 1m}";

#[test]
fn what_is_certain_is_mended_in_the_file() {
    let folder = folder(&[("a/limits.yaml", WRONG), ("a/fault.yaml", FAULT)]);
    let path = folder.path().join("a/limits.yaml");
    let (code, out, err) = run(folder.path(), &["--diff", "a"]);
    let diff = "--- a/limits.yaml\n+++ a/limits.yaml\n@@ -1,3 +1,3 @@\n rateLimit:\r\n   limits: # of all\r\n\
                -  - {name: all, request: 100, per: 1m}\n\\ No newline at end of file\n\
                +  - {name: all, requests: 100, per: 1m}\n\\ No newline at end of file\n";
    assert_eq!(out, diff);
    assert_eq!(
        (code, err.as_str()),
        (Some(1), "would mend 1 finding in 1 file\n")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), WRONG);
    let (code, out, _) = run(folder.path(), &["a"]);
    assert!(
        out.ends_with("1 error, 1 warning in 2 files; `check --fix` mends 1\n"),
        "{out}"
    );
    assert_eq!(code, Some(1));
    let (code, out, _) = run(folder.path(), &["--fix", "a"]);
    assert!(
        out.starts_with(diff) && out.contains("warning[MF0201]"),
        "{out}"
    );
    let end = "1 warning in 2 files\nmended 1 finding in 1 file\n";
    assert!(out.ends_with(end), "{out}");
    assert_eq!(
        (code, fs::read_to_string(&path).unwrap().as_str()),
        (Some(0), MENDED)
    );
    // Once is enough.
    let (code, out, err) = run(folder.path(), &["--diff", "a"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (Some(0), "", "would mend nothing\n")
    );
}

#[test]
fn programs_are_told_what_can_be_mended_and_what_is_left() {
    let folder = folder(&[("limits.yaml", WRONG)]);
    let (_, out, _) = run(folder.path(), &["--format", "json", "limits.yaml"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list[0]["fixable"], true);
    let (code, out, _) = run(folder.path(), &["--format", "json", "--fix", "limits.yaml"]);
    assert_eq!((code, out.as_str()), (Some(0), "[]\n"));
    let (_, out, _) = run(folder.path(), &["--format", "json", "--explain", "MF0101"]);
    let rule: Value = serde_json::from_str(&out).unwrap();
    assert!(rule["fixed"].as_str().unwrap().contains("letter"), "{out}");
    let (code, _, err) = run(
        folder.path(),
        &["--format", "json", "--diff", "limits.yaml"],
    );
    assert!(err.contains("no other format") && code == Some(2), "{err}");
}

#[test]
fn standard_input_is_printed_mended() {
    let folder = folder(&[("limits.yaml", LIMITS)]);
    let wrong = format!("{WRONG}\nmore: 1\n");
    let typed = |words: &[&str]| fed(folder.path(), words, &wrong);
    let (code, out, err) = typed(&["--fix", "-"]);
    assert_eq!((code, out), (Some(1), format!("{MENDED}\nmore: 1\n")));
    assert!(
        err.contains("error[MF0101]") && err.ends_with("mended 1 finding in 1 file\n"),
        "{err}"
    );
    let (code, out, err) = typed(&["--fix", "-", "limits.yaml"]);
    assert!(
        err.contains("give no other file") && out.is_empty() && code == Some(2),
        "{err}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_is_written_where_it_is_and_as_it_was() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder(&[("real/limits.yaml", WRONG), ("sealed.yaml", WRONG)]);
    let at = |name: &str| folder.path().join(name);
    symlink("real/limits.yaml", at("link.yaml")).unwrap();
    fs::set_permissions(at("real/limits.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    // By both of its names: it is one file.
    let (code, _, err) = run(folder.path(), &["--fix", "link.yaml", "real"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(at("link.yaml").is_symlink());
    let real = fs::metadata(at("real/limits.yaml")).unwrap();
    assert_eq!(real.permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(at("real/limits.yaml")).unwrap(), MENDED);
    // What cannot be written keeps all others as they are.
    fs::write(at("real/limits.yaml"), WRONG).unwrap();
    fs::set_permissions(at("sealed.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    let (code, out, err) = run(folder.path(), &["--fix", "real", "sealed.yaml"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        err.contains("sealed.yaml: cannot be fixed: it is read-only"),
        "{err}"
    );
    for name in ["real/limits.yaml", "sealed.yaml"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), WRONG);
    }
    assert_eq!(fs::read_dir(at("real")).unwrap().count(), 1);
}
