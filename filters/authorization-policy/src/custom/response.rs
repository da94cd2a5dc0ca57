//! The `CheckResponse` of `envoy.service.auth.v3`, as far as it means anything here.
//!
//! Of a `oneof` given twice the last counts, and of a message given twice both together, as protobuf
//! has it.

use sdk_helpers::protobuf::{Field, Fields};

/// `CheckResponse`, of which `dynamic_metadata` is left out: no wasm filter can write any.
#[derive(Debug, Default)]
pub(super) struct Response<'a> {
    /// `status.code`, of gRPC.
    pub(super) code: u64,
    pub(super) then: Then,
    /// Of [`Then::Denied`] and [`Then::Error`].
    pub(super) denied: Denied<'a>,
    /// Of [`Then::Ok`].
    pub(super) changes: Changes<'a>,
}

/// Which of its `oneof` is there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    #[default]
    Nothing,
    Denied,
    Ok,
    Error,
}

/// `DeniedHttpResponse`.
#[derive(Debug, Default)]
pub(super) struct Denied<'a> {
    pub(super) status: u64,
    pub(super) headers: Vec<Header<'a>>,
    pub(super) body: &'a str,
}

/// `OkHttpResponse`.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    pub(super) headers: Vec<Header<'a>>,
    pub(super) removed: Vec<&'a str>,
    pub(super) response_headers: Vec<Header<'a>>,
    pub(super) query_set: Vec<(&'a str, &'a str)>,
    pub(super) query_removed: Vec<&'a str>,
}

/// `HeaderValueOption`.
#[derive(Debug, Default)]
pub(super) struct Header<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// The flag that came before `append_action`, and goes before it.
    pub(super) append: Option<bool>,
    /// 0 appends or adds, 1 adds where there is none, 2 overwrites or adds, 3 overwrites where there
    /// is one.
    pub(super) action: u64,
}

/// The bytes are no such message.
pub(super) struct Malformed;

pub(super) type Read = Result<(), Malformed>;

impl<'a> Response<'a> {
    pub(super) fn merge(&mut self, bytes: &'a [u8]) -> Read {
        for field in Fields::of(bytes) {
            match field.ok_or(Malformed)? {
                (1, Field::Bytes(status)) => {
                    for field in Fields::of(status) {
                        match field.ok_or(Malformed)? {
                            (1, Field::Varint(code)) => self.code = code,
                            (2, Field::Bytes(message)) => drop(text(message)?),
                            _ => {}
                        }
                    }
                }
                (2, Field::Bytes(denied)) => self.turn_to(Then::Denied).denied.merge(denied)?,
                (3, Field::Bytes(changes)) => self.turn_to(Then::Ok).changes.merge(changes)?,
                (5, Field::Bytes(error)) => self.turn_to(Then::Error).denied.merge(error)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Another of a `oneof` takes the place of the one before.
    fn turn_to(&mut self, then: Then) -> &mut Self {
        if self.then != then {
            self.then = then;
            self.denied = Denied::default();
            self.changes = Changes::default();
        }
        self
    }
}

impl<'a> Denied<'a> {
    fn merge(&mut self, bytes: &'a [u8]) -> Read {
        for field in Fields::of(bytes) {
            match field.ok_or(Malformed)? {
                (1, Field::Bytes(status)) => {
                    for field in Fields::of(status) {
                        if let (1, Field::Varint(code)) = field.ok_or(Malformed)? {
                            self.status = code;
                        }
                    }
                }
                (2, Field::Bytes(header)) => self.headers.push(Header::read(header)?),
                (3, Field::Bytes(body)) => self.body = text(body)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Changes<'a> {
    fn merge(&mut self, bytes: &'a [u8]) -> Read {
        for field in Fields::of(bytes) {
            match field.ok_or(Malformed)? {
                (2, Field::Bytes(header)) => self.headers.push(Header::read(header)?),
                (5, Field::Bytes(name)) => self.removed.push(text(name)?),
                (6, Field::Bytes(header)) => self.response_headers.push(Header::read(header)?),
                (7, Field::Bytes(parameter)) => {
                    let (mut name, mut value) = ("", "");
                    for field in Fields::of(parameter) {
                        match field.ok_or(Malformed)? {
                            (1, Field::Bytes(bytes)) => name = text(bytes)?,
                            (2, Field::Bytes(bytes)) => value = text(bytes)?,
                            _ => {}
                        }
                    }
                    self.query_set.push((name, value));
                }
                (8, Field::Bytes(name)) => self.query_removed.push(text(name)?),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut header = Header::default();
        for field in Fields::of(bytes) {
            match field.ok_or(Malformed)? {
                (1, Field::Bytes(pair)) => {
                    for field in Fields::of(pair) {
                        match field.ok_or(Malformed)? {
                            (1, Field::Bytes(name)) => header.name = text(name)?,
                            (2, Field::Bytes(value)) => header.value = text(value)?,
                            _ => {}
                        }
                    }
                }
                (2, Field::Bytes(flag)) => {
                    let append = header.append.get_or_insert(false);
                    for field in Fields::of(flag) {
                        if let (1, Field::Varint(flag)) = field.ok_or(Malformed)? {
                            *append = flag != 0;
                        }
                    }
                }
                (3, Field::Varint(action)) => header.action = action,
                _ => {}
            }
        }
        Ok(header)
    }
}

/// Text is UTF-8, or the message is none.
fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}
