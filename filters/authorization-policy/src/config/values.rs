//! The entries of a list, read as its field means them.

use sdk_helpers::config::Scope;
use sdk_helpers::matcher::{Cidr, PathTemplate, Wildcard};
use sdk_helpers::{At, Problems};

use super::pasted;
use super::trust::TrustDomains;
use crate::pattern::{Pattern, SPIFFE};

/// What the entries of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    Method,
    Host,
    Port,
    Address,
    Header,
    Text,
    Metadata,
    Principal,
    Namespace,
    Account,
    TrustDomain,
    /// In `when`, where a slash is let through.
    TrustDomainKey,
    Token,
}

/// Istio's limits.
const MOST_ACCOUNTS: usize = 16;
const LONGEST_ACCOUNT: usize = 320;

/// What an entry is read by, besides its field.
pub(super) struct Reader<'a> {
    pub(super) problems: &'a Problems,
    pub(super) trust: &'a TrustDomains,
    /// The policy's.
    pub(super) namespace: Option<&'a str>,
}

impl Reader<'_> {
    /// Reads a list.
    pub(super) fn patterns(&self, kind: Kind, values: &[String], at: &At<'_>) -> Vec<Pattern> {
        if kind == Kind::Account && values.len() > MOST_ACCOUNTS {
            self.problems.error(
                at,
                format!("has {} entries; at most {MOST_ACCOUNTS}", values.len()),
            );
        }
        let mut patterns = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let at = at.index(index);
            if value.is_empty() {
                self.problems
                    .error(&at, "an empty text is not allowed; remove it");
                continue;
            }
            match self.read(kind, value, &at, &mut patterns) {
                Ok(()) => {}
                Err(problem) => self.problems.error(&at, problem),
            }
        }
        patterns
    }

    fn read(
        &self,
        kind: Kind,
        value: &str,
        at: &At<'_>,
        patterns: &mut Vec<Pattern>,
    ) -> Result<(), String> {
        pasted::warn(kind, value, at, self.problems);
        let text = || Pattern::Text(Wildcard::compile(value));
        patterns.push(match kind {
            Kind::Path => path(value)?,
            Kind::Method | Kind::Host | Kind::Header | Kind::Text => text(),
            Kind::Port => Pattern::Port(port(value)?),
            Kind::Address => Pattern::Block(Box::new(Cidr::parse(value)?)),
            Kind::Metadata => match value.strip_prefix('[').filter(|v| v.ends_with(']')) {
                Some(_) => Pattern::Element(Wildcard::compile(value.trim_matches(['[', ']']))),
                None => text(),
            },
            Kind::Namespace => Pattern::Namespace(value.split('*').map(boxed).collect()),
            Kind::Token => token(value),
            Kind::Account => self.account(value)?,
            Kind::Principal => {
                let all = self.trust.principals(value).unwrap_or_else(|| {
                    let domain = value.split('/').next().unwrap_or_default();
                    self.problems.warn_of(
                        Scope::Settings,
                        at,
                        format!(
                            "trust domain `{domain}` is neither `trustDomain` nor one of \
                             `trustDomainAliases`"
                        ),
                    );
                    vec![value.to_owned()]
                });
                patterns.extend(all.iter().map(|one| principal(one)));
                return Ok(());
            }
            Kind::TrustDomain | Kind::TrustDomainKey => {
                check_domain(value, kind == Kind::TrustDomain)?;
                let all = self.trust.domains(value);
                patterns.extend(all.into_iter().map(trust_domain));
                return Ok(());
            }
        });
        Ok(())
    }

    fn account(&self, value: &str) -> Result<Pattern, String> {
        if value.contains('*') {
            return Err(about(
                value,
                ": a service account takes no `*`; use `principals` or `namespaces`",
            ));
        }
        if value.len() > LONGEST_ACCOUNT {
            return Err(format!(
                "a service account of {} characters is too long; at most {LONGEST_ACCOUNT}",
                value.len()
            ));
        }
        let (namespace, name) = match value.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (self.namespace, value),
        };
        let Some(namespace) = namespace else {
            return Err(format!(
                "`{value}` needs a namespace: give the policy its `namespace`, or write \
                 `<namespace>/{value}`"
            ));
        };
        if namespace.is_empty() || name.is_empty() || name.contains('/') {
            return Err(about(
                value,
                " is neither `<service account>` nor `<namespace>/<service account>`",
            ));
        }
        Ok(Pattern::Account {
            namespace: boxed(namespace),
            name: boxed(name),
        })
    }
}

/// What is wrong with a value, without the machinery of formatting.
#[inline(never)]
pub(super) fn about(value: &str, problem: &str) -> String {
    ["`", value, "`", problem].concat()
}

fn boxed(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

fn path(value: &str) -> Result<Pattern, String> {
    if PathTemplate::is_template(value) {
        return PathTemplate::compile(value).map(Pattern::Template);
    }
    if value.contains(['{', '}']) {
        return Err(about(
            value,
            ": `{` and `}` stand only in the operators `{*}` and `{**}` of a path \
             template",
        ));
    }
    Ok(Pattern::Text(Wildcard::compile(value)))
}

/// As Go reads it: digits, leading zeros allowed.
fn port(value: &str) -> Result<u16, String> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<u16>().ok().filter(|_| digits);
    number.ok_or_else(|| about(value, " is not a port between 0 and 65535"))
}

/// `spiffe://` comes before it; where it begins with a star, before whatever that stands for.
fn principal(value: &str) -> Pattern {
    let whole = |text: &[u8]| -> Box<[u8]> { [SPIFFE, text].concat().into() };
    match Wildcard::compile(value) {
        Wildcard::Any => Pattern::Text(Wildcard::Any),
        Wildcard::Suffix(end) => Pattern::PrincipalEnd(end),
        Wildcard::Prefix(start) => Pattern::Text(Wildcard::Prefix(whole(&start))),
        Wildcard::Exact(text) => Pattern::Text(Wildcard::Exact(whole(&text))),
    }
}

fn trust_domain(value: &str) -> Pattern {
    let prefix = |text: String| Pattern::Text(Wildcard::Prefix(boxed(&text)));
    match value.split_once('*') {
        Some(("", "")) => prefix("spiffe://".to_owned()),
        Some((start, end)) => Pattern::TrustDomain {
            start: boxed(start),
            end: boxed(end),
        },
        None => prefix(["spiffe://", value, "/"].concat()),
    }
}

fn check_domain(value: &str, plain: bool) -> Result<(), String> {
    let stars = value.matches('*').count();
    if stars > 1 {
        return Err(about(value, ": at most one `*` is allowed"));
    }
    if stars == 1 && !value.starts_with('*') && !value.ends_with('*') {
        return Err(about(
            value,
            ": a `*` is allowed only at the beginning or the end",
        ));
    }
    if plain && value.contains('/') {
        return Err(about(value, ": a trust domain has no `/`"));
    }
    Ok(())
}

/// Issuer and subject, cut at the last slash, for issuers are URLs.
fn token(value: &str) -> Pattern {
    let exact = |text: &str| Wildcard::Exact(boxed(text));
    let (issuer, subject) = match value.rsplit_once('/') {
        Some((issuer, subject)) => (issuer, Some(subject)),
        None => (value, None),
    };
    match (issuer.strip_prefix('*'), subject) {
        _ if value == "*" => Pattern::Token(Wildcard::Any, Wildcard::Any),
        (Some(""), Some(subject)) => Pattern::Token(Wildcard::Any, exact(subject)),
        (Some(end), Some(subject)) => Pattern::Token(Wildcard::Suffix(boxed(end)), exact(subject)),
        (Some(end), None) => Pattern::Token(Wildcard::Any, Wildcard::Suffix(boxed(end))),
        (None, Some("*")) => Pattern::Token(exact(issuer), Wildcard::Any),
        (None, Some(subject)) => match subject.strip_suffix('*') {
            Some(start) => Pattern::Token(exact(issuer), Wildcard::Prefix(boxed(start))),
            None => Pattern::Token(exact(issuer), exact(subject)),
        },
        (None, None) => match issuer.strip_suffix('*') {
            Some(start) => Pattern::Token(Wildcard::Prefix(boxed(start)), Wildcard::Any),
            // No slash and no star: only a token whose subject is the empty text.
            None => Pattern::Token(exact(issuer), exact("")),
        },
    }
}
