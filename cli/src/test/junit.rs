//! What came of it, as JUnit's XML, which CI shows.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::run::{Came, Check, FileRun, Run, shown};
use crate::ending::Failure;

/// A suite a file; a test of it is a case, or the configuration of a suite, whose description is the class.
pub(super) fn report(run: &Run) -> Result<String, Failure> {
    let mut report = Report::new("mesh-filters");
    report.add_test_suites(run.files.iter().map(suite));
    report.to_string().map_err(Failure::new)
}

fn suite(file: &FileRun) -> TestSuite {
    let mut suite = TestSuite::new(shown(&file.path));
    suite.set_time(file.time);
    suite.add_test_cases(file.checks.iter().map(test));
    suite
}

fn test(check: &Check) -> TestCase {
    let status = match &check.result {
        Came::AsExpected => TestCaseStatus::success(),
        Came::NotRun(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
        Came::Otherwise(problem) => {
            let told = problem.to_string();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(told.lines().next().unwrap_or_default());
            status.set_description(told);
            status
        }
    };
    let name = check.case.as_deref().unwrap_or("the configuration");
    let mut test = TestCase::new(name, status);
    test.set_classname(check.suite.as_str());
    test
}
