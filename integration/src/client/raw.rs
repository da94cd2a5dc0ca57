//! Bytes no well-behaved client would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Writes the bytes to a TCP connection and returns what comes back until the other side closes it
/// or the time is up.
pub fn raw(addr: SocketAddr, bytes: &[u8], deadline: Duration) -> Vec<u8> {
    let end = Instant::now() + deadline;
    let mut stream = TcpStream::connect_timeout(&addr, deadline)
        .unwrap_or_else(|error| panic!("connecting to {addr}: {error}"));
    // A server may close before it has read everything; what it said first still counts.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return answer;
        }
        stream
            .set_read_timeout(Some(left))
            .expect("a timeout above zero");
        match stream.read(&mut buffer) {
            Ok(0) => return answer,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return answer,
        }
    }
}
