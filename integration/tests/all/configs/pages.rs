//! Pages of the documentation, as far as a test can do what they say.

use std::fs;
use std::path::{Path, PathBuf};

use integration::envoy::repository;
use serde_json::Value;

/// A page in Markdown.
pub(super) struct Page {
    path: String,
    text: String,
}

/// What stands between fences, and the word behind the first.
pub(super) struct Block {
    pub(super) language: String,
    pub(super) text: String,
}

impl Page {
    pub(super) fn read(path: &str) -> Self {
        let file = repository().join(path);
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Page {
            path: path.to_owned(),
            text,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The files of the repository that it links to, from the root.
    fn links(&self) -> Vec<PathBuf> {
        let here = Path::new(&self.path).parent().unwrap();
        let targets = self.text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        targets
            .map(|(target, _)| target.split('#').next().unwrap_or_default())
            .filter(|target| !target.is_empty() && !target.contains("://"))
            .map(|target| here.join(target))
            .collect()
    }

    /// Every block between fences, in order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let parts: Vec<&str> = self.text.split("\n```").collect();
        assert_eq!(parts.len() % 2, 1, "{}: a fence without an end", self.path);
        let blocks = parts.iter().skip(1).step_by(2);
        blocks
            .map(|block| {
                let (language, text) = block.split_once('\n').unwrap_or((block, ""));
                Block {
                    language: language.to_owned(),
                    text: text.to_owned(),
                }
            })
            .collect()
    }

    /// The lines behind a `$` of its consoles, those that end in a backslash joined with the next.
    pub(super) fn commands(&self) -> Vec<String> {
        let consoles = self.blocks().into_iter();
        let consoles = consoles.filter(|block| block.language == "console");
        consoles
            .flat_map(|block| {
                let text = block.text.replace("\\\n", " ");
                let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
                let words = commands.map(|line| {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    words.join(" ")
                });
                words.collect::<Vec<_>>()
            })
            .collect()
    }

    /// Every document of its YAML.
    pub(super) fn resources(&self) -> Vec<Value> {
        let blocks = self.blocks().into_iter();
        blocks
            .filter(|block| block.language == "yaml")
            .flat_map(|block| {
                let read = serde_saphyr::from_multiple::<Value>(&block.text);
                read.unwrap_or_else(|error| panic!("{}: {error} in {}", self.path, block.text))
            })
            .collect()
    }
}

impl Block {
    /// Whether a log has each line of this one, in which `…` stands for anything.
    pub(super) fn is_in(&self, log: &str) -> bool {
        self.text.lines().all(|line| {
            let mut parts = line.split('…').map(str::trim);
            log.lines().any(|said| {
                let mut rest = said;
                parts.clone().all(|part| {
                    let found = rest.split_once(part);
                    rest = found.map_or("", |(_, rest)| rest);
                    found.is_some()
                })
            }) || parts.all(str::is_empty)
        })
    }
}

#[test]
fn links_lead_to_files() {
    let mut pages = vec![
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "dashboards/README.md",
        "envoy-configs/local/README.md",
    ];
    pages.extend(["docs/istio.md", "docs/check.md", "docs/glossary.md"]);
    pages.extend(["docs/write-a-filter.md", "docs/watch.md"]);
    for path in pages {
        let links = Page::read(path).links();
        assert!(!links.is_empty(), "{path}");
        for link in links {
            let file = repository().join(&link);
            assert!(file.exists(), "{path}: {}", link.display());
        }
    }
}

#[test]
fn a_line_with_gaps_is_found_in_its_order_alone() {
    let block = |text: &str| Block {
        language: "text".to_owned(),
        text: text.to_owned(),
    };
    assert!(block("b … d").is_in("1 a b c d e\n2"));
    assert!(!block("d … b").is_in("1 a b c d e\n2"));
    assert!(!block("a\nz").is_in("a\nb"));
}
