use super::*;
use crate::harness::{self as stub, Stub, all_checks, checks_of, healthy, specification};

/// Two services, and the control.
const FOUR: &[&str] = &["sts:GetCallerIdentity", "s3:ListBucket", "dynamodb:PutItem", "dynamodb:Scan"];

/// The checks of these actions, in the order of the probes.
fn plan_of(actions: &[&str]) -> Vec<Check> {
    let mut checks = all_checks(&specification());
    checks.retain(|check| actions.contains(&check.action()));
    // As a plan has it.
    for check in checks.iter_mut().filter(|check| check.action() == CONTROL) {
        check.purpose = permissions_core::plan::Purpose::Control;
    }
    checks
}

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
    assert!(time.limit() <= Duration::from_millis(300) && time.retry_left() <= Duration::from_millis(300));
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!((time.limit(), time.retry_left()), (Duration::ZERO, Duration::ZERO));
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
    let limit = Duration::from_millis(2500);
    let sdk = stub::sdk(&format!("http://{}", server.address));
    let specification = specification();
    let checks = checks_of(FOUR, &specification);
    let session = Arc::new(stub::session_at(&sdk, specification, limit));
    assert!(
        check_all(&checks, &session, limit).await.iter().all(|outcome| stub::summary(outcome).starts_with("allowed"))
    );
    quiet.store(true, std::sync::atomic::Ordering::SeqCst);
    let told: Vec<_> = check_all(&checks, &session, limit).await.iter().map(stub::summary).collect();
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
    let checks = checks_of(&["dynamodb:Scan"], &specification());
    let session = Arc::new(stub.session(specification()));
    for _ in 0..60 {
        let outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
        assert_eq!(stub::summary(&outcomes[0]), "inconclusive network");
    }
    assert_eq!(stub.requests().len(), 60 * 3, "each run asks as often as the first");
    down.store(false, std::sync::atomic::Ordering::SeqCst);
    let outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
    assert_eq!((stub::summary(&outcomes[0]).as_str(), stub.requests().len()), ("allowed 200 documented", 60 * 3 + 2));
}

#[tokio::test]
async fn silence_costs_one_limit_and_no_row() {
    // The stub accepts and says nothing for longer than the limit.
    let stub = Stub::start(|_| {
        std::thread::sleep(Duration::from_secs(3));
        Vec::new()
    });
    let checks = all_checks(&specification());
    let session = Arc::new(stub.session(specification()));
    let started = Instant::now();
    let outcomes = check_all(&checks, &session, Duration::from_millis(300)).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(outcomes.len(), checks.len());
    for outcome in &outcomes {
        assert_eq!(stub::summary(outcome), "inconclusive timedOut", "{}", outcome.check.action());
    }
}

#[tokio::test]
async fn a_probe_waits_for_its_turn_and_is_a_row_without_one() {
    let stub = Stub::start(|request: &stub::Request| {
        std::thread::sleep(Duration::from_millis(100));
        healthy(request)
    });
    let session = Arc::new(stub.session(specification()));
    let actions = [FOUR, &["dynamodb:GetItem", "dynamodb:UpdateItem"]].concat();
    let sends = || -> Vec<_> {
        let checks = checks_of(&actions, &specification());
        checks.into_iter().map(|check| (check.clone(), probes::send_of(&check))).collect()
    };
    let outcomes = check_at_once(2, sends(), &session, (Duration::from_secs(5), Duration::from_secs(5))).await;
    assert!(outcomes.iter().all(|outcome| stub::summary(outcome).starts_with("allowed")));
    assert!(stub.seen.connections() <= 4, "two at a time, to one host: {}", stub.seen.connections());

    let outcomes = check_at_once(1, sends(), &session, (Duration::from_millis(150), Duration::from_millis(150))).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.check.action()).collect::<Vec<_>>(), actions);
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
    let session = Arc::new(stub.session(specification()));
    let actions = ["sts:GetCallerIdentity", "s3:ListBucket", "dynamodb:PutItem", "dynamodb:UpdateItem"];
    let checks = checks_of(&actions, &specification());
    let mut outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
    let sent = stub.seen.count();
    retry(&mut outcomes, &session, Duration::from_secs(5), Duration::from_millis(3_500)).await;
    let told: Vec<_> = outcomes.iter().map(stub::summary).collect();
    assert!(told[2].starts_with("allowed") && told[3].starts_with("allowed"), "{told:?}");
    assert!(told[1].starts_with("denied"), "{told:?}");
    let settled: Vec<_> =
        outcomes.iter().map(|outcome| outcome.allowed_after.map(|allowed| allowed.after.as_secs())).collect();
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
    let mut session = stub.session(specification());
    session.function_account = None;
    let session = Arc::new(session);
    let checks = plan_of(actions);
    let mut outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
    retry(&mut outcomes, &session, Duration::from_secs(5), Duration::from_millis(3_500)).await;
    outcomes
        .iter()
        .map(|outcome| (stub::summary(outcome), outcome.allowed_after.map(|allowed| allowed.before)))
        .collect()
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
async fn an_attempt_that_tells_less_takes_nothing_back() {
    let actions = ["sts:GetCallerIdentity", "s3:PutObject", "dynamodb:Scan"];
    let rows = settled_against(&actions, |action, time, request| match (action, time) {
        ("s3:PutObject", 0) => Some(stub::error_of(request, 403, "AccessDenied", "Access Denied")),
        ("dynamodb:Scan", 0) => Some(stub::denial("ec2:DescribeInstances", "dynamodb:Scan")),
        ("s3:PutObject" | "dynamodb:Scan", _) => {
            Some(stub::error_of(request, 400, "ThrottlingException", "Rate exceeded"))
        }
        _ => None,
    })
    .await;
    let said: Vec<_> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(said[1..], ["inconclusive ambiguous", "inconclusive otherActionDenied"]);
}

#[tokio::test]
async fn trust_that_is_late_is_waited_for() {
    let rows = settled_against(&["sts:GetCallerIdentity", "iam:PassRole"], |action, time, request| {
        let late = "Could not assume role arn:aws:iam::123456789012:role/r. Please ensure that the role exists.";
        (action != CONTROL && time < 1).then(|| stub::error_of(request, 400, "ValidationException", late))
    })
    .await;
    assert_eq!(rows[1], ("allowed ValidationException inferred".to_owned(), Some("roleTrust")));
}

#[tokio::test]
async fn a_probe_that_panics_is_a_row() {
    let breaks = SendOn::Bucket(|_, _| Box::pin(async { panic!("out of cheese") }));
    let stub = Stub::start(|_| Vec::new());
    let session = Arc::new(stub.session(specification()));
    let mut checks = checks_of(&["s3:GetObject", CONTROL], &specification()).into_iter();
    let (broken, control) = (checks.next().unwrap(), checks.next().unwrap());
    let send = probes::send_of(&control);
    let outcomes = check_at_once(
        2,
        vec![(broken, breaks), (control, send)],
        &session,
        (Duration::from_secs(5), Duration::from_secs(5)),
    )
    .await;
    assert_eq!(stub::summary(&outcomes[0]), "inconclusive probeBroken");
    assert!(format!("{:?}", outcomes[0].answer).contains("out of cheese"));
    assert_eq!(stub::summary(&outcomes[1]), "inconclusive network");
}

#[tokio::test]
async fn the_key_that_query_learns_gives_update_item_a_documented_proof() {
    let run_of = async |actions: &[&str]| {
        let stub = Stub::start(healthy);
        let session = Arc::new(stub.session(specification()));
        let checks = plan_of(actions);
        let started = Instant::now();
        let outcomes = check_all(&checks, &session, Duration::from_secs(5)).await;
        assert!(started.elapsed() < Duration::from_secs(1), "nothing waits in vain: {:?}", started.elapsed());
        let requests = stub.requests();
        let updates = requests.into_iter().filter(|request| stub::action_of(request) == "dynamodb:UpdateItem");
        let updates: Vec<_> = updates.map(|request| request.json()).collect();
        (stub::summary(&outcomes[0]), updates, outcomes[0].leftover(&session.place()).unwrap().what)
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
    let mut session = stub.session(specification());
    session.function_account = None;
    let outcomes = check_all(&all_checks(&specification()), &Arc::new(session), Duration::from_secs(5)).await;
    let waiting: Vec<_> = outcomes
        .iter()
        .filter(|outcome| stub::summary(outcome) == "inconclusive notConfigured")
        .map(|outcome| outcome.check.action())
        .collect();
    assert_eq!(waiting, ["sagemaker:CreateTrainingJob", "sagemaker:CreateModel", "iam:PassRole"]);
}
