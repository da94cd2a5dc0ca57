//! The words of a request, and who sends it.

use std::fs;
use std::path::Path;

use clap::Args;
use explain::{HeaderList, Line, Values};
use serde_json::Value;

use crate::curl::CurlOptions;
use crate::ending::Failure;

/// A request as it stands on the command line.
#[derive(Args)]
pub(super) struct Words {
    /// `[METHOD] URL`, or a whole command that begins with `curl`
    #[arg(value_name = "REQUEST")]
    words: Vec<String>,
    #[command(flatten)]
    curl: CurlOptions,
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

impl Words {
    /// The request as a line.
    pub(super) fn line(&self) -> Result<Line, Failure> {
        let words = match self.words.split_first() {
            Some((first, rest)) if first == "curl" => rest,
            _ => &self.words,
        };
        let (method, url) = match (words, self.curl.url()) {
            ([], Some(url)) => (None, url),
            ([url], None) => (None, url.as_str()),
            ([method, url], None) if is_method(method) => (Some(method.as_str()), url.as_str()),
            ([method], Some(url)) if is_method(method) => (Some(method.as_str()), url),
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
        let sent = self.curl.request(method, url)?;
        let headers = sent.headers.into_iter();
        let headers = headers.map(|(name, value)| (name, Values::One(value)));
        Ok(Line {
            method: Some(sent.method),
            headers: HeaderList(headers.collect()),
            url: sent.url,
            peer: self.peer.as_deref().map(peer),
            claims: self.claims.as_deref().map(claims).transpose()?,
            jwt: self.jwt.as_deref().map(token).transpose()?,
            from_ip: self.from_ip.clone(),
            port: self.port,
            at: None,
            roll: None,
        })
    }
}

fn is_method(word: &str) -> bool {
    !word.contains(['/', '.', ':'])
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
