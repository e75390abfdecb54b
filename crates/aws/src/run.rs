//! All checks of a plan at once, within the time that there is.

mod assume_role;
mod details;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::diagnosis::Run;
use permissions_core::finding::{AllowedAfter, Outcome, findings};
use permissions_core::form::{self, HarmlessOn};
use permissions_core::iam::actions::CONTROL;
use permissions_core::judge::{Cause, Judgment, Proven, Verdict};
use permissions_core::options::Options;
use permissions_core::plan::{Check, Purpose};
use permissions_core::proof::Warning;
use permissions_core::specification::Target;
use tokio::sync::Semaphore;

use crate::probe::{SendOn, make_check};
use crate::probes::{self, QUERY};
use crate::session::Session;

/// The most checks that are made at the same time, and so the most connections.
/// Beyond it, opening another connection takes longer than to wait
/// for one (docs/performance.md, "Why 64 at a time").
pub const MAX_CONCURRENCY: usize = 64;

/// Makes the checks of a plan, under the role to check where the plan opens a
/// session of it, and returns what they found.
pub async fn run(plan: &[Check], session: Arc<Session>, sdk: &SdkConfig, time: &Time) -> Run {
    let (outcomes, session) = assume_role::check_under_role(plan, session, sdk, time).await;
    let mut findings = findings(&outcomes, &session.place());
    details::explain(&mut findings, &session, time.limit()).await;
    Run {
        findings,
        specification: session.specification.clone(),
        principal: session.principal().cloned(),
        place: session.place(),
        is_elsewhere: session.is_elsewhere(),
        through_proxy: session.settings.through_proxy,
        known_actions: probes::infos().iter().map(|probe| probe.action).collect(),
        coverage: None,
    }
}

/// The checks that the options ask for, and in any case those that the others stand on.
pub fn select(plan: &[Check], options: &Options, session: &Session) -> Vec<Check> {
    let is_asked_for = |purpose| matches!(purpose, Purpose::Specified | Purpose::Scope | Purpose::Function);
    let asked = |check: &&Check| !is_asked_for(check.purpose) || options.selects(check.action());
    // The log group is the caller's, and in another account it would be made. An event that asks for these
    // checks gets rows that say why they were not tried.
    let left_out = session.is_elsewhere() && options.actions.is_none();
    let tried = |check: &&Check| !(left_out && matches!(check.target, Target::LogStream(_)));
    plan.iter().filter(asked).filter(tried).cloned().map(|check| check.with_names(&session.names)).collect()
}

/// Makes all checks, at the same time as far as [`MAX_CONCURRENCY`] allows, and returns
/// one outcome for each, in order. `limit` is for all of them together.
pub async fn check_all(checks: &[Check], session: &Arc<Session>, limit: Duration) -> Vec<Outcome> {
    check_in_turns(checks, session, limit, limit).await
}

/// The same; `limit` is for each, and `whole` for all of them together.
async fn check_in_turns(checks: &[Check], session: &Arc<Session>, limit: Duration, whole: Duration) -> Vec<Outcome> {
    let sends: Vec<_> = checks.iter().map(|check| (check.clone(), probes::send_of(check))).collect();
    check_at_once(MAX_CONCURRENCY, sends, session, (limit, whole)).await
}

/// The same; at most `at_once` of them at the same time.
async fn check_at_once(
    at_once: usize,
    checks: Vec<(Check, SendOn)>,
    session: &Arc<Session>,
    (limit, whole): (Duration, Duration),
) -> Vec<Outcome> {
    let (started, turns) = (Instant::now(), Arc::new(Semaphore::new(at_once)));
    if !checks.iter().any(|(check, _)| check.action() == QUERY) {
        session.end_table_keys();
    }
    let start = |(check, send): (Check, SendOn)| {
        let (session, turns, own) = (session.clone(), turns.clone(), check.clone());
        let in_turn = async move {
            let turn = tokio::time::timeout(whole, turns.acquire()).await;
            if turn.is_err() {
                let detail = format!("no turn came within {} ms", whole.as_millis());
                return Outcome::new(own, Answer::none(NoAnswer::TimedOut, detail), whole);
            }
            check_one(own, send, session, limit.min(whole.saturating_sub(started.elapsed()))).await
        };
        (check, tokio::spawn(in_turn))
    };
    let tasks: Vec<_> = checks.into_iter().map(start).collect();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for (check, task) in tasks {
        let broken = |error: tokio::task::JoinError| Answer::none(NoAnswer::ProbePanicked, error.to_string());
        outcomes.push(match task.await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::new(check, broken(error), Duration::ZERO),
        });
    }
    outcomes
}

async fn check_one(check: Check, send: SendOn, session: Arc<Session>, limit: Duration) -> Outcome {
    let ask = check.ask.clone();
    // A request that would make what does not exist goes to no account that is not known to be the one that has it.
    let has_to_be_known = || form::find(check.action()).is_some_and(|form| form.harmless_on == HarmlessOn::Known);
    if let Some(account) = ask.as_ref().and_then(|ask| ask.account.as_deref())
        && session.known_account().map_or_else(has_to_be_known, |own| own != account)
    {
        let detail = format!(
            "the policy's resource is of the account {account}, and the request can name none but the caller's"
        );
        return Outcome::new(check, Answer::none(NoAnswer::OtherAccount, detail), Duration::ZERO);
    }
    let session = session.in_region(ask.as_ref().and_then(|ask| ask.region.as_deref()));
    let outcome = make_check(check, send, session.clone(), limit).await;
    // A probe that waits for what these two learn is told that there is no more to come.
    match (outcome.check.action(), &outcome.check.target) {
        (CONTROL, _) => session.keep_principal(None),
        (QUERY, Target::Table(table)) => session.keep_table_key(table, None),
        _ => {}
    }
    outcome
}

/// The time of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// The longest that one probe may take.
    probe: Duration,
    /// For how long what may still change is tried again.
    retry: Duration,
    started: Instant,
    /// When what is to be answered has to be known; `None` where the invocation has no plausible deadline.
    ends: Option<Instant>,
}

impl Time {
    /// The time of an invocation that starts now. `deadline` is Lambda's, in milliseconds since the epoch.
    pub fn new(probe: Duration, retry: Duration, deadline: u64) -> Self {
        let started = Instant::now();
        let longest = limit(MAX_INVOCATION, deadline, SystemTime::now());
        Self { probe, retry, started, ends: (longest < MAX_INVOCATION).then(|| started + longest) }
    }

    /// How long a probe that starts now may take: nothing, once the time is up.
    pub fn limit(&self) -> Duration {
        self.probe.min(self.left())
    }

    /// How long the invocation has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// For how much longer what may still change is tried again.
    fn retry_left(&self) -> Duration {
        self.retry.saturating_sub(self.started.elapsed()).min(self.left())
    }

    fn left(&self) -> Duration {
        self.ends.map_or(MAX_INVOCATION, |ends| ends.saturating_duration_since(Instant::now()))
    }
}

/// Makes all checks, and tries again what may still change. Returns one outcome for each, in order.
pub(crate) async fn check_and_retry(checks: &[Check], session: &Arc<Session>, time: &Time) -> Vec<Outcome> {
    // What has to wait for its turn has as long as what did not.
    let rounds = u32::try_from(checks.len().div_ceil(MAX_CONCURRENCY)).unwrap_or(u32::MAX).max(1);
    let whole = time.probe.saturating_mul(rounds).min(time.left());
    let mut outcomes = check_in_turns(checks, session, time.limit(), whole).await;
    retry(&mut outcomes, session, time.probe, time.retry_left()).await;
    outcomes
}

/// How long to wait before the first of these attempts; each further one is waited for twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The time that the last of these attempts has.
const LAST_ATTEMPT: Duration = Duration::from_millis(500);

/// Tries again what may still change, until it does, or the time is up: a policy
/// that was attached seconds ago may not yet be in effect (IAM User Guide,
/// "Changes that I make are not always immediately visible"), and a rate that is
/// too high, a network or a service that failed may have recovered.
///
/// `time` is for all of it, `limit` for each attempt.
async fn retry(outcomes: &mut [Outcome], session: &Arc<Session>, limit: Duration, time: Duration) {
    let (started, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let open: Vec<_> = (0..outcomes.len()).filter(|index| may_change(&outcomes[*index], session)).collect();
        let left = time.saturating_sub(started.elapsed());
        if open.is_empty() || left <= LAST_ATTEMPT {
            return;
        }
        tokio::time::sleep(wait.min(left.saturating_sub(LAST_ATTEMPT))).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        let checks: Vec<_> = open.iter().map(|index| outcomes[*index].check.clone()).collect();
        let left = time.saturating_sub(started.elapsed());
        let again = check_all(&checks, session, limit.min(left)).await;
        for (index, outcome) in open.into_iter().zip(again) {
            let known = &mut outcomes[index];
            // An attempt that tells less does not take back what an earlier one has told.
            if how_much_is_told(&outcome) < how_much_is_told(known) {
                continue;
            }
            let allowed = outcome.verdict() == Verdict::Allowed && !may_change(&outcome, session);
            let before = known.allowed_after.map_or_else(|| name_state(known), |allowed| allowed.before);
            let allowed_after = allowed.then(|| AllowedAfter { after: started.elapsed(), before });
            *known = Outcome { allowed_after, ..outcome };
        }
    }
}

/// What an outcome tells: least where there is no verdict, and more where AWS names what it denied all the same.
fn how_much_is_told(outcome: &Outcome) -> u8 {
    match outcome.judge() {
        Judgment::Inconclusive { denial: None, candidates: [], .. } => 0,
        Judgment::Inconclusive { .. } => 1,
        Judgment::Allowed { .. } | Judgment::Denied { .. } => 2,
    }
}

/// Whether another attempt may be answered otherwise.
fn may_change(outcome: &Outcome, session: &Session) -> bool {
    let judgment = outcome.judge();
    // What must be denied, and what nothing denies, can only fail for a while.
    let is_control = outcome.check.is_control();
    match &judgment {
        Judgment::Inconclusive { cause, .. } => match cause {
            Cause::Throttled | Cause::TimedOut | Cause::Network | Cause::ServiceFault => true,
            Cause::OtherActionDenied | Cause::Ambiguous => !is_control,
            // The control has been answered since.
            Cause::NotConfigured => outcome.answer.lacks_account() && session.principal().is_some(),
            _ => false,
        },
        _ if is_control => false,
        // A trust policy that was changed seconds ago may not be in effect yet, as any other policy.
        Judgment::Denied { .. }
        | Judgment::Allowed { proven: Proven::Unexplained(_), .. }
        | Judgment::Allowed { warning: Some(Warning::RoleTrust), .. } => true,
        Judgment::Allowed { proven: Proven::Answer(_), .. } => false,
        // A role that does not exist cannot come to be passed.
        Judgment::Allowed { proven: Proven::Dependent(denial), .. } => {
            !denial.resource.as_deref().is_some_and(|resource| session.names.is_made_up(resource))
        }
    }
}

/// What an outcome is called where it later comes to be allowed.
fn name_state(outcome: &Outcome) -> &'static str {
    match outcome.judge() {
        Judgment::Inconclusive { cause, .. } => cause.name(),
        Judgment::Allowed { warning: Some(Warning::RoleTrust), .. } => Warning::RoleTrust.name(),
        _ => "denied",
    }
}

/// The longest that a Lambda invocation can last (Lambda Developer Guide, "Lambda quotas").
pub const MAX_INVOCATION: Duration = Duration::from_mins(15);

/// How long each probe may take: as configured, but no longer than the
/// invocation has left, less a margin in which the response is sent.
///
/// `deadline` is Lambda's, in milliseconds since the epoch. Local emulators give
/// ones that are long past or far off; those are no deadline at all.
pub fn limit(configured: Duration, deadline: u64, now: SystemTime) -> Duration {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    match Duration::from_millis(deadline).checked_sub(now) {
        Some(left) if left <= MAX_INVOCATION => {
            let margin = (left / 10).clamp(Duration::from_millis(100), Duration::from_millis(500));
            configured.min(left.saturating_sub(margin))
        }
        _ => configured,
    }
}

#[cfg(test)]
mod tests;
