//! Whether a container engine answers: then the smoke tests run in containers too.
//!
//! The harness decides for itself what it starts Envoy as; this asks the same questions.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The variable by which the harness is told what to use.
pub(crate) const CHOICE: &str = "MESH_FILTERS_ENVOY";
/// The variable that names an image, which is a choice as well.
const IMAGE: &str = "MESH_FILTERS_ENVOY_IMAGE";
const CONTAINER: &str = "container";

/// What the tests run Envoy as, and what else they could.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Processes, on a machine that has containers too.
    Answers,
    /// Processes, there being nothing else.
    Missing,
    /// Somebody chose, by this variable.
    Chosen(String, &'static str),
}

impl Engine {
    pub(crate) fn find() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(choice) = set(CHOICE) {
            return Self::Chosen(choice, CHOICE);
        }
        if set(IMAGE).is_some() {
            return Self::Chosen(CONTAINER.to_owned(), IMAGE);
        }
        match answers() {
            true => Self::Answers,
            false => Self::Missing,
        }
    }

    /// The way that the smoke tests still have to go, after all tests have gone theirs.
    pub(crate) fn other_way(&self) -> Option<&'static str> {
        match self {
            Self::Answers => Some(CONTAINER),
            Self::Chosen(choice, _) if choice == CONTAINER => Some("process"),
            Self::Missing | Self::Chosen(..) => None,
        }
    }

    /// What the tests run it as.
    pub(crate) fn way(&self) -> &str {
        match self {
            Self::Answers | Self::Missing => "process",
            Self::Chosen(choice, _) => choice,
        }
    }

    /// What the step that goes it is called.
    pub(crate) fn smoke(&self) -> &'static str {
        match self.other_way() {
            Some("process") => "smoke as a process",
            _ => "smoke in containers",
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Answers => {
                "Envoy ran as a process, for the smoke tests in containers too".to_owned()
            }
            Self::Missing => "Envoy ran as a process; no container engine answered".to_owned(),
            Self::Chosen(choice, by) => format!("Envoy ran as a {choice}, chosen by {by}"),
        }
    }
}

fn answers() -> bool {
    let host = std::env::var("DOCKER_HOST").ok();
    let socket = match host.as_deref() {
        None | Some("") => Some("/var/run/docker.sock"),
        Some(host) => host.strip_prefix("unix://"),
    };
    // The client knows engines that are reached otherwise: contexts, TCP, SSH.
    socket.is_some_and(|socket| ping(socket).unwrap_or(false)) || client_reaches_one()
}

fn ping(socket: &str) -> std::io::Result<bool> {
    let patience = Some(Duration::from_secs(5));
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}

fn client_reaches_one() -> bool {
    let mut client = Command::new("docker");
    client.args(["version", "--format", "{{.Server.Version}}"]);
    client.stdout(Stdio::null()).stderr(Stdio::null());
    client.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::{Engine, ping};
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    /// What `ping` says of an engine that answers so.
    fn ping_answered(name: &str, answer: &'static [u8]) -> Option<bool> {
        let path = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 19];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(answer).unwrap();
            assert_eq!(&asked, b"GET /_ping HTTP/1.0");
        });
        let answered = ping(path.to_str().unwrap());
        server.join().unwrap();
        std::fs::remove_file(path).unwrap();
        answered.ok()
    }

    #[test]
    fn only_a_200_is_an_engine() {
        let ok = ping_answered("ok", b"HTTP/1.0 200 OK\r\n\r\nOK");
        assert_eq!(ok, Some(true));
        let broken = ping_answered("broken", b"HTTP/1.0 500 Internal Server Error\r\n\r\n");
        assert_eq!(broken, Some(false));
        assert_eq!(ping_answered("silent", b""), None);
        assert!(ping("/nonexistent/docker.sock").is_err());
    }

    #[test]
    fn the_smoke_tests_go_the_other_way() {
        let chosen = |choice: &str| Engine::Chosen(choice.to_owned(), "MESH_FILTERS_ENVOY");
        for (engine, other, sentence) in [
            (
                Engine::Answers,
                Some("container"),
                "Envoy ran as a process, for the smoke tests in containers too",
            ),
            (
                Engine::Missing,
                None,
                "Envoy ran as a process; no container engine answered",
            ),
            (
                chosen("process"),
                None,
                "Envoy ran as a process, chosen by MESH_FILTERS_ENVOY",
            ),
            (
                chosen("container"),
                Some("process"),
                "Envoy ran as a container, chosen by MESH_FILTERS_ENVOY",
            ),
        ] {
            assert_eq!(engine.other_way(), other);
            assert!(sentence.contains(engine.way()));
            assert_eq!(engine.sentence(), sentence);
        }
        assert_eq!(chosen("container").smoke(), "smoke as a process");
        assert_eq!(Engine::Answers.smoke(), "smoke in containers");
    }
}
