//! One stream: both directions, what of each the module may see just now, and how it ended.
//!
//! Envoy hands a module pointers to maps and buffers and takes them away again; each `open` here
//! is such a pointer. They are what decides whether a host call answers or says `BadArgument`.

use super::headers::Headers;
use super::reply::LocalReply;
use std::collections::{BTreeMap, VecDeque};

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Request,
    Response,
}

/// A part of a message, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Headers,
    Body,
    Trailers,
}

impl Way {
    /// The callback that a part of this direction goes through.
    pub(crate) fn callback(self, part: Part) -> &'static str {
        match (self, part) {
            (Self::Request, Part::Headers) => "proxy_on_request_headers",
            (Self::Request, Part::Body) => "proxy_on_request_body",
            (Self::Request, Part::Trailers) => "proxy_on_request_trailers",
            (Self::Response, Part::Headers) => "proxy_on_response_headers",
            (Self::Response, Part::Body) => "proxy_on_response_body",
            (Self::Response, Part::Trailers) => "proxy_on_response_trailers",
        }
    }
}

/// What arrives while the module holds the headers back waits as one of these.
pub(crate) enum Piece {
    Body(Vec<u8>, bool),
    Trailers(Headers),
}

/// One direction of a stream.
#[derive(Default)]
pub(crate) struct Side {
    pub(crate) headers: Headers,
    pub(crate) headers_open: bool,
    pub(crate) trailers: Option<Headers>,
    pub(crate) trailers_open: bool,
    /// The body that the module may see: the chunk at hand, or all of it while it is held back.
    pub(crate) chunk: Vec<u8>,
    pub(crate) body_open: bool,
    /// The module has changed the body.
    pub(crate) edited: bool,
    /// The body that went on past the filter.
    pub(crate) sent: Vec<u8>,
    /// All bytes that arrived so far.
    pub(crate) received: u64,
    pub(crate) end_of_stream: bool,
    pub(crate) arrived: bool,
    /// The headers went on past the filter.
    pub(crate) passed: bool,
    pub(crate) paused: Option<Part>,
    pub(crate) waiting: VecDeque<Piece>,
    /// The callback that runs now, and whether it resumed its own stream.
    pub(crate) running: bool,
    pub(crate) resumed_inside: bool,
}

/// Where a value of filter state comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A native object, for instance of `set_filter_state`.
    Native,
    /// `set_property` of a module.
    Module,
}

/// One stream.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(crate) root: u32,
    /// No configuration was taken before it came, so that no filter sees it.
    pub(crate) unserved: bool,
    pub(crate) created: bool,
    pub(crate) request: Side,
    pub(crate) response: Side,
    pub(crate) reply: Option<LocalReply>,
    /// The reply came from the response phase: the filter's own callbacks do not see it.
    pub(crate) bypass: bool,
    pub(crate) reset: bool,
    pub(crate) details: Option<String>,
    pub(crate) flags: u64,
    pub(crate) properties: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) filter_state: BTreeMap<Vec<u8>, (Vec<u8>, Origin)>,
    pub(crate) started: u64,
    /// Inside `proxy_on_log`.
    pub(crate) logging: bool,
    /// `proxy_on_log` has begun: what touches the stream from here on may kill Envoy.
    pub(crate) ending: bool,
    pub(crate) over: bool,
    pub(crate) calls_before: BTreeMap<String, u64>,
}

impl Exchange {
    pub(crate) fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    /// Whether what still arrives concerns nobody any more.
    pub(crate) fn answered(&self) -> bool {
        self.reply.is_some() || self.settled()
    }

    /// Whether nothing that the module does can still change the stream.
    pub(crate) fn settled(&self) -> bool {
        self.reset || self.ending
    }
}
