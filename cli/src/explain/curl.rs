//! A request as curl writes it: a command that works there works here.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use explain::{HeaderList, Line, Values};
use serde_json::Value;

use crate::ending::Failure;

/// The words of a request.
#[derive(Args)]
pub(super) struct Words {
    /// `[METHOD] URL`, or a whole command that begins with `curl`
    #[arg(value_name = "REQUEST")]
    words: Vec<String>,
    /// The method
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = CURL)]
    method: Option<String>,
    /// A header; it may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", help_heading = CURL)]
    header: Vec<String>,
    /// A body: what is told of it is that there is one
    #[arg(short, long, visible_aliases = ["data-raw", "data-binary", "data-ascii", "data-urlencode"], value_name = "DATA", help_heading = CURL)]
    data: Vec<String>,
    /// A body of JSON
    #[arg(long, value_name = "DATA", help_heading = CURL)]
    json: Option<String>,
    /// Ask for the headers alone
    #[arg(short = 'I', long, help_heading = CURL)]
    head: bool,
    /// Send the data in the query
    #[arg(short = 'G', long, help_heading = CURL)]
    get: bool,
    /// A user and a password
    #[arg(short = 'u', long = "user", value_name = "USER:PASSWORD", help_heading = CURL)]
    user: Option<String>,
    /// Cookies
    #[arg(short = 'b', long = "cookie", value_name = "NAME=VALUE", help_heading = CURL)]
    cookie: Option<String>,
    /// Who asks
    #[arg(short = 'A', long = "user-agent", value_name = "NAME", help_heading = CURL)]
    agent: Option<String>,
    #[command(flatten)]
    ignored: Ignored,
    /// The identity of the client's certificate, a SPIFFE URI; without it the request comes in plaintext
    #[arg(long, value_name = "URI")]
    peer: Option<String>,
    /// A token, to be verified: the file that it is in
    #[arg(long, value_name = "FILE", conflicts_with = "claims")]
    jwt: Option<String>,
    /// Claims that count as verified: JSON, or the file that it is in
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// The address of the client
    #[arg(long, value_name = "ADDRESS")]
    from_ip: Option<String>,
    /// The port that the request comes to, in place of the URL's
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

const CURL: &str = "As curl has them";

/// What changes nothing in what is sent.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "curl's own options")]
struct Ignored {
    #[arg(short = 'k', long, hide = true)]
    insecure: bool,
    #[arg(short = 's', long, hide = true)]
    silent: bool,
    #[arg(short = 'S', long, hide = true)]
    show_error: bool,
    #[arg(short = 'L', long, hide = true)]
    location: bool,
    #[arg(short = 'v', long, hide = true)]
    verbose: bool,
    #[arg(short = 'i', long, hide = true)]
    include: bool,
    #[arg(long, hide = true)]
    compressed: bool,
    #[arg(long, hide = true)]
    path_as_is: bool,
    #[arg(long = "http1.1", hide = true)]
    http1: bool,
    #[arg(long, hide = true)]
    http2: bool,
}

impl Words {
    /// The request as a line.
    pub(super) fn line(&self) -> Result<Line, Failure> {
        let words = match self.words.split_first() {
            Some((first, rest)) if first == "curl" => rest,
            _ => &self.words,
        };
        let (method, url) = match words {
            [url] => (None, url),
            [method, url] if !method.contains(['/', '.', ':']) => (Some(method.clone()), url),
            [] => {
                return Err(Failure::new(
                    "no request is given; write `[METHOD] URL` as curl does, or `--requests FILE`",
                ));
            }
            _ => {
                return Err(Failure::new(
                    "more than one request is given; write `[METHOD] URL`, and many requests to a file for `--requests`",
                ));
            }
        };
        let has_data = !self.data.is_empty() || self.json.is_some();
        let method = method.or(self.method.clone()).unwrap_or_else(|| {
            match (self.head, has_data && !self.get) {
                (true, _) => "HEAD",
                (false, true) => "POST",
                (false, false) => "GET",
            }
            .to_owned()
        });
        Ok(Line {
            method: Some(method),
            url: self.url(url),
            headers: HeaderList(self.headers()?),
            peer: self.peer.as_deref().map(peer),
            claims: self.claims.as_deref().map(claims).transpose()?,
            jwt: self.jwt.as_deref().map(token).transpose()?,
            from_ip: self.from_ip.clone(),
            port: self.port,
            at: None,
            roll: None,
        })
    }

    fn url(&self, url: &str) -> String {
        let mut url = match url.contains("://") {
            true => url.to_owned(),
            false => ["http://", url].concat(),
        };
        if self.get {
            for data in &self.data {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(data);
            }
        }
        url
    }

    fn headers(&self) -> Result<Vec<(String, Values)>, Failure> {
        let mut headers = Vec::new();
        for header in &self.header {
            // Curl has `X-Empty;` for one without a value, and `X-None:` for one not to send.
            if let Some(name) = header.strip_suffix(';').filter(|name| !name.contains(':')) {
                headers.push((name.to_owned(), Values::One(String::new())));
                continue;
            }
            let Some((name, value)) = header.split_once(':') else {
                return Err(Failure::new("`-H` takes `name: value`"));
            };
            if !value.trim().is_empty() {
                headers.push((name.trim().to_owned(), Values::One(value.trim().to_owned())));
            }
        }
        let mut supply = |name: &str, value: String| {
            let there = |(known, _): &(String, Values)| known.eq_ignore_ascii_case(name);
            if !headers.iter().any(there) {
                headers.push((name.to_owned(), Values::One(value)));
            }
        };
        if self.json.is_some() {
            supply("content-type", "application/json".to_owned());
            supply("accept", "application/json".to_owned());
        } else if !self.data.is_empty() && !self.get {
            supply(
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            );
        }
        if let Some(user) = &self.user {
            supply("authorization", ["Basic ", &STANDARD.encode(user)].concat());
        }
        if let Some(cookie) = &self.cookie {
            supply("cookie", cookie.clone());
        }
        if let Some(agent) = &self.agent {
            supply("user-agent", agent.clone());
        }
        Ok(headers)
    }
}

/// A policy names a principal without `spiffe://`, and a certificate with it.
fn peer(given: &str) -> String {
    match given.contains("://") {
        true => given.to_owned(),
        false => ["spiffe://", given].concat(),
    }
}

/// The token in a file, or the token itself.
fn token(given: &str) -> Result<String, Failure> {
    let path = Path::new(given);
    let is_token = given.matches('.').count() == 2 && given.starts_with("eyJ");
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) if is_token => Ok(given.to_owned()),
        Err(error) => Err(Failure::at(path, error)),
    }
}

fn claims(given: &str) -> Result<Value, Failure> {
    let text = match given.trim_start().starts_with('{') {
        true => given.to_owned(),
        false => {
            let path = Path::new(given);
            fs::read_to_string(path).map_err(|error| Failure::at(path, error))?
        }
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!(
            "`--claims` is no JSON, at line {}, character {}",
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        words: Words,
    }

    fn line(words: &[&str]) -> Line {
        let words = ["x"].iter().chain(words);
        Command::try_parse_from(words)
            .unwrap()
            .words
            .line()
            .unwrap()
    }

    #[test]
    fn a_pasted_command_is_what_curl_sends() {
        for (words, method, url, headers) in [
            (&["http://a/"][..], "GET", "http://a/", &[][..]),
            (&["DELETE", "a/b"], "DELETE", "http://a/b", &[]),
            (
                &["curl", "-sSkL", "--compressed", "https://a/../b", "-I"],
                "HEAD",
                "https://a/../b",
                &[],
            ),
            (
                &[
                    "curl",
                    "-X",
                    "PUT",
                    "http://a/",
                    "-d",
                    "x=1",
                    "-H",
                    "X-A:  b ",
                    "-H",
                    "x-none:",
                    "-H",
                    "x-empty;",
                ],
                "PUT",
                "http://a/",
                &[
                    ("X-A", "b"),
                    ("x-empty", ""),
                    ("content-type", "application/x-www-form-urlencoded"),
                ],
            ),
            (
                &[
                    "curl",
                    "--data-raw",
                    "x",
                    "-H",
                    "Content-Type: a/b",
                    "http://a/",
                ],
                "POST",
                "http://a/",
                &[("Content-Type", "a/b")],
            ),
            (
                &["--json", "{}", "http://a/"],
                "POST",
                "http://a/",
                &[
                    ("content-type", "application/json"),
                    ("accept", "application/json"),
                ],
            ),
            (
                &["-G", "-d", "a=1", "-d", "b=2", "http://a/?c"],
                "GET",
                "http://a/?c&a=1&b=2",
                &[],
            ),
            (
                &["-u", "user:pass", "-b", "a=1", "-A", "me", "http://a/"],
                "GET",
                "http://a/",
                &[
                    ("authorization", "Basic dXNlcjpwYXNz"),
                    ("cookie", "a=1"),
                    ("user-agent", "me"),
                ],
            ),
        ] {
            let seen = line(words);
            let owned = |(name, value): &(&str, &str)| {
                ((*name).to_owned(), Values::One((*value).to_owned()))
            };
            let headers: Vec<_> = headers.iter().map(owned).collect();
            assert_eq!(
                (seen.method.as_deref(), seen.url.as_str()),
                (Some(method), url),
                "{words:?}"
            );
            assert_eq!(seen.headers.0, headers, "{words:?}");
        }
    }

    #[test]
    fn who_sends_it_is_said_beside() {
        let seen = line(&[
            "http://a/",
            "--peer",
            "cluster.local/ns/a/sa/b",
            "--claims",
            "{\"sub\": \"c\"}",
            "--from-ip",
            "::1",
            "--port",
            "81",
        ]);
        assert_eq!(
            seen.peer.as_deref(),
            Some("spiffe://cluster.local/ns/a/sa/b")
        );
        assert_eq!(seen.claims, Some(serde_json::json!({"sub": "c"})));
        assert_eq!(
            (seen.from_ip.as_deref(), seen.port),
            (Some("::1"), Some(81))
        );
    }
}
