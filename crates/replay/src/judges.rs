//! What becomes of an entry of a log under policies, as far as the entry says enough.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use explain::{Arrived, Closest, Judge, Outcome};
use sdk_helpers::claims::Claims;

use crate::entry::{Claimed, Entry, Value};
use crate::field::Field;
use crate::policies::{Assumption, Policies};

/// What is decided of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// This, and why; no reason where no policy speaks of the request.
    Known(Outcome, String),
    /// It depends on what the log does not say: places in [`Policies::needs`].
    Unknown(Vec<usize>),
}

/// Policies, and those with assumptions about what entries do not say.
pub(crate) struct Judges<'p> {
    policies: &'p Policies,
    whole: Judge,
    /// By what is missing: the most permissive, and the most restrictive.
    assumed: HashMap<Vec<usize>, Option<(Judge, Judge)>>,
}

/// A log has one format, or a few; beyond so many nothing is assumed, and nothing known.
const MOST_FORMATS: usize = 64;

impl<'p> Judges<'p> {
    pub(crate) fn new(policies: &'p Policies) -> Result<Self, String> {
        Ok(Judges {
            policies,
            whole: policies.judge(None)?,
            assumed: HashMap::new(),
        })
    }

    /// What is decided of a request.
    pub(crate) fn verdict(&mut self, met: &Met<'_>) -> Verdict {
        self.decide(met, false).0
    }

    /// The rule that came closest to allowing a request that is refused.
    pub(crate) fn closest(&mut self, met: &Met<'_>) -> Option<Closest> {
        self.decide(met, true).1
    }

    /// A path as it may be shown.
    pub(crate) fn shown(&self, path: &str) -> String {
        self.whole.shown_path(path)
    }

    fn decide(&mut self, met: &Met<'_>, wants_closest: bool) -> (Verdict, Option<Closest>) {
        let needs = self.policies.needs().iter().enumerate();
        let missing = needs.filter(|(_, need)| !met.has(&need.field));
        let missing: Vec<usize> = missing.map(|(place, _)| place).collect();
        let headers = met.headers();
        let arrived = met.arrived(&headers);
        if missing.is_empty() {
            return match self.whole.judge(&arrived, wants_closest) {
                Ok(judged) => (
                    Verdict::Known(judged.outcome, judged.reason),
                    judged.closest,
                ),
                Err(_) => (Verdict::Unknown(missing), None),
            };
        }
        let Some((permissive, restrictive)) = self.assuming(&missing) else {
            return (Verdict::Unknown(missing), None);
        };
        let most = permissive.judge(&arrived, wants_closest);
        let least = restrictive.judge(&arrived, false);
        match (most, least) {
            // Whatever is missing, these reasons are true.
            (Ok(most), Ok(_)) if most.outcome != Outcome::Allow => {
                (Verdict::Known(most.outcome, most.reason), most.closest)
            }
            (Ok(_), Ok(least)) if least.outcome == Outcome::Allow => {
                (Verdict::Known(least.outcome, least.reason), None)
            }
            _ => (Verdict::Unknown(missing), None),
        }
    }

    fn assuming(&mut self, missing: &[usize]) -> Option<&mut (Judge, Judge)> {
        if !self.assumed.contains_key(missing) {
            if self.assumed.len() >= MOST_FORMATS {
                return None;
            }
            let needs = self.policies.needs();
            let fields = missing.iter().filter_map(|place| needs.get(*place));
            let fields: Vec<Field> = fields.map(|need| need.field.clone()).collect();
            let judge = |permissive: bool| {
                let assumption = Assumption {
                    missing: &fields,
                    permissive,
                };
                self.policies.judge(Some(&assumption)).ok()
            };
            let both = judge(true).zip(judge(false));
            self.assumed.insert(missing.to_vec(), both);
        }
        self.assumed.get_mut(missing)?.as_mut()
    }
}

/// What an entry says of a request, as far as policies ask.
pub(crate) struct Met<'e> {
    entry: &'e Entry<'e>,
    names: &'e [String],
    direct: Option<IpAddr>,
    client: Option<IpAddr>,
    local: Option<SocketAddr>,
    local_text: String,
    claims: Option<Rc<Claims>>,
}

impl<'e> Met<'e> {
    /// Takes what is asked for: `names` are the headers among it.
    pub(crate) fn new(entry: &'e Entry<'e>, asked: &'e Asked) -> Self {
        let address = |asks: bool, value: &Value<'_>| {
            let text = value.text().filter(|_| asks)?;
            let ip = text
                .parse::<SocketAddr>()
                .map(|address| address.ip())
                .or_else(|_| text.parse::<IpAddr>());
            ip.ok()
        };
        let direct = address(asked.direct, &entry.direct);
        let client = address(asked.client, &entry.client);
        let local = entry.local.text().filter(|_| asked.local);
        let local: Option<SocketAddr> = local.and_then(|text| text.parse().ok());
        let claims = match &entry.claims {
            Claimed::Claims(claims) if asked.claims => Some(Rc::new(Claims::new(claims.clone()))),
            _ => None,
        };
        Met {
            entry,
            names: &asked.headers,
            direct,
            client,
            local_text: local.map_or_else(String::new, |local| local.to_string()),
            local,
            claims,
        }
    }

    /// Whether it is known.
    fn has(&self, field: &Field) -> bool {
        let entry = self.entry;
        match field {
            Field::Method => entry.method.text().is_some(),
            Field::Path => entry.path.text().is_some(),
            Field::Authority => entry.authority.text().is_some(),
            Field::Peer => !entry.peer.is_absent(),
            Field::Client => self.client.is_some(),
            Field::Direct => self.direct.is_some(),
            Field::Local => self.local.is_some(),
            Field::ServerName => !entry.server_name.is_absent(),
            Field::Header(name) => !entry.header(name).is_absent(),
            Field::Claims => entry.claims != Claimed::Absent,
            Field::Provider(_) | Field::Metadata(_) => false,
        }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let names = self.names.iter();
        let there = names.filter_map(|name| Some((name.as_str(), self.entry.header(name).text()?)));
        there.collect()
    }

    fn arrived<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> Arrived<'a> {
        let entry = self.entry;
        Arrived {
            method: entry.method.text().unwrap_or_default(),
            authority: entry.authority.text().unwrap_or_default(),
            path: entry.path.text().unwrap_or_default(),
            headers,
            peer: entry.peer.text(),
            claims: self.claims.clone(),
            direct: self.direct,
            client: self.client,
            local: &self.local_text,
            // Where it is not known, no condition on it is left but those of assumptions.
            port: self.local.map_or(80, |local| local.port()),
            server_name: entry.server_name.text(),
        }
    }
}

/// What several sets of policies ask for together.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    path: bool,
    /// With its query.
    whole_path: bool,
    method: bool,
    authority: bool,
    peer: bool,
    direct: bool,
    client: bool,
    local: bool,
    server_name: bool,
    claims: bool,
    headers: Vec<String>,
}

impl Asked {
    pub(crate) fn of<'p>(policies: impl Iterator<Item = &'p Policies>) -> Self {
        let mut asked = Asked::default();
        for need in policies.flat_map(Policies::needs) {
            match &need.field {
                Field::Method => asked.method = true,
                Field::Path => asked.path = true,
                Field::Authority => asked.authority = true,
                Field::Peer => asked.peer = true,
                Field::Client => asked.client = true,
                Field::Direct => asked.direct = true,
                Field::Local => asked.local = true,
                Field::ServerName => asked.server_name = true,
                Field::Claims => asked.claims = true,
                // It stands in every request, at its own place.
                Field::Header(name) if name == ":path" => {
                    asked.path = true;
                    asked.whole_path = true;
                }
                Field::Header(name) => {
                    if !asked.headers.contains(name) {
                        asked.headers.push(name.clone());
                    }
                }
                Field::Provider(_) | Field::Metadata(_) => {}
            }
        }
        asked
    }

    /// All that decides what becomes of an entry, so that one with the same is decided alike: every field that is
    /// asked for, with its length. False where that is too much to remember.
    pub(crate) fn key(&self, entry: &Entry<'_>, key: &mut Vec<u8>) -> bool {
        key.clear();
        // Claims are seldom the same twice.
        if self.claims && matches!(entry.claims, Claimed::Claims(_)) {
            return false;
        }
        key.push(u8::from(entry.claims == Claimed::Absent));
        let path = match self.whole_path {
            true => whole,
            false => without_query,
        };
        let fields: [(bool, &Value<'_>, Part); 8] = [
            (self.method, &entry.method, whole),
            (self.path, &entry.path, path),
            (self.authority, &entry.authority, whole),
            (self.peer, &entry.peer, whole),
            (self.direct, &entry.direct, without_port),
            (self.client, &entry.client, without_port),
            (self.local, &entry.local, whole),
            (self.server_name, &entry.server_name, whole),
        ];
        let asked = fields.iter().filter(|(asked, ..)| *asked);
        let asked = asked.map(|(_, value, part)| (*value, *part));
        let headers = self.headers.iter().map(|name| entry.header(name));
        let headers = headers.map(|value| (value, whole as Part));
        for (value, part) in asked.chain(headers) {
            let (tag, text) = match value {
                Value::Absent => (0, ""),
                Value::Nothing => (1, ""),
                Value::Text(text) => (2, part(text)),
            };
            key.push(tag);
            key.extend_from_slice(&text.len().to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        key.len() <= LONGEST_KEY
    }
}

const LONGEST_KEY: usize = 1 << 10;

/// What of a field decides.
type Part = fn(&str) -> &str;

fn whole(text: &str) -> &str {
    text
}

/// What `paths` look at.
fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// An address without its port, which a client has another of at each connection: where it surely is one, and so
/// that it is read as the same address with a port and without.
fn without_port(address: &str) -> &str {
    let Some((ip, port)) = address.rsplit_once(':') else {
        return address;
    };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let inner = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']'));
    let is_v6 = |ip: &&str| {
        ip.contains(':')
            && ip
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b':')
    };
    match inner.filter(is_v6) {
        Some(inner) if is_port => inner,
        None if is_port && !ip.contains([':', '[']) => ip,
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_again_whatever_its_port() {
        for (address, known) in [
            ("10.0.0.1:4711", "10.0.0.1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            // No port, or none that is one.
            ("10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[::1]", "[::1]"),
            ("[10.0.0.1]:80", "[10.0.0.1]:80"),
            ("[::1%1]:80", "[::1%1]:80"),
            ("10.0.0.1:65536", "10.0.0.1:65536"),
            ("10.0.0.1:+1", "10.0.0.1:+1"),
            ("10.0.0.1:", "10.0.0.1:"),
        ] {
            assert_eq!(without_port(address), known);
        }
    }

    #[test]
    fn a_key_has_what_is_asked_for_and_no_more() {
        let policies = |rule: &serde_json::Value| {
            let tree = serde_json::json!({"authorizationPolicy": {"policies": [{"name": "a", "rules": [rule]}]}});
            Policies::read(&tree).unwrap()
        };
        let key = |policies: &Policies, line: &str| {
            let mut key = Vec::new();
            let entry = Entry::parse(line.as_bytes()).unwrap();
            assert!(Asked::of([policies].into_iter()).key(&entry, &mut key));
            key
        };
        let one = r#"{"path":"/a?b=1","downstream_remote_address":"10.0.0.1:1","method":"GET"}"#;
        let other = r#"{"path":"/a?b=2","downstream_remote_address":"10.0.0.1:2","method":"PUT"}"#;
        let rule = serde_json::json!({"from": [{"source": {"remoteIpBlocks": ["10.0.0.1"]}}],
            "to": [{"operation": {"paths": ["/a"]}}]});
        let alike = policies(&rule);
        assert_eq!(key(&alike, one), key(&alike, other));
        for when in ["request.headers[:path]", "request.headers[:method]"] {
            let mut rule = rule.clone();
            rule["when"] = serde_json::json!([{"key": when, "values": ["x"]}]);
            let unlike = policies(&rule);
            assert_ne!(key(&unlike, one), key(&unlike, other), "{when}");
        }
    }
}
