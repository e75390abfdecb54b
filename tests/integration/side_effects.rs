//! What a run does to the account: nothing; and what an account that does not
//! behave like AWS does to a run: it is never clean.

use serde_json::{Value, json};

use crate::emulator::{Account, account, invoke, verdicts};
use crate::harness::{row_of, rows};

#[tokio::test]
async fn a_run_leaves_the_account_exactly_as_it_was() {
    let before = account().state();
    assert!(before["objects"]["your-bucket-name"].as_array().is_some_and(|objects| objects.len() == 1), "{before}");
    for policies in [account().policies(), vec![]] {
        let mut environment = account().with_policies(&policies);
        environment.insert(
            "PROBE_SAGEMAKER_ROLE_ARN".to_owned(),
            "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role".to_owned(),
        );
        invoke(&environment, json!({})).await;
    }
    assert_eq!(account().state(), before);
}

#[tokio::test]
async fn moto_as_it_is_never_yields_a_clean_run() {
    // Under the template's policy it denies what AWS allows, in a form that no
    // SDK can read; with IAM off it carries out what AWS refuses.
    for arguments in [&["--uncorrected"][..], &["--uncorrected", "--allow-all"]] {
        let account = Account::start(arguments);
        let response = invoke(&account.environment, json!({})).await;
        assert_eq!(response["statusCode"], 503, "{arguments:?} {response}");
        let rows = rows(&response["report"]);
        assert!(rows.iter().all(|row| row["verdict"] != "denied"), "{arguments:?} {response}");
        let put = rows.iter().find(|row| row["action"] == "s3:PutObject").unwrap();
        assert_eq!(put["warning"], "sideEffect", "an object was written, and the row says so: {put}");
    }
}

#[tokio::test]
async fn a_missing_table_or_bucket_is_said_and_not_taken_for_a_denial() {
    let run = async |name: &str, value: &str| {
        let policies = [json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
        })];
        let mut environment = account().with_policies(&policies);
        environment.insert(name.to_owned(), value.to_owned());
        invoke(&environment, json!({})).await
    };
    let response = run("PROBE_TABLE", "ModelMetaData").await;
    assert_eq!(response["statusCode"], 503, "{response}");
    assert_eq!(verdicts(&response)["dynamodb:GetItem"], "allowed");
    let advice: Vec<&Value> = response["report"]["advice"].as_array().unwrap().iter().collect();
    assert!(
        advice.iter().any(|a| a["text"].as_str().unwrap().contains("There is no table ModelMetaData")),
        "{advice:?}"
    );

    let response = run("PROBE_BUCKET", "no-such-bucket-here").await;
    assert_eq!(response["statusCode"], 503, "{response}");
    let row = row_of(&response["report"], "s3:ListBucket");
    assert_eq!((&row["verdict"], &row["cause"]), (&json!("inconclusive"), &json!("resourceMissing")), "{row}");
}
