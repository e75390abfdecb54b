//! One truth in several places: the list of probes, the template's policy, the
//! README's tables.

use std::collections::BTreeSet;

use crate::test_bed::account;
use permissions_probe::probes;

/// Actions that a probe tries and the template does not grant, and why.
const NOT_IN_THE_TEMPLATE: &[(&str, &str)] = &[
    ("sts:GetCallerIdentity", "it is the control, which needs no permission"),
    ("iam:PassRole", "the guide's policy leaves it out; it is tried only where PROBE_SAGEMAKER_ROLE_ARN is set"),
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
    let probed: BTreeSet<String> = probes::ALL.iter().map(|probe| probe.action.to_owned()).collect();
    let excepted: BTreeSet<String> = NOT_IN_THE_TEMPLATE.iter().map(|(action, _)| (*action).to_owned()).collect();

    let unprobed: Vec<_> = granted.difference(&probed).collect();
    assert!(unprobed.is_empty(), "template.yaml grants {unprobed:?}; add a file under src/probes/ and list it in ALL");
    let ungranted: Vec<_> = probed.difference(&granted).filter(|action| !excepted.contains(*action)).collect();
    assert!(
        ungranted.is_empty(),
        "add to ml-pipeline-access-policy in template.yaml, or to NOT_IN_THE_TEMPLATE with a reason:\n{}",
        ungranted.iter().map(|action| format!("                  - {action}\n")).collect::<String>()
    );
    let stale: Vec<_> =
        excepted.iter().filter(|action| granted.contains(*action) || !probed.contains(*action)).collect();
    assert!(stale.is_empty(), "no longer exceptions: {stale:?}; take them out of NOT_IN_THE_TEMPLATE");
}
