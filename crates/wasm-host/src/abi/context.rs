//! Logging, time, properties, and what a module does to contexts and streams.

use super::{Answer, Call, Caller, Linker, Result, State, exports, settle};
use crate::clock::Timer;
use crate::exchange::{Part, Way};
use crate::headers::Headers;
use crate::log::Level;
use crate::reply::LocalReply;
use crate::state::Action;
use crate::status::Status;

const NS_PER_MS: u64 = 1_000_000;

pub(super) fn provide(linker: &mut Linker<State>) -> Result<()> {
    exports! { linker:
        proxy_log(level: u32, at: u32, len: u32);
        proxy_get_log_level(level_at: u32);
        proxy_get_current_time_nanoseconds(time_at: u32);
        proxy_set_tick_period_milliseconds(period: u32);
        proxy_get_property(path_at: u32, path_len: u32, value_at: u32, len_at: u32);
        proxy_set_property(path_at: u32, path_len: u32, value_at: u32, value_len: u32);
        proxy_set_effective_context(id: u32);
        proxy_done();
        proxy_continue_stream(kind: u32);
        proxy_close_stream(kind: u32);
        proxy_send_local_response(
            status: u32, details_at: u32, details_len: u32, body_at: u32, body_len: u32,
            headers_at: u32, headers_len: u32, grpc_status: i32
        );
    }
    Ok(())
}

fn proxy_log(call: &mut Call<'_>, level: u32, at: u32, len: u32) -> Answer {
    let level = Level::from_number(level).ok_or(Status::BadArgument)?;
    let line = call.text(at, len)?;
    call.state().note(level, line);
    Ok(())
}

fn proxy_get_log_level(call: &mut Call<'_>, level_at: u32) -> Answer {
    let level = call.state().level;
    call.put_u32(level_at, level as u32)
}

fn proxy_get_current_time_nanoseconds(call: &mut Call<'_>, time_at: u32) -> Answer {
    let time = call.state().shared.time();
    // The system clock has a resolution of a microsecond there.
    call.put_u64(time_at, time / 1000 * 1000)
}

fn proxy_set_tick_period_milliseconds(call: &mut Call<'_>, period: u32) -> Answer {
    let state = call.state();
    let (now, ticks) = (state.shared.monotonic(), state.shared.ticks.get());
    let period = u64::from(period) * NS_PER_MS;
    let timer = (period > 0).then(|| Timer::armed(period, now, ticks));
    if let Some(root) = state.root() {
        root.timer = timer;
    }
    Ok(())
}

fn proxy_get_property(
    call: &mut Call<'_>,
    path_at: u32,
    path_len: u32,
    value_at: u32,
    len_at: u32,
) -> Answer {
    let path = call.bytes(path_at, path_len)?;
    let value = call.state().property(&path)?;
    call.give(&value, value_at, len_at)
}

fn proxy_set_property(
    call: &mut Call<'_>,
    path_at: u32,
    path_len: u32,
    value_at: u32,
    value_len: u32,
) -> Answer {
    let path = call.bytes(path_at, path_len)?;
    let value = call.bytes(value_at, value_len)?;
    Ok(call.state().set_property(&path, value)?)
}

fn proxy_set_effective_context(call: &mut Call<'_>, id: u32) -> Answer {
    let state = call.state();
    // Zero is the VM's own context, which is always there and means: none in particular.
    if id != 0 && !state.live.contains(&id) {
        return Err(Status::BadArgument.into());
    }
    state.effective = id;
    Ok(())
}

fn proxy_done(call: &mut Call<'_>) -> Answer {
    let state = call.state();
    let id = state.root_id();
    let root = state.root().filter(|root| root.lingering);
    root.ok_or(Status::NotFound)?.lingering = false;
    state.defer(Action::Delete(id));
    Ok(())
}

fn proxy_continue_stream(call: &mut Call<'_>, kind: u32) -> Answer {
    let way = match kind {
        0 => Way::Request,
        1 => Way::Response,
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    };
    let state = call.state();
    let id = state.context();
    let Some(exchange) = state.exchange() else {
        return Ok(());
    };
    // From here on the module has no request any more, whichever direction it resumes.
    let request = &mut exchange.request;
    request.headers_open = false;
    // A body that Envoy buffers stays until the resumption really happens.
    request.body_open &= request.paused == Some(Part::Body);
    request.trailers_open = false;
    state.defer(Action::Resume(id, way));
    Ok(())
}

fn proxy_close_stream(call: &mut Call<'_>, kind: u32) -> Answer {
    if kind > 3 {
        return Err(Status::BadArgument.into());
    }
    let state = call.state();
    let id = state.context();
    if kind < 2 && state.exchange().is_some() {
        deadly_at_the_end(state, "reset")?;
        state.defer(Action::Reset(id));
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
fn proxy_send_local_response(
    call: &mut Call<'_>,
    status: u32,
    details_at: u32,
    details_len: u32,
    body_at: u32,
    body_len: u32,
    headers_at: u32,
    headers_len: u32,
    grpc_status: i32,
) -> Answer {
    let details = call.text(details_at, details_len)?;
    let body = call.bytes(body_at, body_len)?;
    let headers = Headers::decode(&call.bytes(headers_at, headers_len)?);
    let state = call.state();
    state.stop = true;
    let id = state.context();
    if state.exchange().is_none() {
        return Ok(());
    }
    deadly_at_the_end(state, "send_local_response")?;
    let resumed = |action: &Action| matches!(action, Action::Resume(other, _) if *other == id);
    if state.actions.iter().any(resumed) {
        state.blame("a resumption and a reply for one stream");
    }
    if !(200..1000).contains(&status) {
        state.blame(&format!(
            "a local reply with status {status} reaches no client"
        ));
    }
    super::header_maps::check_lines(state, &headers);
    let details = details.replace(char::is_whitespace, "_");
    let grpc_status = u32::try_from(grpc_status).ok().filter(|code| *code <= 16);
    let reply = LocalReply {
        status,
        details,
        body,
        headers,
        grpc_status,
    };
    state.defer(Action::Reply(id, reply));
    Ok(())
}

/// In `proxy_on_log` and `proxy_on_done` these take the whole process down.
fn deadly_at_the_end(state: &mut State, what: &str) -> Answer {
    let ending = state.exchange().is_some_and(|exchange| exchange.ending);
    if !ending {
        return Ok(());
    }
    let death = format!("{what} in {}", state.callback);
    state.crashed = Some(death.clone());
    Err(wasmtime::format_err!("{death}").into())
}
