//! HTTP/2 by hand (RFC 9113, RFC 7541): header values of any bytes, which no library sends, and a
//! million requests that take Envoy's time and not the client's.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Requests on their way at once; servers should allow no fewer (RFC 9113 §6.5.2).
const AT_ONCE: usize = 100;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answered {
    /// 200.
    Ok,
    /// Any other status.
    Otherwise,
    /// The stream was reset.
    Reset,
}

/// A connection that sends what it is told, byte for byte.
#[derive(Debug)]
pub struct Frames {
    requests: TcpStream,
    answers: BufReader<TcpStream>,
    stream: u32,
}

/// Names and values of a request, pseudo headers first.
pub type Fields<'a> = [(&'a str, &'a [u8])];

impl Frames {
    /// Opens a connection.
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> Self {
        let mut requests = TcpStream::connect(addr).expect("a connection");
        let patience = Some(Duration::from_secs(30));
        requests.set_read_timeout(patience).expect("a timeout");
        let answers = BufReader::new(requests.try_clone().expect("its other half"));
        let opening = [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            &frame(SETTINGS, 0, 0, &[]),
            // Bodies of answers count against a window that nobody else opens.
            &frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()),
        ];
        requests.write_all(&opening.concat()).expect("a preface");
        Frames {
            requests,
            answers,
            stream: 1,
        }
    }

    /// Asks for `GET` of these paths, with these headers beside, and waits for all answers.
    #[track_caller]
    pub fn get<'a, P: AsRef<[u8]>>(
        &mut self,
        requests: impl IntoIterator<Item = (P, &'a Fields<'a>)>,
    ) -> Vec<Answered> {
        let mut answered = Vec::new();
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let mut frames = Vec::new();
            let first = self.stream;
            for (path, fields) in requests.by_ref().take(AT_ONCE) {
                let block = block(path.as_ref(), fields);
                frames.extend(frame(
                    HEADERS,
                    END_STREAM | END_HEADERS,
                    self.stream,
                    &block,
                ));
                self.stream += 2;
            }
            self.requests.write_all(&frames).expect("requests written");
            answered.extend(self.wait(first));
        }
        answered
    }

    /// Waits for the ends of all streams from `first` on.
    fn wait(&mut self, first: u32) -> impl Iterator<Item = Answered> {
        let mut heads = BTreeMap::new();
        let mut pending = (self.stream - first) / 2;
        while pending > 0 {
            let (kind, flags, stream, payload) = self.read();
            assert_ne!(kind, GOAWAY, "the server closes the connection");
            match kind {
                SETTINGS if flags & ACK == 0 => {
                    let answer = frame(SETTINGS, ACK, 0, &[]);
                    self.requests.write_all(&answer).expect("settings");
                }
                HEADERS => {
                    heads.entry(stream).or_insert_with(|| answer(&payload));
                }
                RESET => {
                    heads.insert(stream, Answered::Reset);
                    pending -= 1;
                }
                _ => {}
            }
            pending -= u32::from(kind <= HEADERS && flags & END_STREAM != 0);
        }
        heads.into_values()
    }

    fn read(&mut self) -> (u8, u8, u32, Vec<u8>) {
        let mut head = [0; 9];
        self.answers.read_exact(&mut head).expect("a frame");
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = Vec::new();
        let rest = &mut self.answers.by_ref().take(length.into());
        rest.read_to_end(&mut payload).expect("its payload");
        (kind, flags, u32::from_be_bytes(stream), payload)
    }
}

/// The status of an answer comes first, and 200 is an entry of the static table.
fn answer(block: &[u8]) -> Answered {
    match block.first() {
        Some(0x88) => Answered::Ok,
        _ => Answered::Otherwise,
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

/// `GET` over `http`, by the static table, then everything else as it is.
fn block(path: &[u8], fields: &Fields<'_>) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04];
    text(&mut block, path);
    block.push(0x01);
    text(&mut block, b"frames.example");
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name.as_bytes());
        text(&mut block, value);
    }
    block
}

/// A length in a prefix of seven bits (RFC 7541 §5.1), and the bytes.
fn text(block: &mut Vec<u8>, text: &[u8]) {
    match u8::try_from(text.len()) {
        Ok(length) if length < 0x7f => block.push(length),
        _ => {
            block.push(0x7f);
            let mut rest = text.len() - 0x7f;
            while rest >= 0x80 {
                block.push(u8::try_from(rest % 0x80).expect("seven bits") | 0x80);
                rest /= 0x80;
            }
            block.push(u8::try_from(rest).expect("seven bits"));
        }
    }
    block.extend_from_slice(text);
}
