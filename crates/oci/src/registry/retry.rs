//! A second chance for what may work later: as Istio's agent gives it to modules, from half a second on,
//! doubled each time.

use std::time::Duration;

use super::Error;
use super::options::{Event, Options};

/// How often something is tried in all.
const ATTEMPTS: u32 = 4;
/// Between the first attempt and the second.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Does it until it works, or fails in a way that another attempt does not change, or has failed
/// [`ATTEMPTS`] times.
pub(super) fn retry<T>(
    options: &Options<'_>,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(problem) if problem.is_transient() => {
                let problem = &problem;
                (options.progress)(Event::Retry { problem, pause });
                (options.pause)(pause);
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn run(answers: &[u16]) -> (Result<u16, Error>, Vec<u64>) {
        let pauses = RefCell::new(Vec::new());
        let record = |pause: Duration| pauses.borrow_mut().push(pause.as_millis() as u64);
        let options = Options {
            docker: None,
            pause: &record,
            ..Options::default()
        };
        let count = Cell::new(0);
        let outcome = retry(&options, || {
            let status = answers[count.replace(count.get() + 1)];
            match status {
                200 => Ok(status),
                _ => Err(Error::Status {
                    url: "u".to_owned(),
                    status,
                    said: String::new(),
                }),
            }
        });
        (outcome, pauses.into_inner())
    }

    #[test]
    fn what_may_pass_is_tried_again_and_not_for_ever() {
        let (outcome, pauses) = run(&[500, 503, 200]);
        assert_eq!((outcome.unwrap(), pauses), (200, vec![500, 1000]));
        let (outcome, pauses) = run(&[502, 502, 502, 502, 200]);
        assert!(matches!(outcome, Err(Error::Status { status: 502, .. })));
        assert_eq!(pauses, [500, 1000, 2000]);
    }

    #[test]
    fn what_stays_wrong_is_said_at_once() {
        for status in [400, 405, 501, 505, 511] {
            let (outcome, pauses) = run(&[status, 200]);
            assert!(outcome.is_err(), "{status}");
            assert_eq!(pauses, [0_u64; 0], "{status}");
        }
    }
}
