//! Many requests, a line each.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use explain::Line;

use super::Answerer;
use crate::ending::{Ending, Failure};

/// Answers each line by one, in order, until one cannot be read.
pub(super) fn answer_all(path: &Path, answer: Answerer<'_>) -> Result<Ending, Failure> {
    let is_stdin = path == Path::new("-");
    let input: Box<dyn Read> = match is_stdin {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| Failure::at(path, error))?),
    };
    let name = match is_stdin {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let answered = each(
        BufReader::with_capacity(1 << 16, input),
        &name,
        answer,
        &mut output,
    );
    match (answered, output.flush()) {
        (Err(Stop::Wrong(problem)), Ok(())) => Err(Failure::new(problem)),
        (Ok(()), Ok(())) => Ok(Ending::Fine),
        // Whoever reads has seen enough.
        (Err(Stop::Output(error)), _) | (_, Err(error)) => match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(Ending::Fine),
            _ => Err(Failure::new(format!("standard output: {error}"))),
        },
    }
}

enum Stop {
    Wrong(String),
    Output(io::Error),
}

fn each(
    mut input: impl BufRead,
    name: &str,
    answer: Answerer<'_>,
    output: &mut impl Write,
) -> Result<(), Stop> {
    let (mut bytes, mut written) = (Vec::new(), String::new());
    for number in 1_u64.. {
        bytes.clear();
        let wrong =
            |problem: &dyn std::fmt::Display| Stop::Wrong(format!("{name}:{number}: {problem}"));
        let read = input.read_until(b'\n', &mut bytes);
        if read.map_err(|error| wrong(&error))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong(&"is no text in UTF-8"))?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let line = Line::parse(text).map_err(|problem| wrong(&problem))?;
        let answer = answer(&line).map_err(|problem| wrong(&problem))?;
        // Into memory first: it is written in many small parts.
        written.clear();
        answer.write_json(&mut written);
        written.push('\n');
        output.write_all(written.as_bytes()).map_err(Stop::Output)?;
    }
    Ok(())
}
