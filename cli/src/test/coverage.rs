//! Which rules no case reached.

use cases::{Covered, File};

use super::run::{Run, shown};

/// The rules of all configurations. One that several suites have counts once, and a rule is reached where any of them
/// reaches it.
pub(super) struct Coverage {
    configurations: Vec<Configuration>,
}

struct Configuration {
    filter: String,
    config: String,
    place: Place,
    rules: Vec<Covered>,
}

/// Where a configuration stands first.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) suite: String,
}

impl Coverage {
    pub(super) fn of(files: &[File], run: &Run) -> Self {
        let mut configurations: Vec<Configuration> = Vec::new();
        for (file, ran) in files.iter().zip(&run.files) {
            for seen in &ran.rules {
                let Some(suite) = file.suites.iter().find(|it| it.description == seen.suite) else {
                    continue;
                };
                let (filter, config) = (suite.filter_in(file), suite.config.to_string());
                let mut known = configurations.iter_mut();
                match known.find(|it| it.filter == filter && it.config == config) {
                    Some(known) => known.add(&seen.rules),
                    None => configurations.push(Configuration {
                        filter: filter.to_owned(),
                        config,
                        place: Place {
                            file: shown(&file.path),
                            suite: seen.suite.clone(),
                        },
                        rules: seen.rules.clone(),
                    }),
                }
            }
        }
        Coverage { configurations }
    }

    /// How many rules there are.
    pub(super) fn rules(&self) -> usize {
        self.configurations.iter().map(|it| it.rules.len()).sum()
    }

    /// How many of them a case reached.
    pub(super) fn reached(&self) -> usize {
        self.rules().saturating_sub(self.unreached().count())
    }

    /// Those that none did.
    pub(super) fn unreached(&self) -> impl Iterator<Item = (&Place, &Covered)> {
        self.configurations.iter().flat_map(|it| {
            let unreached = it.rules.iter().filter(|rule| !rule.reached);
            unreached.map(|rule| (&it.place, rule))
        })
    }

    /// Of a hundred rules how many are reached, a part of one cut off; all where there are none.
    pub(super) fn percent(&self) -> usize {
        let reached = self.reached().saturating_mul(100);
        reached.checked_div(self.rules()).unwrap_or(100)
    }

    pub(super) fn is_at_least(&self, percent: u64) -> bool {
        u64::try_from(self.percent()).is_ok_and(|reached| reached >= percent)
    }
}

impl Configuration {
    fn add(&mut self, rules: &[Covered]) {
        for (known, rule) in self.rules.iter_mut().zip(rules) {
            known.reached |= rule.reached;
        }
    }
}
