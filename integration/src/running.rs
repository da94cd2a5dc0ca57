//! `mesh-filters run` as a child of a test, and what it says while it runs.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::envoy::{self, Scratch, repository};
use crate::program;
use crate::service::wait::until;

/// How long what is about to happen may take; Envoy starts slowly on a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// The program, until it ends or is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    /// Of the program alone, so that what it leaves there is seen.
    temporary: Scratch,
}

impl Running {
    /// `mesh-filters run` with these words, in a folder.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    pub fn start(folder: &Path, words: &[impl AsRef<OsStr>]) -> Self {
        let temporary = Scratch::new().expect("a folder");
        let mut command = Command::new(program::built("mesh-filters"));
        command
            .arg("run")
            .args(words)
            .current_dir(folder)
            .env("TMPDIR", temporary.path())
            .env("ENVOY_BIN", envoy::program())
            .env("MESH_FILTERS_MODULES", repository().join("dist"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let said = Arc::default();
        read(child.stdout.take().expect("its output"), &said);
        read(child.stderr.take().expect("its errors"), &said);
        Self {
            child,
            said,
            temporary,
        }
    }

    /// The same, once it listens.
    ///
    /// # Panics
    /// It does not in time.
    #[track_caller]
    #[must_use]
    pub fn listening(mut self) -> Self {
        self.wait(&["listening"]);
        self
    }

    /// Where it listens, as it has said.
    ///
    /// # Panics
    /// It has not.
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        let said = self.said();
        let found = said.split("http://").skip(1).find_map(|rest| {
            let end = rest.find(['"', ',', '/', ' ', '\n'])?;
            rest[..end].parse().ok()
        });
        found.unwrap_or_else(|| panic!("it listens nowhere:\n{said}"))
    }

    /// All that it has said so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("whole lines").clone()
    }

    /// Waits for a line that has all these parts, and returns it.
    ///
    /// # Panics
    /// There is none in time.
    #[track_caller]
    pub fn wait(&mut self, parts: &[&str]) -> String {
        let found = until(SOON, || {
            let said = self.said();
            let mut lines = said.lines();
            let line = lines.find(|line| parts.iter().all(|part| line.contains(part)));
            line.map(|line| Some(line.to_owned()))
                .or_else(|| self.child.try_wait().expect("a child").map(|_| None))
        });
        match found.flatten() {
            Some(line) => line,
            None => panic!("no {parts:?} in\n{}", self.said()),
        }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The number of its Envoy.
    ///
    /// # Panics
    /// It has none.
    #[track_caller]
    pub fn envoy(&self) -> u32 {
        let folder = self.left().pop().expect("a folder of Envoy's");
        let process = fs::read_to_string(folder.join(".process")).expect("the process of an Envoy");
        let number = process.split(':').next().and_then(|word| word.parse().ok());
        number.unwrap_or_else(|| panic!("no number in `{process}`"))
    }

    /// What lies in its folder for temporary files.
    pub fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.temporary.path()).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// Sends it, or another, a signal.
    ///
    /// # Panics
    /// It cannot be sent.
    #[track_caller]
    pub fn signal(pid: u32, name: &str) {
        let kill = Command::new("kill")
            .args([format!("-{name}"), pid.to_string()])
            .status();
        assert!(kill.expect("`kill`").success(), "{pid} {name}");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end in time.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let ended = until(SOON, || self.child.try_wait().expect("a child"));
        ended.unwrap_or_else(|| panic!("it goes on:\n{}", self.said()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its Envoy ends with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stream: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&line);
            said.lock().expect("whole lines").push_str(&text);
            line.clear();
        }
    });
}
