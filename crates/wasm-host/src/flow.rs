//! The life of a stream: what each arriving part does, and what a pause, a resumption, a reply and
//! an end do to the parts that wait.

use super::exchange::{Exchange, Part, Piece, Way};
use super::headers::Headers;
use super::number::number;
use super::reply::LocalReply;
use super::vm::{Verdict, Vm};

impl Vm {
    /// Makes a stream below a root context, if there is one that serves; the module learns of it with the
    /// first callback.
    pub(crate) fn open(&mut self, root: Option<u32>) -> u32 {
        let state = self.state_mut();
        let id = state.new_context();
        state.live.insert(id);
        let exchange = Exchange {
            root: root.unwrap_or_default(),
            unserved: root.is_none(),
            started: state.shared.time(),
            calls_before: state.host_calls.clone(),
            ..Exchange::default()
        };
        state.exchanges.insert(id, exchange);
        id
    }

    /// A stream of this VM: they are kept when they are over, so it is there.
    pub(crate) fn exchange(&mut self, id: u32) -> &mut Exchange {
        self.state_mut().exchanges.entry(id).or_default()
    }

    /// A callback for a stream, if a filter serves it.
    fn tell(&mut self, id: u32, name: &str, args: &[u32]) -> Verdict {
        if self.exchange(id).unserved {
            return Verdict::Dead;
        }
        self.callback(name, id, args)
    }

    fn create(&mut self, id: u32) {
        let exchange = self.exchange(id);
        let root = exchange.root;
        if !std::mem::replace(&mut exchange.created, true) {
            self.tell(id, "proxy_on_context_create", &[root]);
        }
    }

    pub(crate) fn headers(&mut self, id: u32, way: Way, headers: Headers, end: bool) {
        self.create(id);
        let size = number(headers.len());
        let side = self.exchange(id).side(way);
        side.headers = headers;
        side.arrived = true;
        side.headers_open = true;
        side.end_of_stream = end;
        let verdict = self.part(id, way, Part::Headers, &[size, u32::from(end)]);
        if verdict == Some(true) {
            self.exchange(id).side(way).headers_open = false;
            self.pass_headers(id, way);
        }
    }

    pub(crate) fn body(&mut self, id: u32, way: Way, bytes: Vec<u8>, end: bool) {
        if self.exchange(id).answered() {
            return;
        }
        let side = self.exchange(id).side(way);
        side.received += bytes.len() as u64;
        if side.passed {
            self.pass_body(id, way, bytes, end);
        } else {
            side.waiting.push_back(Piece::Body(bytes, end));
        }
    }

    pub(crate) fn trailers(&mut self, id: u32, way: Way, trailers: Headers) {
        if self.exchange(id).answered() {
            return;
        }
        let side = self.exchange(id).side(way);
        if side.passed {
            self.pass_trailers(id, way, trailers);
        } else {
            side.waiting.push_back(Piece::Trailers(trailers));
        }
    }

    fn pass_headers(&mut self, id: u32, way: Way) {
        let side = self.exchange(id).side(way);
        side.paused = None;
        side.passed = true;
        self.pass_waiting(id, way);
    }

    /// The body that had to wait comes in one piece, however many it arrived in.
    fn pass_waiting(&mut self, id: u32, way: Way) {
        let (mut body, mut trailers) = (None, None);
        for piece in std::mem::take(&mut self.exchange(id).side(way).waiting) {
            match piece {
                Piece::Body(bytes, end) => {
                    let (whole, ended) = body.get_or_insert((Vec::new(), false));
                    whole.extend(bytes);
                    *ended |= end;
                }
                Piece::Trailers(some) => trailers = Some(some),
            }
        }
        if let Some((bytes, end)) = body {
            self.pass_body(id, way, bytes, end);
        }
        if let Some(trailers) = trailers {
            self.pass_trailers(id, way, trailers);
        }
    }

    fn pass_body(&mut self, id: u32, way: Way, bytes: Vec<u8>, end: bool) {
        let side = self.exchange(id).side(way);
        side.chunk.extend(bytes);
        side.body_open = true;
        side.end_of_stream = end;
        let size = number(side.chunk.len());
        if self.part(id, way, Part::Body, &[size, u32::from(end)]) == Some(true) {
            self.flush(id, way);
        }
    }

    fn pass_trailers(&mut self, id: u32, way: Way, trailers: Headers) {
        let size = number(trailers.len());
        let side = self.exchange(id).side(way);
        side.trailers = Some(trailers);
        side.trailers_open = true;
        if self.part(id, way, Part::Trailers, &[size]) == Some(true) {
            self.exchange(id).side(way).trailers_open = false;
            self.flush(id, way);
        }
    }

    /// Sends on the body that was held back.
    fn flush(&mut self, id: u32, way: Way) {
        let side = self.exchange(id).side(way);
        let chunk = std::mem::take(&mut side.chunk);
        side.sent.extend(chunk);
        side.body_open = false;
        side.paused = None;
        self.check_length(id, way);
    }

    /// A length that the head still announces and the body no longer has lets the rest of the
    /// connection be read as another message.
    fn check_length(&mut self, id: u32, way: Way) {
        let side = self.exchange(id).side(way);
        let announced = side.headers.text("content-length");
        let sent = side.sent.len().to_string();
        if side.edited && side.end_of_stream && announced.is_some_and(|length| length != sent) {
            let line =
                format!("stream {id}: a changed body of {sent} bytes under its old content-length");
            self.state_mut().violations.push(line);
        }
    }

    /// Runs the callback of one part. `Some(true)`: it goes on; `None`: it is out of our hands.
    fn part(&mut self, id: u32, way: Way, part: Part, args: &[u32]) -> Option<bool> {
        let exchange = self.exchange(id);
        if exchange.bypass && way == Way::Response {
            return Some(true);
        }
        let replied = exchange.reply.is_some();
        let side = exchange.side(way);
        (side.running, side.resumed_inside) = (true, false);
        let verdict = self.tell(id, way.callback(part), args);
        let exchange = self.exchange(id);
        let side = exchange.side(way);
        side.running = false;
        let resumed = side.resumed_inside;
        if exchange.reset || exchange.reply.is_some() != replied {
            return None;
        }
        if resumed && verdict != Verdict::Returned(0) {
            return Some(self.resumed_too_soon(id, way));
        }
        let side = exchange.side(way);
        match verdict {
            Verdict::Missing | Verdict::Returned(0) => Some(true),
            Verdict::Returned(_) => {
                side.paused = Some(part);
                Some(false)
            }
            Verdict::Dead => {
                self.fail(id);
                None
            }
        }
    }

    /// A resumption that came before its own pause: the headers went on, the rest is stuck.
    fn resumed_too_soon(&mut self, id: u32, way: Way) -> bool {
        let side = self.exchange(id).side(way);
        let complete = side.end_of_stream;
        if !complete {
            side.paused = Some(Part::Headers);
        }
        let line = format!("stream {id} was resumed from inside the callback that pauses it");
        self.state_mut().violations.push(line);
        complete
    }

    /// What a dead VM does to a stream that needs it.
    fn fail(&mut self, id: u32) {
        let exchange = self.exchange(id);
        exchange.bypass = true;
        self.reply(id, LocalReply::failure());
    }

    pub(crate) fn resume(&mut self, id: u32, way: Way) {
        let exchange = self.exchange(id);
        if exchange.settled() {
            return;
        }
        let side = exchange.side(way);
        if side.running {
            side.resumed_inside = true;
            return;
        }
        match side.paused {
            None => {}
            Some(Part::Headers) => self.pass_headers(id, way),
            Some(Part::Body | Part::Trailers) => self.flush(id, way),
        }
    }

    pub(crate) fn reset(&mut self, id: u32) {
        let exchange = self.exchange(id);
        if exchange.settled() {
            return;
        }
        exchange.reset = true;
        if !exchange.response.arrived {
            let details = &mut exchange.details;
            details.get_or_insert("wasm_close_stream".to_owned());
        }
    }

    pub(crate) fn reply(&mut self, id: u32, reply: LocalReply) {
        let exchange = self.exchange(id);
        if exchange.settled() {
            return;
        }
        exchange.details = Some(reply.details.clone());
        if let Some(first) = &mut exchange.reply {
            // The client has the first reply already; the log shows the second one's reason.
            first.details = reply.details;
            let line = format!("stream {id} got a second local reply");
            self.state_mut().violations.push(line);
            return;
        }
        if exchange.response.passed {
            // The head of another response is out: all that is left is to break off.
            exchange.reset = true;
            return;
        }
        exchange.bypass |= exchange.response.arrived;
        let (head, body) = reply.response(&exchange.request.headers);
        exchange.reply = Some(reply);
        let side = &mut exchange.response;
        side.waiting.clear();
        side.chunk.clear();
        let end = body.is_empty();
        if !end {
            side.received = body.len() as u64;
            side.waiting.push_back(Piece::Body(body, true));
        }
        self.headers(id, Way::Response, head, end);
    }

    /// The end: the log, the farewell, and the context is gone.
    pub(crate) fn finish(&mut self, id: u32) {
        if std::mem::replace(&mut self.exchange(id).over, true) {
            return;
        }
        self.create(id);
        let exchange = self.exchange(id);
        exchange.ending = true;
        exchange.logging = true;
        self.tell(id, "proxy_on_log", &[]);
        self.exchange(id).logging = false;
        self.tell(id, "proxy_on_done", &[]);
        self.tell(id, "proxy_on_delete", &[]);
        self.state_mut().live.remove(&id);
    }
}
