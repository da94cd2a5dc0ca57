//! Whether a container engine answers, so that the summary can say what the tests ran in.
//!
//! The harness decides for itself; this asks the same questions.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The variable by which the harness is told what to use.
pub(crate) const CHOICE: &str = "MESH_FILTERS_ENVOY";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Containers,
    Missing,
    /// Somebody set the variable.
    Chosen(String),
}

impl Engine {
    pub(crate) fn find() -> Self {
        match std::env::var(CHOICE) {
            Ok(choice) if !choice.is_empty() => Self::Chosen(choice),
            _ if answers() => Self::Containers,
            _ => Self::Missing,
        }
    }

    /// Whether the tests that ran did so in containers, so that the smoke subset is still owed.
    pub(crate) fn used_containers(&self) -> bool {
        match self {
            Self::Containers => true,
            Self::Missing => false,
            Self::Chosen(choice) => choice != "process",
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Containers => "engine: containers".to_owned(),
            Self::Missing => "no container engine answered: everything ran as a process".to_owned(),
            Self::Chosen(choice) => format!("engine: {choice}, chosen by {CHOICE}"),
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
    fn the_summary_says_what_was_used() {
        assert_eq!(Engine::Containers.sentence(), "engine: containers");
        assert_eq!(
            Engine::Chosen("process".to_owned()).sentence(),
            "engine: process, chosen by MESH_FILTERS_ENVOY"
        );
        assert!(!Engine::Chosen("process".to_owned()).used_containers());
        assert!(Engine::Chosen("container".to_owned()).used_containers());
        assert!(!Engine::Missing.used_containers());
    }
}
