//! The messages of Envoy's rate limit service, `envoy.service.ratelimit.v3.RateLimitService`.

use std::time::Duration;

use sdk_helpers::config::is_token;
use sdk_helpers::headers::is_safe_value;
use sdk_helpers::protobuf::{Field, Fields, Message};

use crate::config::Override;

/// The service.
pub const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";
/// Its method.
pub const METHOD: &str = "ShouldRateLimit";

/// What one limit asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Names and values, in order; see [`text`].
    pub entries: Vec<(String, String)>,
    /// In place of the service's own configuration.
    pub limit: Option<Override>,
    /// What the request takes.
    pub hits: u32,
}

/// Begins what is sent in place of a byte that is part of no text.
const MARK: char = char::REPLACEMENT_CHARACTER;

/// A value as the service is told it. Values are text there, and Envoy's own filter sends any bytes
/// all the same: a service that cannot read the question fails, and failing may mean letting pass.
/// So what is no UTF-8 is written out, byte by byte, as a mark and two digits; a mark that the value
/// has itself likewise, and no value at all, which the protocol does not know, as a mark alone. Then
/// no two values are the same to the service, or one caller could use up what is another's.
pub fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.is_empty() && !text.contains(MARK) => return text.to_owned(),
        _ => {}
    }
    let mut text = String::with_capacity(value.len());
    if value.is_empty() {
        text.push(MARK);
    }
    let write_out = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let digit = |number: u8| char::from_digit(number.into(), 16);
            text.push(MARK);
            text.extend(digit(byte >> 4));
            text.extend(digit(byte & 15));
        }
    };
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                MARK => write_out(&mut text, MARK.encode_utf8(&mut [0; 4]).as_bytes()),
                other => text.push(other),
            }
        }
        write_out(&mut text, chunk.invalid());
    }
    text
}

/// `RateLimitRequest`.
pub fn request(domain: &str, descriptors: &[Descriptor]) -> Vec<u8> {
    let most = descriptors.iter().map(|one| one.hits).max().unwrap_or(1);
    let differ = descriptors.iter().any(|one| one.hits != most);
    let mut message = Message::new().filled(1, domain);
    for one in descriptors {
        let mut descriptor = Message::new();
        for (key, value) in &one.entries {
            let entry = Message::new().filled(1, key).filled(2, value);
            descriptor = descriptor.message(1, &entry);
        }
        if let Some(limit) = one.limit {
            let limit = Message::new()
                .number(1, limit.requests.into())
                .number(2, limit.unit.into());
            descriptor = descriptor.message(2, &limit);
        }
        if differ {
            // A `UInt64Value`, so that 0 can be told from nothing. Older services know only one
            // number for all.
            let hits = Message::new().number(1, one.hits.into());
            descriptor = descriptor.message(3, &hits);
        }
        message = message.message(2, &descriptor);
    }
    message.number(3, most.into()).into_bytes()
}

/// `RateLimitResponse`, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Whether the request is one too many.
    pub over: bool,
    /// One for each descriptor, in their order.
    pub statuses: Vec<Status>,
    /// For the response, whether the service refuses or the upstream answers.
    pub response_headers: Vec<(String, Vec<u8>)>,
    /// For the request, if it passes.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// For the answer to a request too many.
    pub body: Vec<u8>,
}

/// What the service says of one descriptor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether this one is over.
    pub over: bool,
    /// Requests a unit, and the unit's seconds, where a limit applies.
    pub limit: Option<(u32, Option<u64>)>,
    /// Requests left.
    pub remaining: u32,
    /// Until the limit starts anew.
    pub reset: Duration,
}

const OK: u64 = 1;
const OVER_LIMIT: u64 = 2;

/// Reads a `RateLimitResponse`. Bytes that are none, and a code that is neither yes nor no, are no
/// answer.
pub fn response(bytes: &[u8]) -> Option<Response> {
    let mut response = Response::default();
    let mut code = 0;
    for field in Fields::of(bytes) {
        match field? {
            (1, number) => code = number.number()?,
            (2, status) => response.statuses.push(read_status(status.bytes()?)?),
            (3, header) => response
                .response_headers
                .extend(read_header(header.bytes()?)?),
            (4, header) => response
                .request_headers
                .extend(read_header(header.bytes()?)?),
            (5, body) => response.body = body.bytes()?.to_vec(),
            _ => {}
        }
    }
    response.over = match code {
        OK => false,
        OVER_LIMIT => true,
        _ => return None,
    };
    Some(response)
}

fn read_status(bytes: &[u8]) -> Option<Status> {
    let mut status = Status::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, code) => status.over = code.number()? == OVER_LIMIT,
            (2, limit) => status.limit = Some(read_limit(limit.bytes()?)?),
            (3, left) => status.remaining = small(left)?,
            (4, time) => status.reset = read_duration(time.bytes()?)?,
            _ => {}
        }
    }
    Some(status)
}

fn read_limit(bytes: &[u8]) -> Option<(u32, Option<u64>)> {
    let (mut requests, mut unit) = (0, 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, number) => requests = small(number)?,
            (2, number) => unit = number.number()?,
            _ => {}
        }
    }
    let seconds = match unit {
        1 => Some(1),
        2 => Some(60),
        3 => Some(3_600),
        4 => Some(86_400),
        5 => Some(2_592_000),
        6 => Some(31_536_000),
        7 => Some(604_800),
        _ => None,
    };
    Some((requests, seconds))
}

fn read_duration(bytes: &[u8]) -> Option<Duration> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(bytes) {
        match field? {
            (1, number) => seconds = number.number()?,
            (2, number) => nanos = small(number)?,
            _ => {}
        }
    }
    // A negative one is over.
    if i64::try_from(seconds).is_err() || nanos >= 1_000_000_000 {
        return Some(Duration::ZERO);
    }
    Some(Duration::new(seconds, nanos))
}

/// `envoy.config.core.v3.HeaderValue`; nothing for a name that no header may have, nor for a value
/// that would end its line. A pseudo header is not the service's to set.
fn read_header(bytes: &[u8]) -> Option<Option<(String, Vec<u8>)>> {
    let (mut name, mut value) = ("", &[][..]);
    for field in Fields::of(bytes) {
        match field? {
            (1, key) => name = key.text()?,
            (2 | 3, bytes) => {
                let bytes = bytes.bytes()?;
                if !bytes.is_empty() {
                    value = bytes;
                }
            }
            _ => {}
        }
    }
    let name = name.to_ascii_lowercase();
    let legal = is_token(&name) && is_safe_value(value);
    Some(legal.then(|| (name, value.to_vec())))
}

fn small(field: Field<'_>) -> Option<u32> {
    field
        .number()
        .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn descriptor(key: &str, hits: u32) -> Descriptor {
        Descriptor {
            entries: vec![(key.to_owned(), "v".to_owned())],
            limit: None,
            hits,
        }
    }

    /// By hand from the proto files, byte for byte.
    #[test]
    fn a_request_is_written_as_the_service_reads_it() {
        let one = Descriptor {
            limit: Some(Override {
                requests: 300,
                unit: 2,
            }),
            ..descriptor("k", 1)
        };
        assert_eq!(
            request("d", &[one]),
            b"\x0a\x01d\x12\x0f\x0a\x06\x0a\x01k\x12\x01v\x12\x05\x08\xac\x02\x10\x02\x18\x01"
        );
        assert_eq!(
            request("d", &[descriptor("a", 2), descriptor("b", 0)]),
            [
                &b"\x0a\x01d"[..],
                b"\x12\x0c\x0a\x06\x0a\x01a\x12\x01v\x1a\x02\x08\x02",
                b"\x12\x0a\x0a\x06\x0a\x01b\x12\x01v\x1a\x00",
                b"\x18\x02",
            ]
            .concat()
        );
    }

    fn status() -> Message {
        let limit = Message::new().bytes(3, "name").number(1, 5).number(2, 2);
        let reset = Message::new().number(1, 30).number(2, 500_000_000);
        Message::new()
            .number(1, OVER_LIMIT)
            .message(2, &limit)
            .number(3, 1 << 40)
            .message(4, &reset)
    }

    #[test]
    fn an_answer_is_read() {
        let header = |name: &str| Message::new().bytes(1, name).bytes(2, "v");
        let bytes = Message::new()
            .number(1, OVER_LIMIT)
            .message(2, &status())
            .message(2, &Message::new().number(1, OK))
            .message(3, &header("X-A"))
            .message(3, &header(":status"))
            .message(3, &header("a b"))
            .message(3, &Message::new().bytes(1, "x-c").bytes(3, "a\r\nx-d: 1"))
            .message(4, &Message::new().bytes(1, "x-b").bytes(3, b"\xff"))
            .bytes(5, "slow down")
            .bytes(9, "later")
            .into_bytes();
        let read = response(&bytes).expect("an answer");
        assert!(read.over);
        assert_eq!(
            read.statuses,
            [
                Status {
                    over: true,
                    limit: Some((5, Some(60))),
                    remaining: u32::MAX,
                    reset: Duration::from_millis(30_500),
                },
                Status::default(),
            ]
        );
        assert_eq!(read.response_headers, [("x-a".to_owned(), b"v".to_vec())]);
        assert_eq!(read.request_headers, [("x-b".to_owned(), b"\xff".to_vec())]);
        assert_eq!(read.body, b"slow down");
    }

    #[test]
    fn what_says_neither_yes_nor_no_is_no_answer() {
        for bytes in [
            &b""[..],
            b"\x08\x00",
            b"\x08\x03",
            b"\x08",
            b"hello",
            b"\x08\x01\x12\x01",
        ] {
            assert_eq!(response(bytes), None, "{bytes:?}");
        }
        assert_eq!(response(b"\x08\x01"), Some(Response::default()));
    }

    #[test]
    fn a_time_that_is_none_is_now() {
        let read = |seconds, nanos| {
            let time = Message::new().number(1, seconds).number(2, nanos);
            read_duration(&time.into_bytes())
        };
        assert_eq!(read(u64::MAX, 0), Some(Duration::ZERO));
        assert_eq!(read(1, 1_000_000_000), Some(Duration::ZERO));
        assert_eq!(read(1, 5), Some(Duration::new(1, 5)));
    }

    #[test]
    fn a_value_is_told_as_text() {
        for (value, told) in [
            (&b"jason"[..], "jason"),
            (b"caf\xc3\xa9 \\xff %ff", "caf\u{e9} \\xff %ff"),
            (b"-", "-"),
            (b"caf\xe9", "caf\u{fffd}e9"),
            (b"\xff\xfe\xc3", "\u{fffd}ff\u{fffd}fe\u{fffd}c3"),
            (b"a\xef\xbf\xbdff", "a\u{fffd}ef\u{fffd}bf\u{fffd}bdff"),
            (b"", "\u{fffd}"),
        ] {
            assert_eq!(text(value), told);
        }
    }

    /// The value that was told as this.
    fn value_of(told: &str) -> Vec<u8> {
        let mut parts = told.split(MARK);
        let mut value = parts.next().unwrap().as_bytes().to_vec();
        for part in parts.filter(|part| !part.is_empty()) {
            let (digits, rest) = part.split_at(2);
            value.push(u8::from_str_radix(digits, 16).unwrap());
            value.extend_from_slice(rest.as_bytes());
        }
        value
    }

    proptest! {
        /// What can be read back was no other value's.
        #[test]
        fn no_two_values_are_told_alike(value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(prop::sample::select(b"f-\xef\xbf\xbd\xff".to_vec()), 0..12),
        ]) {
            let told = text(&value);
            prop_assert_eq!(value_of(&told), value);
        }

        #[test]
        fn text_is_told_as_it_is(value in "[^\u{fffd}]{1,20}") {
            prop_assert_eq!(text(value.as_bytes()), value);
        }

        #[test]
        fn any_bytes_are_an_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = response(&bytes);
        }

        #[test]
        fn a_spoilt_answer_is_an_answer_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = Message::new().number(1, OK).message(2, &status()).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = response(&bytes);
        }
    }
}
