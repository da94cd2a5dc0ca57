//! Starting Envoy, asking it, and being refused by it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use integration::client::{Client, Request};
use integration::envoy::{self, Config, Envoy, Launcher, Scratch};
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use super::{SOON, config, forwarding};

#[test]
fn envoy_is_asked_for_what_tests_compare() {
    let envoy = Envoy::builder(config()).workers(1).start();
    let client = Client::http1(envoy.addr("direct"));
    let connection = client.connect();
    for _ in 0..3 {
        assert_eq!(connection.send(Request::get("/")).text(), "here");
    }

    let admin = envoy.admin();
    assert_eq!(admin.stat("http.direct.downstream_rq_completed"), 3);
    assert_eq!(admin.stat("http.direct.downstream_cx_total"), 1);
    assert!(
        admin
            .stats("^http\\.direct\\.")
            .contains_key("http.direct.downstream_rq_2xx")
    );
    assert!(
        admin
            .prometheus()
            .contains("envoy_http_downstream_rq_completed")
    );
    assert!(admin.memory() > 0);
    assert!(envoy.rss() > 1 << 20);
    assert!(envoy.cpu() > Duration::ZERO);
    assert_eq!(
        admin.json("/server_info")["command_line_options"]["concurrency"],
        1
    );
    assert!(
        envoy
            .wait_log("starting main dispatch loop", SOON)
            .contains("[info]")
    );
    let version = admin.json("/server_info")["version"].to_string();
    let expected = format!("/{}/", envoy::version());
    assert!(version.contains(&expected), "{version}");
}

#[test]
fn a_listener_file_is_picked_up_when_it_changes() {
    let scratch = Scratch::new().unwrap();
    let mut config = config();
    let mut listeners = config.value_mut()["static_resources"]["listeners"].take();
    let resources = |listeners: &[Value]| {
        let typed = listeners.iter().map(|listener| {
            let mut typed = listener.clone();
            typed["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener".into();
            typed
        });
        json!({ "resources": typed.collect::<Vec<_>>() }).to_string()
    };
    let listeners = listeners.as_array_mut().unwrap();
    let path = scratch
        .write("listeners.json", &resources(&listeners[..1]))
        .unwrap();
    let config_source = json!({ "path_config_source": { "path": path } });
    config.value_mut()["dynamic_resources"] = json!({ "lds_config": config_source });
    config.value_mut()["node"] = json!({ "id": "test", "cluster": "test" });

    let envoy = Envoy::builder(config)
        .scratch(scratch)
        .args(["--drain-time-s", "1"])
        .start();
    envoy.port("forward");
    envoy
        .scratch()
        .write("listeners.json", &resources(listeners))
        .unwrap();

    assert_eq!(
        Client::http1(envoy.addr("direct")).get("/").send().text(),
        "here"
    );
}

fn broken() -> Config {
    let mut config = config();
    let chains = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    config.value_mut().pointer_mut(chains).unwrap()["codec_type"] = "MORSE".into();
    config
}

#[test]
fn validation_says_what_starting_would() {
    Envoy::builder(config()).validate().unwrap();
    let log = Envoy::builder(broken()).validate().unwrap_err();
    assert!(log.contains("MORSE"), "{log}");
}

#[test]
fn smoke_envoy_starts_answers_and_ends() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(forwarding(&upstream)).start();
    let process = PathBuf::from(format!("/proc/{}", envoy.pid()));
    let scratch = envoy.scratch().path().to_owned();
    assert_eq!(envoy.launcher(), Launcher::detect().unwrap());
    assert!(process.exists());

    let response = Client::http1(envoy.addr("forward")).get("/h1").send();

    assert_eq!(response.json().unwrap()["path"], "/h1");
    envoy.stop();
    assert!(!process.exists());
    assert!(!scratch.exists());
}

#[test]
fn smoke_a_bad_configuration_is_refused_and_the_log_says_why() {
    let failure = Envoy::builder(broken())
        .try_start()
        .expect_err("a codec Envoy does not have");

    assert_eq!(failure.exit, Some(1), "{failure}");
    assert!(failure.log.contains("MORSE"), "{failure}");
}

#[test]
fn smoke_an_envoy_that_hangs_is_killed() {
    let envoy = Envoy::builder(config()).start();
    let pid = envoy.pid();
    let stop = format!("kill -STOP {pid}");
    assert!(
        Command::new("sh")
            .args(["-c", &stop])
            .status()
            .unwrap()
            .success()
    );

    envoy.stop();

    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(until(SOON, || (!process.exists()).then_some(())).is_some());
}
