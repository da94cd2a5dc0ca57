//! The packages that a module is made of, as `cargo tree` lists them, each below the one that needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::SbomError;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// As its manifest has it; empty if it says none.
    pub(super) license: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

pub(super) struct Graph {
    root: Package,
    /// What each needs itself.
    needs: BTreeMap<Package, BTreeSet<Package>>,
}

impl Graph {
    pub(super) fn read(tree: &str) -> Result<Self, SbomError> {
        // The packages between the root and the line.
        let mut above: Vec<Package> = Vec::new();
        let mut needs: BTreeMap<Package, BTreeSet<Package>> = BTreeMap::new();
        let mut root = None;
        for (number, text) in tree.lines().enumerate() {
            let wrong = || SbomError::Tree {
                line: number + 1,
                text: text.to_owned(),
            };
            let (depth, package) = line(text).ok_or_else(wrong)?;
            if depth > above.len() || (depth == 0) != root.is_none() {
                return Err(wrong());
            }
            above.truncate(depth);
            if let Some(parent) = above.last() {
                let of_parent = needs.entry(parent.clone()).or_default();
                of_parent.insert(package.clone());
            } else {
                root = Some(package.clone());
            }
            needs.entry(package.clone()).or_default();
            above.push(package);
        }
        let nothing = || SbomError::Tree {
            line: 1,
            text: String::new(),
        };
        Ok(Self {
            root: root.ok_or_else(nothing)?,
            needs,
        })
    }

    pub(super) fn is_root(&self, package: &Package) -> bool {
        *package == self.root
    }

    /// All but the root, by name and version.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &Package> {
        self.needs.keys().filter(|package| !self.is_root(package))
    }

    /// Each package, and those it needs itself.
    pub(super) fn edges(&self) -> impl Iterator<Item = (&Package, impl Iterator<Item = &Package>)> {
        self.needs.iter().map(|(package, on)| (package, on.iter()))
    }
}

/// `2serde v1.0.229|MIT OR Apache-2.0`, with ` (/path)` after a version of the workspace's own and ` (*)` at the
/// end of what was listed before.
fn line(text: &str) -> Option<(usize, Package)> {
    let (package, license) = text.split_once('|')?;
    let name = package.find(|letter: char| !letter.is_ascii_digit())?;
    let (depth, package) = package.split_at_checked(name)?;
    let (name, rest) = package.split_once(" v")?;
    let version = rest
        .split(' ')
        .next()
        .filter(|version| !version.is_empty())?;
    let license = license.strip_suffix(" (*)").unwrap_or(license);
    Some((
        depth.parse().ok()?,
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.to_owned(),
        },
    ))
}
