//! One stream, as a test holds it: send its parts, look at what became of them.

use super::error::Error;
use super::exchange::{Exchange, Origin, Way};
use super::headers::Headers;
use super::properties::path;
use super::reply::LocalReply;
use super::vm::Vm;
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The response flag of a client that went away.
const DOWNSTREAM_DISCONNECT: u64 = 0x4000;

/// Where a stream stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything that arrived went on.
    Continued,
    /// The module holds it.
    Paused,
    /// Envoy answered in the module's name.
    Replied(LocalReply),
    /// Broken off.
    Reset,
    /// Gone with the whole of Envoy, which died of this.
    Crashed(String),
}

/// A stream of one VM. Its context ends with [`Stream::done`] or [`Stream::disconnect`].
pub struct Stream {
    vm: Rc<RefCell<Vm>>,
    id: u32,
}

impl Stream {
    pub(crate) fn new(vm: Rc<RefCell<Vm>>, id: u32) -> Self {
        Self { vm, id }
    }

    /// The context's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sets a property of this stream alone.
    pub fn property(&self, parts: &[&str], value: impl AsRef<[u8]>) {
        let value = value.as_ref().to_vec();
        self.exchange().properties.insert(path(parts), value);
    }

    /// Puts a native object into filter state, as `set_filter_state` before the filter does.
    pub fn set_filter_state(&self, key: &str, value: impl AsRef<[u8]>) {
        let object = (value.as_ref().to_vec(), Origin::Native);
        let key = key.as_bytes().to_vec();
        self.exchange().filter_state.insert(key, object);
    }

    /// A value of filter state; what a module set under `k` is at `wasm.k`.
    #[must_use]
    pub fn filter_state(&self, key: &str) -> Option<Vec<u8>> {
        let exchange = self.exchange();
        let object = exchange.filter_state.get(key.as_bytes());
        object.map(|(value, _)| value.clone())
    }

    /// The request's headers arrive.
    pub fn request_headers(&self, headers: impl Into<Headers>, end_of_stream: bool) {
        let headers = headers.into().of_request();
        self.vm()
            .headers(self.id, Way::Request, headers, end_of_stream);
    }

    /// A chunk of the request's body arrives.
    pub fn request_body(&self, bytes: impl AsRef<[u8]>, end_of_stream: bool) {
        let bytes = bytes.as_ref().to_vec();
        self.vm().body(self.id, Way::Request, bytes, end_of_stream);
    }

    /// The request's trailers arrive.
    pub fn request_trailers(&self, trailers: impl Into<Headers>) {
        self.vm().trailers(self.id, Way::Request, trailers.into());
    }

    /// The upstream's response headers arrive.
    ///
    /// # Errors
    /// If the request never went upstream, or was answered already.
    pub fn response_headers(
        &self,
        headers: impl Into<Headers>,
        end_of_stream: bool,
    ) -> Result<(), Error> {
        let state = self.state();
        let upstream = self.exchange().request.passed;
        if !(upstream && matches!(state, State::Continued | State::Paused)) {
            return Err(Error::NoUpstream(state));
        }
        let headers = headers.into().of_response();
        self.vm()
            .headers(self.id, Way::Response, headers, end_of_stream);
        Ok(())
    }

    /// A chunk of the response's body arrives.
    pub fn response_body(&self, bytes: impl AsRef<[u8]>, end_of_stream: bool) {
        let bytes = bytes.as_ref().to_vec();
        self.vm().body(self.id, Way::Response, bytes, end_of_stream);
    }

    /// The response's trailers arrive.
    pub fn response_trailers(&self, trailers: impl Into<Headers>) {
        self.vm().trailers(self.id, Way::Response, trailers.into());
    }

    /// The stream ends as it stands: log, farewell, and the context is gone.
    pub fn done(&self) {
        self.vm().finish(self.id);
    }

    /// The client goes away: the same end, with Envoy's reason for it.
    pub fn disconnect(&self) {
        {
            let mut exchange = self.exchange();
            exchange.details = Some("downstream_remote_disconnect".to_owned());
            exchange.flags |= DOWNSTREAM_DISCONNECT;
            exchange.reset = true;
        }
        self.done();
    }

    /// Where the stream stands.
    #[must_use]
    pub fn state(&self) -> State {
        if let Some(death) = &self.vm.borrow().state().crashed {
            return State::Crashed(death.clone());
        }
        let exchange = self.exchange();
        if exchange.reset {
            return State::Reset;
        }
        if let Some(reply) = &exchange.reply {
            return State::Replied(reply.clone());
        }
        let held = exchange.request.paused.or(exchange.response.paused);
        if held.is_some() {
            State::Paused
        } else {
            State::Continued
        }
    }

    /// The local reply, if there is one.
    #[must_use]
    pub fn reply(&self) -> Option<LocalReply> {
        self.exchange().reply.clone()
    }

    /// The reason access logs give.
    #[must_use]
    pub fn details(&self) -> Option<String> {
        self.exchange().details.clone()
    }

    /// The request's headers as they stand now.
    #[must_use]
    pub fn request_now(&self) -> Headers {
        self.exchange().request.headers.clone()
    }

    /// The request's trailers as they stand now, also those that the module has added.
    #[must_use]
    pub fn request_trailers_now(&self) -> Option<Headers> {
        self.exchange().request.trailers.clone()
    }

    /// The request's body as far as it went on to the upstream.
    #[must_use]
    pub fn request_sent(&self) -> Vec<u8> {
        self.exchange().request.sent.clone()
    }

    /// The response's headers as they stand now, be they the upstream's or a local reply's.
    #[must_use]
    pub fn response(&self) -> Headers {
        self.exchange().response.headers.clone()
    }

    /// The response's trailers as they stand now, also those that the module has added.
    #[must_use]
    pub fn response_trailers_now(&self) -> Option<Headers> {
        self.exchange().response.trailers.clone()
    }

    /// The response's body as far as it went on to the client.
    #[must_use]
    pub fn response_sent(&self) -> Vec<u8> {
        self.exchange().response.sent.clone()
    }

    /// The VM's host calls since this stream was opened, by name.
    #[must_use]
    pub fn host_calls(&self) -> BTreeMap<String, u64> {
        let vm = self.vm.borrow();
        let exchange = vm.state().exchanges.get(&self.id);
        let mut since = vm.state().host_calls.clone();
        for (name, count) in exchange.iter().flat_map(|stream| &stream.calls_before) {
            if let Some(now) = since.get_mut(name) {
                *now = now.saturating_sub(*count);
            }
        }
        since.retain(|_, count| *count > 0);
        since
    }

    /// The instructions of this stream's own callbacks by name; nothing unless the module was compiled
    /// to count them. See [`Host::instructions`](super::Host::instructions).
    #[must_use]
    pub fn instructions(&self) -> BTreeMap<String, u64> {
        self.vm.borrow().state().instructions.of(self.id)
    }

    fn vm(&self) -> RefMut<'_, Vm> {
        self.vm.borrow_mut()
    }

    fn exchange(&self) -> RefMut<'_, Exchange> {
        RefMut::map(self.vm.borrow_mut(), |vm| vm.exchange(self.id))
    }
}
