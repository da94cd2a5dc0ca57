//! Buffers: bodies, configurations, and the answers of calls.

use super::{Answer, Call, Caller, Linker, Result, State, exports, settle};
use crate::exchange::Way;
use crate::number::number;
use crate::status::Status;

const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const CALL_BODY: u32 = 4;
const GRPC_MESSAGE: u32 = 5;
const VM_CONFIG: u32 = 6;
const PLUGIN_CONFIG: u32 = 7;
const FOREIGN_ARGUMENTS: u32 = 8;

pub(super) fn provide(linker: &mut Linker<State>) -> Result<()> {
    exports! { linker:
        proxy_get_buffer_bytes(buffer: u32, start: u32, max: u32, bytes_at: u32, len_at: u32);
        proxy_get_buffer_status(buffer: u32, len_at: u32, flags_at: u32);
        proxy_set_buffer_bytes(buffer: u32, start: u32, len: u32, bytes_at: u32, bytes_len: u32);
    }
    Ok(())
}

fn proxy_get_buffer_bytes(
    call: &mut Call<'_>,
    buffer: u32,
    start: u32,
    max: u32,
    bytes_at: u32,
    len_at: u32,
) -> Answer {
    let whole = contents(call.state(), buffer)?;
    let (start, max) = (start as usize, max as usize);
    if start > whole.len() {
        call.state().blame("a buffer read from beyond its end");
    }
    let from = start.min(whole.len());
    let to = start.saturating_add(max).min(whole.len());
    call.give(whole.get(from..to).unwrap_or_default(), bytes_at, len_at)
}

fn proxy_get_buffer_status(call: &mut Call<'_>, buffer: u32, len_at: u32, flags_at: u32) -> Answer {
    let len = contents(call.state(), buffer)?.len();
    call.put_u32(len_at, number(len))?;
    call.put_u32(flags_at, 0)
}

fn proxy_set_buffer_bytes(
    call: &mut Call<'_>,
    buffer: u32,
    start: u32,
    len: u32,
    bytes_at: u32,
    bytes_len: u32,
) -> Answer {
    contents(call.state(), buffer)?;
    let bytes = call.bytes(bytes_at, bytes_len)?;
    let way = match buffer {
        REQUEST_BODY => Way::Request,
        RESPONSE_BODY => Way::Response,
        _ => return Err(Status::BadArgument.into()),
    };
    let exchange = call.state().exchange().ok_or(Status::BadArgument)?;
    let side = exchange.side(way);
    if !side.body_open {
        return Err(Status::BadArgument.into());
    }
    side.edited = true;
    // Only these two: replace the beginning (none of it, some, or all), or put behind.
    let (start, len) = (start as usize, len as usize);
    let body = &mut side.chunk;
    if start == 0 {
        body.splice(0..len.min(body.len()), bytes);
    } else if start >= body.len() {
        body.extend(bytes);
    } else {
        return Err(Status::BadArgument.into());
    }
    Ok(())
}

/// What the buffer holds for the module now; a body out of its phase is there, but empty.
fn contents(state: &mut State, buffer: u32) -> Answer<Vec<u8>> {
    let bytes = match buffer {
        REQUEST_BODY => Some(body(state, Way::Request)),
        RESPONSE_BODY => Some(body(state, Way::Response)),
        CALL_BODY => {
            let answer = state.root().and_then(|root| root.http_answer.as_ref());
            answer.map(|answer| answer.body.clone())
        }
        GRPC_MESSAGE => {
            let answer = state.root().and_then(|root| root.grpc_answer.clone());
            Some(answer.unwrap_or_default())
        }
        VM_CONFIG => Some(state.vm_config.clone()),
        PLUGIN_CONFIG => {
            let root = state.root().filter(|root| root.configuring);
            root.map(|root| root.config.clone())
        }
        2 | 3 | FOREIGN_ARGUMENTS => Some(Vec::new()),
        _ => return Err(Status::BadArgument.into()),
    };
    Ok(bytes.ok_or(Status::NotFound)?)
}

fn body(state: &mut State, way: Way) -> Vec<u8> {
    let side = state.exchange().map(|exchange| exchange.side(way));
    let open = side.filter(|side| side.body_open);
    open.map(|side| side.chunk.clone()).unwrap_or_default()
}
