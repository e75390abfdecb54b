//! The seventeen calls with the SDK's defaults, one after the other or all at
//! once (`BENCH_MODE=concurrent`). An error that a service answers with counts as an
//! answer; anything else ends the invocation.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, ContainerDefinition, OutputDataConfig, ResourceConfig, StoppingCondition, TrainingInputMode,
    TrainingInstanceType,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

const BUCKET: &str = "your-bucket-name";
const TABLE: &str = "ModelMetadata";
const GROUP: &str = "/aws/lambda/permissions-probe";
const STREAM: &str = "2026/01/01/[$LATEST]abc";
const ABSENT: &str = "permissions-probe-0123456789abcdef";
const ROLE: &str = "arn:aws:iam::123456789012:role/permissions-probe-0123456789abcdef";
const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/permissions-probe-0123456789abcdef:absent";

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! call {
    ($request:expr) => {{
        let request = $request;
        Box::pin(async move {
            if let Err(error) = request.send().await {
                assert!(error.as_service_error().is_some(), "no answer: {error:?}");
            }
        }) as Call
    }};
}

async fn handle(_: LambdaEvent<Value>) -> Result<Value, Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let sagemaker = aws_sdk_sagemaker::Client::new(&config);
    let runtime = aws_sdk_sagemakerruntime::Client::new(&config);
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    let sts = aws_sdk_sts::Client::new(&config);

    let key = || HashMap::from([("permissions_probe_absent".to_owned(), AttributeValue::S("absent".to_owned()))]);
    let guard = "attribute_exists(#guard) AND attribute_not_exists(#guard)";
    let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder().timestamp(0).message("x").build()?;
    let calls: Vec<Call> = vec![
        call!(sts.get_caller_identity()),
        call!(s3.get_object().bucket(BUCKET).key("training/data.csv").range("bytes=0-0")),
        call!(s3.put_object().bucket(BUCKET).key(ABSENT).content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").body(b"0".to_vec().into())),
        call!(s3.list_objects_v2().bucket(BUCKET).max_keys(1)),
        call!(
            dynamodb
                .put_item()
                .table_name(TABLE)
                .set_item(Some(key()))
                .condition_expression(guard)
                .expression_attribute_names("#guard", "permissions_probe_absent")
        ),
        call!(
            dynamodb
                .update_item()
                .table_name(TABLE)
                .set_key(Some(key()))
                .update_expression("SET #guard = :value")
                .condition_expression(guard)
                .expression_attribute_names("#guard", "permissions_probe_guard")
                .expression_attribute_values(":value", AttributeValue::S("absent".to_owned()))
        ),
        call!(dynamodb.get_item().table_name(TABLE).set_key(Some(key()))),
        call!(dynamodb.scan().table_name(TABLE).limit(1).select(Select::Count)),
        call!(
            dynamodb
                .query()
                .table_name(TABLE)
                .limit(1)
                .select(Select::Count)
                .key_condition_expression("#key = :value")
                .expression_attribute_names("#key", "permissions_probe_absent")
                .expression_attribute_values(":value", AttributeValue::S("absent".to_owned()))
        ),
        call!(
            sagemaker
                .create_training_job()
                .training_job_name(ABSENT)
                .role_arn(ROLE)
                .algorithm_specification(
                    AlgorithmSpecification::builder()
                        .training_image(IMAGE)
                        .training_input_mode(TrainingInputMode::File)
                        .build()
                )
                .resource_config(
                    ResourceConfig::builder()
                        .instance_type(TrainingInstanceType::MlM5Large)
                        .instance_count(1)
                        .volume_size_in_gb(1)
                        .build()
                )
                .stopping_condition(StoppingCondition::builder().max_runtime_in_seconds(60).build())
                .output_data_config(OutputDataConfig::builder().s3_output_path(format!("s3://{BUCKET}/{ABSENT}")).build())
        ),
        call!(sagemaker.describe_training_job().training_job_name(ABSENT)),
        call!(
            sagemaker
                .create_model()
                .model_name(ABSENT)
                .execution_role_arn(ROLE)
                .primary_container(ContainerDefinition::builder().image(IMAGE).build())
        ),
        call!(sagemaker.create_endpoint().endpoint_name(ABSENT).endpoint_config_name(ABSENT)),
        call!(runtime.invoke_endpoint().endpoint_name(ABSENT).content_type("application/json").body(b"{}".to_vec().into())),
        call!(logs.create_log_group().log_group_name(GROUP)),
        call!(logs.create_log_stream().log_group_name(GROUP).log_stream_name(STREAM)),
        call!(logs.put_log_events().log_group_name(GROUP).log_stream_name(STREAM).log_events(event)),
    ];
    if std::env::var("BENCH_MODE").is_ok_and(|mode| mode == "concurrent") {
        let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
        for task in tasks {
            task.await?;
        }
    } else {
        for call in calls {
            call.await;
        }
    }
    Ok(json!({"statusCode": 200}))
}
