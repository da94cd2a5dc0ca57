//! The callbacks of proxy-wasm that a filter needs, by their names in the ABI without `proxy_`.

use sdk_helpers::Needs;

/// More than all of them take.
const ROOM: usize = 256;

/// The bytes of [`callbacks`].
#[must_use]
pub const fn length(needs: Needs) -> usize {
    list(needs).length
}

/// The callbacks that a module with a filter of these needs exports, one a line.
#[must_use]
pub const fn callbacks<const LENGTH: usize>(needs: Needs) -> [u8; LENGTH] {
    let list = list(needs);
    let mut section = [b'\n'; LENGTH];
    let (whole, _) = list.bytes.split_at(list.length);
    section.copy_from_slice(whole);
    section
}

/// Whether something ends, or begins, at some time. That takes the timer, and the queue by which the
/// shell runs at once without waiting for it.
pub(crate) const fn has_timer(needs: Needs) -> bool {
    needs.delays || needs.waits || needs.background
}

const fn list(needs: Needs) -> List {
    let timer = has_timer(needs);
    List::new()
        .with("on_request_headers", true)
        .with("on_response_headers", needs.changes_response())
        .with("on_log", needs.end)
        .with("on_tick", timer)
        .with("on_queue_ready", timer)
        .with("on_http_call_response", needs.http_calls)
        .with("on_grpc_receive", needs.grpc_calls)
        .with("on_grpc_close", needs.grpc_calls)
}

struct List {
    bytes: [u8; ROOM],
    length: usize,
}

impl List {
    const fn new() -> Self {
        List {
            bytes: [0; ROOM],
            length: 0,
        }
    }

    const fn with(mut self, name: &str, wanted: bool) -> Self {
        if wanted {
            self = self.push(name.as_bytes()).push(b"\n");
        }
        self
    }

    const fn push(mut self, bytes: &[u8]) -> Self {
        let (_, rest) = self.bytes.split_at_mut(self.length);
        let (here, _) = rest.split_at_mut(bytes.len());
        here.copy_from_slice(bytes);
        self.length += bytes.len();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! listed {
        ($($needs:tt)*) => {{
            const NEEDS: Needs = Needs { $($needs)* };
            const BYTES: [u8; length(NEEDS)] = callbacks(NEEDS);
            std::str::from_utf8(&BYTES).expect("names").lines().collect::<Vec<_>>()
        }};
    }

    #[test]
    fn a_filter_that_needs_nothing_sees_requests() {
        assert_eq!(listed!(..Needs::NOTHING), ["on_request_headers"]);
    }

    #[test]
    fn what_ends_by_time_has_the_timer_and_the_queue() {
        let timed = ["on_request_headers", "on_tick", "on_queue_ready"];
        assert_eq!(listed!(delays: true, ..Needs::NOTHING), timed);
        assert_eq!(listed!(waits: true, ..Needs::NOTHING), timed);
        assert_eq!(listed!(background: true, ..Needs::NOTHING), timed);
    }

    #[test]
    fn a_filter_that_needs_all_of_it_has_every_callback() {
        let all = listed!(
            delays: true,
            waits: true,
            http_calls: true,
            grpc_calls: true,
            response_headers: true,
            response_edits: true,
            end: true,
            background: true,
        );
        assert_eq!(
            all,
            [
                "on_request_headers",
                "on_response_headers",
                "on_log",
                "on_tick",
                "on_queue_ready",
                "on_http_call_response",
                "on_grpc_receive",
                "on_grpc_close",
            ]
        );
    }
}
