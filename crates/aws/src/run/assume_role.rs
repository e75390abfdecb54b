//! A run under another role than the caller's own, where the plan opens a
//! session of it.
//!
//! The role is assumed first, and that is a check like any other. Then all other
//! checks are made in the new session, the control among them. Where there is
//! no session, nothing is tried: what the caller's own role may do says
//! nothing of the other one.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::finding::Outcome;
use permissions_core::iam::actions::CONTROL;
use permissions_core::plan::{Check, Purpose};

use super::{Time, check_all, check_and_retry};
use crate::session::Session;

/// Makes all checks, and tries again what may still change. Returns one outcome
/// for each, in order, and the session that they were made in.
pub(crate) async fn check_under_role(
    checks: &[Check],
    session: Arc<Session>,
    sdk: &SdkConfig,
    time: &Time,
) -> (Vec<Outcome>, Arc<Session>) {
    let Some(place) = checks.iter().position(|check| check.purpose == Purpose::OpensSession) else {
        return (check_and_retry(checks, &session, time).await, session);
    };
    let mut others = checks.to_vec();
    let opening = others.remove(place);
    let opened = check_and_retry(&[opening], &session, time).await;
    let (mut outcomes, session) = match session.under_role(sdk) {
        Some(session) => {
            let session = Arc::new(session);
            (check_and_retry(&others, &session, time).await, session)
        }
        None => (leave_untried(others, &session, time).await, session),
    };
    outcomes.splice(place..place, opened);
    (outcomes, session)
}

/// The outcomes where the role was not assumed. The control is sent all the
/// same: it tells who was denied, and whether that is to be believed.
async fn leave_untried(checks: Vec<Check>, session: &Arc<Session>, time: &Time) -> Vec<Outcome> {
    let controls: Vec<_> = checks.iter().filter(|check| check.action() == CONTROL).cloned().collect();
    let mut controls = check_all(&controls, session, time.limit()).await.into_iter();
    let untried = |check: Check| {
        let control = if check.action() == CONTROL { controls.next() } else { None };
        control.unwrap_or_else(|| {
            let answer = Answer::none(NoAnswer::NotAssumed, "the role to check was not assumed");
            Outcome::new(check, answer, Duration::ZERO)
        })
    };
    checks.into_iter().map(untried).collect()
}
