//! `cargo xtask release --check`: all that a release needs, but the tests before it and the upload after it.
//!
//! Without a tag it is a rehearsal: the version may still be without its day. With `--tag v1.2.3`, as
//! in CI, everything has to be final.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::steps::Steps;
use crate::workspace::{DIST, Workspace};
use crate::{Failure, changelog, named_version, oci, process, test, twice, versions};

/// That of every package here.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What stands before the version in a tag.
const TAG: &str = "v";
const STEPS: usize = 9;
/// The images of a module, below its name.
const LAYOUTS: [&str; 3] = ["compat", "docker", "artifact"];
/// The checksums of what is published, below the images.
const SUMS: &str = "SHA256SUMS";
/// What changed in this version, for whoever publishes it, below `dist`.
const NOTES: &str = "release-notes.md";

/// A step that needs modules.
type Check<'a> = dyn Fn() -> Result<(), String> + 'a;

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    check: bool,
    tag: Option<String>,
    source: Option<String>,
}

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let options = parse(flags)?;
    let workspace = Workspace::find()?;
    let root = workspace.root.as_path();
    let mut steps = Steps::new(STEPS);
    let (tag, source) = (options.tag.as_deref(), options.source.as_deref());
    let mut changes = None;
    steps.check("version", || {
        let file = root.join("CHANGELOG.md");
        let changelog = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        changes = Some(notes(&changelog, VERSION, tag)?);
        Ok(())
    });
    steps.check("files that name it", || named_version::check(root, VERSION));
    steps.check("Cargo.lock", || {
        process::read(process::cargo(root).args(["metadata", "--locked", "--format-version", "1"]))
            .map(drop)
    });
    steps.check("work tree", || clean(root, tag.is_some()));
    steps.check("table of Envoys", || versions::page_has_all(&workspace));
    let built = steps.check("modules and images", || oci::make(&workspace, source));
    let others: [(&str, &Check<'_>); 3] = [
        ("the same bytes twice", &|| {
            twice::same_bytes(&workspace, usize::MAX)
        }),
        ("the same images twice", &|| same_images(&workspace, source)),
        ("images and checksums verified", &|| verified(&workspace)),
    ];
    for (step, check) in others {
        if built {
            steps.check(step, check);
        } else {
            steps.not_run(step, test::NOT_BUILT);
        }
    }
    print!("\n{}", steps.summary.table());
    let (_, failed) = steps.summary.totals();
    let Some(changes) = changes.filter(|_| failed == 0) else {
        return Ok(ExitCode::FAILURE);
    };
    let file = root.join(DIST).join(NOTES);
    std::fs::write(&file, changes).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("{}", next(tag));
    Ok(ExitCode::SUCCESS)
}

fn parse(flags: &[String]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut flags = flags.iter();
    let usage = |problem: String| Failure::Usage(format!("release{problem}"));
    while let Some(flag) = flags.next() {
        match flag.as_str() {
            "--check" => options.check = true,
            "--tag" => {
                let tag = flags.next();
                let tag =
                    tag.ok_or_else(|| usage(": `--tag` needs a tag, such as v1.2.3".into()))?;
                options.tag = Some(tag.clone());
            }
            "--source" => {
                let source = flags.next();
                let source = source.ok_or_else(|| usage(": `--source` needs an address".into()))?;
                options.source = Some(source.clone());
            }
            other => return Err(usage(format!(" has no flag `{other}`"))),
        }
    }
    if options.check {
        Ok(options)
    } else {
        // So that nobody takes this for what publishes.
        Err(usage(
            " needs `--check`: it uploads nothing, `mesh-filters image push` does".into(),
        ))
    }
}

/// What changed in this version, which CHANGELOG.md has to have, and the tag if there is one.
fn notes(changelog: &str, version: &str, tag: Option<&str>) -> Result<String, String> {
    let newest = changelog::newest(changelog)?;
    if newest.version != version {
        return Err(format!(
            "Cargo.toml has version {version}, and the newest of CHANGELOG.md is {}: write it into [workspace.package], \
             or a section for {version}",
            newest.version
        ));
    }
    let Some(tag) = tag else {
        return Ok(newest.notes.to_owned());
    };
    let wanted = format!("{TAG}{version}");
    if tag != wanted {
        return Err(format!("the tag is {tag}, and the version's is {wanted}"));
    }
    if newest.date == changelog::PENDING {
        return Err(format!(
            "CHANGELOG.md: [{version}] is tagged and has no day: write it in place of `{}`",
            changelog::PENDING
        ));
    }
    Ok(newest.notes.to_owned())
}

/// A release is what a commit has. A rehearsal may be of what is not committed yet.
fn clean(root: &Path, final_: bool) -> Result<(), String> {
    let mut status = Command::new("git");
    status.current_dir(root).args(["status", "--porcelain"]);
    let changed = process::read(&mut status)?;
    if changed.is_empty() {
        return Ok(());
    }
    let told = format!("not committed:\n{}", changed.trim_end());
    if final_ {
        return Err(told);
    }
    println!("{told}\nfor a rehearsal that may be; a tag has none of it");
    Ok(())
}

/// Writes the images once more, and compares what they are called by.
fn same_images(workspace: &Workspace, source: Option<&str>) -> Result<(), String> {
    let file = workspace.root.join(oci::IMAGES).join(SUMS);
    let read =
        || std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()));
    let first = read()?;
    oci::make(workspace, source)?;
    let again = read()?;
    let differ = first.lines().zip(again.lines()).find(|(a, b)| a != b);
    match differ {
        None if first == again => Ok(()),
        None => Err(format!("{SUMS}: another number of lines the second time")),
        Some((a, b)) => Err(format!(
            "{SUMS}: two images of the same modules differ: `{a}`, then `{b}`; look for a time or an order in what \
             was written"
        )),
    }
}

/// Every image by the rules of Istio's agent, and every file by its checksum.
fn verified(workspace: &Workspace) -> Result<(), String> {
    let images = workspace.root.join(oci::IMAGES);
    let mut layouts = Vec::new();
    for module in workspace.shipped() {
        for layout in LAYOUTS {
            layouts.push(images.join(&module.name).join(layout));
        }
    }
    process::run(oci::images(workspace, "verify").args(layouts))?;
    let mut sums = Command::new("sha256sum");
    sums.current_dir(&images).args(["--check", "--quiet", SUMS]);
    process::run(&mut sums)
}

/// What is left to do.
fn next(tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("{tag} is ready to be published: dist/, dist/oci/, dist/{NOTES}"),
        None => format!(
            "{VERSION} is ready for a day in CHANGELOG.md, a commit, and `git tag {TAG}{VERSION}`; \
             CONTRIBUTING.md has the rest"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, notes, parse};
    use crate::Failure;

    fn parsed(flags: &[&str]) -> Result<Options, String> {
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        parse(&flags).map_err(|failure| match failure {
            Failure::Usage(problem) | Failure::Failed(problem) => problem,
        })
    }

    #[test]
    fn nothing_is_done_without_being_asked_for() {
        let problem = "release needs `--check`: it uploads nothing, `mesh-filters image push` does";
        assert_eq!(parsed(&[]), Err(problem.to_owned()));
        assert_eq!(parsed(&["--tag", "v0.1.0"]), Err(problem.to_owned()));
        let problem = "release: `--tag` needs a tag, such as v1.2.3";
        assert_eq!(parsed(&["--check", "--tag"]), Err(problem.to_owned()));
        assert_eq!(
            parsed(&["--check", "--tag", "v0.1.0"]).map(|options| options.tag),
            Ok(Some("v0.1.0".to_owned()))
        );
    }

    #[test]
    fn version_changelog_and_tag_have_to_agree() {
        let pending = "## [0.2.0] - Unreleased\n\n- A.\n";
        let dated = "## [0.2.0] - 2026-01-31\n\n- A.\n";
        assert_eq!(notes(pending, "0.2.0", None), Ok("- A.".to_owned()));
        assert_eq!(notes(dated, "0.2.0", Some("v0.2.0")), Ok("- A.".to_owned()));
        for (text, version, tag, problem) in [
            (
                dated,
                "0.3.0",
                None,
                "Cargo.toml has version 0.3.0, and the newest of CHANGELOG.md is 0.2.0: write it into \
                 [workspace.package], or a section for 0.3.0",
            ),
            (
                dated,
                "0.2.0",
                Some("v0.3.0"),
                "the tag is v0.3.0, and the version's is v0.2.0",
            ),
            (
                pending,
                "0.2.0",
                Some("v0.2.0"),
                "CHANGELOG.md: [0.2.0] is tagged and has no day: write it in place of `Unreleased`",
            ),
        ] {
            assert_eq!(notes(text, version, tag), Err(problem.to_owned()));
        }
    }
}
