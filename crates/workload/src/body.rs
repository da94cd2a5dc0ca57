//! The body of an answer: whole, or a byte at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::effect::Drip;

/// What is sent.
pub(crate) enum Sent {
    /// All at once, and then nothing.
    Whole(Option<Bytes>),
    /// So many bytes more, each after the next pause.
    Dripping {
        left: u32,
        pause: Duration,
        next: Pin<Box<Sleep>>,
    },
}

impl Sent {
    pub(crate) fn whole(text: String) -> Self {
        Sent::Whole((!text.is_empty()).then(|| text.into()))
    }

    /// The first byte comes at once, and so the end is a pause after the last.
    pub(crate) fn dripping(drip: Drip) -> Self {
        Sent::Dripping {
            left: drip.bytes,
            pause: drip.over.checked_div(drip.bytes).unwrap_or_default(),
            next: Box::pin(sleep_until(Instant::now())),
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Sent::Whole(data) => Poll::Ready(data.take().map(|data| Ok(Frame::data(data)))),
            Sent::Dripping { left, pause, next } => {
                ready!(next.as_mut().poll(context));
                let Some(fewer) = left.checked_sub(1) else {
                    return Poll::Ready(None);
                };
                *left = fewer;
                let after = next.deadline().checked_add(*pause);
                next.as_mut().reset(after.unwrap_or_else(Instant::now));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"*")))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Sent::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        let left = match self {
            Sent::Whole(data) => data.as_ref().map_or(0, |data| data.len() as u64),
            Sent::Dripping { left, .. } => u64::from(*left),
        };
        SizeHint::with_exact(left)
    }
}
