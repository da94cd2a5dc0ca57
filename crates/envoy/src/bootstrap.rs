//! The configuration on its way to Envoy: a value of ours, or a text that nobody reads but Envoy.

use serde_json::{Value, json};

use crate::config::address;
use crate::launch::scratch::Scratch;
use crate::{Config, Error};

#[derive(Debug)]
pub(super) enum Bootstrap {
    Value(Config),
    Text(String),
}

impl Bootstrap {
    /// Writes it into the folder: the arguments that have Envoy read it there, with an admin interface
    /// in any case.
    pub(super) fn write(self, scratch: &Scratch) -> Result<Vec<String>, Error> {
        let (file, more) = match self {
            Self::Value(config) => (scratch.write("envoy.json", &config.into_json())?, None),
            Self::Text(text) => {
                let more = (!has_admin(&text)).then(|| json!({ "admin": any_admin() }));
                (scratch.write("envoy.yaml", &text)?, more)
            }
        };
        let mut args = vec!["--config-path".to_owned(), file.display().to_string()];
        if let Some(more) = more {
            args.extend(["--config-yaml".to_owned(), more.to_string()]);
        }
        Ok(args)
    }
}

/// An admin interface on a free port of 127.0.0.1.
pub(super) fn any_admin() -> Value {
    json!({ "address": address(([127, 0, 0, 1], 0).into()) })
}

/// A text that is no YAML has none; what else is wrong with it, Envoy says.
fn has_admin(text: &str) -> bool {
    let read: Result<Value, _> = serde_saphyr::from_str(text);
    read.is_ok_and(|config| config.get("admin").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> (Vec<String>, String) {
        let scratch = Scratch::new().unwrap();
        let args = Bootstrap::Text(text.to_owned()).write(&scratch).unwrap();
        (args, scratch.read("envoy.yaml").unwrap())
    }

    #[test]
    fn a_text_stays_as_it_is() {
        let text = "admin: {address: {pipe: {path: a}}} # a comment\nx: 10.0\n";
        let (args_of_it, written) = args(text);
        assert_eq!(written, text);
        assert_eq!(args_of_it.len(), 2);

        let (with_admin, written) = args("x: [");
        assert_eq!(written, "x: [");
        assert_eq!(with_admin.get(2).map(String::as_str), Some("--config-yaml"));
        assert!(with_admin[3].contains("\"127.0.0.1\""), "{with_admin:?}");
    }
}
