//! What the latest complete run of this execution environment has told, and what has changed since.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use permissions_core::finding::{Finding, Key};
use permissions_core::judge::Verdict;
use permissions_core::proof::Warning;
use permissions_core::report::Report;

/// What this execution environment's latest complete run has told.
#[derive(Debug, Default)]
pub struct History(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The state of each finding.
    rows: BTreeMap<Key, Seen>,
    status: Option<u16>,
}

#[derive(Clone, Debug)]
struct Seen {
    state: State,
    /// When it was first found to be so.
    since: SystemTime,
    /// The actions that were called when AWS denied it.
    called_by: Vec<&'static str>,
}

/// What has become of the findings since the latest complete run.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What each finding was, in order, where that is known and it was otherwise.
    pub rows: Vec<Option<State>>,
    /// What AWS denied behind another action, and no longer does.
    pub gone: Vec<(Key, State)>,
    /// Whether the status is another one.
    pub moved: bool,
}

/// What a finding says, as far as a change of it is news.
pub(super) type State = (Verdict, Option<Warning>);

fn state(finding: &Finding) -> State {
    (finding.verdict, finding.warning)
}

impl History {
    /// Compares a run with the latest complete one, and keeps it if it is complete itself.
    pub(super) fn compare(&self, report: &Report, status: u16, at: SystemTime) -> Changes {
        // A thread that panicked while it held the states has left whole ones.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = |finding: &Finding| known.rows.get(&finding.key());
        let findings = report.findings();
        let change =
            |finding: &Finding| before(finding).map(|seen| seen.state).filter(|before| *before != state(finding));
        let changes = findings.iter().map(change).collect();
        if report.is_filtered {
            return Changes { rows: changes, ..Changes::default() };
        }
        let seen = |finding: &Finding| Seen {
            state: state(finding),
            since: before(finding).filter(|seen| seen.state == state(finding)).map_or(at, |seen| seen.since),
            called_by: finding.called_by().iter().map(|probe| probe.action).collect(),
        };
        let mut rows: BTreeMap<_, _> = findings.iter().map(|finding| (finding.key(), seen(finding))).collect();
        // Only where all checks of the actions that were called have told something can it be gone.
        let tells = |action: &&str| {
            let mut own = findings.iter().filter(|finding| finding.is_check_of(action)).peekable();
            own.peek().is_some() && own.all(|finding| finding.verdict != Verdict::Inconclusive)
        };
        let mut gone = Vec::new();
        for (key, seen) in known.rows.iter().filter(|(key, _)| key.is_dependent) {
            if rows.contains_key(key) {
                continue;
            }
            if seen.called_by.iter().all(tells) {
                gone.push((key.clone(), seen.state));
            } else {
                rows.insert(key.clone(), seen.clone());
            }
        }
        let moved = known.status.is_some_and(|before| before != status);
        *known = Known { rows, status: Some(status) };
        Changes { rows: changes, gone, moved }
    }

    /// Since when each finding has been as it is, in their order, as far as complete runs of this environment know.
    pub fn since(&self, report: &Report) -> Vec<Option<SystemTime>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |finding: &Finding| {
            known.rows.get(&finding.key()).filter(|seen| seen.state == state(finding)).map(|seen| seen.since)
        };
        report.findings().iter().map(since).collect()
    }
}
