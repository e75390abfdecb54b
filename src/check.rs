//! All probes at once, within the time that the invocation has left.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use crate::answer::{Answer, Silence};
use crate::probe::{self, Context, Outcome, Probe, Settled};
use crate::probes::{CONTROL, QUERY};
use crate::verdict::{Cause, Judgement, Proven, Verdict};

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
    if !probes.iter().any(|probe| probe.action == QUERY.action) {
        cx.keep_key_name(None);
    }
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
    /// For how long what may still change is tried again.
    pub settle: Duration,
    pub started: Instant,
    /// When what is to be answered has to be known; `None` where the invocation has no plausible deadline.
    pub ends: Option<Instant>,
}

impl Time {
    /// The time of an invocation that starts now. `deadline` is Lambda's, in milliseconds since the epoch.
    pub fn new(probe: Duration, settle: Duration, deadline: u64) -> Self {
        let started = Instant::now();
        let longest = limit(LONGEST, deadline, SystemTime::now());
        Self { probe, settle, started, ends: (longest < LONGEST).then(|| started + longest) }
    }

    /// How long a probe that starts now may take: nothing, once the time is up.
    pub fn limit(&self) -> Duration {
        self.probe.min(self.left())
    }

    /// For how much longer what may still change is tried again.
    fn settling(&self) -> Duration {
        self.settle.saturating_sub(self.started.elapsed()).min(self.left())
    }

    fn left(&self) -> Duration {
        self.ends.map_or(LONGEST, |ends| ends.saturating_duration_since(Instant::now()))
    }
}

/// Runs all probes, and tries again what may still change. Returns one outcome for each, in order.
pub async fn settled(probes: &[&'static Probe], cx: &Arc<Context>, time: &Time) -> Vec<Outcome> {
    let mut outcomes = run(probes, cx, time.limit()).await;
    settle(&mut outcomes, cx, time.probe, time.settling()).await;
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
async fn settle(outcomes: &mut [Outcome], cx: &Arc<Context>, limit: Duration, time: Duration) {
    let (started, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let open: Vec<_> = (0..outcomes.len()).filter(|index| may_settle(&outcomes[*index], cx)).collect();
        let left = time.saturating_sub(started.elapsed());
        if open.is_empty() || left <= LAST_ATTEMPT {
            return;
        }
        tokio::time::sleep(wait.min(left.saturating_sub(LAST_ATTEMPT))).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        let probes: Vec<_> = open.iter().map(|index| outcomes[*index].probe).collect();
        let left = time.saturating_sub(started.elapsed());
        let again = run(&probes, cx, limit.min(left)).await;
        for (index, outcome) in open.into_iter().zip(again) {
            let known = &mut outcomes[index];
            // An attempt that tells nothing does not take back what an earlier one has told.
            if outcome.verdict() == Verdict::Inconclusive && known.verdict() != Verdict::Inconclusive {
                continue;
            }
            let allowed = outcome.verdict() == Verdict::Allowed && !may_settle(&outcome, cx);
            let before = known.settled.map_or_else(|| state(known), |settled| settled.before);
            let settled = allowed.then(|| Settled { after: started.elapsed(), before });
            *known = Outcome { settled, ..outcome };
        }
    }
}

/// Whether another attempt may be answered otherwise.
fn may_settle(outcome: &Outcome, cx: &Context) -> bool {
    let judgement = outcome.judge();
    // What must be denied, and what nothing denies, can only fail for a while.
    let is_control = outcome.probe.must_be_denied() || outcome.probe.action == CONTROL.action;
    match &judgement {
        Judgement::Inconclusive { cause, .. } => match cause {
            Cause::Throttled | Cause::TimedOut | Cause::Network | Cause::ServiceFault => true,
            Cause::OtherActionDenied | Cause::Ambiguous => !is_control,
            // The control has been answered since.
            Cause::NotConfigured => outcome.answer.lacks_account() && cx.principal().is_some(),
            _ => false,
        },
        _ if is_control => false,
        Judgement::Denied { .. } | Judgement::Allowed { proven: Proven::Unexplained(_), .. } => true,
        Judgement::Allowed { proven: Proven::Answer(_), .. } => false,
        // A role that does not exist cannot come to be passed.
        Judgement::Allowed { proven: Proven::Dependent(denial), .. } => {
            !denial.resource.as_deref().is_some_and(|resource| cx.is_made_up(resource))
        }
    }
}

/// What an outcome is called where it later comes to be allowed.
fn state(outcome: &Outcome) -> &'static str {
    match outcome.judge() {
        Judgement::Inconclusive { cause, .. } => cause.name(),
        _ => "denied",
    }
}

async fn one(probe: &'static Probe, cx: Arc<Context>, limit: Duration) -> Outcome {
    let outcome = probe::run(probe, cx.clone(), limit).await;
    // A probe that waits for what these two learn is told that there is no more to come.
    if probe.action == CONTROL.action {
        cx.keep_identity(None);
    } else if probe.action == QUERY.action {
        cx.keep_key_name(None);
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
    async fn a_deadline_that_passes_during_the_run_ends_it() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let in_ms = |ms: u64| u64::try_from(now.as_millis()).unwrap() + ms;
        let time = Time::new(Duration::from_secs(5), Duration::from_secs(30), in_ms(300));
        assert!(time.limit() <= Duration::from_millis(300) && time.settling() <= Duration::from_millis(300));
        tokio::time::sleep(Duration::from_millis(350)).await;
        assert_eq!((time.limit(), time.settling()), (Duration::ZERO, Duration::ZERO));
        // What is no deadline stays none.
        let time = Time::new(Duration::from_secs(5), Duration::from_secs(30), 600_000);
        assert_eq!(time.limit(), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn kept_connections_that_went_silent_cost_one_attempt() {
        // Each connection answers so many requests, and then only takes them.
        let quiet = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let silent = quiet.clone();
        let server = stub::Server::accept(move |connection, seen| {
            let new = silent.load(std::sync::atomic::Ordering::SeqCst);
            let answer = |request: &stub::Request| {
                if silent.load(std::sync::atomic::Ordering::SeqCst) && !new {
                    return stub::Act::Stall(Vec::new(), Duration::from_secs(4));
                }
                healthy(request).into()
            };
            stub::serve(connection, seen, Duration::from_secs(10), &answer);
        });
        let config = stub::config_with(&[("PROBE_TIMEOUT_MS", "2500")]);
        let limit = config.timeout;
        let sdk = stub::sdk(&format!("http://{}", server.address));
        let cx = Arc::new(stub::context(&sdk, config));
        let probes = [ALL[0], ALL[3], ALL[4], ALL[7]];
        assert!(run(&probes, &cx, limit).await.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
        quiet.store(true, std::sync::atomic::Ordering::SeqCst);
        let told: Vec<_> = run(&probes, &cx, limit).await.iter().map(stub::summary).collect();
        assert!(told.iter().all(|told| told.starts_with("allowed")), "{told:?}");
    }

    #[tokio::test]
    async fn an_outage_of_many_runs_costs_the_next_one_no_attempt() {
        let lost = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (down, losing) = (Arc::new(std::sync::atomic::AtomicBool::new(true)), lost.clone());
        let is_down = down.clone();
        let stub = Stub::start(move |request| {
            let closes = is_down.load(std::sync::atomic::Ordering::SeqCst)
                || losing.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            if closes { Vec::new() } else { healthy(request) }
        });
        let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
        let probe = ALL.iter().find(|probe| probe.action == "dynamodb:Scan").unwrap();
        for _ in 0..60 {
            let outcomes = run(&[probe], &cx, Duration::from_secs(5)).await;
            assert_eq!(stub::summary(&outcomes[0]), "inconclusive network");
        }
        assert_eq!(stub.requests().len(), 60 * 3, "each run asks as often as the first");
        down.store(false, std::sync::atomic::Ordering::SeqCst);
        let outcomes = run(&[probe], &cx, Duration::from_secs(5)).await;
        assert_eq!(
            (stub::summary(&outcomes[0]).as_str(), stub.requests().len()),
            ("allowed 200 documented", 60 * 3 + 2)
        );
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
        let settled: Vec<_> =
            outcomes.iter().map(|outcome| outcome.settled.map(|settled| settled.after.as_secs())).collect();
        assert_eq!(settled, [None, None, Some(3), None], "after waits of one second and of two");
        assert_eq!(stub.seen.count() - sent, 4, "two actions, twice each");
    }

    /// Runs probes, and tries again what may still change, against answers by the action and the time it is asked for.
    async fn settled_against(
        actions: &[&str],
        answer: impl Fn(&str, usize, &stub::Request) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Vec<(String, Option<&'static str>)> {
        let asked = std::sync::Mutex::new(std::collections::BTreeMap::<String, usize>::new());
        let stub = Stub::start(move |request: &stub::Request| {
            let action = stub::action_of(request);
            let time = *asked.lock().unwrap().entry(action.clone()).and_modify(|times| *times += 1).or_insert(0);
            answer(&action, time, request).unwrap_or_else(|| healthy(request))
        });
        let mut cx = stub::context(&stub.sdk(), stub::config());
        cx.function_account = None;
        let cx = Arc::new(cx);
        let probes: Vec<_> = ALL.iter().copied().filter(|probe| actions.contains(&probe.action)).collect();
        let mut outcomes = run(&probes, &cx, Duration::from_secs(5)).await;
        settle(&mut outcomes, &cx, Duration::from_secs(5), Duration::from_millis(3_500)).await;
        outcomes.iter().map(|outcome| (stub::summary(outcome), outcome.settled.map(|settled| settled.before))).collect()
    }

    #[tokio::test]
    async fn what_failed_for_a_while_is_tried_again() {
        // The SDK itself tries a request three times.
        let rows = settled_against(
            &["sts:GetCallerIdentity", "s3:ListBucket", "dynamodb:Scan", "sagemaker:CreateModel", "logs:PutLogEvents"],
            |action, time, request| match action {
                "sts:GetCallerIdentity" if time < 3 => {
                    Some(stub::error_of(request, 503, "ServiceUnavailable", "The service is unavailable."))
                }
                "dynamodb:Scan" if time < 3 => Some(stub::json_error("ThrottlingException", "Rate exceeded")),
                "s3:ListBucket" if time < 3 => Some(Vec::new()),
                "logs:PutLogEvents" => Some(stub::json_error("TeapotException", "")),
                _ => None,
            },
        )
        .await;
        assert_eq!(rows[0], ("allowed 200 documented".to_owned(), Some("serviceFault")));
        assert_eq!(rows[1], ("allowed 200 ListBucketResult documented".to_owned(), Some("network")));
        assert_eq!(rows[2], ("allowed 200 documented".to_owned(), Some("throttled")));
        // It needs the account, which only the control tells here.
        assert_eq!(rows[3], ("allowed ValidationException inferred".to_owned(), Some("notConfigured")));
        assert_eq!(rows[4], ("inconclusive unrecognized".to_owned(), None), "nothing changes that");
    }

    #[tokio::test]
    async fn what_follows_from_a_denial_is_tried_again_with_it() {
        let bare = |request: &stub::Request| Some(stub::error_of(request, 403, "AccessDenied", "Access Denied"));
        // A key whose policy is late.
        let actions = ["sts:GetCallerIdentity", "s3:GetObject", "s3:PutObject", "s3:ListBucket"];
        let rows = settled_against(&actions, |action, time, _| {
            (action == "s3:GetObject" && time < 1).then(|| stub::denial("kms:Decrypt", "s3:GetObject"))
        })
        .await;
        assert_eq!(rows[1], ("allowed 200 documented".to_owned(), Some("denied")));
        // A bucket of another account, whose policy is late.
        let rows = settled_against(&actions, move |action, time, request| match action {
            "s3:PutObject" | "s3:GetObject" if time < 1 => bare(request),
            // The probe of s3:GetObject lists as well.
            "s3:ListBucket" if time < 2 => bare(request),
            _ => None,
        })
        .await;
        let settled: Vec<_> = rows[1..].iter().map(|row| row.1).collect();
        assert!(rows.iter().all(|row| row.0.starts_with("allowed")), "{rows:?}");
        assert_eq!(settled, [Some("ambiguous"), Some("ambiguous"), Some("denied")]);
        // s3:ListBucket that is late, and an object that does not exist.
        let empty = "<ListBucketResult><Name>your-bucket-name</Name></ListBucketResult>";
        let rows = settled_against(&actions, move |action, time, _| match action {
            "s3:ListBucket" if time < 2 => Some(stub::denial("s3:ListBucket", "s3:ListBucket")),
            "s3:ListBucket" => Some(stub::response(200, "application/xml", empty)),
            "s3:GetObject" if time < 1 => Some(stub::denial("s3:ListBucket", "s3:GetObject")),
            "s3:GetObject" => Some(stub::s3_error(404, "NoSuchKey", "The specified key does not exist.")),
            _ => None,
        })
        .await;
        assert_eq!(rows[1], ("allowed NoSuchKey inferred".to_owned(), Some("otherActionDenied")));
        assert_eq!(rows[3].1, Some("denied"));
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
    async fn the_key_that_query_learns_gives_update_item_a_documented_proof() {
        let run_of = async |actions: &[&str]| {
            let stub = Stub::start(healthy);
            let cx = Arc::new(stub::context(&stub.sdk(), stub::config()));
            let probes: Vec<_> = ALL.iter().copied().filter(|probe| actions.contains(&probe.action)).collect();
            let started = Instant::now();
            let outcomes = run(&probes, &cx, Duration::from_secs(5)).await;
            assert!(started.elapsed() < Duration::from_secs(1), "nothing waits in vain: {:?}", started.elapsed());
            let requests = stub.requests();
            let updates = requests.into_iter().filter(|request| stub::action_of(request) == "dynamodb:UpdateItem");
            let updates: Vec<_> = updates.map(|request| request.json()).collect();
            (stub::summary(&outcomes[0]), updates, outcomes[0].leftover(&cx).unwrap().what)
        };
        let (summary, updates, leftover) = run_of(&["dynamodb:UpdateItem", "dynamodb:Query"]).await;
        let item = format!("the item {{\"id\":{{\"S\":\"{}\"}}}} of the table ModelMetadata", stub::RECORD);
        assert_eq!(leftover, item, "what would be there is what was sent");
        assert_eq!(summary, "allowed ConditionalCheckFailedException documented");
        assert_eq!(updates[1]["Key"], serde_json::json!({"id": {"S": stub::RECORD}}));
        assert_eq!(updates[1]["ConditionExpression"], "attribute_exists(#guard) AND attribute_not_exists(#guard)");
        let (summary, updates, _) = run_of(&["dynamodb:UpdateItem"]).await;
        assert_eq!((summary.as_str(), updates.len()), ("allowed ValidationException inferred", 1));
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
