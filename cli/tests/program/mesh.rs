//! `mesh-filters mesh` where it cannot: what is said, and what to do. With an Envoy it is tested in `integration`.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::harness::{ended, program, text};

/// Two pods and their services, each of which may call the other.
const SHOP: &str = "
apiVersion: v1
kind: Service
metadata: {name: page}
spec: {selector: {app: page}, ports: [{name: http, port: 9080}]}
---
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: page-v1, labels: {app: page}, annotations: {mesh-filters/calls: reviews}}
spec: {containers: [{name: page, ports: [{containerPort: 9080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: reviews-v1, labels: {app: reviews}}
spec: {containers: [{name: reviews, ports: [{containerPort: 9080}]}]}
";

/// A folder with a shop, what is called an Envoy, and a folder for temporary files.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("shop.yaml"), SHOP).unwrap();
    fs::write(folder.path().join("envoy"), "").unwrap();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    folder
}

/// What it says where it ends so.
#[track_caller]
fn said(folder: &Path, exit: i32, words: &[&str]) -> String {
    let mut program = program(folder);
    program
        .arg("mesh")
        .args(words)
        .env("TMPDIR", folder.join("tmp"))
        .env("ENVOY_BIN", folder.join("envoy"));
    let output = program.output().unwrap();
    ended(&output, exit);
    // Nothing of it is left.
    let left = fs::read_dir(folder.join("tmp")).unwrap().count();
    assert_eq!(left, 0, "{words:?}");
    [text(&output.stdout), text(&output.stderr)].concat()
}

#[test]
fn what_cannot_be_meant_is_told_before_anything_runs() {
    let folder = folder();
    for (words, part) in [
        (
            &["--calls", "reviews=page"][..],
            "page-v1 → reviews-v1 → page-v1 call each other",
        ),
        (
            &["--calls", "ratings=page"],
            "`--calls` names `ratings`, and no workload has that name",
        ),
        (
            &["--calls", "page"],
            "say who calls whom, as in `productpage=reviews,details`",
        ),
        (
            &["--workload", "ratings=http://127.0.0.1:1"],
            "`--workload` names `ratings`",
        ),
        (
            &["--workload", "reviews=https://127.0.0.1:1"],
            "speaks plaintext with its workload",
        ),
        (
            &["--workload", "reviews"],
            "no `=`; it is as in `reviews-v2=http://127.0.0.1:9080`",
        ),
        (&["--network", "9"], "it is an even number from 10 to 250"),
        (&["--jwks", "no/such.json"], "no/such.json: "),
        (&["-f", "no-such.yaml"], "no-such.yaml: "),
        (&["--folder", "."], "has files that are of no mesh"),
        (
            &["--envoy-bin", "no/such/envoy"],
            "--envoy-bin names Envoy's program",
        ),
    ] {
        let all = [&["up", "-f", "shop.yaml"], words].concat();
        let told = said(folder.path(), 2, &all);
        assert!(told.contains(part), "{words:?}: {told}");
        // As the process in the background says it.
        let told = said(folder.path(), 2, &[&all, &["--detach"][..]].concat());
        assert!(told.contains(part), "{words:?}: {told}");
    }
}

#[test]
fn files_without_a_mesh_are_told() {
    let folder = folder();
    let file = folder.path().join("a.yaml");
    for (yaml, exit, part) in [
        ("kind: [", 2, "a.yaml:1:"),
        (
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
            2,
            "no Gateway and no workload",
        ),
        (
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: {rulez: []}\n",
            1,
            "`--no-check` starts it all the same",
        ),
    ] {
        fs::write(&file, yaml).unwrap();
        let told = said(folder.path(), exit, &["up", "-f", "a.yaml"]);
        assert!(told.contains(part), "{yaml}: {told}");
    }
}

#[test]
fn without_a_mesh_there_is_nothing_to_ask() {
    let folder = folder();
    let path = folder.path();
    for verb in ["apply", "status"] {
        assert!(said(path, 2, &[verb]).contains("`mesh-filters mesh up -f FILE` starts one"));
        let told = said(path, 2, &[verb, "--folder", "."]);
        assert!(told.contains("no mesh runs in it"), "{told}");
    }
    assert_eq!(said(path, 0, &["down"]), "no mesh runs\n");
    assert!(said(path, 2, &["down", "--folder", "."]).contains("no mesh runs in it"));
}
