//! What is behind the policies: a service of the reader's, or an echo that shows what a service would get.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use envoy::{listener, runtime};
use explain::Url;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use policies::clusters;
use serde_json::{Map, Value, json};

use crate::ending::Failure;

/// Envoy's name of it.
pub(super) const CLUSTER: &str = "upstream";

/// What is behind the policies.
pub(super) struct Upstream {
    pub(super) cluster: Value,
    /// As people call it.
    pub(super) name: String,
}

impl Upstream {
    /// The service at a URL, or an echo.
    pub(super) fn of(url: Option<&str>) -> Result<Self, Failure> {
        match url {
            Some(url) => {
                Self::at(url).map_err(|problem| Failure::new(format!("`--upstream` {problem}")))
            }
            None => Self::echo(),
        }
    }

    fn at(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)?;
        if !matches!(url.rest, "" | "/") {
            return Err(
                "is more than scheme, host and port; paths are those of the requests".to_owned(),
            );
        }
        let trusted = openssl_probe::probe().cert_file;
        let cluster = clusters::cluster(CLUSTER, url.scheme, url.authority, trusted.as_deref())?;
        Ok(Self {
            cluster: clusters::either_protocol(cluster),
            name: text.to_owned(),
        })
    }

    fn echo() -> Result<Self, Failure> {
        let addr = serve()?;
        Ok(Self {
            cluster: clusters::either_protocol(listener::cluster(CLUSTER, addr, false)),
            name: "an echo".to_owned(),
        })
    }
}

/// Serves the echo on a free port of 127.0.0.1, to the end of the program.
fn serve() -> Result<SocketAddr, Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok((listener.local_addr()?, listener))
    });
    let (addr, listener) = bound.map_err(Failure::new)?;
    let runtime = runtime::runtime().map_err(Failure::new)?;
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Failure::new)?;
    runtime.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, most of the time: some are closed meanwhile.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                let served = server.serve_connection(TokioIo::new(stream), service_fn(answer));
                // A client that goes away is nobody's fault.
                let _ = served.await;
            });
        }
    });
    Ok(addr)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut length = 0_u64;
    while let Some(Ok(frame)) = body.frame().await {
        let data = frame.data_ref().map_or(0, Bytes::len);
        length = length.saturating_add(u64::try_from(data).unwrap_or(u64::MAX));
    }
    let host = head
        .headers
        .get("host")
        .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let seen = json!({
        "method": head.method.as_str(),
        "path": head.uri.path_and_query().map(ToString::to_string),
        "authority": head.uri.authority().map(ToString::to_string).or(host),
        "headers": headers(&head.headers),
        "bodyBytes": length,
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{seen:#}\n"))));
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

/// Each name once, with its value, or its values.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let texts = |name| {
        let values = headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let names = headers.keys().filter(|name| *name != "host");
    let shown = names.map(|name| {
        let values: Vec<String> = texts(name).collect();
        let value = match values.as_slice() {
            [value] => Value::from(value.as_str()),
            values => json!(values),
        };
        (name.to_string(), value)
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::Upstream;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        let upstream = Upstream::at("http://127.0.0.1:8080").unwrap();
        assert_eq!(upstream.cluster["type"], "STATIC");
        assert_eq!(
            Upstream::at("https://service.example/").unwrap().cluster["name"],
            "upstream"
        );
        for wrong in [
            "localhost:8080",
            "ftp://a",
            "http://a/b",
            "http://",
            "http://a:99999",
        ] {
            assert!(Upstream::at(wrong).is_err(), "{wrong}");
        }
    }
}
