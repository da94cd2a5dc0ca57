//! A mesh of real Envoys as a test wants it: the program's own `mesh up`, on a network of its own, which ends with the
//! test.
//!
//! It runs in the foreground, so that Ctrl-C on the tests is one on the mesh as well.

mod answered;
mod told;

use std::fs;
use std::io::{BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, Request};
use crate::envoy::{self, Scratch, repository};
use crate::program;
use crate::running::Running;
use crate::service::wait::until;
use crate::tls::{Issued, Tls};

pub use answered::{address_of, caller_of, counts, name_of, seen, version_of};
pub use told::{Gateway, Port, Replica, Told, Workload};

/// How long its end may take.
const END: Duration = Duration::from_secs(60);
/// Where it says what is wrong.
const ERRORS: &str = "errors.log";

/// A mesh that runs, until it is dropped.
#[derive(Debug)]
pub struct Mesh {
    child: Child,
    /// Of the program alone: its temporary files, and the objects that tests write.
    scratch: Scratch,
    told: Mutex<Told>,
}

impl Mesh {
    /// Starts these files of `envoy-configs/mesh`, by their names without `.yaml`.
    ///
    /// # Panics
    /// It does not come up.
    #[track_caller]
    pub fn up(shipped: &[&str]) -> Self {
        Self::of(shipped, &[], &[])
    }

    /// The same with objects of the test's behind them, by the names of their files, and further words for `mesh up`.
    ///
    /// # Panics
    /// It does not come up.
    #[track_caller]
    pub fn of(shipped: &[&str], own: &[(&str, &str)], words: &[&str]) -> Self {
        let scratch = Scratch::new().expect("a folder");
        let mut files: Vec<PathBuf> = shipped.iter().map(|name| self::shipped(name)).collect();
        for (name, text) in own {
            files.push(write(&scratch, name, text));
        }
        let errors = fs::File::create(scratch.path().join(ERRORS)).expect("a file");
        let mut command = command(&scratch);
        command.args(["mesh", "up", "--format", "json"]);
        for file in &files {
            command.arg("-f").arg(file);
        }
        let mut child = command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the program");
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        let told = serde_json::Deserializer::from_reader(&mut said)
            .into_iter()
            .next();
        let Some(Ok(told)) = told else {
            let _ = child.kill();
            let exit = child.wait();
            let why = scratch.read(ERRORS).unwrap_or_default();
            panic!("no mesh of {files:?}: {told:?}, {exit:?}\n{why}");
        };
        // It goes on saying what happens, and waits where nobody reads.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self {
            child,
            scratch,
            told: Mutex::new(told),
        }
    }

    /// Every address of it, as of the last `apply`.
    pub fn told(&self) -> Told {
        let told = self.told.lock();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes objects into a file of this name and applies it; what the program answers.
    ///
    /// # Panics
    /// They are refused.
    #[track_caller]
    pub fn apply(&self, name: &str, text: &str) -> Value {
        let file = write(&self.scratch, name, text);
        self.apply_file(&file)
    }

    /// The same for a file of `envoy-configs/mesh`.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn apply_shipped(&self, name: &str) -> Value {
        self.apply_file(&shipped(name))
    }

    #[track_caller]
    fn apply_file(&self, file: &Path) -> Value {
        let output = self.run(&["apply", "-f", &file.display().to_string()]);
        let (said, why) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{file:?}: {}: {said}{why}",
            output.status
        );
        let folder = self.told().folder;
        let text = fs::read_to_string(folder.join("mesh.json")).expect("mesh.json");
        let told = serde_json::from_str(&text).expect("what `mesh up` says");
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
        serde_json::from_str(&said).expect("JSON")
    }

    /// A verb of `mesh`, about this one.
    pub fn run(&self, words: &[&str]) -> Output {
        let mut command = command(&self.scratch);
        command.arg("mesh").args(words);
        command.arg("--folder").arg(self.told().folder);
        let output = command.args(["--format", "json"]).output();
        output.expect("the program")
    }

    /// Asks as a workload does: through its sidecar, to which the authority of a request says for whom it is.
    ///
    /// # Panics
    /// It has no sidecar.
    #[track_caller]
    pub fn from(&self, workload: &str) -> Client {
        let outbound = self.replica(workload).outbound;
        Client::http1(outbound.unwrap_or_else(|| panic!("{workload} has no sidecar")))
    }

    /// The first replica of a workload.
    ///
    /// # Panics
    /// There is no such workload.
    #[track_caller]
    pub fn replica(&self, workload: &str) -> Replica {
        self.replicas(workload).swap_remove(0)
    }

    /// Every replica of a workload.
    ///
    /// # Panics
    /// There is no such workload.
    #[track_caller]
    pub fn replicas(&self, workload: &str) -> Vec<Replica> {
        let told = self.told();
        let found = told.workloads.into_iter().find(|one| one.name == workload);
        found
            .unwrap_or_else(|| panic!("no workload {workload}"))
            .replicas
    }

    /// Where the gateway takes what is sent to this port of it.
    ///
    /// # Panics
    /// It has no such port, or there is no gateway.
    #[track_caller]
    pub fn gateway(&self, port: u16) -> SocketAddr {
        let told = self.told();
        let mut ports = told.gateways.iter().flat_map(|gateway| &gateway.ports);
        let found = ports.find(|one| one.port == port);
        found
            .unwrap_or_else(|| panic!("no port {port} of a gateway: {:?}", told.gateways))
            .address
    }

    /// What a workload shows to others, and whom it believes: to speak mutual TLS as it does, with whoever has the
    /// identity `server`.
    ///
    /// # Panics
    /// It has no sidecar, and so no certificate.
    #[track_caller]
    pub fn tls_as(&self, workload: &str, server: &str) -> Tls {
        let certificate = self.replica(workload).certificate;
        let certificate = certificate.unwrap_or_else(|| panic!("{workload} has no certificate"));
        self.tls(server).showing(&Issued {
            certificate: fs::read_to_string(certificate.chain).expect("a certificate"),
            key: fs::read_to_string(certificate.key).expect("a key"),
        })
    }

    /// TLS with whoever has the identity `server`, showing nothing.
    pub fn tls(&self, server: &str) -> Tls {
        let roots = fs::read_to_string(self.told().ca).expect("the mesh's roots");
        Tls::trusting(roots).identity(server)
    }

    /// Has the process of a replica do this to all requests from now on: `status=503`.
    ///
    /// # Panics
    /// It does not take it.
    #[track_caller]
    pub fn fail(&self, replica: &Replica, how: &str) {
        let path = format!("/fail?{how}");
        let taken = Client::http1(replica.process()).send(Request::new("PUT", &path));
        assert!(taken.status < 300, "{how}: {taken:?}");
    }

    /// Has it answer as before.
    ///
    /// # Panics
    /// It does not take it.
    #[track_caller]
    pub fn mend(&self, replica: &Replica) {
        let taken = Client::http1(replica.process()).send(Request::new("DELETE", "/fail"));
        assert!(taken.status < 300, "{taken:?}");
    }

    /// How many requests the process of a replica has had, this question included.
    #[track_caller]
    pub fn requests(&self, replica: &Replica) -> u64 {
        let answer = Client::http1(replica.process()).get("/").send();
        seen(&answer)["requests"].as_u64().expect("a number")
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        if thread::panicking() {
            let why = self.scratch.read(ERRORS).unwrap_or_default();
            eprintln!("the mesh in {} said\n{why}", self.told().folder.display());
        }
        Running::signal(self.child.id(), "TERM");
        let ended = until(END, || self.child.try_wait().ok().flatten());
        if ended.is_none() {
            // Its Envoys end with it.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A file of `envoy-configs/mesh`.
fn shipped(name: &str) -> PathBuf {
    repository().join(format!("envoy-configs/mesh/{name}.yaml"))
}

/// What is in one.
///
/// # Panics
/// There is none of this name.
#[track_caller]
pub fn shipped_text(name: &str) -> String {
    fs::read_to_string(shipped(name)).expect("a shipped file")
}

fn write(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let file = scratch.write(&format!("{name}.yaml"), text);
    file.expect("a file of objects")
}

fn command(scratch: &Scratch) -> Command {
    let mut command = Command::new(program::built("mesh-filters"));
    command
        .env("TMPDIR", scratch.path())
        .env("ENVOY_BIN", envoy::program())
        .env("MESH_FILTERS_MODULES", repository().join("dist"));
    command
}
