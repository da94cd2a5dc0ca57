//! `mesh-filters completions`: what shells complete verbs, options and their values by.

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Print the script by which a shell completes verbs, options and their values
///
/// It goes where the shell looks for scripts, and works in every shell that is started afterwards. Write it anew after an
/// upgrade of the program.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters completions bash > ~/.local/share/bash-completion/completions/mesh-filters
  $ mesh-filters completions zsh > ~/.zfunc/_mesh-filters
  $ mesh-filters completions fish > ~/.config/fish/completions/mesh-filters.fish
  $ mesh-filters completions powershell >> $PROFILE
  $ source <(mesh-filters completions bash)

zsh looks in a folder that `fpath` names: `fpath=(~/.zfunc $fpath)` before `compinit`, in ~/.zshrc.")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Says the script of a program.
    pub(crate) fn run(&self, mut program: Command, output: Output) -> Result<Ending, Failure> {
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        generate(self.shell, &mut program, &name, &mut script);
        let script = String::from_utf8_lossy(&script);
        // clap_complete's script for bash calls a verb one thing where it looks for it and another where it has found it,
        // by the hyphen in the program's name: nothing behind a verb would be completed (clap-rs/clap#6421).
        let script = script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"));
        output.say(
            || script.clone(),
            || json!({"shell": self.shell.to_string(), "script": script}),
        );
        Ok(Ending::Fine)
    }
}
