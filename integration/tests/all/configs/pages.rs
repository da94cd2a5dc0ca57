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

/// What a page has its reader do.
pub(super) enum Step {
    /// Write a file: a block below a line that is its name between backticks, and a colon.
    File { name: String, text: String },
    /// Type a command, of which these lines come.
    Command { text: String, said: Block },
    /// See these lines in the log of the Envoy that runs: a block of the language `log`.
    Log(Block),
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

    /// What it links to in the repository, from the root, and the heading there, if one is named.
    fn links(&self) -> Vec<(PathBuf, Option<String>)> {
        let here = Path::new(&self.path).parent().unwrap();
        let targets = self.text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        targets
            .map(|(target, _)| target.split_once('#').unwrap_or((target, "")))
            .filter(|(file, _)| !file.contains("://"))
            .map(|(file, heading)| {
                let path = match file {
                    "" => PathBuf::from(&self.path),
                    _ => here.join(file),
                };
                (
                    path,
                    Some(heading.to_owned()).filter(|name| !name.is_empty()),
                )
            })
            .collect()
    }

    /// What its headings are called in links.
    fn headings(&self) -> Vec<String> {
        let outside = self.text.split("\n```").step_by(2);
        let lines = outside.flat_map(str::lines);
        let headings = lines.filter(|line| line.starts_with('#'));
        let spelled = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
        spelled
            .map(|heading| {
                let kept = heading
                    .chars()
                    .filter(|char| char.is_alphanumeric() || [' ', '-', '_'].contains(char));
                kept.collect::<String>().replace(' ', "-")
            })
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
        let commands = self.steps().into_iter().filter_map(|step| match step {
            Step::Command { text, .. } => Some(text),
            _ => None,
        });
        commands.collect()
    }

    /// What it has a reader do, and what it says comes of it, in order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let parts: Vec<&str> = self.text.split("\n```").collect();
        let pairs = parts.chunks_exact(2);
        pairs
            .zip(self.blocks())
            .flat_map(|(pair, block)| match block.language.as_str() {
                "console" => commands(&block.text),
                "log" => vec![Step::Log(block)],
                _ => {
                    let named = named(pair[0]);
                    let file = named.map(|name| Step::File {
                        name: name.to_owned(),
                        text: block.text.trim_start_matches('\n').to_owned() + "\n",
                    });
                    file.into_iter().collect()
                }
            })
            .collect()
    }

    /// The one resource of a kind.
    pub(super) fn resource(&self, kind: &str) -> Value {
        let mut found = self.resources();
        found.retain(|resource| resource["kind"] == kind);
        assert_eq!(found.len(), 1, "{}: {kind}", self.path);
        found.remove(0)
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

/// The file's name, where the text before a block ends with one.
fn named(before: &str) -> Option<&str> {
    let line = before.trim_end().lines().last()?;
    let name = line.strip_prefix('`')?.strip_suffix("`:")?;
    (!name.contains('`')).then_some(name)
}

fn commands(console: &str) -> Vec<Step> {
    let joined = console.replace("\\\n", " ");
    let mut steps = Vec::new();
    for line in joined.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let words: Vec<&str> = command.split_whitespace().collect();
            steps.push(Step::Command {
                text: words.join(" "),
                said: Block {
                    language: "text".to_owned(),
                    text: String::new(),
                },
            });
        } else if let Some(Step::Command { said, .. }) = steps.last_mut() {
            said.text += &format!("{line}\n");
        }
    }
    steps
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

/// Every page of the folder `docs`, from the root.
pub(super) fn docs() -> Vec<String> {
    let entries = fs::read_dir(repository().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = names.filter(|name| name.ends_with(".md"));
    let mut pages: Vec<String> = pages.map(|name| format!("docs/{name}")).collect();
    pages.sort();
    pages
}

#[test]
fn links_lead_to_files() {
    let mut pages = docs();
    let others = ["README", "CONTRIBUTING", "SECURITY"];
    pages.extend(others.map(|name| format!("{name}.md")));
    let folders = [
        "dashboards",
        "envoy-configs/local",
        "envoy-configs/istio",
        "envoy-configs/gateway",
    ];
    pages.extend(folders.map(|folder| format!("{folder}/README.md")));
    let mut count = 0;
    for path in pages {
        for (link, heading) in Page::read(&path).links() {
            count += 1;
            let file = repository().join(&link);
            assert!(file.exists(), "{path}: {}", link.display());
            if let Some(heading) = heading {
                let there = Page::read(link.to_str().unwrap()).headings();
                assert!(
                    there.contains(&heading),
                    "{path}: {}#{heading}",
                    link.display()
                );
            }
        }
    }
    assert!(count > 100, "{count} links: are they found?");
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
