//! Calls out of the VM: to upstreams, and to functions of the host.

use super::{Answer, Call, Caller, Linker, Result, State, exports, settle};
use crate::clock::nanos;
use crate::headers::Headers;
use crate::status::{Fail, Status};
use crate::upstreams::{Pending, PendingCall, Protocol};
use prost::Message;
use std::rc::Rc;
use std::time::Duration;

pub(super) fn provide(linker: &mut Linker<State>) -> Result<()> {
    exports! { linker:
        proxy_http_call(
            upstream_at: u32, upstream_len: u32, headers_at: u32, headers_len: u32,
            body_at: u32, body_len: u32, trailers_at: u32, trailers_len: u32,
            timeout: u32, id_at: u32
        );
        proxy_grpc_call(
            upstream_at: u32, upstream_len: u32, service_at: u32, service_len: u32,
            method_at: u32, method_len: u32, metadata_at: u32, metadata_len: u32,
            message_at: u32, message_len: u32, timeout: u32, id_at: u32
        );
        proxy_grpc_stream(
            upstream_at: u32, upstream_len: u32, service_at: u32, service_len: u32,
            method_at: u32, method_len: u32, metadata_at: u32, metadata_len: u32, id_at: u32
        );
        proxy_grpc_send(id: u32, message_at: u32, message_len: u32, end: u32);
        proxy_grpc_cancel(id: u32);
        proxy_grpc_close(id: u32);
        proxy_get_status(code_at: u32, message_at: u32, len_at: u32);
        proxy_call_foreign_function(
            name_at: u32, name_len: u32, arguments_at: u32, arguments_len: u32,
            result_at: u32, len_at: u32
        );
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
fn proxy_http_call(
    call: &mut Call<'_>,
    upstream_at: u32,
    upstream_len: u32,
    headers_at: u32,
    headers_len: u32,
    body_at: u32,
    body_len: u32,
    trailers_at: u32,
    trailers_len: u32,
    timeout: u32,
    id_at: u32,
) -> Answer {
    let upstream = call.text(upstream_at, upstream_len)?;
    let body = call.bytes(body_at, body_len)?;
    let mut headers = Headers::decode(&call.bytes(headers_at, headers_len)?).of_request();
    let trailers = Headers::decode(&call.bytes(trailers_at, trailers_len)?);
    call.put_u32(id_at, 0)?;
    let complete = [":method", ":path", ":authority"]
        .iter()
        .all(|name| headers.first(name).is_some());
    // The ABI's number is signed in Envoy.
    if timeout.cast_signed() < 0 || !complete || unknown(call.state(), &upstream) {
        return Err(Status::BadArgument.into());
    }
    if !body.is_empty() {
        headers.set(b"content-length", body.len().to_string().as_bytes());
    }
    let request = PendingCall {
        id: 0,
        protocol: Protocol::Http,
        upstream,
        headers,
        body,
        trailers,
        timeout: limit(timeout),
    };
    dispatch(call, request, id_at)
}

#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
fn proxy_grpc_call(
    call: &mut Call<'_>,
    upstream_at: u32,
    upstream_len: u32,
    service_at: u32,
    service_len: u32,
    method_at: u32,
    method_len: u32,
    metadata_at: u32,
    metadata_len: u32,
    message_at: u32,
    message_len: u32,
    timeout: u32,
    id_at: u32,
) -> Answer {
    let target = call.bytes(upstream_at, upstream_len)?;
    let service = call.text(service_at, service_len)?;
    let method = call.text(method_at, method_len)?;
    let headers = Headers::decode(&call.bytes(metadata_at, metadata_len)?);
    let body = call.bytes(message_at, message_len)?;
    // Envoy reads a message first, and takes for a name only what is none.
    let (upstream, refusal) = match GrpcService::decode(&*target) {
        Ok(message) => match message.envoy_grpc {
            Some(EnvoyGrpc { cluster_name }) => (cluster_name, Status::InternalFailure),
            None => return Err(no_target(call.state())),
        },
        Err(_) => {
            let name = String::from_utf8_lossy(&target).into_owned();
            (name, Status::ParseFailure)
        }
    };
    if unknown(call.state(), &upstream) {
        return Err(refusal.into());
    }
    let request = PendingCall {
        id: 0,
        protocol: Protocol::Grpc { service, method },
        upstream,
        headers,
        body,
        trailers: Headers::new(),
        timeout: limit(timeout),
    };
    dispatch(call, request, id_at)
}

/// Streams are refused: no filter here needs one, and half a fake would be worse than none.
#[expect(clippy::too_many_arguments, reason = "the ABI's signature")]
fn proxy_grpc_stream(
    call: &mut Call<'_>,
    _upstream_at: u32,
    _upstream_len: u32,
    _service_at: u32,
    _service_len: u32,
    _method_at: u32,
    _method_len: u32,
    _metadata_at: u32,
    _metadata_len: u32,
    _id_at: u32,
) -> Answer {
    call.state().blame("this host has no gRPC streams");
    Err(Status::InternalFailure.into())
}

fn proxy_grpc_send(
    _call: &mut Call<'_>,
    _id: u32,
    _message_at: u32,
    _message_len: u32,
    _end: u32,
) -> Answer {
    Err(Status::NotFound.into())
}

fn proxy_grpc_cancel(call: &mut Call<'_>, id: u32) -> Answer {
    let pending = &mut call.state().upstreams.pending;
    let is_grpc = pending
        .get(&id)
        .is_some_and(|pending| matches!(pending.call.protocol, Protocol::Grpc { .. }));
    if !is_grpc {
        return Err(Status::NotFound.into());
    }
    pending.remove(&id);
    Ok(())
}

fn proxy_grpc_close(call: &mut Call<'_>, id: u32) -> Answer {
    proxy_grpc_cancel(call, id)
}

fn proxy_get_status(call: &mut Call<'_>, code_at: u32, message_at: u32, len_at: u32) -> Answer {
    let status = call.state().root().map(|root| root.status.clone());
    let (code, message) = status.unwrap_or_default();
    call.put_u32(code_at, code)?;
    call.give(&message, message_at, len_at)
}

fn proxy_call_foreign_function(
    call: &mut Call<'_>,
    name_at: u32,
    name_len: u32,
    arguments_at: u32,
    arguments_len: u32,
    result_at: u32,
    len_at: u32,
) -> Answer {
    let name = call.text(name_at, name_len)?;
    let arguments = call.bytes(arguments_at, arguments_len)?;
    let function = call.state().foreign.get(&name).map(Rc::clone);
    let function = function.ok_or(Status::NotFound)?;
    let result = (function.borrow_mut())(&arguments);
    call.give(result.as_deref().unwrap_or_default(), result_at, len_at)?;
    result?;
    Ok(())
}

fn unknown(state: &State, cluster: &str) -> bool {
    state.shared.unknown_clusters.borrow().contains(cluster)
}

/// What of `envoy.config.core.v3.GrpcService` says where a call goes.
#[derive(prost::Message)]
struct GrpcService {
    #[prost(message, optional, tag = "1")]
    envoy_grpc: Option<EnvoyGrpc>,
}

#[derive(prost::Message)]
struct EnvoyGrpc {
    #[prost(string, tag = "1")]
    cluster_name: String,
}

/// A message that names no target, such as the four bytes of an unknown field that `empty` is.
fn no_target(state: &mut State) -> Fail {
    let death = "a gRPC call whose target is a message without one: unset oneof".to_owned();
    state.crashed = Some(death.clone());
    Fail::Trap(wasmtime::format_err!("{death}"))
}

/// No time at all means no limit.
fn limit(milliseconds: u32) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

fn dispatch(call: &mut Call<'_>, mut request: PendingCall, id_at: u32) -> Answer {
    let state = call.state();
    let root = state.root_id();
    let now = state.shared.monotonic();
    let id = state.upstreams.next_id(&request.protocol);
    request.id = id;
    let due = request
        .timeout
        .map(|timeout| now.saturating_add(nanos(timeout)));
    let pending = Pending {
        call: request,
        root,
        due,
    };
    state.upstreams.pending.insert(id, pending);
    call.put_u32(id_at, id)
}
