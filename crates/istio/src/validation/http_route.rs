//! An entry of `http`. What it says of faults, the filter for those reads.

use super::{Told, headers, http_answer, http_match, numbers, retries, virtual_service};
use crate::spot::Spot;

/// Methods that a page may be allowed.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*",
];
pub(super) fn check(route: &Spot<'_>, is_of_delegate: bool, told: &Told) {
    conflicts(route, is_of_delegate, told);
    let entries = route.list("match");
    for entry in &entries {
        http_match::check(entry, told);
    }
    headers::check(route.field("headers"), told);
    if let Some(policy) = route.field("corsPolicy") {
        cors(&policy, told);
    }
    mirrors(route, told);
    if let Some(redirect) = route.field("redirect") {
        http_answer::redirect(&redirect, &entries, told);
    }
    if let Some(response) = route.field("directResponse") {
        http_answer::direct(&response, told);
    }
    if let Some(retries) = route.field("retries") {
        retries::check(&retries, told);
    }
    if let Some(rewrite) = route.field("rewrite") {
        self::rewrite(&rewrite, told);
    }
    authority(route, told);
    let destinations = route.list("route");
    for destination in &destinations {
        headers::check(destination.field("headers"), told);
    }
    virtual_service::weighted(&destinations, told);
    numbers::durations(route, &["timeout"], told);
}

/// What an entry cannot be at once: a route, a redirect, an answer, and a delegation.
fn conflicts(route: &Spot<'_>, is_of_delegate: bool, told: &Told) {
    let has = |name: &str| route.field(name).is_some();
    let delegates = has("delegate");
    if delegates && !is_of_delegate {
        for name in ["redirect", "route"] {
            if let Some(field) = route.field(name) {
                told.error(
                    &field,
                    "stands beside `delegate`, which leaves that to another VirtualService",
                );
            }
        }
        return;
    }
    if let Some(delegate) = route.field("delegate") {
        told.error(
            &delegate,
            "this VirtualService has no `hosts`: it is delegated to, and cannot delegate itself",
        );
    }
    let routes = !route.list("route").is_empty();
    let answer = ["redirect", "directResponse"]
        .into_iter()
        .find(|name| has(name));
    match answer {
        Some(answer) => {
            let others = [
                routes.then_some("route"),
                has("rewrite").then_some("rewrite"),
                has("fault").then_some("fault"),
            ];
            for other in others.into_iter().flatten() {
                told.at(
                    route.path_of(other),
                    format!("stands beside `{answer}`, and only one of them may be"),
                );
            }
            if answer == "redirect" && has("directResponse") {
                told.at(
                    route.path_of("directResponse"),
                    "stands beside `redirect`, and only one of them may be",
                );
            }
        }
        None if !routes => told.error(
            route,
            "leads nowhere: one of `route`, `redirect` and `directResponse`",
        ),
        None => {}
    }
    if let Some(mirror) = route
        .field("mirror")
        .filter(|_| !route.list("mirrors").is_empty())
    {
        told.error(
            &mirror,
            "stands beside `mirrors`, and only one of them may be",
        );
    }
}

fn cors(policy: &Spot<'_>, told: &Told) {
    for origin in policy.list("allowOrigins") {
        let is_said = ["exact", "prefix", "regex"]
            .iter()
            .any(|name| !origin.text(name).is_empty());
        if !is_said {
            told.error(
                &origin,
                "allows no origin: one of `exact`, `prefix` and `regex`",
            );
        } else if let Some(regex) = origin.field("regex") {
            http_match::regex(&regex, told);
        }
    }
    for method in policy.list("allowMethods") {
        let text = method.value().as_str().unwrap_or_default();
        if !METHODS.contains(&text) {
            told.error(&method, sdk_helpers::config::none_of(text, &METHODS));
        }
    }
    for name in policy
        .list("allowHeaders")
        .into_iter()
        .chain(policy.list("exposeHeaders"))
    {
        let text = name.value().as_str().unwrap_or_default();
        if !sdk_helpers::config::is_token(text) {
            told.error(
                &name,
                format!("`{}` is no name of a header", text.escape_debug()),
            );
        }
    }
    if let Some(age) = policy.field("maxAge")
        && let Some(read) = numbers::time(&age, told)
        && read.subsec_nanos() > 0
    {
        told.error(
            &age,
            "is no whole number of seconds, which is what browsers are told",
        );
    }
}

fn mirrors(route: &Spot<'_>, told: &Told) {
    if let Some(percent) = route.field("mirrorPercent") {
        if percent.value().as_u64() > Some(100) {
            told.error(
                &percent,
                format!("`{}` is no percentage: 0 to 100", percent.value()),
            );
        }
        told.warn(
            &percent,
            format!(
                "is deprecated; write `mirrorPercentage: {{value: {}}}`",
                percent.value()
            ),
        );
    }
    let share = |of: &Spot<'_>, name: &str| {
        if let Some(value) = of.at(&[name, "value"]) {
            numbers::percent(&value, told);
        }
    };
    share(route, "mirrorPercentage");
    if let Some(mirror) = route.field("mirror") {
        virtual_service::destination(&mirror, told);
    }
    for mirror in route.list("mirrors") {
        match mirror.field("destination") {
            Some(destination) => virtual_service::destination(&destination, told),
            None => told.at(mirror.path_of("destination"), "is missing"),
        }
        share(&mirror, "percentage");
    }
}

fn rewrite(rewrite: &Spot<'_>, told: &Told) {
    let has = |name: &str| !rewrite.text(name).is_empty();
    let regex = rewrite.field("uriRegexRewrite");
    match &regex {
        Some(regex) if has("uri") => {
            told.error(regex, "stands beside `uri`, and only one of them may be")
        }
        None if !has("uri") && !has("authority") => {
            told.error(
                rewrite,
                "rewrites nothing: one of `uri`, `uriRegexRewrite` and `authority`",
            );
        }
        _ => {}
    }
    let Some(regex) = regex else {
        return;
    };
    for name in ["match", "rewrite"] {
        if regex.text(name).is_empty() {
            told.at(regex.path_of(name), "is missing");
        }
    }
    if let Some(pattern) = regex
        .field("match")
        .filter(|_| !regex.text("match").is_empty())
    {
        http_match::regex(&pattern, told);
    }
}

/// The authority of a request may be set once.
fn authority(route: &Spot<'_>, told: &Told) {
    let rewritten = route.at(&["rewrite", "authority"]);
    let mut is_set = rewritten.is_some_and(|it| it.value() != "");
    for list in ["set", "add"] {
        let names = route.at(&["headers", "request", list]);
        for (name, value) in names.iter().flat_map(Spot::fields) {
            if !headers::is_authority(name) {
                continue;
            }
            if is_set {
                told.error(
                    &value,
                    "the authority is set elsewhere in this route too; say it once",
                );
            }
            is_set |= value.value() != "";
        }
    }
}
