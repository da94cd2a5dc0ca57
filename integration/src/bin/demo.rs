//! The demo as a program of its own, small enough to be built quickly on a fresh machine.
//! `cargo xtask demo` builds the module it shows and then runs it.

use std::process::ExitCode;

use integration::demo;

fn main() -> ExitCode {
    let mut keep = false;
    for flag in std::env::args().skip(1) {
        if flag != "--keep" {
            eprintln!("demo: there is no flag `{flag}`; `--keep` is the only one");
            return ExitCode::FAILURE;
        }
        keep = true;
    }
    demo::run(keep)
}
