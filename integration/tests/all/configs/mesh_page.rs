//! `docs/mesh.md`: its commands, typed in order, say what the page has them say, but for numbers that are others at
//! every run.

use std::time::Duration;

use integration::service::wait::until;

use super::pages::{Block, Page, Step};
use super::runner::Runner;

const PAGE: &str = "docs/mesh.md";
/// The folder and the network of the mesh on the page.
const FOLDER: &str = "/tmp/mesh-filters-18160-0";
const NETWORK: &str = "127.12.";
/// Who answers is drawn, so a request is sent again until it is who the page has.
const SOON: Duration = Duration::from_secs(30);

/// A reader at work, who takes his mesh down whatever happens.
struct Reader {
    runner: Runner,
    before: String,
}

impl Reader {
    fn new() -> Self {
        let runner = Runner::new(PAGE);
        // Where nobody else's meshes are, since a verb takes the newest.
        let folder = runner.folder().join("tmp");
        std::fs::create_dir_all(&folder).unwrap();
        let before = format!("export TMPDIR={}; ", folder.display());
        Reader { runner, before }
    }

    fn types(&self, command: &str) -> (bool, String) {
        self.runner
            .type_in(&[self.before.as_str(), command].concat())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.types("mesh-filters mesh down");
    }
}

#[test]
fn the_mesh_of_the_page_says_what_the_page_has() {
    let reader = Reader::new();
    // As the page has them, and as they are here.
    let mut names = vec![("ls /tmp".to_owned(), "ls -C -w 200 /tmp".to_owned())];
    let mut count = 0;
    for step in Page::read(PAGE).steps() {
        let Step::Command { text, said } = step else {
            continue;
        };
        count += 1;
        let here = names
            .iter()
            .fold(text, |text, (page, here)| text.replace(page, here));
        let wanted = Block {
            text: masked(&said.text),
            language: said.language,
        };
        let mut last = String::new();
        let done = until(SOON, || {
            let (well, output) = reader.types(&here);
            if here.contains("--detach") {
                assert!(well, "{output}");
                names.extend(mesh(&output));
            }
            last = names
                .iter()
                .skip(1)
                .fold(output, |text, (page, here)| text.replace(here, page));
            let is_it = well && wanted.is_in(&masked(&last));
            assert!(
                is_it || here.contains("curl "),
                "{here}\nsaid\n{last}\nand not\n{}",
                said.text
            );
            is_it.then_some(())
        });
        assert!(
            done.is_some(),
            "{here}\nsaid\n{last}\nand not\n{}",
            said.text
        );
    }
    assert!(count >= 8, "{count} commands");
    let (well, said) = reader.types("mesh-filters mesh down; mesh-filters mesh down");
    assert!(
        well && said.contains("is gone") && said.contains("no mesh runs"),
        "{said}"
    );
}

/// The folder and the network of a mesh that came up, behind those of the page.
fn mesh(said: &str) -> [(String, String); 2] {
    let mut lines = said.lines();
    let folder = lines.find_map(|line| line.strip_prefix("folder ")).unwrap();
    let gateway = said.split("http://").nth(1).unwrap();
    let network: Vec<&str> = gateway.split('.').take(2).collect();
    [
        (FOLDER.to_owned(), folder.to_owned()),
        (NETWORK.to_owned(), network.join(".") + "."),
    ]
}

/// A text with `#` for each number, one blank for several, and no unit of time behind a number.
fn masked(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_whitespace().map(|word| {
            let end = word.trim_start_matches("ms").trim_start_matches('s');
            match end {
                "" | "," | ";" => end.to_owned(),
                _ => numberless(word),
            }
        });
        let words: Vec<String> = words.collect();
        words
            .join(" ")
            .replace("# ,", "#,")
            .replace("# ;", "#;")
            .trim_end()
            .to_owned()
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n")
}

/// A word with `#` for each number that is no part of a name.
fn numberless(word: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let mut is_number = false;
    for char in word.chars() {
        is_number = match char {
            '0'..='9' => is_number || !before.is_alphanumeric(),
            '.' => is_number,
            _ => false,
        };
        match is_number {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(char),
        }
        before = char;
    }
    out
}

#[test]
fn what_differs_at_every_run_is_not_compared() {
    assert_eq!(
        masked("  reviews-v1  127.12.1.0:9080  in 2.1 s; within 80 ms, 79.5% of 200"),
        "reviews-v1 #:# in #; within #, #% of #"
    );
}
