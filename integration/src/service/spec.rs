//! What each server needs to start.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ::envoy::{Install, Ready, Spec};
use serde_json::json;

use crate::tls::Issued;

pub(super) fn redis() -> Spec {
    Spec {
        name: "Redis".to_owned(),
        image: "redis:7-alpine".to_owned(),
        entrypoint: "redis-server".to_owned(),
        program: "redis-server".to_owned(),
        package: "redis-server".to_owned(),
        install: Install::OnDebian,
        args: Box::new(|addr, scratch| {
            let (ip, port) = (addr.ip().to_string(), addr.port().to_string());
            let folder = scratch.path().display().to_string();
            let args = ["--bind", &ip, "--port", &port, "--dir", &folder];
            let keep_nothing = ["--save", "", "--appendonly", "no"];
            let all = args.into_iter().chain(keep_nothing);
            Ok(all.map(str::to_owned).collect())
        }),
        ready: Ready::When(|addr| ping(addr).is_ok_and(|answer| answer.starts_with(b"+PONG"))),
    }
}

pub(super) fn prometheus(config: &str) -> Spec {
    let config = config.to_owned();
    Spec {
        name: "Prometheus".to_owned(),
        image: "prom/prometheus:v3.5.0".to_owned(),
        entrypoint: "prometheus".to_owned(),
        program: "prometheus".to_owned(),
        package: "prometheus".to_owned(),
        install: Install::OnDebian,
        args: Box::new(move |addr, scratch| {
            let config = scratch.write("prometheus.yml", &config)?;
            let data = scratch.path().join("data");
            Ok(vec![
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", data.display()),
                format!("--web.listen-address={addr}"),
            ])
        }),
        ready: Ready::Page("/-/ready".to_owned()),
    }
}

/// Who gets into a registry, and how.
pub(super) enum Door {
    Open,
    /// Those of an htpasswd file.
    Accounts(String),
    Tls(Issued),
}

pub(super) fn registry(door: Door) -> Spec {
    let ready = match door {
        Door::Open => Ready::Page("/v2/".to_owned()),
        Door::Accounts(_) | Door::Tls(_) => Ready::Connects,
    };
    Spec {
        name: "the OCI registry".to_owned(),
        image: "registry:2".to_owned(),
        entrypoint: "registry".to_owned(),
        program: "docker-registry".to_owned(),
        package: "docker-registry".to_owned(),
        install: Install::OnDebian,
        args: Box::new(move |addr, scratch| {
            let data = scratch.path().join("data");
            let mut config = json!({
                "version": "0.1",
                "storage": { "filesystem": { "rootdirectory": data } },
                "http": { "addr": addr.to_string() },
            });
            match &door {
                Door::Open => {}
                Door::Accounts(accounts) => {
                    let path = scratch.write("htpasswd", accounts)?;
                    config["auth"] = json!({ "htpasswd": { "realm": "registry", "path": path } });
                }
                Door::Tls(issued) => {
                    let certificate = scratch.write("certificate.pem", &issued.certificate)?;
                    let key = scratch.write("key.pem", &issued.key)?;
                    config["http"]["tls"] = json!({ "certificate": certificate, "key": key });
                }
            }
            let config = scratch.write("registry.yml", &config.to_string())?;
            Ok(vec!["serve".to_owned(), config.display().to_string()])
        }),
        ready,
    }
}

fn ping(addr: SocketAddr) -> std::io::Result<[u8; 5]> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
