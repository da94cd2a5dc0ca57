//! Registries that mean ill, or are none: whatever they send, it ends, and it ends with a sentence.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use fastrand::Rng;
use integration::upstream::{Answer, Upstream};
use oci::Source;
use oci::registry::push;

use super::{image, nothing, remote};

/// How many made-up registries there are.
const ROUNDS: u64 = 200;

const STATUSES: [u16; 16] = [
    100, 200, 201, 202, 204, 206, 301, 303, 307, 400, 401, 403, 404, 416, 429, 500,
];
const HEADERS: [&str; 7] = [
    "content-type",
    "docker-content-digest",
    "location",
    "www-authenticate",
    "retry-after",
    "content-length",
    "content-encoding",
];
const VALUES: [&str; 20] = [
    "",
    "application/vnd.oci.image.manifest.v1+json",
    "sha256:",
    "sha256:../../../etc/passwd",
    "/",
    "//",
    "/upload?",
    "http://",
    "https://127.0.0.1:1/",
    "http://127.0.0.1:1/token",
    "Basic",
    "Bearer realm=\"http://127.0.0.1:1/token\"",
    "Bearer realm=\"\",service=\"\\\"\"",
    "Bearer realm=http://[::1,Basic ,,=",
    "\u{ff}\u{fe}",
    "0",
    "5",
    "18446744073709551616",
    "gzip",
    "identity",
];
const BODIES: [&str; 6] = [
    "",
    "hello",
    "{}",
    "{\"errors\": [{\"message\": \"\u{1b}[31mred\"}]}",
    "{\"token\": \"\\u0000\"}",
    "\u{0}\u{ff}",
];

fn made_up(rng: &mut Rng) -> Answer {
    let status = STATUSES[rng.usize(..STATUSES.len())];
    let mut answer = Answer::status(status).body(BODIES[rng.usize(..BODIES.len())]);
    for _ in 0..rng.usize(..4) {
        let name = HEADERS[rng.usize(..HEADERS.len())];
        answer = answer.header(name, VALUES[rng.usize(..VALUES.len())]);
    }
    answer
}

#[test]
fn any_answer_ends_in_bytes_or_in_a_sentence() {
    let server = Upstream::with(|request| {
        let seed = request.path.bytes().chain(request.method.bytes());
        let seed = seed.fold(7_u64, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
        made_up(&mut Rng::with_seed(seed))
    });
    let image = image(b"x");
    let mut refused = 0;
    for round in 0..ROUNDS {
        let remote = remote(server.addr(), &format!("a{round}/b:1"));
        let outcomes = [
            remote
                .root()
                .map(drop)
                .map_err(|problem| problem.to_string()),
            remote
                .blob(&nothing(), 5)
                .map(drop)
                .map_err(|problem| problem.to_string()),
            push(&image, &remote)
                .map(drop)
                .map_err(|problem| problem.to_string()),
        ];
        for problem in outcomes.into_iter().filter_map(Result::err) {
            refused += 1;
            assert!(problem.len() < 1000, "{problem}");
            assert!(!problem.chars().any(char::is_control), "{problem:?}");
        }
    }
    assert!(refused > ROUNDS, "{refused} of {}", 3 * ROUNDS);
}

/// A server that writes this to whoever connects, the second part so many times, and hangs up.
fn writes(head: &'static [u8], body: &'static [u8], times: usize) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(head);
            for _ in 0..times {
                if stream.write_all(body).is_err() {
                    break;
                }
            }
        }
    });
    addr
}

#[test]
fn what_is_no_http_is_said_so() {
    let cases: [(&[u8], &[u8], usize); 6] = [
        (b"", b"", 0),
        (b"SSH-2.0-OpenSSH_9.2\r\n", b"", 0),
        (b"HTTP/1.1 200\r\ncontent-length: -1\r\n\r\n", b"", 0),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"zz\r\n",
            1,
        ),
        (b"\x15\x03\x01\x00\x02\x02\x50", b"", 0),
        (
            b"HTTP/1.1 200 OK\r\n",
            b"x-more: and more and more\r\n",
            1 << 20,
        ),
    ];
    for (head, body, times) in cases {
        let source = remote(writes(head, body, times), "a/b:1");
        let problem = source.root().unwrap_err().to_string();
        assert!(problem.contains("/v2/a/b/manifests/1: "), "{problem}");
        assert!(problem.len() < 1000, "{problem}");
    }
}

#[test]
fn a_body_without_end_is_left() {
    let addr = writes(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096], usize::MAX);

    let problem = remote(addr, "a/b:1").blob(&nothing(), 1 << 20).unwrap_err();

    let expected = "more than 1048576 bytes, which is the most that is read of it";
    assert!(problem.to_string().ends_with(expected), "{problem}");
}
