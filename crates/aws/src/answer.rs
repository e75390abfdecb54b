//! From what an SDK call returned to an [`Answer`].
//!
//! The SDK's error types differ from service to service and none of them
//! models an authorization failure; [`Answer`] is the one shape that they share.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use http_body_util::LengthLimitError;
use permissions_core::answer::{Answer, NoAnswer, Reply};
use permissions_core::iam::names::is_region;

use crate::http_client::{NotAnAnswer, sources};

/// Reads what an SDK call returned. `name` gives a success the name that
/// the probe's proofs use for it.
pub fn read<O, E>(result: Result<O, SdkError<E>>, name: impl FnOnce(&O) -> &'static str) -> Answer
where
    O: RequestId,
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let error = match result {
        Ok(output) => {
            let request_id = output.request_id().map(str::to_owned);
            return Answer::new(Reply::Success(name(&output)), request_id);
        }
        Err(error) => error,
    };
    let header = |name| error.raw_response().and_then(|raw| raw.headers().get(name)).map(str::to_owned);
    let (request_id, bucket_region) = (error.request_id().map(str::to_owned), header("x-amz-bucket-region"));
    let reply = match &error {
        SdkError::ServiceError(service) => Reply::Error {
            status: service.raw().status().as_u16(),
            code: service.err().code().map(str::to_owned),
            message: service.err().message().map(without_secrets),
        },
        _ if sources(&error).any(<dyn Error>::is::<NotAnAnswer>) => no_answer(NoAnswer::Unreadable, &error),
        SdkError::TimeoutError(_) => no_answer(NoAnswer::TimedOut, &error),
        // A body that arrived whole is in memory; one that broke off is not.
        // One that is longer than any of AWS's was cut off here.
        SdkError::ResponseError(response)
            if response.raw().body().bytes().is_some() || sources(&error).any(<dyn Error>::is::<LengthLimitError>) =>
        {
            let status = response.raw().status();
            match request_id {
                _ if !status.is_success() => Reply::Error { status: status.as_u16(), code: None, message: None },
                None => no_answer(NoAnswer::NotFromAws, &error),
                Some(_) => no_answer(NoAnswer::Unreadable, &error),
            }
        }
        SdkError::ResponseError(_) => no_answer(NoAnswer::Network, &error),
        SdkError::ConstructionFailure(_) => no_answer(NoAnswer::NotSent, &error),
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() || dispatch.is_timeout() => {
            no_answer(NoAnswer::Network, &error)
        }
        _ if sources(&error).any(<dyn Error>::is::<CredentialsError>) => no_answer(NoAnswer::Credentials, &error),
        _ => no_answer(NoAnswer::NotSent, &error),
    };
    let bucket_region = bucket_region.or_else(|| match &reply {
        Reply::Error { message: Some(message), .. } => expected_region(message),
        _ => None,
    });
    Answer { bucket_region, ..Answer::new(reply, request_id) }
}

/// The Region that S3's message expects: "the region 'us-east-1' is wrong; expecting 'eu-west-1'".
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("is wrong; expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    is_region(region).then(|| region.to_owned())
}

fn no_answer(why: NoAnswer, error: &(impl Error + 'static)) -> Reply {
    Reply::None { why, detail: error_chain(error) }
}

/// What an error and its causes say of themselves, but not their debug forms, in
/// which the SDK prints headers and bodies.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut chain: Vec<String> = sources(error).map(ToString::to_string).collect();
    chain.dedup();
    chain.join(": ")
}

/// Cuts the secrets out of AWS's own messages: a refused signature is answered
/// with the request as it should have been signed, session token included, and
/// that is logged in no mode.
fn without_secrets(message: &str) -> String {
    let lower = message.to_ascii_lowercase();
    let cut = ["the canonical string for this request", "x-amz-security-token", "aws4-hmac-sha256", "credential="]
        .iter()
        .filter_map(|m| lower.find(m))
        .min();
    match cut {
        Some(at) => format!("{}[cut: the request as AWS would sign it]", &message[..at]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_aws_echoes_is_cut() {
        let message = "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String \
                       for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRET\n'";
        let cut = without_secrets(message);
        assert!(!cut.contains("SECRET") && cut.starts_with("The request signature we calculated"), "{cut}");
        assert!(!without_secrets("header X-Amz-Security-Token: SECRET").contains("SECRET"));
        assert_eq!(without_secrets("é is denied"), "é is denied");
    }
}
