//! The policies that requests are explained by.

use std::fs;
use std::path::{Path, PathBuf};

use documents::Document;
use explain::{Chain, Workload};
use policies::{Gathered, Keys, Selection, Settings};
use sdk_helpers::Timestamp;

use crate::ending::Failure;

/// What the command line says of them.
pub(super) struct Given<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) filter: Option<&'a str>,
    pub(super) namespace: Option<&'a str>,
    pub(super) labels: &'a [String],
    pub(super) trust_domain: Option<&'a str>,
    pub(super) jwks: &'a [String],
}

impl Given<'_> {
    pub(super) fn documents(&self) -> Result<Vec<Document>, Failure> {
        Document::read_all(self.files, &mut std::io::stdin()).map_err(Failure::new)
    }

    /// Puts them together, and says for which workload.
    pub(super) fn gather<'d>(
        &self,
        documents: &'d [Document],
    ) -> Result<(Gathered<'d>, Option<Workload>), Failure> {
        let filter = self.filter.map(catalog::find).transpose();
        let keys: Result<Vec<Keys>, Failure> = self.jwks.iter().map(|given| keys(given)).collect();
        let selection = self.selection()?;
        let settings = Settings {
            selection: selection.clone(),
            trust_domain: self.trust_domain.map(str::to_owned),
            filter: filter.map_err(Failure::new)?,
            keys: keys?,
        };
        let gathered = policies::gather(documents, &settings).map_err(Failure::new)?;
        let workload = selection.map(|selection| Workload {
            namespace: selection.namespace,
            labels: selection.labels,
        });
        Ok((gathered, workload))
    }

    fn selection(&self) -> Result<Option<Selection>, Failure> {
        if self.namespace.is_none() && self.labels.is_empty() {
            return Ok(None);
        }
        let mut selection = Selection {
            namespace: self.namespace.unwrap_or("default").to_owned(),
            ..Selection::default()
        };
        for label in self.labels {
            let (name, value) = label.split_once('=').ok_or_else(|| {
                Failure::new(format!(
                    "`--labels` takes `name=value`, and `{label}` has no `=`"
                ))
            })?;
            selection.labels.insert(name.to_owned(), value.to_owned());
        }
        Ok(Some(selection))
    }
}

/// A file of keys, whose issuer may be named before it.
fn keys(given: &str) -> Result<Keys, Failure> {
    let (issuer, file) = match given.rsplit_once('=') {
        Some((issuer, file)) if !Path::new(given).exists() => (Some(issuer.to_owned()), file),
        _ => (None, given),
    };
    let path = Path::new(file);
    let jwks = fs::read_to_string(path).map_err(|error| Failure::at(path, error))?;
    Ok(Keys { issuer, jwks })
}

/// Loads what was put together into the filters.
pub(super) fn load(
    gathered: &Gathered<'_>,
    now: Timestamp,
    workload: Option<Workload>,
) -> Result<Chain, Failure> {
    if gathered
        .tree
        .as_object()
        .is_some_and(serde_json::Map::is_empty)
    {
        return Ok(Chain::empty());
    }
    Chain::load(gathered.filter, &gathered.tree, now, workload).map_err(|errors| {
        let problems = errors
            .iter()
            .map(|error| gathered.locate(error).to_string());
        let problems: Vec<String> = problems.collect();
        Failure::new(format!("the policies are refused\n{}", problems.join("\n")))
    })
}
