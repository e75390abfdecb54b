//! Faults that leave something as it should be: one service of several fails, or
//! an answer is lost and the SDK asks again.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::faults::table::{Fault, How, LONG, answered};
use crate::harness::{Act, Request, Server, action_of, error_of, healthy};

/// What a row says where all is as it should be.
pub(super) fn sound(action: &str) -> String {
    match action {
        "s3:ListBucket" => "allowed 200 ListBucketResult documented",
        "s3:PutObject" => "allowed BadDigest inferred",
        "dynamodb:PutItem" | "dynamodb:GetItem" => "allowed ValidationException observed",
        "dynamodb:UpdateItem" => "allowed ConditionalCheckFailedException documented",
        "sagemaker:InvokeEndpoint" => "allowed ValidationError inferred",
        "iam:PassRole" => "allowed ValidationException inferred",
        "logs:CreateLogGroup" | "logs:CreateLogStream" => "allowed ResourceAlreadyExistsException observed",
        "logs:PutLogEvents" => "allowed 200 rejectedLogEventsInfo documented",
        action if action.starts_with("sagemaker:") => "allowed ValidationException inferred",
        _ => "allowed 200 documented",
    }
    .to_owned()
}

/// Whether the request of an action goes to this service.
fn is_sent_to(service: &str, action: &str) -> bool {
    action.starts_with(service) || (service == "sagemaker:" && action == "iam:PassRole")
}

pub(super) fn one_of_several() -> Vec<Fault> {
    let group = "One service of several";
    let mut faults = Vec::new();
    for (service, name) in
        [("dynamodb:", "Amazon DynamoDB"), ("sagemaker:", "Amazon SageMaker"), ("logs:", "CloudWatch Logs")]
    {
        let or_sound = move |expected: &'static str| -> Box<dyn Fn(&str) -> String> {
            Box::new(move |action| if is_sent_to(service, action) { expected.to_owned() } else { sound(action) })
        };
        let silent = move |request: &Request| {
            if is_sent_to(service, &action_of(request)) {
                Act::Stall(Vec::new(), LONG)
            } else {
                healthy(request).into()
            }
        };
        faults.push(answered(group, format!("{name} is silent"), silent, or_sound("inconclusive timedOut")));
        let throttles = move |request: &Request| {
            if is_sent_to(service, &action_of(request)) {
                error_of(request, 400, "ThrottlingException", "Rate exceeded")
            } else {
                healthy(request)
            }
        };
        faults.push(answered(group, format!("{name} throttles"), throttles, or_sound("inconclusive throttled")));
    }
    faults
}

/// Each request is carried out, its answer is lost, and the SDK asks again.
pub(super) fn lost() -> Vec<Fault> {
    let start = || {
        let asked = Mutex::new(HashSet::new());
        Server::start(move |request: &Request| {
            let action = action_of(request);
            if asked.lock().unwrap().insert((action.clone(), request.path.clone(), request.body.clone())) {
                return Act::Close(Vec::new());
            }
            let exists = |kind| {
                error_of(request, 400, "ValidationException", &format!("Cannot create already existing {kind} x."))
            };
            match action.as_str() {
                "sagemaker:CreateTrainingJob" => error_of(request, 400, "ResourceInUse", "It exists."),
                "sagemaker:CreateModel" => exists("model"),
                "sagemaker:CreateEndpoint" => exists("endpoint"),
                "logs:CreateLogGroup" => error_of(request, 400, "ResourceAlreadyExistsException", "It exists."),
                _ => healthy(request),
            }
            .into()
        })
    };
    let expected = |action: &str| match action {
        "sagemaker:CreateTrainingJob" => "allowed ResourceInUse inferred, side effect".to_owned(),
        "sagemaker:CreateModel" | "sagemaker:CreateEndpoint" => {
            "allowed ValidationException inferred, side effect".to_owned()
        }
        // Whether the role was passed when the record was made, its own request does not tell.
        "iam:PassRole" => "inconclusive leftover".to_owned(),
        action => sound(action),
    };
    vec![Fault {
        group: "Lost answers",
        name: "each request is carried out, its answer is lost, and the SDK asks again".to_owned(),
        how: How::Server(Box::new(start)),
        expected: Box::new(expected),
    }]
}
