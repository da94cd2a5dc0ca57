//! What each rule says of a request's tokens, for whoever wants to know why.

use sdk_helpers::Request;
use sdk_helpers::explanation::RuleExplanation;

use super::judge::{Judge, Stop};
use super::{Environment, Policy, Rule, is_preflight};
use crate::cache::Cache;
use crate::locations::{Found, Locations, TokenPlace};

impl Policy {
    /// What each rule says of the tokens at its places, in order, asked by itself. The first that takes them counts.
    pub(crate) fn explain(
        &self,
        request: &Request,
        environment: &Environment<'_>,
    ) -> Vec<RuleExplanation> {
        let now = (environment.now)();
        let preflight = is_preflight(request);
        let mut is_taken = false;
        let explained = self.rules.iter().enumerate().map(|(index, rule)| {
            let places = self.places.get(rule.place);
            let tokens = places
                .map(|places| places.tokens(request))
                .unwrap_or_default();
            let mut judge = Judge {
                // What it learns of a token is nobody's business but its own.
                cache: &mut Cache::new(tokens.len()),
                environment,
                now,
            };
            let said = match tokens.is_empty() || preflight {
                true => None,
                false => Some(judge.all(index, rule, &tokens)),
            };
            let accepts = said.as_ref().is_some_and(Result::is_ok);
            let outcome = match said {
                None if preflight => "preflight, which carries no token",
                None => "no token",
                Some(Ok(_)) if is_taken => "verified, but an earlier rule takes the request",
                Some(Ok(_)) => self.reason(rule.outcomes.verified),
                Some(Err(Stop::Refuse(rejection))) => rejection.reason().names().0,
                Some(Err(Stop::Wait(_))) => "keys_unavailable",
            };
            is_taken |= accepts;
            let name = self.outcomes.find(rule.outcomes.verified);
            let name = name.and_then(|outcome| outcome.policy.as_deref());
            let found: Vec<String> = tokens.iter().map(told).collect();
            RuleExplanation::new(name.unwrap_or_default(), accepts)
                .with("issuer", issuer(rule))
                .with_any("looksAt", places.map(Locations::told))
                .with_any("found", (!found.is_empty()).then(|| found.join(", ")))
                .with("outcome", outcome)
        });
        explained.collect()
    }
}

fn issuer(rule: &Rule) -> &str {
    match rule.issuer.as_str() {
        "" => "any",
        issuer => issuer,
    }
}

/// Where a token was, and nothing of the token.
fn told(found: &Found<'_>) -> String {
    match found.place {
        TokenPlace::Header(name) => format!("header {name}"),
        TokenPlace::Param(name) => format!("query {name}"),
        TokenPlace::Cookie => "cookie".to_owned(),
    }
}
