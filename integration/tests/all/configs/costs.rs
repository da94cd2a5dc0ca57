//! What the READMEs say of a module's size and of its host calls, which the built modules have to say too.
//!
//! ```text
//! cargo xtask build
//! MESH_FILTERS_REWRITE=1 cargo test -p integration --test all -- costs
//! ```
//!
//! writes them anew.

use std::env;
use std::fs;
use std::path::PathBuf;

use integration::bench::{counts, files, tokens};
use integration::envoy::repository;
use regex_lite::Regex;

use super::istio_all::FILTERS;

const BEGIN: &str =
    "<!-- measured by a test, which rewrites it: integration/tests/all/configs/costs.rs -->\n";
const END: &str = "<!-- measured -->\n";
const REWRITE: &str = "MESH_FILTERS_REWRITE";
/// A module may differ by this share from what is said of it: another fix of a message is no news.
const TOLERANCE: f64 = 0.02;

/// What is measured of one filter.
struct Measured {
    kilobytes: f64,
    host_calls: String,
}

impl Measured {
    fn of(filter: &str) -> Self {
        let module = repository().join(format!("dist/{filter}.wasm"));
        let size = fs::metadata(&module).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; run `cargo xtask build` first",
                module.display()
            )
        });
        let bytes = u32::try_from(size.len()).unwrap();
        Measured {
            kilobytes: f64::from(bytes) / 1000.0,
            host_calls: scenarios(filter).join("; "),
        }
    }

    fn text(&self) -> String {
        let Measured {
            kilobytes,
            host_calls,
        } = self;
        format!(
            "The module has {kilobytes:.0} kB. Host calls a request, by scenario of `benches/scenarios.yaml`:\n{host_calls}.\n"
        )
    }
}

/// Each scenario in which this filter stands alone: its name, and what each variant costs, once if it is
/// the same for all.
fn scenarios(filter: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for scenario in files::all().unwrap() {
        let mut ours = scenario.clone();
        ours.variants.retain(|variant| {
            let [module] = &variant.modules().unwrap()[..] else {
                return false;
            };
            // Thousands of rules are asked no more than ten, and take a minute to load here.
            let is_small = module.configuration().to_string().len() < 100_000;
            module.name() == filter && is_small
        });
        // Nor are thousands of tokens signed here.
        let tokens = ours.tokens.as_ref().map_or(0, |tokens| tokens.count);
        if ours.variants.is_empty() || tokens > 1 {
            continue;
        }
        let ours = tokens::mint(ours).unwrap();
        let costs = ours.variants.iter().map(|variant| {
            let calls = counts(&ours, variant).unwrap().calls();
            let calls = format!("{calls:.1}");
            let calls = calls.strip_suffix(".0").unwrap_or(&calls);
            (variant.name.as_str(), calls.to_owned())
        });
        let costs: Vec<(&str, String)> = costs.collect();
        let Some((_, first)) = costs.first() else {
            continue;
        };
        let name = &ours.name;
        if costs.iter().all(|(_, calls)| calls == first) {
            lines.push(format!("`{name}` {first}"));
        } else {
            let costs = costs.iter();
            let costs: Vec<String> = costs
                .map(|(name, calls)| format!("{name} {calls}"))
                .collect();
            lines.push(format!("`{name}` {}", costs.join(", ")));
        }
    }
    lines
}

/// A README, and what it says between the marks.
struct Readme {
    path: PathBuf,
    before: String,
    said: String,
    after: String,
}

impl Readme {
    fn of(filter: &str) -> Self {
        let path = repository().join(format!("filters/{filter}/README.md"));
        let text = fs::read_to_string(&path).unwrap();
        let parts = text
            .split_once(BEGIN)
            .and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
        let (before, (said, after)) =
            parts.unwrap_or_else(|| panic!("{}: no `{BEGIN}` and `{END}`", path.display()));
        let size = Regex::new(r"module\s+has\s+\d").unwrap();
        assert!(
            !size.is_match(before) && !size.is_match(after),
            "{}: the size stands outside of the marks as well",
            path.display()
        );
        Readme {
            before: before.to_owned(),
            said: said.to_owned(),
            after: after.to_owned(),
            path,
        }
    }

    /// The number it has, and the rest of what it says.
    fn kilobytes(&self) -> Option<(f64, &str)> {
        let rest = self.said.strip_prefix("The module has ")?;
        let (number, rest) = rest.split_once(" kB")?;
        Some((number.parse().ok()?, rest))
    }

    fn agrees(&self, measured: &Measured) -> bool {
        let text = measured.text();
        let rest = text.split_once(" kB").map(|(_, rest)| rest);
        self.kilobytes().is_some_and(|(said, said_rest)| {
            let off = (said - measured.kilobytes).abs() / measured.kilobytes;
            off <= TOLERANCE && Some(said_rest) == rest
        })
    }

    fn rewrite(&self, text: &str) {
        let Readme { before, after, .. } = self;
        let whole = format!("{before}{BEGIN}{text}{END}{after}");
        fs::write(&self.path, whole).unwrap();
    }
}

#[test]
fn readmes_say_what_the_modules_cost() {
    let mut stale = Vec::new();
    for filter in FILTERS.into_iter().chain(["mesh-filters"]) {
        let readme = Readme::of(filter);
        let measured = Measured::of(filter);
        if readme.agrees(&measured) {
            continue;
        }
        if env::var_os(REWRITE).is_some() {
            readme.rewrite(&measured.text());
        } else {
            let (path, said) = (readme.path.display(), &readme.said);
            stale.push(format!("{path} says\n{said}and it is\n{}", measured.text()));
        }
    }
    let remedy = format!("{REWRITE}=1 cargo test -p integration --test all -- costs");
    assert!(
        stale.is_empty(),
        "{}\nrewrite them: {remedy}",
        stale.join("\n")
    );
}
