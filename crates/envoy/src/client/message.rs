//! The body both ends send: bytes, then trailers when there are any.
//!
//! hyper takes the length of a body from its size hint and sends no trailers after a body of known
//! length in HTTP/1.1, so the hint is exact only where no trailers follow.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::response::Broken;

/// A whole body with its trailers.
#[derive(Debug)]
pub struct Message {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Message {
    /// A body of these bytes, and these trailers if there are any.
    pub fn new(data: Vec<u8>, trailers: HeaderMap) -> Self {
        Self {
            data: (!data.is_empty()).then(|| data.into()),
            trailers: (!trailers.is_empty()).then_some(trailers),
        }
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match self.data.take() {
            Some(data) => Some(Frame::data(data)),
            None => self.trailers.take().map(Frame::trailers),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.data.as_ref().map_or(0, |data| data.len() as u64);
        match self.trailers {
            None => SizeHint::with_exact(length),
            Some(_) => SizeHint::new(),
        }
    }
}

/// Names and values as hyper's map.
///
/// # Errors
/// Names what HTTP cannot carry.
pub fn map(fields: &[(String, Vec<u8>)]) -> Result<HeaderMap, Broken> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::try_from(name.as_str())
            .map_err(|error| Broken::new(format!("header name `{name}`: {error}")))?;
        let value = HeaderValue::from_bytes(value)
            .map_err(|error| Broken::new(format!("value of header `{name}`: {error}")))?;
        map.append(name, value);
    }
    Ok(map)
}

/// hyper's map as names and values, in its order.
pub fn fields(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    map.iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect()
}
