//! The loop of the server: accept, read a request whole, record it, ask the handler.

use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;

use super::{Answer, Recorded};
use ::envoy::client::{HEADER_BYTES, HEADER_COUNT, Message, fields, map};

type Handler = dyn Fn(Recorded) -> Answer + Send + Sync;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What connections share.
pub(super) struct State {
    handler: Box<Handler>,
    requests: Mutex<Vec<Recorded>>,
}

impl State {
    pub(super) fn new(handler: impl Fn(Recorded) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            handler: Box::new(handler),
            requests: Mutex::default(),
        }
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.requests
            .lock()
            .expect("the handler runs outside this lock")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// Serves connections until the runtime stops.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener to poll");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, state.clone()));
            let mut server = Builder::new(TokioExecutor::new());
            server
                .http1()
                .max_headers(HEADER_COUNT)
                .max_buf_size(HEADER_BYTES as usize);
            server
                .http2()
                .max_header_list_size(HEADER_BYTES)
                .max_concurrent_streams(None);
            // A client that goes away midway is part of many tests.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    state: Arc<State>,
) -> Result<hyper::Response<Message>, Failure> {
    let recorded = record(request).await?;
    let http1 = recorded.protocol.starts_with("HTTP/1");
    state.lock().push(recorded.clone());
    let answer = tokio::task::block_in_place(|| (state.handler)(recorded));
    if !answer.after.is_zero() {
        tokio::time::sleep(answer.after).await;
    }
    let mut response = hyper::Response::new(Message::new(answer.body, map(&answer.trailers)?));
    *response.status_mut() = answer.status.try_into()?;
    *response.headers_mut() = map(&answer.headers)?;
    if http1 {
        for (name, _) in &answer.trailers {
            response.headers_mut().append("trailer", name.parse()?);
        }
    }
    Ok(response)
}

async fn record(request: hyper::Request<Incoming>) -> Result<Recorded, Failure> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?;
    Ok(Recorded {
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        protocol: format!("{:?}", head.version),
        scheme: head.uri.scheme().map(ToString::to_string),
        authority: authority(&head.uri, &head.headers),
        headers: fields(&head.headers),
        trailers: body.trailers().map(fields).unwrap_or_default(),
        body: body.to_bytes().to_vec(),
    })
}

fn authority(uri: &hyper::Uri, headers: &HeaderMap) -> String {
    let host = || {
        headers
            .get("host")
            .map(|host| String::from_utf8_lossy(host.as_bytes()).into())
    };
    uri.authority()
        .map(ToString::to_string)
        .or_else(host)
        .unwrap_or_default()
}
