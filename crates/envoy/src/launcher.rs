//! Which way servers are launched here.

use std::env;

use crate::{Error, binary};

const OVERRIDE: &str = "MESH_FILTERS_ENVOY";

/// A way to launch Envoy and its companions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launcher {
    /// In a container, on the host's network.
    Container,
    /// As a child process.
    Process,
}

impl Launcher {
    /// What `MESH_FILTERS_ENVOY` says; a container where `MESH_FILTERS_ENVOY_IMAGE` names an image;
    /// else a process, which starts sooner. Only where none can be had, as on a machine that the wheel is not
    /// made for, it is a container, if an engine answers that shares this machine's files and network.
    ///
    /// # Errors
    /// The variable says neither `container` nor `process`.
    pub fn detect() -> Result<Self, Error> {
        match env::var(OVERRIDE) {
            Ok(choice) if !choice.is_empty() => Self::named(&choice),
            _ if has_image() => Ok(Self::Container),
            _ if !binary::is_possible() && engine_answers() => Ok(Self::Container),
            _ => Ok(Self::Process),
        }
    }

    fn named(choice: &str) -> Result<Self, Error> {
        match choice {
            "container" => Ok(Self::Container),
            "process" => Ok(Self::Process),
            other => Err(Error::Invalid(format!(
                "{OVERRIDE}={other}: it may be `container` or `process`"
            ))),
        }
    }
}

#[cfg(feature = "containers")]
fn engine_answers() -> bool {
    crate::launch::engine::is_available()
}

#[cfg(feature = "containers")]
fn has_image() -> bool {
    crate::image::chosen().is_some()
}

#[cfg(not(feature = "containers"))]
fn has_image() -> bool {
    false
}

#[cfg(not(feature = "containers"))]
fn engine_answers() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_is_chosen_by_its_name() {
        assert_eq!(Launcher::named("process"), Ok(Launcher::Process));
        assert_eq!(Launcher::named("container"), Ok(Launcher::Container));
        let problem = Launcher::named("pod").unwrap_err().to_string();
        assert_eq!(
            problem,
            "MESH_FILTERS_ENVOY=pod: it may be `container` or `process`"
        );
    }
}
