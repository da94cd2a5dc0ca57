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
use explain::{HeaderList, Line, Values};
use serde_json::Value;

use crate::ending::Failure;
use encoded::{credentials, query};
use ignored::Ignored;
pub(crate) use pasted::arguments;

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

impl Words {
    /// The request as a line.
    pub(super) fn line(&self) -> Result<Line, Failure> {
        let words = match self.words.split_first() {
            Some((first, rest)) if first == "curl" => rest,
            _ => &self.words,
        };
        let (method, url) = match (words, &self.url) {
            ([], Some(url)) | ([url], None) => (None, url),
            ([method, url], None) | ([method], Some(url)) if is_method(method) => {
                (Some(method.clone()), url)
            }
            ([], None) => {
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
        let method = method.or(self.method.clone());
        let (url, user) = credentials(&self.with_query(url)?);
        Ok(Line {
            method: Some(method.unwrap_or_else(|| self.usual_method().to_owned())),
            headers: HeaderList(self.headers(user.as_deref())?),
            url,
            peer: self.peer.as_deref().map(peer),
            claims: self.claims.as_deref().map(claims).transpose()?,
            jwt: self.jwt.as_deref().map(token).transpose()?,
            from_ip: self.from_ip.clone(),
            port: self.port,
            at: None,
            roll: None,
        })
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

    fn headers(&self, user: Option<&str>) -> Result<Vec<(String, Values)>, Failure> {
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
            let there = |(known, _): &(String, Values)| known.eq_ignore_ascii_case(name);
            if !headers.iter().any(there) {
                headers.push((name.to_owned(), Values::One(value)));
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

fn is_method(word: &str) -> bool {
    !word.contains(['/', '.', ':'])
}

/// A header, unless it is one not to send: curl has `X-Empty;` for one without a value, and `X-None:` for that.
fn one_header(header: &str) -> Result<Option<(String, Values)>, Failure> {
    if let Some(name) = header.strip_suffix(';').filter(|name| !name.contains(':')) {
        return Ok(Some((name.to_owned(), Values::One(String::new()))));
    }
    let Some((name, value)) = header.split_once(':') else {
        return Err(Failure::new("`-H` takes `name: value`"));
    };
    let value = value.trim();
    let there = !value.is_empty();
    Ok(there.then(|| (name.trim().to_owned(), Values::One(value.to_owned()))))
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
        // What was given is not quoted: it may be a token that we do not know as one.
        Err(error) => Err(Failure::new(format!(
            "`--jwt` takes the file that a token is in, and what it was given is none: {error}"
        ))),
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
mod tests;
