//! Where a rule's tokens are, and how they are taken from there, as Envoy does it.

mod told;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use sdk_helpers::Request;
use sdk_helpers::text::{percent_decoded, split, split_once};
use smallvec::SmallVec;

use crate::cache::CachedToken;

/// The header that Envoy keeps as one value.
const AUTHORIZATION: &str = "authorization";

/// The places of one rule, in the order they are looked at: headers, parameters, cookies, each in
/// the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    headers: Vec<HeaderLocation>,
    params: Vec<String>,
    cookies: Vec<String>,
}

/// A header, and what stands before the token in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLocation {
    /// In lower case.
    pub name: Cow<'static, str>,
    /// Looked for anywhere in the value, in its own case; may be empty.
    pub prefix: String,
}

/// A token and where it was.
#[derive(Debug)]
pub struct Found<'a> {
    /// As it stands there; nothing about it has been checked.
    pub token: Cow<'a, [u8]>,
    /// Where it was.
    pub place: TokenPlace<'a>,
    /// What the cache has of it, once it was asked.
    pub known: OnceCell<Option<Rc<CachedToken>>>,
}

impl<'a> Found<'a> {
    fn new(token: Cow<'a, [u8]>, place: TokenPlace<'a>) -> Self {
        Found {
            token,
            place,
            known: OnceCell::new(),
        }
    }
}

/// Where a token was, as far as removing it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPlace<'a> {
    /// In a header of this name.
    Header(&'a Cow<'static, str>),
    /// In a parameter of this name.
    Param(&'a str),
    /// In a cookie, where Envoy leaves it.
    Cookie,
}

impl Locations {
    /// The places that a rule names; where it names none, the `Bearer` token of `Authorization` and
    /// the parameter `access_token`.
    pub fn new(headers: Vec<HeaderLocation>, params: Vec<String>, cookies: Vec<String>) -> Self {
        if headers.is_empty() && params.is_empty() && cookies.is_empty() {
            return Locations {
                headers: vec![HeaderLocation {
                    name: AUTHORIZATION.into(),
                    prefix: "Bearer ".to_owned(),
                }],
                params: vec!["access_token".to_owned()],
                cookies: vec![],
            };
        }
        // As Envoy's map of them has it: by name and prefix in one.
        let together = |header: &HeaderLocation| format!("{}{}", header.name, header.prefix);
        Locations {
            headers: ordered(headers, together),
            params: ordered(params, String::clone),
            cookies: ordered(cookies, String::clone),
        }
    }

    /// Without a header that is taken away before anybody looks at it.
    pub(crate) fn without_header(mut self, gone: impl Fn(&str) -> bool) -> Self {
        self.headers.retain(|header| !gone(&header.name));
        self
    }

    /// Every token of a request, in order.
    pub fn tokens<'a>(&'a self, request: &'a Request) -> SmallVec<[Found<'a>; 1]> {
        let mut found = SmallVec::new();
        for location in &self.headers {
            let name = &location.name;
            let mut add = |value: Cow<'a, [u8]>| {
                if let Some(token) = after_prefix(value, location.prefix.as_bytes()) {
                    found.push(Found::new(token, TokenPlace::Header(name)));
                }
            };
            // The map is there already: whether it is a preflight was asked of it.
            let values = request.headers().values(name);
            if name == AUTHORIZATION {
                if let Some(value) = joined(values) {
                    add(value);
                }
            } else {
                values.map(Cow::Borrowed).for_each(add);
            }
        }
        if !self.params.is_empty() {
            self.params_of(request.path_and_query(), &mut found);
        }
        if !self.cookies.is_empty() {
            self.cookies_of(request, &mut found);
        }
        found
    }

    fn params_of<'a>(&'a self, path: &'a [u8], found: &mut SmallVec<[Found<'a>; 1]>) {
        let Some((_, query)) = split_once(path, b'?') else {
            return;
        };
        for name in &self.params {
            let value = pairs(query)
                .find(|pair| percent_decoded(name_of(pair)) == name.as_bytes())
                .map(|pair| split_once(pair, b'=').map_or(&[][..], |(_, value)| value));
            if let Some(value) = value {
                found.push(Found::new(percent_decoded(value), TokenPlace::Param(name)));
            }
        }
    }

    fn cookies_of<'a>(&'a self, request: &'a Request, found: &mut SmallVec<[Found<'a>; 1]>) {
        for name in &self.cookies {
            let value = request
                .values("cookie")
                .flat_map(|header| split(header, b';'))
                .filter_map(|pair| split_once(pair, b'='))
                .find(|(key, _)| trim_spaces(key) == name.as_bytes())
                .map(|(_, value)| unquoted(value));
            if let Some(value) = value {
                found.push(Found::new(Cow::Borrowed(value), TokenPlace::Cookie));
            }
        }
    }
}

/// In the order of their keys, each once. By insertion: these lists are short, and a sort is long.
fn ordered<T>(list: Vec<T>, key: impl Fn(&T) -> String) -> Vec<T> {
    let mut ordered: Vec<T> = Vec::with_capacity(list.len());
    for item in list {
        let own = key(&item);
        let place = ordered.partition_point(|other| key(other) < own);
        if ordered.get(place).is_none_or(|other| key(other) != own) {
            ordered.insert(place, item);
        }
    }
    ordered
}

/// A path without every parameter of these names; each other byte stays as it is.
pub fn without_params(path: &[u8], names: &[&str]) -> Vec<u8> {
    let Some((before, query)) = split_once(path, b'?') else {
        return path.to_vec();
    };
    let mut rest = before.to_vec();
    let mut between = b'?';
    for pair in pairs(query) {
        let name = percent_decoded(name_of(pair));
        if !names.iter().any(|gone| name == gone.as_bytes()) {
            rest.push(between);
            rest.extend_from_slice(pair);
            between = b'&';
        }
    }
    rest
}

/// Envoy keeps a repeated `authorization` as one value.
fn joined<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let first = values.next()?;
    let Some(second) = values.next() else {
        return Some(Cow::Borrowed(first));
    };
    let mut whole = [first, second].join(&b',');
    for value in values {
        whole.push(b',');
        whole.extend_from_slice(value);
    }
    Some(Cow::Owned(whole))
}

/// What follows the prefix, from the first byte a token may begin with; the whole value where there
/// is none. `None` where the prefix is not there: no token at all.
fn after_prefix<'a>(value: Cow<'a, [u8]>, prefix: &[u8]) -> Option<Cow<'a, [u8]>> {
    if prefix.is_empty() {
        return Some(value);
    }
    let at = match value.starts_with(prefix) {
        true => 0,
        false => value
            .windows(prefix.len())
            .position(|window| window == prefix)?,
    };
    let end = at.saturating_add(prefix.len());
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let skipped = value.get(end..).unwrap_or_default().iter().position(legal);
    let from = skipped.map_or(0, |skipped| end.saturating_add(skipped));
    Some(match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(from..).unwrap_or_default()),
        Cow::Owned(mut value) => {
            value.drain(..from);
            Cow::Owned(value)
        }
    })
}

fn pairs(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(query, b'&')
}

fn name_of(pair: &[u8]) -> &[u8] {
    split_once(pair, b'=').map_or(pair, |(name, _)| name)
}

fn trim_spaces(name: &[u8]) -> &[u8] {
    let spaces = name.iter().take_while(|byte| **byte == b' ').count();
    name.get(spaces..).unwrap_or_default()
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests;
