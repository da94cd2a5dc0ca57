//! The `curl` lines in the comment at the head of a file, and what it says comes of them:
//!
//! ```text
//! #   curl -i localhost:10000/path -H 'name: value'    200
//! #   curl -i localhost:10000/path                     200, and any words
//! #   curl -i localhost:10000/path                     503 the whole body
//! #   curl -i localhost:10000/path                     200 after 500 ms
//! #   curl -i https://localhost:10000/ --cacert ca.pem --cert me.pem -X DELETE    403 the whole body
//! #   curl -i -X POST localhost:10000/path             200
//! #   curl -i --interface 127.0.0.2 localhost:10000/   403
//! #   TOKEN=value
//! #   curl -i localhost:10000/path -H "name: $TOKEN"   200
//! #   curl -s localhost:9901/page | grep word
//! ```
//!
//! Files are in the folder that a line `cd folder` before them names, else at the root of the
//! repository.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use integration::client::{Client, Response};
use integration::demo::Shipped;
use integration::envoy::{Envoy, repository};
use integration::tls::{Issued, Tls};

/// A line of a comment.
#[derive(Debug, PartialEq)]
pub(crate) struct Curl {
    pub(crate) method: String,
    pub(crate) secure: bool,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// `--interface`: the client's address.
    pub(crate) interface: Option<IpAddr>,
    /// `--cacert` and `--cert`: files, from the root of the repository.
    pub(crate) authority: Option<String>,
    pub(crate) certificate: Option<String>,
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
    let mut folder = String::new();
    let mut variables = Vec::new();
    let mut curls = Vec::new();
    for line in comment.map(str::trim) {
        variables.extend(variable(line));
        if let Some(named) = line.strip_prefix("cd ") {
            folder = format!("{named}/");
        } else if let Some(line) = line.strip_prefix("curl ") {
            let curl = parse(&filled(line, &variables), &folder);
            curls.push(curl.unwrap_or_else(|| panic!("{}: curl {line}", file.path())));
        }
    }
    curls
}

/// A shell's assignment.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let upper = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase());
    (upper && !value.contains(' ')).then_some((name, value))
}

/// The line as a shell makes it of its variables, which it does between double quotes.
fn filled(line: &str, variables: &[(&str, &str)]) -> String {
    let mut parts: Vec<String> = line.split('"').map(str::to_owned).collect();
    for quoted in parts.iter_mut().skip(1).step_by(2) {
        for (name, value) in variables {
            *quoted = quoted.replace(&format!("${name}"), value);
        }
    }
    parts.join("\"")
}

/// The next word, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote);
        }
    }
    Some(text.split_once(' ').unwrap_or((text, "")))
}

fn parse(line: &str, folder: &str) -> Option<Curl> {
    let mut address = None;
    let mut flag = None;
    let mut method = "GET";
    let mut headers = Vec::new();
    let mut interface = None;
    let mut authority = None;
    let mut certificate = None;
    let mut rest = line;
    while let Some((option, more)) = word(rest) {
        rest = match option {
            "-i" | "-s" => {
                flag = Some(option);
                more
            }
            "-X" | "-H" | "--interface" | "--cacert" | "--cert" => {
                let (value, more) = word(more)?;
                match option {
                    "-X" => method = value,
                    "--interface" => interface = Some(value.parse().ok()?),
                    "--cacert" => authority = Some(format!("{folder}{value}")),
                    "--cert" => certificate = Some(format!("{folder}{value}")),
                    _ => {
                        let (name, value) = value.split_once(": ")?;
                        headers.push((name.to_owned(), value.to_owned()));
                    }
                }
                more
            }
            _ if option.starts_with('-') => return None,
            _ if address.is_none() => {
                address = Some(option);
                more
            }
            _ => break,
        };
    }
    let address = address?;
    let (secure, address) = match address.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, address.strip_prefix("http://").unwrap_or(address)),
    };
    let address = address.strip_prefix("localhost:")?;
    let (port, path) = address.split_at(address.find('/')?);
    let promise = match flag? {
        "-i" => answer(rest.trim())?,
        _ => {
            let words = rest.trim().strip_prefix("| grep ")?;
            Promise::Lines(words.split_whitespace().next()?.to_owned())
        }
    };
    Some(Curl {
        method: method.to_owned(),
        secure,
        port: port.parse().ok()?,
        path: path.to_owned(),
        headers,
        interface,
        authority,
        certificate,
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
    /// Does it, and compares: the answer.
    #[track_caller]
    pub(crate) fn check(&self, file: &Shipped, envoy: &Envoy) -> Response {
        let mut client = Client::http1(file.addr(envoy, self.port));
        if self.secure {
            client = client.tls(self.tls());
        }
        if let Some(address) = self.interface {
            client = client.from(address);
        }
        let mut call = client.method(&self.method, &self.path);
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
        response
    }
}

impl Curl {
    fn tls(&self) -> Tls {
        let read = |file: &String| {
            let path = repository().join(file);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let authority = self.authority.as_ref().expect("a `--cacert` for https");
        let tls = Tls::trusting(read(authority));
        match &self.certificate {
            None => tls,
            // curl takes the certificate and its key from one file.
            Some(file) => tls.showing(&Issued {
                certificate: read(file),
                key: read(file),
            }),
        }
    }
}

#[test]
fn lines_are_read_as_they_are_meant() {
    let read = |line: &str| parse(line, "certs/").unwrap();
    let line = "-i localhost:10000/a -H 'x: 1: 2' -H 'y: 3'    200 after 500 ms, they say";
    let expected = Curl {
        method: "GET".to_owned(),
        secure: false,
        port: 10000,
        path: "/a".to_owned(),
        headers: vec![
            ("x".to_owned(), "1: 2".to_owned()),
            ("y".to_owned(), "3".to_owned()),
        ],
        interface: None,
        authority: None,
        certificate: None,
        promise: Promise::Answer {
            status: 200,
            body: None,
            after: Duration::from_millis(500),
        },
    };
    assert_eq!(read(line), expected);
    let line =
        "-i https://localhost:1/ --cacert ca.pem --cert me.pem -X DELETE -H 'a: b'  403 the body";
    let secure = read(line);
    assert!(secure.secure && secure.method == "DELETE" && secure.headers.len() == 1);
    assert_eq!(secure.authority.as_deref(), Some("certs/ca.pem"));
    assert_eq!(secure.certificate.as_deref(), Some("certs/me.pem"));
    assert_eq!(read("-i -X PUT localhost:1/ 200").method, "PUT");
    let elsewhere = read("-i --interface 127.0.0.2 localhost:1/ 200").interface;
    assert_eq!(elsewhere, Some([127, 0, 0, 2].into()));
    let variables = [("A", "x y"), ("B", "z")];
    let line = filled("-i localhost:1/ -H \"a: $A$B\" -H 'b: $B' 200", &variables);
    assert_eq!(line, "-i localhost:1/ -H \"a: x yz\" -H 'b: $B' 200");
    assert_eq!(read(&line).headers[1].1, "$B");
    assert_eq!(variable("TOKEN=a.b=="), Some(("TOKEN", "a.b==")));
    assert_eq!(variable("curl a=b"), None);
    let body = |line: &str| match read(line).promise {
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
        "-i https://localhost:1/ --insecure 200",
        "-i --interface eth0 localhost:1/ 200",
    ] {
        assert_eq!(parse(unreadable, ""), None, "{unreadable}");
    }
}
