//! One truth in several places: the list of probes, the template's policy, the
//! guide's, and what Cargo builds.

use std::collections::BTreeSet;

use crate::emulator::{Account, account, root};
use permissions_aws::probes;
use permissions_core::specification::guide_policy;

/// Actions that a probe tries and the template does not grant, and why.
const NOT_IN_THE_TEMPLATE: &[(&str, &str)] = &[
    ("sts:GetCallerIdentity", "it is the control, which needs no permission"),
    ("iam:PassRole", "the guide's policy leaves it out; it is tried only where PROBE_SAGEMAKER_ROLE_ARN is set"),
    ("sts:AssumeRole", "it is tried only where PROBE_ASSUME_ROLE_ARN is set, and the template grants it only then"),
    ("dynamodb:ListTables", "PROBE_DENY_CONTROL can name it, and then it must be denied"),
    ("logs:DescribeLogGroups", "PROBE_DENY_CONTROL can name it, and then it must be denied"),
    ("s3:ListAllMyBuckets", "PROBE_DENY_CONTROL can name it, and then it must be denied"),
];

#[test]
fn the_template_grants_what_is_probed_and_nothing_else() {
    let granted: BTreeSet<String> = account()
        .policies()
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().unwrap().clone())
        .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    let probed: BTreeSet<String> = probes::ALL.iter().map(|probe| probe.info.action.to_owned()).collect();
    let excepted: BTreeSet<String> = NOT_IN_THE_TEMPLATE.iter().map(|(action, _)| (*action).to_owned()).collect();

    let unprobed: Vec<_> = granted.difference(&probed).collect();
    assert!(
        unprobed.is_empty(),
        "template.yaml grants {unprobed:?}; add a file under crates/aws/src/probes/ and list it in ALL"
    );
    let ungranted: Vec<_> = probed.difference(&granted).filter(|action| !excepted.contains(*action)).collect();
    assert!(
        ungranted.is_empty(),
        "add to ml-pipeline-access-policy in template.yaml, or to NOT_IN_THE_TEMPLATE with a reason:\n{}",
        ungranted.iter().map(|action| format!("                  - {action}")).collect::<Vec<_>>().join("\n")
    );
    let stale: Vec<_> =
        excepted.iter().filter(|action| granted.contains(*action) || !probed.contains(*action)).collect();
    assert!(stale.is_empty(), "no longer exceptions: {stale:?}; take them out of NOT_IN_THE_TEMPLATE");
}

#[test]
fn the_template_deploys_with_its_alarms_its_schedule_and_its_log_group() {
    let deployed = account().deployed();
    assert_eq!(deployed["skipped"], serde_json::json!([]), "{deployed}");
    // An alarm is on a metric, or on the result of a math expression.
    let (on_metrics, on_math): (Vec<_>, Vec<_>) =
        deployed["alarms"].as_array().unwrap().iter().partition(|alarm| alarm["MetricName"].is_string());
    let metrics: BTreeSet<_> = on_metrics.iter().map(|alarm| alarm["MetricName"].as_str().unwrap()).collect();
    assert_eq!(metrics, BTreeSet::from(["Denied", "Inconclusive"]), "{deployed}");
    for alarm in on_metrics {
        assert_eq!(alarm["Namespace"], "PermissionsProbe", "{alarm}");
        assert_eq!(alarm["Dimensions"][0]["Name"], "FunctionName", "{alarm}");
        let settings =
            ["Statistic", "ComparisonOperator", "TreatMissingData"].map(|name| alarm[name].as_str().unwrap());
        let counts = ["EvaluationPeriods", "Threshold", "Period"].map(|name| alarm[name].as_f64().unwrap().round());
        let expected = match alarm["MetricName"].as_str().unwrap() {
            "Denied" => (["Maximum", "GreaterThanOrEqualToThreshold", "ignore"], [1.0, 1.0, 3600.0]),
            _ => (["Maximum", "GreaterThanOrEqualToThreshold", "ignore"], [3.0, 1.0, 3600.0]),
        };
        assert_eq!((settings, counts), expected, "{alarm}");
        if alarm["MetricName"] == "Inconclusive" {
            assert_eq!(alarm["DatapointsToAlarm"], 2, "{alarm}");
        }
    }
    // The runs of each period, an empty one counting as none.
    assert_eq!(on_math.len(), 1, "{deployed}");
    let missing = on_math[0];
    assert_eq!(
        missing["Metrics"][0]["MetricStat"],
        serde_json::json!({
            "Metric": {
                "Namespace": "PermissionsProbe",
                "MetricName": "DurationMs",
                "Dimensions": [{"Name": "FunctionName", "Value": "permissions-probe"}],
            },
            "Period": 3600,
            "Stat": "SampleCount",
        }),
        "{missing}"
    );
    assert_eq!(missing["Metrics"][1]["Expression"], "FILL(runs, 0)", "{missing}");
    assert_eq!(missing["Metrics"][0]["ReturnData"], false, "{missing}");
    assert_eq!(missing["Metrics"][1]["ReturnData"], true, "{missing}");
    assert_eq!(missing["ComparisonOperator"], "LessThanThreshold", "{missing}");
    assert_eq!(missing["EvaluationPeriods"], 2, "{missing}");
    assert_eq!(missing["Threshold"], 1.0, "{missing}");
    assert_eq!(deployed["schedules"].as_array().unwrap().len(), 1, "{deployed}");
    assert_eq!(
        deployed["schedules"][0]["Target"]["RetryPolicy"],
        serde_json::json!({"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 300})
    );
    assert_eq!(deployed["logGroups"].as_array().unwrap().len(), 1, "{deployed}");
    assert_eq!(deployed["logGroups"][0]["retentionInDays"], 30, "{deployed}");
    assert_eq!(deployed["role"]["Policies"], serde_json::json!(["ml-pipeline-access-policy"]), "{deployed}");
}

#[test]
fn what_a_parameter_asks_for_is_deployed_and_only_then() {
    let other = "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role";
    let asked = Account::start(&[
        "--parameter",
        &format!("AssumeRoleArn={other}"),
        "--parameter",
        "CodeDeployHook=true",
        "--parameter",
        "CodeDeployApplication=pipeline",
        "--parameter",
        "AlarmEmail=someone@example.com",
        "--parameter",
        "Dashboard=true",
        "--parameter",
        "DeadLetterQueue=true",
    ]);
    let deployed = asked.deployed();
    for optional in ["AlarmTopic", "ReportDashboard", "ScheduleDeadLetters"] {
        assert!(deployed["resources"][optional]["id"].is_string(), "{optional}: {deployed}");
        assert!(account().deployed()["resources"][optional].is_null(), "{optional}");
    }
    let topic = &deployed["resources"]["AlarmTopic"]["id"];
    let alarms = deployed["alarms"].as_array().unwrap();
    assert!(
        alarms.len() == 3 && alarms.iter().all(|alarm| alarm["AlarmActions"] == serde_json::json!([topic])),
        "{deployed}"
    );
    let own = ["permissions-probe-assume-role", "permissions-probe-codedeploy-hook"];
    assert_eq!(
        deployed["role"]["Policies"],
        serde_json::json!(["ml-pipeline-access-policy", own[0], own[1]]),
        "and the guide's policy stays as it is"
    );
    assert_eq!(asked.environment["PROBE_ASSUME_ROLE_ARN"], other);
    let granted: Vec<_> = asked.policies().iter().flat_map(|p| p["Statement"].as_array().unwrap().clone()).collect();
    let own_code = serde_json::json!({
        "ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe"}
    });
    for (action, resource) in [
        ("sts:AssumeRole", other),
        (
            "codedeploy:PutLifecycleEventHookExecutionStatus",
            "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:pipeline/*",
        ),
    ] {
        assert!(
            granted.iter().any(|s| {
                s["Action"] == serde_json::json!([action]) && s["Resource"] == resource && s["Condition"] == own_code
            }),
            "{action}: {granted:?}"
        );
    }
    assert!(!account().environment.contains_key("PROBE_ASSUME_ROLE_ARN"));
}

#[test]
fn the_documentation_names_every_event() {
    let page = std::fs::read_to_string(root().join("docs/reference/events.md")).unwrap();
    for file in std::fs::read_dir(root().join("events")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            page.contains(&format!("`events/{name}`")),
            "docs/reference/events.md does not say what events/{name} is for"
        );
    }
}

#[test]
fn the_guides_policy_is_the_one_that_the_template_grants() {
    let policy = guide_policy("your-bucket-name", "ModelMetadata");
    let guide: BTreeSet<_> = policy.statement.iter().flat_map(|statement| statement.action.clone()).collect();
    let own = account().policies();
    let own = own.iter().flat_map(|policy| policy["Statement"].as_array().unwrap().clone());
    let template: BTreeSet<String> = own
        .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(guide, template);
}

/// What `cargo tree` prints with these arguments.
fn cargo_tree(arguments: &[&str]) -> String {
    let mut tree = std::process::Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "--prefix", "none"]).args(arguments).current_dir(root());
    let done = tree.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_core_depends_on_neither_the_sdk_nor_tokio() {
    let tree = cargo_tree(&["--package", "permissions-core", "--edges", "normal"]);
    let crates: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let own = ["permissions-core", "serde", "serde_core", "serde_derive", "serde_json"];
    assert!(own.iter().all(|name| crates.contains(name)), "{tree}");
    for name in &crates {
        assert!(!name.starts_with("aws") && *name != "tokio" && *name != "hyper", "{name}");
    }
    assert!(crates.len() < 16, "{crates:?}");
}

#[test]
fn the_sdk_has_the_same_features_in_every_crate() {
    // A crate that the SDK stands on is built twice where the tests, or another crate, want other features of it, and all
    // that stands on it as well. A macro is a crate of the machine that compiles.
    let features = |what: &[&str]| -> BTreeSet<String> {
        let tree = cargo_tree(&[what, &["--format", "{p} {f}"]].concat());
        tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let function = features(&["--package", "permissions-probe", "--edges", "normal,build"]);
    assert!(function.iter().any(|line| line.starts_with("aws-sdk-sagemaker ")), "{function:?}");
    let all = features(&["--workspace", "--edges", "normal,dev,build"]);
    // What stands beside the SDK is compiled in no time.
    let crate_of = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    let sdk: BTreeSet<String> = features(&["--package", "permissions-aws", "--edges", "normal,build"])
        .iter()
        .map(|line| crate_of(line))
        .collect();
    let changed = function.difference(&all).filter(|line| sdk.contains(&crate_of(line)));
    let more = all.difference(&function).filter(|line| line.starts_with("aws-") && !is_for_tests_only(line));
    let other: Vec<_> = changed.chain(more).collect();
    assert!(other.is_empty(), "built anew for the workspace: {other:?}");
}

/// A crate that only tests use, and that the SDK does not stand on.
fn is_for_tests_only(line: &str) -> bool {
    line.starts_with("aws-sdk-iamtoolbox ")
}

/// The sources in a folder, by their paths in it, without what only tests are made of.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (mut sources, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root().join(folder)).unwrap().to_str().unwrap().to_owned();
                let of_tests =
                    ["fixtures.rs", "harness.rs", "tests.rs"].iter().any(|of_tests| name.ends_with(of_tests));
                if !of_tests && !name.contains("tests/") {
                    sources.push((name, std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    sources
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let mut readers = Vec::new();
    for folder in ["src", "crates/core/src", "crates/aws/src"] {
        let reads = |(_, source): &&(String, String)| source.contains("env::var");
        readers.extend(sources(folder).iter().filter(reads).map(|(name, _)| format!("{folder}/{name}")));
    }
    assert_eq!(readers, ["src/config/mod.rs"]);
}

/// The modules that a source imports from its own crate, but for what its tests do.
fn imported(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut modules = BTreeSet::new();
    for used in code.split("crate::").skip(1) {
        let name = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap().to_owned();
        match used.strip_prefix('{') {
            Some(several) => modules.extend(several.split('}').next().unwrap().split(',').map(|one| name(one.trim()))),
            None => drop(modules.insert(name(used))),
        }
    }
    modules.retain(|module| !module.is_empty());
    modules
}

#[test]
fn modules_import_what_stands_above_them() {
    for folder in ["crates/core/src", "crates/aws/src"] {
        let map = std::fs::read_to_string(root().join(folder).join("lib.rs")).unwrap();
        let order: Vec<&str> = map
            .lines()
            .filter_map(|line| line.strip_prefix("//! | ")?.split(" | ").next())
            .flat_map(|names| names.split('`').skip(1).step_by(2))
            .collect();
        let place = |module: &str| order.iter().position(|known| *known == module);
        let (mut wrong, mut looked_at) = (Vec::new(), 0);
        for (name, source) in sources(folder).iter().filter(|(name, _)| name != "lib.rs") {
            let module = name.split('/').next().unwrap().trim_end_matches(".rs");
            let own = place(module).unwrap_or_else(|| panic!("{folder}/lib.rs does not list {module}"));
            for other in imported(source).iter().filter(|other| *other != module) {
                looked_at += 1;
                if place(other).is_none_or(|other| other > own) {
                    wrong.push(format!("{folder}/{name} imports {other}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(looked_at > 20, "{folder}: {looked_at} imports");
    }
}
