//! The demo as a program of its own, small enough to be built quickly on a fresh machine.
//! `cargo xtask demo` builds the module it shows and then runs it.

use std::process::ExitCode;

use integration::demo;

fn main() -> ExitCode {
    let (mut keep, mut mesh) = (false, false);
    for flag in std::env::args().skip(1) {
        match flag.as_str() {
            "--keep" => keep = true,
            "--mesh" => mesh = true,
            _ => {
                eprintln!("demo: there is no flag `{flag}`; there are `--keep` and `--mesh`");
                return ExitCode::FAILURE;
            }
        }
    }
    match mesh {
        true => demo::run_mesh(keep),
        false => demo::run(keep),
    }
}
