//! A request as curl writes it: a command that works there works here.
//!
//! Source: curl's manual, and curl 8 where that leaves a question.

mod encoded;
mod ignored;
mod pasted;

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::ending::Failure;
use encoded::{credentials, query};
use ignored::Ignored;
pub(crate) use pasted::arguments;

/// What a request has beside its URL.
#[derive(Args)]
pub(crate) struct CurlOptions {
    /// The method
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = CURL)]
    method: Option<String>,
    /// A header; it may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", help_heading = CURL)]
    header: Vec<String>,
    /// A body
    #[arg(short, long, visible_aliases = ["data-raw", "data-binary", "data-ascii"], value_name = "DATA", help_heading = CURL)]
    data: Vec<String>,
    /// The same, escaped: `text`, `name=text`
    #[arg(long, value_name = "DATA", help_heading = CURL)]
    data_urlencode: Vec<String>,
    /// A body of JSON
    #[arg(long, value_name = "DATA", help_heading = CURL)]
    json: Option<String>,
    /// A part of a form
    #[arg(short = 'F', long, alias = "form-string", value_name = "NAME=VALUE", help_heading = CURL)]
    form: Vec<String>,
    /// A file to send
    #[arg(short = 'T', long, value_name = "FILE", help_heading = CURL)]
    upload_file: Option<String>,
    /// Ask for the headers alone
    #[arg(short = 'I', long, help_heading = CURL)]
    head: bool,
    /// Send the data in the query
    #[arg(short = 'G', long, help_heading = CURL)]
    get: bool,
    /// The URL, where it stands behind an option
    #[arg(long, value_name = "URL", help_heading = CURL)]
    url: Option<String>,
    /// What is added to the query, escaped as by `--data-urlencode`
    #[arg(long, value_name = "DATA", help_heading = CURL)]
    url_query: Vec<String>,
    /// A user and a password
    #[arg(short = 'u', long = "user", value_name = "USER:PASSWORD", help_heading = CURL)]
    user: Option<String>,
    /// A token, which is sent and verified
    #[arg(long = "oauth2-bearer", value_name = "TOKEN", help_heading = CURL)]
    bearer: Option<String>,
    /// Cookies
    #[arg(short = 'b', long = "cookie", value_name = "NAME=VALUE", help_heading = CURL)]
    cookie: Option<String>,
    /// Who asks
    #[arg(short = 'A', long = "user-agent", value_name = "NAME", help_heading = CURL)]
    agent: Option<String>,
    /// From where it comes
    #[arg(short = 'e', long, value_name = "URL", help_heading = CURL)]
    referer: Option<String>,
    /// Which bytes are asked for
    #[arg(short = 'r', long, value_name = "RANGE", help_heading = CURL)]
    range: Option<String>,
    #[command(flatten)]
    ignored: Ignored,
}

const CURL: &str = "As curl has them";

/// A request as curl sends it.
#[derive(Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) url: String,
    /// In order; curl's own `host`, `user-agent` and `accept` are not among them.
    pub(crate) headers: Vec<(String, String)>,
}

impl CurlOptions {
    /// The URL that stands behind `--url`.
    pub(crate) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The request for a URL, by a method that is named elsewhere or by the one that the options say.
    pub(crate) fn request(&self, method: Option<&str>, url: &str) -> Result<Sent, Failure> {
        let method = method.or(self.method.as_deref());
        let (url, user) = credentials(&self.with_query(url)?);
        Ok(Sent {
            method: method.unwrap_or_else(|| self.usual_method()).to_owned(),
            headers: self.headers(user.as_deref())?,
            url,
        })
    }

    /// Whether it is asked what is sent and what comes.
    pub(crate) fn is_verbose(&self) -> bool {
        self.ignored.is_verbose()
    }

    /// The body that is sent.
    pub(crate) fn body(&self) -> Result<Vec<u8>, Failure> {
        if !self.form.is_empty() {
            return Err(Failure::new(
                "a form in parts (`-F`) is not sent here; send its data by `-d`",
            ));
        }
        if let Some(file) = &self.upload_file {
            let path = Path::new(file);
            return fs::read(path).map_err(|error| Failure::at(path, error));
        }
        if let Some(json) = &self.json {
            return data(json);
        }
        let mut parts = Vec::new();
        if !self.get {
            for part in &self.data {
                parts.push(data(part)?);
            }
            for part in &self.data_urlencode {
                parts.push(query(part)?.into_bytes());
            }
        }
        Ok(parts.join(&b'&'))
    }

    /// What curl asks by where it is not told.
    fn usual_method(&self) -> &'static str {
        if self.head {
            "HEAD"
        } else if self.upload_file.is_some() {
            "PUT"
        } else if self.has_body() {
            "POST"
        } else {
            "GET"
        }
    }

    fn has_data(&self) -> bool {
        !(self.data.is_empty() && self.data_urlencode.is_empty())
    }

    fn has_body(&self) -> bool {
        self.has_data() && !self.get || self.json.is_some() || !self.form.is_empty()
    }

    fn with_query(&self, url: &str) -> Result<String, Failure> {
        let mut url = match url.contains("://") {
            true => url.to_owned(),
            false => ["http://", url].concat(),
        };
        let mut parts = Vec::new();
        if self.get {
            if self.data.iter().any(|data| data.starts_with('@')) {
                return Err(Failure::new(
                    "`-G` with data in a file is not read here; write the data itself",
                ));
            }
            parts.extend(self.data.iter().cloned());
            for data in &self.data_urlencode {
                parts.push(query(data)?);
            }
        }
        for data in &self.url_query {
            parts.push(match data.strip_prefix('+') {
                Some(plain) => plain.to_owned(),
                None => query(data)?,
            });
        }
        // A fragment stays behind it.
        let fragment = url.find('#').map(|at| url.split_off(at));
        for part in parts {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&part);
        }
        url.extend(fragment);
        Ok(url)
    }

    fn headers(&self, user: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        let mut headers = Vec::new();
        for header in &self.header {
            match header.strip_prefix('@') {
                None => headers.extend(one_header(header)?),
                Some(file) => {
                    let path = Path::new(file);
                    let text = fs::read_to_string(path);
                    let text = text.map_err(|error| Failure::at(path, error))?;
                    for line in text.lines().filter(|line| !line.trim().is_empty()) {
                        headers.extend(one_header(line)?);
                    }
                }
            }
        }
        let mut supply = |name: &str, value: String| {
            let there = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
            if !headers.iter().any(there) {
                headers.push((name.to_owned(), value));
            }
        };
        if self.json.is_some() {
            supply("content-type", "application/json".to_owned());
            supply("accept", "application/json".to_owned());
        } else if !self.form.is_empty() {
            supply("content-type", "multipart/form-data".to_owned());
        } else if self.has_body() {
            supply(
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            );
        }
        if let Some(token) = &self.bearer {
            supply("authorization", ["Bearer ", token].concat());
        }
        if let Some(user) = self.user.as_deref().or(user) {
            let colon = if user.contains(':') { "" } else { ":" };
            let user = STANDARD.encode([user, colon].concat());
            supply("authorization", ["Basic ", &user].concat());
        }
        if let Some(cookie) = &self.cookie {
            if !cookie.contains('=') {
                return Err(Failure::new(
                    "`-b` with a file of cookies is not read here; write them, as `-b 'name=value'`",
                ));
            }
            supply("cookie", cookie.clone());
        }
        let fields = [
            ("user-agent", self.agent.clone()),
            ("referer", self.referer.clone()),
            (
                "range",
                self.range.as_ref().map(|range| ["bytes=", range].concat()),
            ),
        ];
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                supply(name, value);
            }
        }
        Ok(headers)
    }
}

/// Data, or what is in a file: `@FILE`.
fn data(given: &str) -> Result<Vec<u8>, Failure> {
    match given.strip_prefix('@') {
        None => Ok(given.as_bytes().to_vec()),
        Some(file) => {
            let path = Path::new(file);
            fs::read(path).map_err(|error| Failure::at(path, error))
        }
    }
}

/// A header, unless it is one not to send: curl has `X-Empty;` for one without a value, and `X-None:` for that.
fn one_header(header: &str) -> Result<Option<(String, String)>, Failure> {
    if let Some(name) = header.strip_suffix(';').filter(|name| !name.contains(':')) {
        return Ok(Some((name.to_owned(), String::new())));
    }
    let Some((name, value)) = header.split_once(':') else {
        return Err(Failure::new("`-H` takes `name: value`"));
    };
    let value = value.trim();
    let there = !value.is_empty();
    Ok(there.then(|| (name.trim().to_owned(), value.to_owned())))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::CurlOptions;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        curl: CurlOptions,
    }

    #[test]
    fn a_body_is_what_curl_sends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data");
        std::fs::write(&file, "from a file").unwrap();
        let at = format!("@{}", file.display());
        for (words, expected) in [
            (&[][..], ""),
            (&["-d", "a=1", "--data-raw", "b"], "a=1&b"),
            (&["-d", "a", "--data-urlencode", "b=c d"], "a&b=c%20d"),
            (&["-d", &at], "from a file"),
            (&["--json", "{}"], "{}"),
            (&["-G", "-d", "a=1"], ""),
            (&["-T", file.to_str().unwrap()], "from a file"),
        ] {
            let words = ["x"].iter().chain(words);
            let body = Command::try_parse_from(words).unwrap().curl.body();
            assert_eq!(String::from_utf8(body.unwrap()).unwrap(), expected);
        }
        let wrong = |words: &[&str]| {
            let words = ["x"].iter().chain(words);
            Command::try_parse_from(words).unwrap().curl.body().is_err()
        };
        assert!(wrong(&["-F", "a=b"]));
        assert!(wrong(&["-d", "@/nowhere"]));
    }
}
