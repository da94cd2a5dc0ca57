//! The page beside the file, which goes through it request by request: the same requests in the same order,
//! answered, logged and counted as the page has it.

use std::process::Command;
use std::time::Duration;

use integration::client::Response;
use integration::demo::Shipped;
use integration::envoy::{Envoy, repository};
use integration::service::wait::until;

use super::FILE;
use crate::configs::curl::{self, Promise};
use crate::configs::pages::{Block, Page};

const PAGE: &str = "envoy-configs/local/README.md";
const SOON: Duration = Duration::from_secs(10);
/// What stands for something that differs each time, or is left out.
const GAP: &str = "…";

/// What the page shows of a request.
struct Shown {
    /// As one types it.
    command: String,
    /// Below the command.
    answer: Vec<String>,
    /// The line of Envoy's log, for what the log has a line of.
    log: Option<Block>,
}

fn shown(page: &Page) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for block in page.blocks() {
        match block.language.as_str() {
            "console" => {
                let mut lines = block.text.lines().map(str::to_owned);
                let first = lines.next().expect("a line");
                let command = first.strip_prefix("$ ").expect("a command").to_owned();
                if command.starts_with("curl ") {
                    all.push(Shown {
                        command,
                        answer: lines.collect(),
                        log: None,
                    });
                }
            }
            "json" => {
                let of = all.last_mut().expect("a request before its log");
                assert!(of.log.is_none(), "{}: two lines of log", of.command);
                of.log = Some(block);
            }
            other => panic!("{PAGE}: a block of `{other}`"),
        }
    }
    all
}

/// The lines of the file's comment that are commands, without what fills the columns.
fn listed(file: &Shipped) -> Vec<String> {
    let lines = file.text().lines();
    let lines = lines.filter_map(|line| line.strip_prefix("#   curl "));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.map(|words| format!("curl {words} ")).collect()
}

#[test]
fn each_request_is_answered_and_logged_as_the_page_says() {
    let file = Shipped::read(FILE);
    let shown = shown(&Page::read(PAGE));
    let listed = listed(&file);
    let curls = curl::all(&file);
    assert_eq!(shown.len(), listed.len());
    assert_eq!(curls.len(), listed.len());
    let envoy = file.clone().any_ports().envoy().workers(2).start();
    let mut logged = 0;
    for ((shown, listed), curl) in shown.iter().zip(&listed).zip(&curls) {
        let typed = format!("{} ", shown.command);
        assert!(listed.starts_with(&typed), "{typed}is not {listed}");
        let response = curl.check(&file, &envoy);
        match curl.promise {
            Promise::Answer { .. } => {
                assert_answer(shown, &response);
                let line = line_of_log(&envoy, logged);
                logged += 1;
                let expected = shown.log.as_ref().expect("the log of a request");
                assert!(expected.is_in(&line), "{typed}: {line}");
            }
            Promise::Lines(_) => assert_lines(shown, &response.text()),
        }
    }
}

#[track_caller]
fn assert_answer(shown: &Shown, response: &Response) {
    let mut lines = shown.answer.iter();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    assert_eq!(status, Some(response.status.to_string().as_str()));
    for line in lines.by_ref().take_while(|line| *line != GAP) {
        let (name, value) = line.split_once(": ").expect("a header");
        let found = response.header(name);
        if value == GAP {
            assert!(found.is_some(), "{}: no {name}", shown.command);
        } else {
            assert_eq!(found, Some(value), "{}: {name}", shown.command);
        }
    }
    let body: Vec<&str> = lines.map(String::as_str).collect();
    assert_eq!(response.text().trim_end(), body.join("\n"));
}

#[track_caller]
fn assert_lines(shown: &Shown, page: &str) {
    let lines = shown.answer.iter().filter(|line| *line != GAP);
    for line in lines {
        assert!(page.lines().any(|found| found == line), "{line} in {page}");
    }
}

/// The line of the access log of the request with this number, from zero.
#[track_caller]
fn line_of_log(envoy: &Envoy, number: usize) -> String {
    let find = || {
        let log = envoy.log();
        let mut lines = log.lines().filter(|line| line.starts_with('{'));
        lines.nth(number).map(str::to_owned)
    };
    until(SOON, find).unwrap_or_else(|| panic!("no line {number} in {}", envoy.log()))
}

#[test]
fn the_command_of_the_page_takes_the_tokens_out_of_the_file() {
    let commands = Page::read(PAGE).commands();
    let take = commands.iter().find(|line| line.starts_with("eval "));
    let script = format!("{}; echo $ALICE; echo $BOB; echo $CAROL", take.unwrap());
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(repository())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let file = Shipped::read(FILE);
    let names = ["ALICE", "BOB", "CAROL"];
    assert_eq!(said.lines().count(), names.len(), "{said}");
    for (name, token) in names.into_iter().zip(said.lines()) {
        let line = format!("#   {name}={token}\n");
        assert!(
            !token.is_empty() && file.text().contains(&line),
            "{name}: {said}"
        );
    }
}

#[test]
fn the_page_has_every_file_of_the_folder() {
    let page = Page::read(PAGE);
    for file in Shipped::all("envoy-configs/local") {
        let name = file.path().rsplit('/').next().unwrap();
        let row = format!("| [{name}]({name}) | ");
        assert!(page.text().contains(&row), "{PAGE} has no row `{row}`");
    }
}
