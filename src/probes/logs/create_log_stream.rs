//! `logs:CreateLogStream`: the function's own log stream.
//!
//! Lambda makes the stream when it delivers the first line of a cold start, a
//! moment that this probe can be ahead of. The stream that it then makes is the
//! one that Lambda was about to make, so a success is no warning.

use crate::answer::Answer;
use crate::probe::{Context, NO_BETTER, Probe, When};
use crate::probes::logs::{NoBody, stream};
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "logs:CreateLogStream",
    resources: |cx| vec![cx.log_group_arn()],
    request: "CreateLogStream of the function's own log stream",
    harmless: "the stream exists already, or Lambda is about to make it under this very name",
    side_effect: "none beyond the stream that Lambda makes for itself; free",
    proofs: &[
        Proof::error("ResourceAlreadyExistsException", ""),
        Proof::error("ResourceNotFoundException", ""),
        Proof::success("200"),
    ],
    behind: &[],
    shape: |_| "no parameters".to_owned(),
    better: |_| Some(NO_BETTER),
    leftover: None,
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    match stream(cx) {
        Ok((group, stream)) => {
            let request = cx.clients.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
            Answer::read(request.customize().interceptor(NoBody).send().await, |_| "200")
        }
        Err(unknown) => *unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::logs::without_names;
    use crate::stub::{check, config, json, json_error, request_of};

    #[tokio::test]
    async fn names_the_own_stream_or_none() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "Logs_20140328.CreateLogStream");
        assert_eq!(
            request.json(),
            serde_json::json!({
                "logGroupName": "/aws/lambda/permissions-probe",
                "logStreamName": "2026/01/01/[$LATEST]abc"
            })
        );
        without_names(&PROBE).await;
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ResourceAlreadyExistsException", "The specified log stream already exists"),
                    "allowed ResourceAlreadyExistsException observed",
                ),
                (
                    json_error("ResourceNotFoundException", "The specified log group does not exist."),
                    "allowed ResourceNotFoundException observed",
                ),
                (json(""), "allowed 200 documented"),
            ],
        )
        .await;
    }
}
