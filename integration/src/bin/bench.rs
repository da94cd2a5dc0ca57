//! The benchmark as a program of its own, because it needs what a newcomer's first build should
//! not wait for. `cargo xtask bench` builds the modules and then runs it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use integration::bench::{Options, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match parse(&words).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(flag) = words.next() {
        let value = words.next();
        let value = value.ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--scenario" => options.scenarios.push(value.clone()),
            "--rounds" => options.rounds = Some(count(flag, value)?),
            "--seconds" => options.seconds = Some(count(flag, value)?),
            "--json" => options.json = Some(PathBuf::from(value)),
            "--compare" => options.compare = Some(PathBuf::from(value)),
            _ => return Err(format!("there is no flag `{flag}`")),
        }
    }
    Ok(options)
}

fn count<N: FromStr + Default + PartialOrd>(flag: &str, value: &str) -> Result<N, String> {
    let number = value.parse().ok().filter(|number| *number > N::default());
    number.ok_or_else(|| format!("`{flag} {value}`: not a whole number above 0"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn flags_say_what_and_how_long() {
        let line =
            "--scenario floor --scenario my.yaml --rounds 3 --seconds 1 --json a --compare b";
        let options = parse(&words(line)).unwrap();
        assert_eq!(options.scenarios, ["floor", "my.yaml"]);
        assert_eq!((options.rounds, options.seconds), (Some(3), Some(1)));
        assert_eq!(options.json.unwrap().to_str(), Some("a"));
        assert_eq!(options.compare.unwrap().to_str(), Some("b"));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        assert!(parse(&words("--rounds 0")).unwrap_err().contains("above 0"));
        assert!(parse(&words("--rounds x")).unwrap_err().contains("above 0"));
        assert!(
            parse(&words("--json"))
                .unwrap_err()
                .contains("needs a value")
        );
        assert!(
            parse(&words("--fast 1"))
                .unwrap_err()
                .contains("no flag `--fast`")
        );
    }
}
