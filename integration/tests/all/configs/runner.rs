//! What a page tells its reader to do, done: its files written, its commands typed, in order, in a folder that
//! looks like this repository; and what it says comes of them, compared.
//!
//! Ports are free ones, in files and commands alike, and a registry is one on this machine. What cannot be run
//! is listed in `stand_ins`, with the reason.

mod ports;
mod stand_ins;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use integration::envoy::{self, Envoy, repository};
use integration::program;
use integration::running::Running;
use integration::service::wait::until;
use integration::service::{Scratch, Service, tool};

use super::manifests;
use super::pages::{Block, Page, Step};

const SOON: Duration = Duration::from_secs(10);
/// What a page's own commands write to, or need not see.
const OWN: [&str; 3] = ["dist", "target", ".git"];
/// Where pages push to and pull from; one does for all.
const REGISTRIES: [&str; 3] = [
    "oci://registry.example/",
    "oci://registry.inside.example/",
    "docker://registry.example/",
];
const FLUSH: &str = "--file-flush-interval-msec";
/// What ends with 1 where it found something, which is well where the page shows what.
const FINDS: [&str; 2] = ["mesh-filters check ", "mesh-filters test "];

/// A page that has been run to its end.
pub(super) struct Runner {
    path: String,
    scratch: Scratch,
    /// What every command begins with: the stand-ins, and variables that earlier ones have set.
    before: String,
    /// The listeners that files have, by the port in them.
    ports: BTreeMap<u16, String>,
    envoy: Option<Envoy>,
    /// The `mesh-filters run` that it started last, and the port that the page has it listen on.
    running: Option<(Running, u16)>,
    /// What the registries of the page are, if it has any.
    registry: Option<Service>,
}

/// Does all that a page has.
#[track_caller]
pub(super) fn run(path: &str) -> Runner {
    let mut runner = Runner::new(path);
    let steps = Page::read(path).steps();
    for step in steps {
        runner.step(&step);
    }
    runner.check_what_kubectl_got();
    runner
}

impl Runner {
    /// A reader of this page, who has done nothing yet.
    pub(super) fn new(path: &str) -> Self {
        let scratch = Scratch::new().unwrap();
        let folder = scratch.path().join("repository");
        fs::create_dir_all(folder.join("dist")).unwrap();
        let link = |from: PathBuf| {
            let name = from.file_name().unwrap().to_owned();
            symlink(&from, folder.join(name)).unwrap();
        };
        let entries = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries(repository().to_owned())
            .filter(|entry| !OWN.iter().any(|name| entry.file_name() == *name))
            .for_each(|entry| link(entry.path()));
        let modules = entries(repository().join("dist")).map(|entry| entry.path());
        for module in modules.filter(|file| file.is_file()) {
            let name = module.file_name().unwrap();
            symlink(&module, folder.join("dist").join(name)).unwrap();
        }
        let bin = scratch.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(scratch.path().join("home/.docker")).unwrap();
        let accounts = "{\"auths\": {}}\n";
        fs::write(scratch.path().join("home/.docker/config.json"), accounts).unwrap();
        let skopeo = tool("skopeo", "skopeo").unwrap();
        let calls = scratch.path().join("calls");
        fs::write(&calls, "").unwrap();
        symlink(envoy::program(), bin.join("envoy")).unwrap();
        symlink(program::built("mesh-filters"), bin.join("mesh-filters")).unwrap();
        let before = stand_ins::write(&bin, &calls, &skopeo);
        Runner {
            path: path.to_owned(),
            scratch,
            before,
            ports: BTreeMap::new(),
            envoy: None,
            running: None,
            registry: None,
        }
    }

    /// Where its commands run.
    pub(super) fn folder(&self) -> PathBuf {
        self.scratch.path().join("repository")
    }

    /// The Envoy that it started last.
    #[track_caller]
    pub(super) fn envoy(&self) -> &Envoy {
        self.envoy.as_ref().expect("an Envoy that was started")
    }

    /// How the stand-ins were called, a line each.
    pub(super) fn calls(&self) -> String {
        self.scratch.read("calls").unwrap()
    }

    #[track_caller]
    fn step(&mut self, step: &Step) {
        match step {
            Step::File { name, text } => {
                let text = self.with_free_ports(text);
                let file = self.folder().join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Step::Log(block) => self.logs(block),
            Step::Command { text, said } => self.command(text, said),
        }
    }

    /// Waits until what runs has said this.
    #[track_caller]
    fn logs(&self, block: &Block) {
        let log = || match &self.running {
            Some((running, port)) => {
                let there = running.addr().to_string();
                running.said().replace(&there, &format!("127.0.0.1:{port}"))
            }
            None => self.envoy().log(),
        };
        let found = until(SOON, || block.is_in(&log()).then_some(()));
        let (path, wanted) = (&self.path, &block.text);
        assert!(found.is_some(), "{path}: not logged: {wanted}\n{}", log());
    }

    #[track_caller]
    fn command(&mut self, text: &str, said: &Block) {
        if stand_ins::ELSEWHERE
            .iter()
            .any(|(part, _)| text.contains(part))
        {
            return;
        }
        if is_variable(text) {
            self.before += &format!("{text}; ");
            return;
        }
        if text.starts_with("envoy ") && !text.contains("--mode validate") {
            return self.start(text);
        }
        if let Some(words) = text.strip_prefix("mesh-filters run ") {
            self.start_running(words);
            return self.logs(said);
        }
        let text = self.with_addresses(text);
        // What was changed a moment ago may take Envoy another.
        let patience = if text.starts_with("curl ") {
            SOON
        } else {
            Duration::ZERO
        };
        let mut last = String::new();
        let typed = match FINDS.iter().any(|verb| text.starts_with(verb)) {
            true if !said.text.is_empty() => format!("{text} || test $? = 1"),
            _ => text.clone(),
        };
        let done = until(patience, || {
            let (well, output) = self.type_in(&typed);
            let done = well && said.is_in(&output);
            last = output;
            done.then_some(())
        });
        let note = stand_ins::note(&text);
        let wanted = &said.text;
        assert!(
            done.is_some(),
            "{}: {text}\nsaid\n{last}\nand not\n{wanted}{note}",
            self.path
        );
    }

    /// Runs a command to its end: whether it went well, and all it said.
    pub(super) fn type_in(&self, text: &str) -> (bool, String) {
        let bin = self.scratch.path().join("bin");
        let path = std::env::var("PATH").unwrap();
        let line = format!("{}{text}", self.before);
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &line])
            .current_dir(self.folder())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.scratch.path().join("home"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).replace('\r', "");
        (output.status.success(), said)
    }

    /// Starts the Envoy of a command, in place of the one before.
    #[track_caller]
    fn start(&mut self, text: &str) {
        let mut words = text.split_whitespace().skip(1).map(str::to_owned);
        let mut config = None;
        let mut args = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-c" => config = words.next(),
                _ => args.push(word),
            }
        }
        if !args.iter().any(|word| word == FLUSH) {
            args.extend([FLUSH, "20"].map(str::to_owned));
        }
        let file = self.folder().join(config.expect("a file behind `-c`"));
        let text = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", self.path, file.display()));
        let text = self.with_free_ports(&text);
        self.envoy = None;
        let folder = self.folder();
        let envoy = Envoy::from_text(&text).args(args).folder(&folder);
        self.envoy = Some(envoy.reads(folder).start());
    }

    /// Starts `mesh-filters run` with these words, in place of the one before, and on a free port.
    #[track_caller]
    fn start_running(&mut self, words: &str) {
        let (before, after) = words.split_once("--port ").expect("a port");
        let (port, after) = after.split_once(' ').unwrap_or((after, ""));
        let words: Vec<&str> = [before, after]
            .iter()
            .flat_map(|words| words.split_whitespace())
            .collect();
        self.running = None;
        let running = Running::start(&self.folder(), &words);
        self.running = Some((running.listening(), port.parse().unwrap()));
    }

    /// A file's text with port 0 in place of each that something in it listens on.
    fn with_free_ports(&mut self, text: &str) -> String {
        let (text, found) = ports::freed(text);
        self.ports.extend(found);
        text
    }

    /// A command with the addresses of the Envoy that runs and of a registry in place of those of the page.
    #[track_caller]
    fn with_addresses(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for named in REGISTRIES {
            if text.contains(named) {
                let registry = self.registry.get_or_insert_with(Service::registry);
                let (scheme, _) = named.split_once("//").unwrap();
                text = text.replace(named, &format!("{scheme}//{}/", registry.addr()));
            }
        }
        for (port, name) in &self.ports {
            let documented = format!("localhost:{port}");
            if let (true, Some(envoy)) = (text.contains(&documented), &self.envoy) {
                let there = match name.as_str() {
                    ports::ADMIN => envoy.admin().addr(),
                    listener => envoy.addr(listener),
                };
                text = text.replace(&documented, &there.to_string());
            }
        }
        if let Some((running, port)) = &self.running {
            text = text.replace(&format!("localhost:{port}"), &running.addr().to_string());
        }
        let left = text.contains("localhost:");
        assert!(
            !left,
            "{}: nothing that was started listens for {text}",
            self.path
        );
        text
    }

    /// Whatever was applied or was a patch.
    fn check_what_kubectl_got(&self) {
        for text in files(&self.folder().join("applied")) {
            manifests::check_applied(&text);
        }
        for text in files(&self.folder().join("patches")) {
            manifests::check_patches(&text);
        }
    }
}

/// The texts of a folder's files; none where there is no such folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// Whether a command does nothing but set a variable.
fn is_variable(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    name.len() < text.len() && name.bytes().all(|byte| byte.is_ascii_uppercase())
}
