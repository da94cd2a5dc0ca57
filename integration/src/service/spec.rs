//! What each server needs to start.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use envoy::Spec;

use crate::client::Client;

pub(super) fn redis() -> Spec {
    Spec {
        name: "Redis",
        image: "redis:7-alpine",
        entrypoint: "redis-server",
        program: "redis-server",
        package: "redis-server",
        args: Box::new(|addr, scratch| {
            let (ip, port) = (addr.ip().to_string(), addr.port().to_string());
            let folder = scratch.path().display().to_string();
            let args = ["--bind", &ip, "--port", &port, "--dir", &folder];
            let keep_nothing = ["--save", "", "--appendonly", "no"];
            args.into_iter()
                .chain(keep_nothing)
                .map(str::to_owned)
                .collect()
        }),
        ready: |addr| ping(addr).is_ok_and(|answer| answer.starts_with(b"+PONG")),
    }
}

pub(super) fn prometheus(config: &str) -> Spec {
    let config = config.to_owned();
    Spec {
        name: "Prometheus",
        image: "prom/prometheus:v3.5.0",
        entrypoint: "prometheus",
        program: "prometheus",
        package: "prometheus",
        args: Box::new(move |addr, scratch| {
            let config = scratch.write("prometheus.yml", &config);
            vec![
                format!("--config.file={}", config.display()),
                format!(
                    "--storage.tsdb.path={}",
                    scratch.path().join("data").display()
                ),
                format!("--web.listen-address={addr}"),
            ]
        }),
        ready: |addr| answers(addr, "/-/ready"),
    }
}

pub(super) fn registry() -> Spec {
    Spec {
        name: "the OCI registry",
        image: "registry:2",
        entrypoint: "registry",
        program: "docker-registry",
        package: "docker-registry",
        args: Box::new(|addr, scratch| {
            let data = scratch.path().join("data");
            let config = serde_json::json!({
                "version": "0.1",
                "storage": { "filesystem": { "rootdirectory": data } },
                "http": { "addr": addr.to_string() },
            });
            let config = scratch.write("registry.yml", &config.to_string());
            vec!["serve".to_owned(), config.display().to_string()]
        }),
        ready: |addr| answers(addr, "/v2/"),
    }
}

fn answers(addr: SocketAddr, path: &str) -> bool {
    let client = Client::http1(addr).deadline(Duration::from_secs(1));
    client
        .get(path)
        .try_send()
        .is_ok_and(|response| response.status == 200)
}

fn ping(addr: SocketAddr) -> std::io::Result<[u8; 5]> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
