//! Attributes of a stream, and their values as text.

mod table;

use std::borrow::Cow;

use sdk_helpers::attributes::{boolean, int, uint};
use sdk_helpers::{Request, Response, World};

use crate::claim::LazyClaims;

pub use table::{Kind, Phase, comes_late, is_closed_between, is_foreign, look_up};

/// A stream as far as it has come.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The request, where its headers can be read now.
    pub request: Option<&'a Request>,
    /// The response, where its headers can be read now.
    pub response: Option<&'a Response>,
    /// The claims of its token.
    pub claims: &'a LazyClaims,
    /// Everything else.
    pub world: &'a dyn World,
}

/// One attribute whose value is a text, a number, or true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    path: Vec<String>,
    form: Form,
    /// From when on it is there.
    pub phase: Phase,
}

/// How the value is had and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Property(Kind),
    /// `%DURATION%`.
    Milliseconds,
    /// `%RESPONSE_FLAGS%`.
    Flags,
    /// `response.code`. While the answer goes by, its headers know it better: what Envoy answers itself
    /// to gRPC becomes a 200 on its way.
    Code,
    /// `%RESPONSE_CODE%`, which is 0 where there is none.
    CodeOrZero,
    /// `%GRPC_STATUS_NUMBER%`, which only gRPC has.
    GrpcStatus,
    /// `:path` up to its query.
    UrlPath,
    /// What is behind the first `?` of `:path`, up to a `#`.
    Query,
    /// A header that Envoy gives a name of its own; it keeps one value of it.
    Named(&'static str),
    /// A header of the request as CEL sees it: several values joined by a comma.
    RequestHeader,
    /// A header of the response, likewise.
    ResponseHeader,
    /// The first value of a header of the request, as logs have it.
    FirstOfRequest,
    /// The first value of a header of the response, likewise.
    FirstOfResponse,
}

/// Attributes that are headers: one look at the map of headers has them all.
pub(crate) const NAMED: [(&str, &str); 7] = [
    ("path", ":path"),
    ("host", ":authority"),
    ("method", ":method"),
    ("scheme", ":scheme"),
    ("referer", "referer"),
    ("useragent", "user-agent"),
    ("id", "x-request-id"),
];

impl Attribute {
    /// The attribute at a path, if a module can write its value as CEL would.
    pub fn plain(path: &[String], kind: Kind, phase: Phase) -> Option<Self> {
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let named = |name: &str| NAMED.iter().find(|(known, _)| *known == name);
        let form = match (segments.as_slice(), kind) {
            (["request", "headers", _], _) => Form::RequestHeader,
            (["response", "headers", _], _) => Form::ResponseHeader,
            (["request", "url_path"], _) => Form::UrlPath,
            (["response", "code"], _) => Form::Code,
            (["request", "query"], _) => Form::Query,
            (["request", name], Kind::Text) if named(name).is_some() => {
                Form::Named(named(name).map_or("", |(_, header)| header))
            }
            (_, Kind::Text | Kind::Bytes | Kind::Int | Kind::Uint | Kind::Bool) => {
                Form::Property(kind)
            }
            (_, Kind::Duration | Kind::Time | Kind::Map | Kind::Null | Kind::Other) => return None,
        };
        let mut path = path.to_vec();
        if let (Form::RequestHeader | Form::ResponseHeader, Some(name)) = (form, path.get_mut(2)) {
            name.make_ascii_lowercase();
        }
        Some(Attribute { path, form, phase })
    }

    /// The attribute of this dotted path, written as `%DURATION%` and `%RESPONSE_FLAGS%` do.
    pub fn logged(path: &str) -> Option<Self> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let (kind, phase) = look_up(&path).ok()?;
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let form = match segments.as_slice() {
            ["request", "duration"] => Form::Milliseconds,
            ["response", "flags"] => Form::Flags,
            ["response", "code"] => Form::CodeOrZero,
            ["response", "grpc_status"] => Form::GrpcStatus,
            _ => return Attribute::plain(&path, kind, phase),
        };
        Some(Attribute { path, form, phase })
    }

    /// A header as `%REQ(name)%` and `%RESP(name)%` have it: its first value.
    pub fn header(of_request: bool, name: &str) -> Self {
        let (root, form, phase) = match of_request {
            true => ("request", Form::FirstOfRequest, Phase::Request),
            false => ("response", Form::FirstOfResponse, Phase::Response),
        };
        let path = [root, "headers", &name.to_ascii_lowercase()].map(str::to_owned);
        Attribute {
            path: path.to_vec(),
            form,
            phase,
        }
    }

    /// Whether Envoy has to be asked for it: no header has it.
    pub(crate) fn is_property(&self) -> bool {
        matches!(self.form, Form::Property(_) | Form::Code)
    }

    /// The header of the request that has it.
    pub(crate) fn request_header(&self) -> Option<&str> {
        match self.form {
            Form::UrlPath | Form::Query => Some(":path"),
            Form::Named(header) => Some(header),
            Form::RequestHeader | Form::FirstOfRequest => self.path.get(2).map(String::as_str),
            _ => None,
        }
    }

    /// How many looks at the headers of the request it takes.
    pub fn headers(&self) -> usize {
        match self.form {
            Form::UrlPath | Form::Query | Form::Named(_) | Form::FirstOfRequest => 1,
            // One whether it is there, and one at all that are.
            Form::RequestHeader => 2,
            _ => 0,
        }
    }

    /// Whether it can be read with the request's headers and at the end, but not between.
    pub fn is_closed_between(&self) -> bool {
        is_closed_between(&self.path)
    }

    /// Whether it may be there only after it could first be read.
    pub fn comes_late(&self) -> bool {
        comes_late(&self.path)
    }

    /// Its value as text; `None` where there is none.
    pub fn read<'a>(&self, view: &View<'a>) -> Option<Cow<'a, [u8]>> {
        let name = self.name();
        let property = || self.property(view);
        let text = match self.form {
            Form::RequestHeader => return joined(view.request?.values(name)),
            Form::ResponseHeader => return joined(view.response?.values(name)),
            Form::FirstOfRequest => return view.request?.first(name).map(Cow::Borrowed),
            Form::FirstOfResponse => return view.response?.first(name).map(Cow::Borrowed),
            Form::Named(header) => return view.request?.first(header).map(Cow::Borrowed),
            Form::UrlPath => return path(view).map(|path| Cow::Borrowed(split(path).0)),
            Form::Query => return path(view).map(|path| Cow::Borrowed(split(path).1)),
            Form::Property(kind) => return written(kind, property()?).map(Cow::Owned),
            Form::GrpcStatus if !view.request?.is_grpc() => return None,
            Form::GrpcStatus => uint(&property()?)?.to_string(),
            Form::Code => return code(view),
            Form::CodeOrZero => return Some(code(view).unwrap_or(Cow::Borrowed(b"0"))),
            Form::Milliseconds => (uint(&property()?)? / 1_000_000).to_string(),
            Form::Flags => crate::flags::short(uint(&property()?)?),
        };
        Some(Cow::Owned(text.into_bytes()))
    }

    /// Whether it is there, if a header has it.
    pub(crate) fn is_there(&self, view: &View<'_>) -> bool {
        let of_request = |name| view.request.is_some_and(|request| request.has(name));
        match self.form {
            Form::RequestHeader | Form::FirstOfRequest => of_request(self.name()),
            Form::Named(header) => of_request(header),
            Form::UrlPath | Form::Query => path(view).is_some(),
            Form::ResponseHeader | Form::FirstOfResponse => {
                let name = self.name();
                view.response.is_some_and(|response| response.has(name))
            }
            _ => false,
        }
    }

    /// What Envoy gives for it.
    pub(crate) fn property(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        view.world.property(&path)
    }

    /// Of a header its name.
    fn name(&self) -> &str {
        self.path.get(2).map_or("", String::as_str)
    }
}

/// `:path`, which to CEL is empty where it is missing, but not if Envoy has no headers at all.
fn path<'a>(view: &View<'a>) -> Option<&'a [u8]> {
    let request = view.request?;
    let path = request.first(":path");
    path.or_else(|| request.headers().iter().next().map(|_| &[][..]))
}

fn code<'a>(view: &View<'a>) -> Option<Cow<'a, [u8]>> {
    // Of the two only the answer can be read while it goes by.
    let passing = view.response.filter(|_| view.request.is_none());
    if let Some(status) = passing.and_then(|response| response.first(":status")) {
        return Some(Cow::Borrowed(status));
    }
    let code = view.world.property(&["response", "code"])?;
    written(Kind::Int, code).map(Cow::Owned)
}

/// A value as Envoy hands it over, written as Istio writes it.
pub fn written(kind: Kind, bytes: Vec<u8>) -> Option<Vec<u8>> {
    let text = match kind {
        Kind::Int => int(&bytes)?.to_string(),
        Kind::Uint => uint(&bytes)?.to_string(),
        Kind::Bool => boolean(&bytes)?.to_string(),
        _ => return Some(bytes),
    };
    Some(text.into_bytes())
}

/// The path and the query, as Envoy cuts them out of `:path`.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let path = parts.next().unwrap_or_default();
    let query = parts.next().unwrap_or_default();
    let query = query.split(|byte| *byte == b'#').next();
    (path, query.unwrap_or_default())
}

/// The values of a header as CEL sees them.
fn joined<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let mut all = Cow::Borrowed(values.next()?);
    for value in values {
        let all = all.to_mut();
        all.push(b',');
        all.extend_from_slice(value);
    }
    Some(all)
}
