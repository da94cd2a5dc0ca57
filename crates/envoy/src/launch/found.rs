//! What is looked for once in a process, since looking takes long.

use std::sync::{Mutex, PoisonError};

use super::program::Install;
use crate::Error;

/// The answer to a search. One that failed is repeated when more may be installed than then.
#[derive(Debug)]
pub(crate) struct Found<T>(Mutex<Option<Answer<T>>>);

#[derive(Debug)]
struct Answer<T> {
    install: Install,
    found: Result<T, Error>,
}

impl<T: Clone> Found<T> {
    /// Nobody has looked yet.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What the search found, now or before; whoever asks meanwhile waits for it.
    pub(crate) fn or_search(
        &self,
        install: Install,
        search: impl FnOnce(Install) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut answer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*answer {
            Some(known) if known.found.is_ok() || known.install == install => known.found.clone(),
            _ => {
                let found = search(install);
                *answer = Some(Answer {
                    install,
                    found: found.clone(),
                });
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_repeated_only_when_it_may_do_more() {
        let found = Found::new();
        let fails = |_| Err(Error::Invalid("lacking".to_owned()));
        let never = |_: Install| -> Result<u8, Error> { panic!("searched again") };
        assert!(found.or_search(Install::Never, fails).is_err());
        assert!(found.or_search(Install::Never, never).is_err());
        assert_eq!(found.or_search(Install::OnDebian, |_| Ok(1)), Ok(1));
        assert_eq!(found.or_search(Install::Never, never), Ok(1));
    }
}
