//! `cargo xtask demo`, after the builds: what it shows comes true, and nothing of it stays.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use integration::client::Client;
use integration::service::wait::until;

const SOON: Duration = Duration::from_secs(10);

struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Demo {
    /// As a process, whose Envoy can be looked for in this machine's list of processes.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(arguments)
            .env("MESH_FILTERS_ENVOY", "process")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads to a line that contains this.
    fn line(&mut self, part: &str) -> String {
        let mut before = String::new();
        let found = self
            .output
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .find(|line| {
                before.extend([line.as_str(), "\n"]);
                line.contains(part)
            });
        found.unwrap_or_else(|| panic!("no `{part}` in\n{before}"))
    }

    /// What it started.
    fn children(&self) -> Vec<PathBuf> {
        let all = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        let parent = format!("PPid:\t{}", self.child.id());
        all.filter(|process| {
            let status = fs::read_to_string(process.join("status"));
            status.is_ok_and(|status| status.lines().any(|line| line == parent))
        })
        .collect()
    }

    /// Ends it as a terminal would, except that Envoy hears nothing of it: the exit code.
    fn interrupt(mut self) -> Option<i32> {
        let children = self.children();
        assert!(!children.is_empty());
        let kill = Command::new("kill")
            .args(["-s", "INT", &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let status = until(SOON, || self.child.try_wait().unwrap());
        assert!(
            !children.iter().any(|process| process.exists()),
            "{children:?}"
        );
        status.expect("a demo that ends").code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_holds_what_it_says_and_stays_until_interrupted() {
    let mut demo = Demo::start(&["--keep"]);

    let line = demo.line("Envoy stays up at ");
    let curl = demo.line("/orders/7/items");
    demo.line("access log");

    let address = line.split(' ').nth(4).unwrap().trim_end_matches(',');
    assert!(curl.contains(address), "{curl}");
    let address = address.replace("localhost", "127.0.0.1").parse().unwrap();
    let response = Client::http1(address).get("/orders/7/items").send();
    assert_eq!(response.json().unwrap()["path"], "/orders/7/items");
    demo.line("reason=shadow_abort:orders-shadow");
    assert_eq!(demo.interrupt(), Some(0));
}

#[test]
fn an_interrupted_demo_leaves_nothing_running() {
    let mut demo = Demo::start(&[]);
    demo.line("1. ");
    assert_eq!(demo.interrupt(), Some(130));
}

/// The processes of the demo's mesh, which are nobody's children: its folder is in what they were called with.
fn of_mesh(demo: &Demo) -> Vec<PathBuf> {
    let folder = format!("mesh-filters-{}-", demo.child.id());
    let all = fs::read_dir("/proc").unwrap().flatten();
    let all = all.map(|entry| entry.path());
    all.filter(|process| {
        let called = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&called).contains(&folder)
    })
    .collect()
}

#[test]
fn the_story_of_a_mesh_is_seen_and_leaves_nothing() {
    let mut demo = Demo::start(&["--mesh"]);
    demo.line("up: 7 Envoys");
    assert!(of_mesh(&demo).len() >= 7);
    demo.line("afterwards: no process is left");
    let status = until(SOON, || demo.child.try_wait().unwrap());
    assert_eq!(status.unwrap().code(), Some(0));
    assert_eq!(of_mesh(&demo), Vec::<PathBuf>::new());
}

#[test]
fn an_interrupted_story_leaves_no_mesh() {
    let mut demo = Demo::start(&["--mesh"]);
    demo.line("up: 7 Envoys");
    let kill = Command::new("kill")
        .args(["-s", "INT", &demo.child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let status = until(SOON, || demo.child.try_wait().unwrap());
    assert_eq!(status.expect("a demo that ends").code(), Some(130));
    assert_eq!(of_mesh(&demo), Vec::<PathBuf>::new());
}
