//! A client that does nothing but ask: over HTTP/2, many requests at a time, written by hand (RFC 9113,
//! RFC 7541), because a million of them are to take Envoy's time and not the client's.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

/// Requests on their way on one connection.
const WINDOW: usize = 100;

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Asks for `/p<number>` for each of these numbers over one connection, and waits for all answers.
pub(crate) fn blast(addr: SocketAddr, paths: Range<usize>) {
    let mut stream = TcpStream::connect(addr).expect("a connection");
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).expect("a timeout");
    let mut answers = BufReader::new(stream.try_clone().expect("its other half"));
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut requests = [&preface[..], &frame(SETTINGS, 0, 0, &[])].concat();
    let mut number = 1_u32;
    let mut paths = paths.peekable();
    while paths.peek().is_some() {
        let mut pending = 0;
        for path in paths.by_ref().take(WINDOW) {
            let block = block(&format!("/p{path}"));
            requests.extend(frame(HEADERS, END_STREAM | END_HEADERS, number, &block));
            number += 2;
            pending += 1;
        }
        stream.write_all(&requests).expect("requests written");
        requests.clear();
        while pending > 0 {
            let (kind, flags) = skip(&mut answers);
            assert_ne!(kind, GOAWAY, "Envoy closes the connection");
            if kind == SETTINGS && flags & ACK == 0 {
                requests.extend(frame(SETTINGS, ACK, 0, &[]));
            }
            // Answers without a body end with their headers.
            pending -= usize::from(kind == HEADERS && flags & END_STREAM != 0);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    let mut frame = [&length[..], &[kind, flags], &stream.to_be_bytes()].concat();
    frame.extend_from_slice(payload);
    frame
}

/// `GET` over `http`, by the static table, then a path and an authority as they are.
fn block(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(0x04, path), (0x01, "blast.example")] {
        block.push(name);
        block.push(u8::try_from(value.len()).expect("a short value"));
        block.extend_from_slice(value.as_bytes());
    }
    block
}

/// Reads a frame; its kind and flags.
fn skip(answers: &mut impl Read) -> (u8, u8) {
    let mut head = [0; 9];
    answers.read_exact(&mut head).expect("a frame");
    let [a, b, c, kind, flags, ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let payload = &mut answers.take(length.into());
    std::io::copy(payload, &mut std::io::sink()).expect("its payload");
    (kind, flags)
}
