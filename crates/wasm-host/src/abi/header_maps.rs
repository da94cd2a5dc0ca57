//! Header maps: which one a number means, whether it is there, and the calls on it.

use super::{Answer, Call, Caller, Linker, Result, State, exports, settle};
use crate::exchange::{Side, Way};
use crate::headers::Headers;
use crate::number::number;
use crate::status::Status;

const REQUEST_HEADERS: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
const RESPONSE_HEADERS: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const GRPC_INITIAL: u32 = 4;
const GRPC_TRAILING: u32 = 5;
const CALL_HEADERS: u32 = 6;
const CALL_TRAILERS: u32 = 7;

pub(super) fn provide(linker: &mut Linker<State>) -> Result<()> {
    exports! { linker:
        proxy_get_header_map_value(map: u32, name_at: u32, name_len: u32, value_at: u32, len_at: u32);
        proxy_add_header_map_value(map: u32, name_at: u32, name_len: u32, value_at: u32, value_len: u32);
        proxy_replace_header_map_value(map: u32, name_at: u32, name_len: u32, value_at: u32, value_len: u32);
        proxy_remove_header_map_value(map: u32, name_at: u32, name_len: u32);
        proxy_get_header_map_pairs(map: u32, block_at: u32, len_at: u32);
        proxy_set_header_map_pairs(map: u32, block_at: u32, block_len: u32);
        proxy_get_header_map_size(map: u32, size_at: u32);
    }
    Ok(())
}

fn proxy_get_header_map_value(
    call: &mut Call<'_>,
    map: u32,
    name_at: u32,
    name_len: u32,
    value_at: u32,
    len_at: u32,
) -> Answer {
    known(map)?;
    let name = alias(map, call.bytes(name_at, name_len)?);
    let state = call.state();
    let logging = state.exchange().is_some_and(|exchange| exchange.logging);
    // A map that a log has no use for is merely empty there.
    let absent = if logging {
        Status::NotFound
    } else {
        Status::BadArgument
    };
    let headers = readable(state, map).ok_or(absent)?;
    let value = headers.first(&name).ok_or(Status::NotFound)?.to_vec();
    call.give(&value, value_at, len_at)
}

fn proxy_add_header_map_value(
    call: &mut Call<'_>,
    map: u32,
    name_at: u32,
    name_len: u32,
    value_at: u32,
    value_len: u32,
) -> Answer {
    let (name, value) = pair(call, map, name_at, name_len, value_at, value_len)?;
    writable(call.state(), map)?.add(&name, &value);
    Ok(())
}

fn proxy_replace_header_map_value(
    call: &mut Call<'_>,
    map: u32,
    name_at: u32,
    name_len: u32,
    value_at: u32,
    value_len: u32,
) -> Answer {
    let (name, value) = pair(call, map, name_at, name_len, value_at, value_len)?;
    writable(call.state(), map)?.set(&name, &value);
    Ok(())
}

fn proxy_remove_header_map_value(
    call: &mut Call<'_>,
    map: u32,
    name_at: u32,
    name_len: u32,
) -> Answer {
    known(map)?;
    let name = alias(map, call.bytes(name_at, name_len)?);
    writable(call.state(), map)?.remove(&name);
    Ok(())
}

/// The one call on a map that does not mind its absence: there are simply no pairs.
fn proxy_get_header_map_pairs(call: &mut Call<'_>, map: u32, block_at: u32, len_at: u32) -> Answer {
    known(map)?;
    let headers = readable(call.state(), map);
    let some = headers.filter(|headers| !headers.is_empty());
    let block = some.map(Headers::encode).unwrap_or_default();
    call.give(&block, block_at, len_at)
}

fn proxy_set_header_map_pairs(
    call: &mut Call<'_>,
    map: u32,
    block_at: u32,
    block_len: u32,
) -> Answer {
    known(map)?;
    let headers = Headers::decode(&call.bytes(block_at, block_len)?);
    check_lines(call.state(), &headers);
    let present = writable(call.state(), map)?;
    *present = match map {
        REQUEST_HEADERS => headers.of_request(),
        RESPONSE_HEADERS => headers.of_response(),
        _ => headers,
    };
    Ok(())
}

fn proxy_get_header_map_size(call: &mut Call<'_>, map: u32, size_at: u32) -> Answer {
    known(map)?;
    let size = writable(call.state(), map)?.size();
    call.put_u32(size_at, number(size))
}

fn pair(
    call: &mut Call<'_>,
    map: u32,
    name_at: u32,
    name_len: u32,
    value_at: u32,
    value_len: u32,
) -> Answer<(Vec<u8>, Vec<u8>)> {
    known(map)?;
    let name = alias(map, call.bytes(name_at, name_len)?);
    let value = call.bytes(value_at, value_len)?;
    let one = Headers::from(&[(&name, &value)]);
    check_lines(call.state(), &one);
    Ok((name, value))
}

fn known(map: u32) -> Answer {
    if map > CALL_TRAILERS {
        return Err(Status::BadArgument.into());
    }
    Ok(())
}

/// A request's `host` is its `:authority`.
fn alias(map: u32, name: Vec<u8>) -> Vec<u8> {
    if map == REQUEST_HEADERS && name.eq_ignore_ascii_case(b"host") {
        b":authority".to_vec()
    } else {
        name
    }
}

/// Envoy does not look for line breaks in what goes to the client, and ends a request over them.
pub(super) fn check_lines(state: &mut State, headers: &Headers) {
    for (name, value) in headers.pairs() {
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            let name = String::from_utf8_lossy(name).into_owned();
            state.blame(&format!("a line break or zero byte in header `{name}`"));
        }
    }
}

/// The map for reading, if the module has it in this phase.
fn readable(state: &mut State, map: u32) -> Option<&Headers> {
    if map >= GRPC_INITIAL {
        let answer = state.root()?.http_answer.as_ref()?;
        return match map {
            CALL_HEADERS => Some(&answer.headers),
            CALL_TRAILERS => Some(&answer.trailers).filter(|trailers| !trailers.is_empty()),
            GRPC_INITIAL | GRPC_TRAILING => None,
            _ => unreachable!("no such map"),
        };
    }
    if state.exchange()?.logging {
        let exchange = state.exchange()?;
        return match map {
            REQUEST_HEADERS => Some(&exchange.request.headers),
            RESPONSE_HEADERS => Some(&exchange.response.headers),
            RESPONSE_TRAILERS => exchange.response.trailers.as_ref(),
            _ => None,
        };
    }
    open(state, map).map(|headers| &*headers)
}

/// The map for writing, which is also the one whose size can be asked for.
fn writable(state: &mut State, map: u32) -> Answer<&mut Headers> {
    let way = way(map);
    let trailers = matches!(map, REQUEST_TRAILERS | RESPONSE_TRAILERS);
    if trailers && let Some(exchange) = state.exchange() {
        grow_trailers(exchange.side(way));
    }
    Ok(open(state, map).ok_or(Status::BadArgument)?)
}

fn open(state: &mut State, map: u32) -> Option<&mut Headers> {
    let side = state.exchange()?.side(way(map));
    match map {
        REQUEST_HEADERS | RESPONSE_HEADERS => side.headers_open.then_some(&mut side.headers),
        REQUEST_TRAILERS | RESPONSE_TRAILERS if side.trailers_open => side.trailers.as_mut(),
        _ => None,
    }
}

/// In the last body callback, touching trailers that are not there creates them.
fn grow_trailers(side: &mut Side) {
    if !side.trailers_open && side.body_open && side.end_of_stream {
        side.trailers.get_or_insert_default();
        side.trailers_open = true;
    }
}

fn way(map: u32) -> Way {
    match map {
        RESPONSE_HEADERS | RESPONSE_TRAILERS => Way::Response,
        _ => Way::Request,
    }
}
