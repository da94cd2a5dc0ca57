//! Speaking with a mesh that runs: HTTP and JSON through a Unix socket in its folder, which only its user can look into.
//!
//! | | |
//! |---|---|
//! | `GET /mesh` | every address, as in `mesh.json` |
//! | `GET /status` | how each proxy is |
//! | `POST /apply` | `{"paths": [..]}`: reads the files again, and these behind them |
//! | `POST /down` | ends it |
//!
//! What cannot be done is answered with 422 and `{"error": ..}`.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use envoy::runtime;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::folder::SOCKET;
use crate::proxy::ProxyStatus;
use crate::{Error, Running};

/// A longer request is none of ours.
const MOST: usize = 1 << 20;
/// How long an answer may take: a proxy may compile a module for an apply.
const ANSWER: Duration = Duration::from_secs(120);

/// The socket of a mesh, until it is dropped.
#[derive(Debug)]
pub struct Control {
    task: JoinHandle<()>,
    path: PathBuf,
}

impl Control {
    /// Answers for a mesh. `end` is notified when somebody asks for its end.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn serve(running: &Arc<Running>, end: Arc<Notify>) -> Result<Self, Error> {
        let path = running.folder().join(SOCKET);
        let runtime = runtime::runtime()?;
        let _inside = runtime.enter();
        let listener = UnixListener::bind(&path).map_err(|error| Error::file(&path, error))?;
        let running = Arc::downgrade(running);
        let task = runtime.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let (running, end) = (running.clone(), Arc::clone(&end));
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let (running, end) = (running.upgrade(), Arc::clone(&end));
                        async move { Ok::<_, Infallible>(answer(running, &end, request).await) }
                    });
                    let server = hyper::server::conn::http1::Builder::new();
                    // Who goes away is nobody's fault.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { task, path })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(
    running: Option<Arc<Running>>,
    end: &Notify,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(running) = running else {
        return say(StatusCode::GONE, &json!({"error": "the mesh is ending"}));
    };
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MOST).collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let path = head.uri.path().to_owned();
    // It waits for Envoys meanwhile.
    let answered = tokio::task::spawn_blocking(move || act(&running, &head.method, &path, &body));
    let (status, value) = answered.await.unwrap_or_else(|error| {
        let problem = json!({"error": error.to_string()});
        (StatusCode::INTERNAL_SERVER_ERROR, problem)
    });
    if status == StatusCode::ACCEPTED {
        end.notify_one();
    }
    say(status, &value)
}

fn act(running: &Running, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
    match (method, path) {
        (&Method::GET, "/mesh") => (StatusCode::OK, running.json()),
        (&Method::GET, "/status") => {
            let proxies = running.status();
            let proxies: Vec<Value> = proxies.iter().map(ProxyStatus::json).collect();
            (
                StatusCode::OK,
                json!({"folder": running.folder(), "proxies": proxies}),
            )
        }
        (&Method::POST, "/apply") => apply(running, body),
        (&Method::POST, "/down") => (StatusCode::ACCEPTED, json!({})),
        _ => {
            let problem = format!("no {method} {path}; there are /mesh, /status, /apply and /down");
            (StatusCode::NOT_FOUND, json!({"error": problem}))
        }
    }
}

fn apply(running: &Running, body: &[u8]) -> (StatusCode, Value) {
    let wrong = |problem: &str| (StatusCode::BAD_REQUEST, json!({"error": problem}));
    let asked: Value = match serde_json::from_slice(body) {
        Ok(asked) => asked,
        Err(error) => return wrong(&error.to_string()),
    };
    let paths = match asked.get("paths") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => {
            let paths: Option<Vec<PathBuf>> = list
                .iter()
                .map(|path| path.as_str().map(PathBuf::from))
                .collect();
            match paths {
                Some(paths) if paths.iter().all(|path| path.is_absolute()) => paths,
                _ => return wrong("`paths` are absolute paths"),
            }
        }
        Some(_) => return wrong("`paths` is a list"),
    };
    match running.apply(&paths) {
        Ok(applied) => (StatusCode::OK, applied.json()),
        Err(error) => {
            let mut problem = json!({"error": error.to_string()});
            if let (Error::Found(checked), Value::Object(fields)) = (&error, &mut problem) {
                fields.insert("findings".to_owned(), checked.findings.clone());
            }
            (StatusCode::UNPROCESSABLE_ENTITY, problem)
        }
    }
}

fn say(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{value:#}\n"))));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

/// Asks the mesh of a folder: the status and what it says.
///
/// # Errors
/// Nobody answers, or not with JSON.
pub fn ask(folder: &Path, method: &str, path: &str, body: &Value) -> Result<(u16, Value), Error> {
    let socket = folder.join(SOCKET);
    let failed = |problem: &dyn std::fmt::Display| {
        Error::Control(format!("{}: {problem}", socket.display()))
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "mesh")
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|error| failed(&error))?;
    let asking = async { tokio::time::timeout(ANSWER, send(&socket, request)).await };
    let asked = runtime::block_on(asking)?;
    match asked {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(problem)) => Err(failed(&problem)),
        Err(_) => Err(failed(&format_args!("no answer in {} s", ANSWER.as_secs()))),
    }
}

async fn send(socket: &Path, request: Request<Full<Bytes>>) -> Result<(u16, Value), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| told(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| told(&error))?;
    let connection = tokio::spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| told(&error))?;
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| told(&error))?;
    connection.abort();
    let value = serde_json::from_slice(&body.to_bytes()).map_err(|error| told(&error))?;
    Ok((status, value))
}
