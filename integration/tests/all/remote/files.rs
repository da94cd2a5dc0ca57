//! A web server that sends, byte for byte, what it was told to: also what no honest one would send.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What is sent to the first request for a path, the second and so on; the last one stands for all
/// after it. Nothing to send means that the server says nothing until its client leaves.
pub(crate) type Answers = Vec<Vec<u8>>;

/// A server on a port of 127.0.0.1; nobody listens there once it is dropped.
pub(crate) struct Files {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    files: BTreeMap<String, Answers>,
    asked: Mutex<BTreeMap<String, usize>>,
    closed: AtomicBool,
}

impl Files {
    /// Serves these by their paths, on a free port. What is not there is 404.
    pub(crate) fn serve(files: BTreeMap<String, Answers>) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), files)
    }

    /// The same at an address where a server was before.
    pub(crate) fn at(addr: SocketAddr, files: BTreeMap<String, Answers>) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            files,
            asked: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let sharing = shared.clone();
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if sharing.closed.load(Ordering::SeqCst) {
                    break;
                }
                let sharing = sharing.clone();
                // Who asks and goes away is no concern of the server's.
                thread::spawn(move || stream.map(|stream| sharing.answer(stream)));
            }
        });
        Self {
            addr,
            shared,
            accepting: Some(accepting),
        }
    }

    /// An address where nobody listens, and where a server can be later.
    pub(crate) fn nowhere() -> SocketAddr {
        Self::serve(BTreeMap::new()).addr
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How often it was asked for a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked.get(path).copied().unwrap_or_default()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // One more connection, so that accepting ends.
        let _ = TcpStream::connect(self.addr);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = BufReader::new(stream.try_clone()?).lines();
        let first = head.next().transpose()?.unwrap_or_default();
        while head
            .next()
            .transpose()?
            .is_some_and(|line| !line.is_empty())
        {}
        let path = first.split(' ').nth(1).unwrap_or_default();
        let count = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(path.to_owned()).or_default();
            *count += 1;
            *count
        };
        let missing = vec![response("404 Not Found", "", b"")];
        let answers = self.files.get(path).unwrap_or(&missing);
        let answer = answers.get(count - 1).or(answers.last());
        match answer.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => stream.write_all(bytes),
            None => stream.read_to_end(&mut Vec::new()).map(drop),
        }
    }
}

/// An answer with a body and its length, after which the connection ends. `headers` are whole lines.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    claiming(body.len(), status, headers, body)
}

/// The same with a length of our choice.
pub(crate) fn claiming(length: usize, status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
