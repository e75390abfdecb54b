//! Where the console shows what a report is about.

use super::rendered;
use crate::fixtures::*;
use crate::report::json;

/// The links of a run in a Region, by what they are.
fn links(region: &str, masks: bool) -> Vec<(&'static str, Option<String>)> {
    let mut run = run(two_of_each(), |_| None);
    region.clone_into(&mut run.place.region);
    let report = json::Report::render(&report(run), VOICE, masks);
    report.links.into_iter().map(|link| (link.what, link.url)).collect()
}

#[test]
fn the_role_the_log_group_each_table_and_each_bucket_have_a_page() {
    let links = links("ap-southeast-1", false);
    let names: Vec<_> = links.iter().map(|(what, _)| *what).collect();
    assert_eq!(names, ["role", "log group", "table", "table", "bucket", "bucket"]);
    let urls: Vec<_> = links.into_iter().map(|(_, url)| url.unwrap()).collect();
    assert_eq!(urls[0], "https://console.aws.amazon.com/iam/home#/roles/details/lambda-ml-pipeline-role");
    assert!(
        urls[1].starts_with("https://ap-southeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-southeast-1#")
    );
    assert!(urls[1].ends_with("logsV2:log-groups/log-group/$252Faws$252Flambda$252Fx"), "{}", urls[1]);
    let table = "https://ap-southeast-1.console.aws.amazon.com/dynamodbv2/home?region=ap-southeast-1#table?name=";
    assert!(urls[2].starts_with(table) && urls[3].starts_with(table));
    let bucket = "https://console.aws.amazon.com/s3/buckets/";
    assert!(urls[4].starts_with(bucket) && urls[4].ends_with("?region=ap-southeast-1"), "{}", urls[4]);
}

#[test]
fn each_partition_has_its_own_console_and_one_that_is_not_known_has_none() {
    for (region, host) in [
        ("us-gov-west-1", Some("https://console.amazonaws-us-gov.com/")),
        ("cn-north-1", Some("https://console.amazonaws.cn/")),
        ("us-iso-east-1", None),
    ] {
        let role = links(region, false).swap_remove(0).1;
        assert_eq!(role.is_some(), host.is_some(), "{region}: {role:?}");
        assert!(host.is_none_or(|host| role.unwrap().starts_with(host)), "{region}");
    }
}

#[test]
fn a_name_that_may_not_be_shown_is_in_no_address() {
    let mut specification = specification();
    std::sync::Arc::make_mut(&mut specification.log_stream).group = Some("/aws/lambda/probe-123456789012".to_owned());
    let report = report(run(specification, |_| None));
    let of = |masks: bool| json::Report::render(&report, VOICE, masks).links[1].clone();
    assert!(of(false).url.unwrap().contains("123456789012"));
    assert_eq!((of(true).name.as_str(), of(true).url), ("/aws/lambda/probe-ACCOUNT-1", None));
    assert!(!rendered(run(two_of_each(), |_| None)).links.is_empty());
}
