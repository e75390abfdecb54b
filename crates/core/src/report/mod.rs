//! The report of one run: the model, apart from the JSON that it is written in.

pub mod html;
pub mod json;
mod links;
pub mod sentence;
#[cfg(test)]
mod tests;
pub mod text;

use std::time::Duration;

use crate::diagnosis::{Advice, Advisory, RootCause, Run, advisories, remedies, root_cause};
use crate::finding::{Finding, Key};
use crate::judge::Verdict;
use crate::plan::{Check, NotCovered};
use crate::problem::Problem;
use crate::proof::Grade;
use crate::text::{Rendering, Text};
use crate::voice::Voice;

/// Everything that one invocation found.
#[derive(Debug)]
pub struct Report {
    /// The run; `None`, where nothing was tried.
    run: Option<Run>,
    /// The findings where nothing was tried.
    not_run: Vec<Finding>,
    pub verdict: Verdict,
    pub summary: Summary,
    /// The one cause that explains everything that is wrong, where there is one.
    pub root_cause: Option<RootCause>,
    pub advice: Vec<Advice>,
    /// What the policy leaves out, where the run shows it. No verdict depends on it.
    pub advisories: Vec<Advisory>,
    /// What is wrong with the event or the environment; then nothing was tried.
    pub problems: Vec<Problem>,
    pub request_id: Text,
    pub duration: Duration,
    /// Whether only some of the actions were asked for.
    pub is_filtered: bool,
}

/// How many findings have which verdict. The control counts, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub allowed: usize,
    pub denied: usize,
    pub inconclusive: usize,
    /// How many of those that are allowed or denied rest on which grade of proof.
    pub documented: usize,
    pub observed: usize,
    pub inferred: usize,
}

impl Summary {
    fn of(findings: &[Finding]) -> Self {
        // The action that must be denied is a control, and counts only where it is not.
        let counted = || findings.iter().filter(|finding| !(finding.must_be_denied() && finding.is_clean()));
        let count = |verdict| counted().filter(|finding| finding.verdict == verdict).count();
        let of_grade = |grade| {
            counted().filter(|finding| finding.proof.as_ref().is_some_and(|proof| proof.grade == grade)).count()
        };
        Self {
            allowed: count(Verdict::Allowed),
            denied: count(Verdict::Denied),
            inconclusive: count(Verdict::Inconclusive),
            documented: of_grade(Grade::Documented),
            observed: of_grade(Grade::Observed),
            inferred: of_grade(Grade::Inferred),
        }
    }
}

impl Report {
    /// The report of a run, diagnosed.
    pub fn new(run: Run, request_id: Text, duration: Duration, is_filtered: bool) -> Self {
        let summary = Summary::of(&run.findings);
        let strict = run.is_strict();
        let is_well = |finding: &Finding| finding.is_clean() || finding.is_excess();
        let verdict = match summary {
            Summary { denied: 1.., .. } => Verdict::Denied,
            _ if !run.findings.iter().all(is_well) => Verdict::Inconclusive,
            _ if strict && run.findings.iter().any(Finding::is_excess) => Verdict::Excess,
            _ => Verdict::Allowed,
        };
        Self {
            verdict,
            summary,
            root_cause: root_cause(&run),
            advice: remedies(&run),
            advisories: advisories(&run, is_filtered),
            problems: Vec::new(),
            request_id,
            duration,
            is_filtered,
            run: Some(run),
            not_run: Vec::new(),
        }
    }

    /// The report of an invocation that tried nothing.
    pub fn of_problems(checks: &[Check], problems: Vec<Problem>, request_id: Text) -> Self {
        let not_run: Vec<_> = checks.iter().map(Finding::not_run).collect();
        Self {
            summary: Summary::of(&not_run),
            not_run,
            run: None,
            verdict: Verdict::Inconclusive,
            root_cause: None,
            advice: Vec::new(),
            advisories: Vec::new(),
            problems,
            request_id,
            duration: Duration::ZERO,
            is_filtered: false,
        }
    }

    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    pub fn findings(&self) -> &[Finding] {
        self.run.as_ref().map_or(&self.not_run, |run| &run.findings)
    }

    /// Whether the calls came from another role than the one that was to be checked.
    pub fn is_of_unexpected_role(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.unexpected_principal().is_some())
    }

    /// What the policy asks for and no check tells.
    pub fn not_covered(&self) -> &[NotCovered] {
        self.run().and_then(|run| run.coverage.as_ref()).map_or(&[], |coverage| &coverage.not_covered)
    }

    /// Whether there is something to say although nothing fails.
    pub fn has_reservations(&self) -> bool {
        !self.not_covered().is_empty() || self.findings().iter().any(Finding::is_excess)
    }

    /// How many findings are not as they should be, and are not denied.
    pub fn unclear(&self) -> usize {
        let strict = self.run().is_some_and(Run::is_strict);
        let unclear = |finding: &&Finding| {
            !finding.is_clean() && finding.verdict != Verdict::Denied && (strict || !finding.is_excess())
        };
        self.findings().iter().filter(unclear).count()
    }

    /// Whether the run tells of every action that it is allowed or denied.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && !self.is_filtered && self.unclear() == 0
    }

    /// The status code of the response: by HTTP's meaning, since HTTP front ends pass it on.
    pub fn status(&self) -> u16 {
        match self.verdict {
            Verdict::Allowed => 200,
            Verdict::Denied | Verdict::Excess => 403,
            Verdict::Inconclusive => 503,
        }
    }
}

/// A report, and how it is written.
#[derive(Debug)]
pub struct Rendered {
    pub report: Report,
    pub json: json::Report,
    masks: bool,
}

impl Report {
    /// Renders the report. `masks` says whether account ids and the names of sessions are masked.
    pub fn render(self, voice: Voice, masks: bool) -> Rendered {
        let json = json::Report::render(&self, voice, masks);
        Rendered { report: self, json, masks }
    }
}

impl Rendered {
    /// The action and the resource of what an earlier run found, as this report shows them.
    pub fn render_key(&self, key: &Key) -> (String, String) {
        let mut rendering = Rendering::new(self.masks);
        // The caller's account has the same number as in the report.
        if let Some(principal) = self.report.run().and_then(|run| run.principal.as_ref()) {
            rendering.text(&principal.account.as_str().into());
        }
        (rendering.text(&key.action.as_str().into()), rendering.text(&key.resource.as_str().into()))
    }

    /// Each finding with its row.
    pub fn rows(&self) -> impl Iterator<Item = (&Finding, &json::Row)> {
        self.report.findings().iter().zip(&self.json.rows)
    }
}
