//! All probes at once, within the time that the invocation has left.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use crate::answer::{Answer, Silence};
use crate::probe::{self, Context, Outcome, Probe};
use crate::probes::CONTROL;
use crate::verdict::Verdict;

/// The most probes that run at the same time, and so the most connections: all
/// of today's. Beyond it, opening another connection takes longer than to wait
/// for one (docs/performance.md, "How cost grows").
pub const AT_ONCE: usize = 64;

/// Runs all probes, at the same time as far as [`AT_ONCE`] allows, and returns
/// one outcome for each, in order. `limit` is for all of them together.
pub async fn run(probes: &[&'static Probe], cx: &Arc<Context>, limit: Duration) -> Vec<Outcome> {
    run_at_most(AT_ONCE, probes, cx, limit).await
}

/// The same, with another bound.
pub async fn run_at_most(
    at_once: usize,
    probes: &[&'static Probe],
    cx: &Arc<Context>,
    limit: Duration,
) -> Vec<Outcome> {
    let (started, turns) = (Instant::now(), Arc::new(Semaphore::new(at_once)));
    let start = |probe: &&'static Probe| {
        let (probe, cx, turns) = (*probe, cx.clone(), turns.clone());
        let in_turn = async move {
            let turn = tokio::time::timeout(limit, turns.acquire()).await;
            if turn.is_err() {
                let answer =
                    Answer::nothing(Silence::TimedOut, format!("no turn came within {} ms", limit.as_millis()));
                return Outcome { probe, answer, duration: limit, settled: None };
            }
            one(probe, cx, limit.saturating_sub(started.elapsed())).await
        };
        (probe, tokio::spawn(in_turn))
    };
    let tasks: Vec<_> = probes.iter().map(start).collect();
    let mut outcomes = Vec::with_capacity(tasks.len());
    for (probe, task) in tasks {
        outcomes.push(task.await.unwrap_or_else(|error| Outcome {
            probe,
            answer: Answer::nothing(Silence::Broken, error.to_string()),
            duration: Duration::ZERO,
            settled: None,
        }));
    }
    outcomes
}

/// The time of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// The longest that one probe may take.
    pub probe: Duration,
    /// For how long what is denied is tried again.
    pub settle: Duration,
    pub started: Instant,
    /// When the invocation ends, as Lambda tells it: in milliseconds since the epoch.
    pub deadline: u64,
}

impl Time {
    /// How long a probe that starts now may take.
    pub fn limit(&self) -> Duration {
        limit(self.probe, self.deadline, SystemTime::now())
    }

    /// For how much longer what is denied is tried again.
    fn settling(&self) -> Duration {
        limit(self.settle.saturating_sub(self.started.elapsed()), self.deadline, SystemTime::now())
    }
}

/// Runs all probes, and tries again what was denied. Returns one outcome for each, in order.
pub async fn settled(probes: &[&'static Probe], cx: &Arc<Context>, time: &Time) -> Vec<Outcome> {
    let mut outcomes = run(probes, cx, time.limit()).await;
    settle(&mut outcomes, cx, time.probe, time.settling()).await;
    outcomes
}

/// How long to wait before what was denied is tried again, the first time; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Tries again what was denied, until it is not, or the time is up: a policy
/// that was attached seconds ago may not yet be in effect (IAM User Guide,
/// "Changes that I make are not always immediately visible").
///
/// `time` is for all of it, `limit` for each attempt.
async fn settle(outcomes: &mut [Outcome], cx: &Arc<Context>, limit: Duration, time: Duration) {
    let (started, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let denied: Vec<_> = (0..outcomes.len()).filter(|index| may_settle(&outcomes[*index])).collect();
        let left = time.saturating_sub(started.elapsed());
        if denied.is_empty() || left <= wait {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        let probes: Vec<_> = denied.iter().map(|index| outcomes[*index].probe).collect();
        let left = time.saturating_sub(started.elapsed());
        let again = run(&probes, cx, limit.min(left)).await;
        for (index, outcome) in denied.into_iter().zip(again) {
            // An attempt that tells nothing does not take a denial back.
            if outcome.verdict() != Verdict::Inconclusive {
                let settled = (outcome.verdict() == Verdict::Allowed).then(|| started.elapsed());
                outcomes[index] = Outcome { settled, ..outcome };
            }
        }
    }
}

/// Whether AWS may yet come to allow what it has denied.
fn may_settle(outcome: &Outcome) -> bool {
    outcome.verdict() == Verdict::Denied && !outcome.probe.must_be_denied() && outcome.probe.action != CONTROL.action
}

async fn one(probe: &'static Probe, cx: Arc<Context>, limit: Duration) -> Outcome {
    let outcome = probe::run(probe, cx.clone(), limit).await;
    if probe.action == CONTROL.action {
        // Whoever waits for the account learns that it will not come.
        drop(cx.principal.set(None));
    }
    outcome
}

/// The longest that a Lambda invocation can last (Lambda Developer Guide, "Lambda quotas").
pub const LONGEST: Duration = Duration::from_mins(15);

/// How long each probe may take: as configured, but no longer than the
/// invocation has left, less a margin in which the response is sent.
///
/// `deadline` is Lambda's, in milliseconds since the epoch. Local emulators give
/// ones that are long past or far off; those are no deadline at all.
pub fn limit(configured: Duration, deadline: u64, now: SystemTime) -> Duration {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    match Duration::from_millis(deadline).checked_sub(now) {
        Some(left) if left <= LONGEST => {
            let margin = (left / 10).clamp(Duration::from_millis(100), Duration::from_millis(500));
            configured.min(left.saturating_sub(margin))
        }
        _ => configured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::ALL;
    use crate::stub::{self, Stub, healthy};

    #[test]
    fn the_deadline_shortens_the_limit() {
        let now = UNIX_EPOCH + Duration::from_hours(500_000);
        let at = |left: i64| 1_800_000_000_000_u64.saturating_add_signed(left);
        let limit = |deadline| super::limit(Duration::from_secs(5), deadline, now).as_millis();
        assert_eq!(limit(at(3_000)), 2_700);
        assert_eq!(limit(at(60_000)), 5_000);
        assert_eq!(limit(at(500)), 400);
        assert_eq!(limit(at(50)), 0);
        // What cargo-lambda gives, and other nonsense.
        for implausible in [600_000, 0, u64::MAX, at(-1), at(901_000)] {
            assert_eq!(limit(implausible), 5_000, "{implausible}");
        }
    }

    #[tokio::test]
    async fn silence_costs_one_limit_and_no_row() {
        // The stub accepts and says nothing for longer than the limit.
        let stub = Stub::start(|_| {
            std::thread::sleep(Duration::from_secs(3));
            Vec::new()
        });
        let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
        let started = Instant::now();
        let outcomes = run(ALL, &cx, Duration::from_millis(300)).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert_eq!(outcomes.len(), ALL.len());
        for outcome in &outcomes {
            assert_eq!(stub::summary(outcome), "inconclusive timedOut", "{}", outcome.probe.action);
        }
    }

    #[tokio::test]
    async fn a_probe_waits_for_its_turn_and_is_a_row_without_one() {
        let stub = Stub::start(|request: &stub::Request| {
            std::thread::sleep(Duration::from_millis(100));
            healthy(request)
        });
        let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
        let probes = [ALL[0], ALL[3], ALL[4], ALL[5], ALL[6], ALL[7]];
        let outcomes = run_at_most(2, &probes, &cx, Duration::from_secs(5)).await;
        assert!(outcomes.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
        assert!(stub.seen.connections() <= 4, "two at a time, to one host: {}", stub.seen.connections());

        let outcomes = run_at_most(1, &probes, &cx, Duration::from_millis(150)).await;
        assert_eq!(outcomes.iter().map(|outcome| outcome.probe.action).collect::<Vec<_>>(), probes.map(|p| p.action));
        assert!(stub::summary(&outcomes[0]).starts_with("allowed"));
        assert!(outcomes[2..].iter().all(|outcome| stub::summary(outcome) == "inconclusive timedOut"));
    }

    #[tokio::test]
    async fn what_is_denied_at_first_is_tried_again_and_nothing_else() {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let stub = Stub::start(move |request: &stub::Request| match stub::action_of(request).as_str() {
            "dynamodb:PutItem" if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 => {
                stub::denial("dynamodb:PutItem", "dynamodb:PutItem")
            }
            "s3:ListBucket" => stub::denial("s3:ListBucket", "s3:ListBucket"),
            _ => healthy(request),
        });
        let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
        let probes = [ALL[0], ALL[3], ALL[4], ALL[5]];
        let mut outcomes = run(&probes, &cx, Duration::from_secs(5)).await;
        let sent = stub.seen.count();
        settle(&mut outcomes, &cx, Duration::from_secs(5), Duration::from_millis(3_500)).await;
        let told: Vec<_> = outcomes.iter().map(stub::summary).collect();
        assert!(told[2].starts_with("allowed") && told[3].starts_with("allowed"), "{told:?}");
        assert!(told[1].starts_with("denied"), "{told:?}");
        let settled: Vec<_> = outcomes.iter().map(|outcome| outcome.settled.map(|after| after.as_secs())).collect();
        assert_eq!(settled, [None, None, Some(3), None], "after waits of one second and of two");
        assert_eq!(stub.seen.count() - sent, 4, "two actions, twice each");
    }

    #[tokio::test]
    async fn a_probe_that_panics_is_a_row() {
        static BREAKS: Probe = Probe { run: |_| Box::pin(async { panic!("out of cheese") }), ..*ALL[1] };
        let stub = Stub::start(|_| Vec::new());
        let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
        let outcomes = run(&[&BREAKS, CONTROL], &cx, Duration::from_secs(5)).await;
        assert_eq!(stub::summary(&outcomes[0]), "inconclusive probeBroken");
        assert!(format!("{:?}", outcomes[0].answer).contains("out of cheese"));
        assert_eq!(stub::summary(&outcomes[1]), "inconclusive network");
    }

    #[tokio::test]
    async fn without_an_account_the_probes_that_need_one_say_so() {
        let stub = Stub::start(|_| Vec::new());
        let mut cx = stub::context(&stub.sdk(), stub::config());
        cx.function_account = None;
        let outcomes = run(ALL, &Arc::new(cx), Duration::from_secs(5)).await;
        let waiting: Vec<_> = outcomes
            .iter()
            .filter(|outcome| stub::summary(outcome) == "inconclusive notConfigured")
            .map(|outcome| outcome.probe.action)
            .collect();
        assert_eq!(waiting, ["sagemaker:CreateTrainingJob", "sagemaker:CreateModel", "iam:PassRole"]);
    }
}
