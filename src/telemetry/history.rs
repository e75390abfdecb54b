//! What the latest complete run of this execution environment has told, and what has changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use permissions_core::finding::{Finding, Key};
use permissions_core::judge::Verdict;
use permissions_core::proof::Warning;
use permissions_core::report::Report;

/// What this execution environment's latest complete run has told.
#[derive(Debug, Default)]
pub struct History {
    /// The latest complete run that counts.
    known: Mutex<Known>,
    /// What any run has found, and when it was first found to be so.
    found: Mutex<BTreeMap<Key, (State, SystemTime)>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The state of each finding.
    rows: BTreeMap<Key, Seen>,
    status: Option<u16>,
}

#[derive(Clone, Debug)]
struct Seen {
    state: State,
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
    pub(super) fn compare(&self, report: &Report, status: u16) -> Changes {
        // A thread that panicked while it held the states has left whole ones.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Keeps what any run has found, the one of a widget too.
    pub fn observe(&self, report: &Report, at: SystemTime) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // A denial behind another action that is gone was not there all the time, should it come back; and AWS can name
        // another resource in each run, which would never be forgotten.
        if !report.is_filtered {
            let keys: BTreeSet<_> = report.findings().iter().map(Finding::key).collect();
            found.retain(|key, _| keys.contains(key));
        }
        for finding in report.findings() {
            let now = state(finding);
            found
                .entry(finding.key())
                .and_modify(|known| {
                    if known.0 != now {
                        *known = (now, at);
                    }
                })
                .or_insert((now, at));
        }
    }

    /// Since when each finding has been as it is, in their order, as far as this environment knows.
    pub fn since(&self, report: &Report) -> Vec<Option<SystemTime>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let since =
            |finding: &Finding| found.get(&finding.key()).filter(|known| known.0 == state(finding)).map(|it| it.1);
        report.findings().iter().map(since).collect()
    }
}
