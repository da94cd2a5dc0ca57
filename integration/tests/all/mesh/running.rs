//! A mesh as its user has it: it comes up, is told other objects, says who refuses, mends itself, and leaves nothing.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use integration::client::{Client, Response};
use integration::envoy::{self, Scratch, repository};
use integration::program;
use integration::running::Running;
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

/// A page that calls reviews in two versions, behind a gateway.
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
apiVersion: apps/v1
kind: Deployment
metadata: {name: page-v1}
spec:
  template:
    metadata: {labels: {app: page}, annotations: {mesh-filters/calls: reviews}}
    spec: {serviceAccountName: page, containers: [{name: page, image: page, ports: [{containerPort: 9080}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: page}
spec: {hosts: ['*'], gateways: [public], http: [{route: [{destination: {host: page}}]}]}
";

/// A version of reviews.
fn reviews(version: &str) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: reviews-{version}}}
spec:
  template:
    metadata: {{labels: {{app: reviews, version: {version}}}}}
    spec: {{serviceAccountName: reviews, containers: [{{name: reviews, image: reviews, ports: [{{containerPort: 9080}}]}}]}}
"
    )
}

/// All requests for reviews, to one version, where a path is as this says.
fn all_to(version: &str, path: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews}}
spec: {{hosts: [reviews], http: [{{match: [{{uri: {path}}}], route: [{{destination: {{host: reviews, subset: {version}}}}}]}}]}}
"
    )
}

/// A folder of the user's, and the program's folder for temporary files.
struct User {
    folder: Scratch,
    temporary: Scratch,
}

impl User {
    fn new() -> Self {
        let user = User {
            folder: Scratch::new().unwrap(),
            temporary: Scratch::new().unwrap(),
        };
        user.write(
            "shop.yaml",
            &[SHOP, &reviews("v1"), &reviews("v2")].concat(),
        );
        user
    }

    fn write(&self, name: &str, text: &str) {
        self.folder.write(name, text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program::built("mesh-filters"));
        command
            .arg("mesh")
            .args(words)
            .current_dir(self.folder.path())
            .env("TMPDIR", self.temporary.path())
            .env("ENVOY_BIN", envoy::program())
            .env("MESH_FILTERS_MODULES", repository().join("dist"))
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end: what it says, and that it ended so.
    #[track_caller]
    fn run(&self, exit: i32, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(exit), "{words:?}: {text}");
        text
    }

    /// The same as JSON.
    #[track_caller]
    fn json(&self, exit: i32, words: &[&str]) -> Value {
        let words = [words, &["--format", "json"]].concat();
        let output = self.command(&words).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(exit), "{words:?}: {text}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What lies in its folder for temporary files.
    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.temporary.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // Where a test failed in between.
        let _ = self.command(&["down"]).output();
    }
}

fn said(output: &Output) -> String {
    let texts =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    texts.concat()
}

/// Asks the gateway for the page.
fn ask(mesh: &Value) -> Response {
    let address = mesh["gateways"][0]["ports"][0]["address"].as_str().unwrap();
    Client::http1(address.parse().unwrap()).get("/page").send()
}

/// Which version of reviews the page was answered by.
#[track_caller]
fn version(mesh: &Value) -> String {
    let answer = ask(mesh);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_str(&answer.text()).unwrap();
    let called = &answer["called"][0];
    assert_eq!(called["status"], 200, "{answer:#}");
    called["answer"]["version"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn pids(status: &Value) -> Vec<u32> {
    let proxies = status["proxies"].as_array().unwrap().iter();
    proxies
        .map(|proxy| u32::try_from(proxy["pid"].as_u64().unwrap()).unwrap())
        .collect()
}

fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_mesh_comes_up_takes_what_it_is_told_and_leaves_nothing() {
    let user = User::new();
    let mesh = user.json(0, &["up", "-f", "shop.yaml", "--detach"]);
    assert_eq!(mesh["workloads"].as_array().unwrap().len(), 3, "{mesh:#}");
    assert_eq!(mesh["notes"], json!([]), "{mesh:#}");

    // Who calls whom is known by certificates of the mesh.
    let answer: Value = serde_json::from_str(&ask(&mesh).text()).unwrap();
    assert_eq!(
        (&answer["caller"], &answer["called"][0]["answer"]["caller"]),
        (
            &json!(
                "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
            ),
            &json!("spiffe://cluster.local/ns/default/sa/page")
        ),
        "{answer:#}"
    );
    let status = user.json(0, &["status"]);
    let all = pids(&status);
    assert_eq!(all.len(), 4, "{status:#}");

    // Bootstraps are there to be read, and Envoy would take them again.
    for workload in mesh["workloads"].as_array().unwrap() {
        let folder = Path::new(workload["replicas"][0]["folder"].as_str().unwrap());
        let validated = Command::new(envoy::program())
            .args(["--mode", "validate", "--config-path"])
            .arg(folder.join("envoy.json"))
            .output()
            .unwrap();
        assert!(validated.status.success(), "{}", said(&validated));
    }

    // Files that come later belong to it, and what has the name of an earlier object is in its place.
    for wanted in ["v2", "v1"] {
        user.write("split.yaml", &all_to(wanted, "{prefix: /}"));
        let applied = user.json(0, &["apply", "-f", "split.yaml"]);
        assert_eq!(applied["refused"], json!([]), "{applied:#}");
        assert!((0..20).all(|_| version(&mesh) == wanted), "{wanted}");
        // The gateway calls nobody but the page.
        let changed = applied["changed"].as_array().unwrap();
        assert!(changed.contains(&json!("page-v1.default")), "{applied:#}");
    }
    let nothing = user.json(0, &["apply"]);
    for field in ["changed", "started", "stopped", "refused", "notes"] {
        assert_eq!(nothing[field], json!([]), "{nothing:#}");
    }

    // What it takes and `check` has a word for is told as well.
    user.write("split.yaml", &all_to("v9", "{prefix: /nobody}"));
    let found = user.run(0, &["apply"]);
    assert!(found.contains("MF0214") && found.contains("v9"), "{found}");

    // What is wrong with files is told, and changes nothing.
    user.write("split.yaml", &all_to("v2", "{regex: 'a('}"));
    let refused = user.run(1, &["apply"]);
    assert!(refused.contains("split.yaml:4:"), "{refused}");
    user.write("split.yaml", "kind: [");
    assert!(user.run(1, &["apply"]).contains("split.yaml:1:"));
    assert_eq!(ask(&mesh).status, 200);
    assert_eq!(
        pids(&user.json(0, &["status"])),
        all,
        "nobody was started again"
    );

    // A workload that is gone, and one that is new.
    user.write("split.yaml", &all_to("v2", "{prefix: /}"));
    user.write(
        "shop.yaml",
        &[
            SHOP,
            &reviews("v2"),
            &reviews("v3").replace("version: v3", "version: v2"),
        ]
        .concat(),
    );
    let applied = user.json(0, &["apply"]);
    assert_eq!(
        (&applied["started"], &applied["stopped"]),
        (
            &json!(["reviews-v3.default"]),
            &json!(["reviews-v1.default"])
        ),
        "{applied:#}"
    );
    assert_eq!(version(&mesh), "v2");
    let status = user.json(0, &["status"]);
    let now = pids(&status);
    assert_eq!(
        now.iter().filter(|pid| all.contains(pid)).count(),
        3,
        "{status:#}"
    );

    user.run(0, &["down"]);
    assert!(all.iter().chain(&now).all(|pid| !is_there(*pid)));
    assert_eq!(user.left(), Vec::<PathBuf>::new());
    assert_eq!(user.run(0, &["down"]), "no mesh runs\n");
    assert!(user.run(2, &["status"]).contains("no mesh runs"));
}

/// A mesh in the foreground, whose output is in a file.
struct Foreground<'u> {
    user: &'u User,
    child: Child,
}

impl<'u> Foreground<'u> {
    fn start(user: &'u User, words: &[&str]) -> Self {
        let said = fs::File::create(user.folder.path().join("said")).unwrap();
        let child = user
            .command(&[&["up"], words].concat())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap();
        Foreground { user, child }
    }

    #[track_caller]
    fn wait(&self, part: &str) -> String {
        let said = || self.user.folder.read("said").unwrap_or_default();
        let found = until(SOON, || {
            let said = said();
            said.lines()
                .find(|line| line.contains(part))
                .map(str::to_owned)
        });
        found.unwrap_or_else(|| panic!("no `{part}` in\n{}", said()))
    }
}

impl Drop for Foreground<'_> {
    fn drop(&mut self) {
        // Its Envoys end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_envoy_that_dies_or_refuses_is_told_and_the_rest_goes_on_until_ctrl_c() {
    let user = User::new();
    let process = Upstream::start();
    let url = format!("reviews-v1=http://{}", process.addr());
    let words = ["-f", "shop.yaml", "--no-check", "--workload", &url];
    let mut mesh = Foreground::start(&user, &words);
    mesh.wait("Ctrl-C ends it");
    let folder = user.left().pop().unwrap();
    let told: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("mesh.json")).unwrap()).unwrap();

    // A process of the user's stands behind a sidecar.
    let taken = until(SOON, || {
        ask(&told);
        (process.count() > 0).then_some(())
    });
    assert!(taken.is_some(), "nothing came to the user's process");

    // An edit is seen, and refused by the one that reads it; the others are not concerned.
    user.write(
        "shop.yaml",
        &[
            SHOP,
            &reviews("v1"),
            &reviews("v2"),
            "---\n",
            &all_to("v2", "{prefix: /}"),
        ]
        .concat(),
    );
    mesh.wait("applied: told");
    assert!((0..10).all(|_| version(&told) == "v2"));
    user.write(
        "shop.yaml",
        &[
            SHOP,
            &reviews("v1"),
            &reviews("v2"),
            "---\n",
            &all_to("v1", "{regex: 'a('}"),
        ]
        .concat(),
    );
    mesh.wait("refused: page-v1.default keeps to what it was told before");
    assert!((0..10).all(|_| version(&told) == "v2"));
    let status = user.json(1, &["status"]);
    let page = status["proxies"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "page-v1.default")
        .unwrap();
    let why = page["refused"].as_str().unwrap();
    assert!(why.contains("regex") || why.contains("missing )"), "{why}");
    assert!(
        user.run(1, &["status"])
            .contains("refused by page-v1.default")
    );

    // One that dies is started again, and has what it was told last.
    let before = u32::try_from(page["pid"].as_u64().unwrap()).unwrap();
    Running::signal(before, "KILL");
    mesh.wait("died: page-v1.default: started again in 1 s; it ended with 137");
    mesh.wait("started: page-v1.default");
    assert_eq!(version(&told), "v2");
    let status = user.json(1, &["status"]);
    let all = pids(&status);
    assert!(!all.contains(&before), "{status:#}");

    Running::signal(mesh.child.id(), "INT");
    let ended = until(SOON, || mesh.child.try_wait().unwrap());
    assert_eq!(ended.and_then(|status| status.code()), Some(130));
    assert!(all.iter().all(|pid| !is_there(*pid)));
    assert_eq!(user.left(), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_run_is_told_before_anything_does() {
    let user = User::new();
    let problem = user.run(2, &["up", "-f", "shop.yaml", "--calls", "reviews=page"]);
    let circle = "page-v1 → reviews-v1 → page-v1 call each other in a circle";
    assert!(problem.contains(circle), "{problem}");
    let network = (100..=250).step_by(2).find_map(|number| {
        let taken = TcpListener::bind(format!("127.{number}.1.1:9080")).ok()?;
        Some((number, taken))
    });
    let (number, _taken) = network.unwrap();
    let problem = user.run(
        2,
        &["up", "-f", "shop.yaml", "--network", &number.to_string()],
    );
    let address = "1.1:9080 cannot be listened on";
    assert!(
        problem.contains(address) && problem.contains("another --network"),
        "{problem}"
    );
    user.write("broken.yaml", &all_to("v1", "{regex: 'a('}"));
    let problem = user.run(
        1,
        &["up", "-f", "shop.yaml", "-f", "broken.yaml", "--detach"],
    );
    assert!(
        problem.contains("broken.yaml:4:") && problem.contains("--no-check"),
        "{problem}"
    );
    assert_eq!(user.left(), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_of_the_users_keeps_configurations_and_no_keys() {
    let user = User::new();
    user.json(
        0,
        &["up", "-f", "shop.yaml", "--detach", "--folder", "mesh"],
    );
    let folder = user.folder.path().join("mesh");
    let again = user.run(2, &["up", "-f", "shop.yaml", "--folder", "mesh"]);
    assert!(again.contains("a mesh runs in it"), "{again}");
    let page = folder.join("proxies/page-v1.default");
    assert!(page.join("key.pem").exists());
    user.run(0, &["down", "--folder", "mesh"]);
    for (file, stays) in [
        ("envoy.json", true),
        ("envoy.log", true),
        ("key.pem", false),
    ] {
        assert_eq!(page.join(file).exists(), stays, "{file}");
    }
    assert!(!folder.join("mesh.sock").exists());
    assert!(
        user.run(2, &["down", "--folder", "mesh"])
            .contains("no mesh runs in it")
    );
    assert_eq!(user.left(), Vec::<PathBuf>::new());
}
