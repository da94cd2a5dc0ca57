//! The `curl` lines in the comment at the head of a file, and what it says comes of them:
//!
//! ```text
//! #   curl -i localhost:10000/path -H 'name: value'    200
//! #   curl -i localhost:10000/path                     200, and any words
//! #   curl -i localhost:10000/path                     503 the whole body
//! #   curl -i localhost:10000/path                     200 after 500 ms
//! #   curl -s localhost:9901/page | grep word
//! ```

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::Envoy;

/// A line of a comment.
#[derive(Debug, PartialEq)]
pub(crate) struct Curl {
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) promise: Promise,
}

/// What the comment says.
#[derive(Debug, PartialEq)]
pub(crate) enum Promise {
    Answer {
        status: u16,
        body: Option<String>,
        after: Duration,
    },
    /// Lines that contain this.
    Lines(String),
}

/// All lines that begin with `curl`, which must be all that mention it.
pub(crate) fn all(file: &Shipped) -> Vec<Curl> {
    let comment = file.text().lines().map_while(|line| line.strip_prefix('#'));
    let lines = comment.filter_map(|line| line.trim().strip_prefix("curl "));
    lines
        .map(|line| parse(line).unwrap_or_else(|| panic!("{}: curl {line}", file.path())))
        .collect()
}

fn parse(line: &str) -> Option<Curl> {
    let (flag, rest) = line.split_once(" localhost:")?;
    let (address, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let slash = address.find('/')?;
    let (port, path) = address.split_at(slash);
    let mut headers = Vec::new();
    while let Some(header) = rest.trim_start().strip_prefix("-H '") {
        let (header, more) = header.split_once('\'')?;
        let (name, value) = header.split_once(": ")?;
        headers.push((name.to_owned(), value.to_owned()));
        rest = more;
    }
    let promise = match flag {
        "-i" => answer(rest.trim())?,
        "-s" => Promise::Lines(rest.trim().strip_prefix("| grep ")?.to_owned()),
        _ => return None,
    };
    Some(Curl {
        port: port.parse().ok()?,
        path: path.to_owned(),
        headers,
        promise,
    })
}

fn answer(text: &str) -> Option<Promise> {
    let (text, _words) = text.split_once(',').unwrap_or((text, ""));
    let (status, text) = text.split_once(' ').unwrap_or((text, ""));
    let (body, after) = match text.strip_prefix("after ") {
        Some(time) => (
            None,
            sdk_helpers::config::duration(&time.replace(' ', "")).ok()?,
        ),
        None => (
            Some(text.to_owned()).filter(|text| !text.is_empty()),
            Duration::ZERO,
        ),
    };
    Some(Promise::Answer {
        status: status.parse().ok()?,
        body,
        after,
    })
}

impl Curl {
    /// Does it, and compares.
    #[track_caller]
    pub(crate) fn check(&self, file: &Shipped, envoy: &Envoy) {
        let client = Client::http1(file.addr(envoy, self.port));
        let mut call = client.get(&self.path);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        let response = call.send();
        match &self.promise {
            Promise::Answer {
                status,
                body,
                after,
            } => {
                assert_eq!(response.status, *status, "{self:?}");
                assert!(
                    response.elapsed >= *after,
                    "{self:?}: {:?}",
                    response.elapsed
                );
                if let Some(body) = body {
                    assert_eq!(response.text(), *body, "{self:?}");
                }
            }
            Promise::Lines(word) => assert!(response.text().contains(word), "{self:?}"),
        }
    }
}

#[test]
fn lines_are_read_as_they_are_meant() {
    let read = |line| parse(line).unwrap();
    let line = "-i localhost:10000/a -H 'x: 1: 2' -H 'y: 3'    200 after 500 ms, they say";
    let expected = Curl {
        port: 10000,
        path: "/a".to_owned(),
        headers: vec![
            ("x".to_owned(), "1: 2".to_owned()),
            ("y".to_owned(), "3".to_owned()),
        ],
        promise: Promise::Answer {
            status: 200,
            body: None,
            after: Duration::from_millis(500),
        },
    };
    assert_eq!(read(line), expected);
    let body = |line| match read(line).promise {
        Promise::Answer { status, body, .. } => (status, body),
        Promise::Lines(_) => panic!("{line}"),
    };
    assert_eq!(
        body("-i localhost:1/ 503 the body"),
        (503, Some("the body".to_owned()))
    );
    assert_eq!(body("-i localhost:1/ 200, words"), (200, None));
    let lines = read("-s localhost:9901/stats | grep some").promise;
    assert_eq!(lines, Promise::Lines("some".to_owned()));
    for unreadable in [
        "-i localhost:1/",
        "-i localhost:1/ passes",
        "-v localhost:1/ 200",
        "-i localhost/ 200",
        "-s localhost:1/stats",
    ] {
        assert_eq!(parse(unreadable), None, "{unreadable}");
    }
}
