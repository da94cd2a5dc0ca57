//! What is wrong with policies before a mesh sees them: files in, findings out.
//!
//! ```text
//! Source { name, text } ─check→ Report { findings } ─ sarif(…) │ json(…)
//!                                 └ each of a Rule: code, severity, title, text, a bad and a good example
//! ```
//!
//! Whether a configuration is one is for its filter to say, and whether a resource is one for the code that
//! applies it (`catalog`, `istio`): this crate looks them up in files, and knows the places at which what is
//! right does nothing. Rules see all files together; nothing is read from a cluster.
//!
//! ```
//! use check::{Options, Severity, Source, check};
//!
//! let file = Source {
//!     name: "fault.yaml".to_owned(),
//!     text: "
//! apiVersion: networking.istio.io/v1
//! kind: VirtualService
//! metadata: {name: reviews}
//! spec:
//!   hosts: [reviews]
//!   http:
//!   - fault: {delay: {fixedDelay: 5s}}
//!     route: [{destination: {host: reviews}}]
//! ".to_owned(),
//! };
//! let report = check(&[file], &Options::default());
//! let [finding] = &report.findings[..] else {
//!     return Err(format!("{report:?}").into());
//! };
//! assert_eq!((finding.code, finding.severity), ("MF0201", Severity::Warning));
//! assert_eq!((finding.line, finding.path.as_str()), (8, "spec.http[0].fault.delay"));
//! assert!(check::rule("MF0201").is_some_and(|rule| rule.text.contains("percentage")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allow;
mod finding;
mod fix;
mod found;
mod mesh;
mod ours;
mod page;
mod report;
mod rule;
mod rules;
mod select;
mod source;

pub use finding::{Finding, Severity};
pub use fix::{Edit, Fixed, fix, fixed_where};
pub use page::page;
pub use report::{Report, json, sarif};
pub use rule::Rule;
pub use rules::{rule, rules};
pub use source::Source;

use found::Found;
use istio::spot;
use mesh::Mesh;
use sdk_helpers::Timestamp;

/// What is known beside the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whose configurations those documents are that do not say it themselves.
    pub filter: Option<&'static catalog::Filter>,
    /// The time, for what expires.
    pub now: Timestamp,
}

/// Checks files together. Findings are in the order of the files, and of lines in each.
#[must_use]
pub fn check(sources: &[Source], options: &Options) -> Report {
    let read: Vec<_> = sources.iter().map(source::read).collect();
    let mesh = Mesh::new(sources, &read, *options);
    let mut findings = Vec::new();
    for rule in rules() {
        (rule.find)(&mesh, &mut Found::new(rule, &mesh, &mut findings));
    }
    found::settle(&mut findings);
    let unused = allow::silence(sources, &mut findings);
    rules::allow::tell(&mesh, unused, &mut findings);
    fix::resolve(sources, &read, &mut findings);
    findings.sort_by(|a, b| found::order(a).cmp(&found::order(b)));
    Report { findings }
}
