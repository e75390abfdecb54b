//! What came back from AWS, as far as a verdict needs it.
//!
//! The SDK's error types differ from service to service and none of them
//! models an authorization failure; this is the one shape that they share.

use std::borrow::Cow;
use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use http_body_util::LengthLimitError;

use crate::config::is_region;
use crate::denial::{self, Denial};
use crate::http::NotAnAnswer;
use crate::probe::Leftover;

/// The answer to one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub reply: Reply,
    /// AWS's id of the request. An answer without one did not come from AWS.
    pub request_id: Option<String>,
    /// S3's `x-amz-bucket-region`, which also stands in answers that refuse.
    pub bucket_region: Option<String>,
    /// What was sent, where the probe has several forms of its request.
    pub form: Option<Cow<'static, str>>,
    /// Whether the configuration names the very thing that was asked for.
    pub configured: bool,
    /// What a denial that names no action would mean for this request.
    pub unexplained: Means,
    /// What this form of the request leaves behind, where it is not what the probe's other forms do.
    pub leftover: Option<Box<Leftover>>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A success of the service, under the name by which a proof asks for it.
    Success(&'static str),
    /// An error of the service. A proxy's page has no code.
    Error { status: u16, code: Option<String>, message: Option<String> },
    /// Nothing that could be read as an answer.
    Nothing { why: Silence, detail: String },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The time limit ran out.
    TimedOut,
    /// No connection, or one that broke before the answer was complete.
    Network,
    /// A whole answer, which the service's protocol cannot read.
    Unreadable,
    /// The same, and without AWS's request id.
    Foreign,
    /// There were no credentials to sign with.
    Credentials,
    /// The request could not be built from what is known.
    NotSent,
    /// Something that the probe needs is not configured.
    NotConfigured,
    /// The probe needs the account, and AWS has not told it.
    AccountUnknown,
    /// What is configured belongs to another account.
    OtherAccount,
    /// There is no session of the role to check.
    NotAssumed,
    /// The probe itself broke: a defect of this program.
    Broken,
}

/// What a denial that names no action, S3's bare `Access Denied`, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Nothing: only S3 denies like that, and not every one of its requests.
    Nothing,
    /// The probed action was denied.
    ThisAction,
    /// One of these actions was denied.
    OneOf(&'static [&'static str]),
    /// The probed action was allowed, and this one, which AWS looks at after it, was not.
    Dependent(&'static str),
}

impl Answer {
    /// Nothing was answered.
    pub fn nothing(why: Silence, detail: impl Into<String>) -> Self {
        Self {
            reply: Reply::Nothing { why, detail: detail.into() },
            request_id: None,
            bucket_region: None,
            form: None,
            configured: false,
            unexplained: Means::Nothing,
            leftover: None,
        }
    }

    /// Reads what an SDK call returned. `name` gives a success the name that
    /// the probe's proofs use for it.
    pub fn read<O, E>(result: Result<O, SdkError<E>>, name: impl FnOnce(&O) -> &'static str) -> Self
    where
        O: RequestId,
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let error = match result {
            Ok(output) => {
                let request_id = output.request_id().map(str::to_owned);
                return Self { reply: Reply::Success(name(&output)), request_id, ..Self::nothing(Silence::Broken, "") };
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
            _ if causes(&error).any(<dyn Error>::is::<NotAnAnswer>) => silence(Silence::Unreadable, &error),
            SdkError::TimeoutError(_) => silence(Silence::TimedOut, &error),
            // A body that arrived whole is in memory; one that broke off is not.
            // One that is longer than any of AWS's was cut off here.
            SdkError::ResponseError(response)
                if response.raw().body().bytes().is_some()
                    || causes(&error).any(<dyn Error>::is::<LengthLimitError>) =>
            {
                let status = response.raw().status();
                match request_id {
                    _ if !status.is_success() => Reply::Error { status: status.as_u16(), code: None, message: None },
                    None => silence(Silence::Foreign, &error),
                    Some(_) => silence(Silence::Unreadable, &error),
                }
            }
            SdkError::ResponseError(_) => silence(Silence::Network, &error),
            SdkError::ConstructionFailure(_) => silence(Silence::NotSent, &error),
            SdkError::DispatchFailure(dispatch) if dispatch.is_io() || dispatch.is_timeout() => {
                silence(Silence::Network, &error)
            }
            _ if causes(&error).any(<dyn Error>::is::<CredentialsError>) => silence(Silence::Credentials, &error),
            _ => silence(Silence::NotSent, &error),
        };
        let bucket_region = bucket_region.or_else(|| match &reply {
            Reply::Error { message: Some(message), .. } => expected_region(message),
            _ => None,
        });
        Self {
            reply,
            request_id,
            bucket_region,
            form: None,
            configured: false,
            unexplained: Means::Nothing,
            leftover: None,
        }
    }

    /// Says which form of its request the probe sent.
    pub fn form(self, form: impl Into<Cow<'static, str>>) -> Self {
        Self { form: Some(form.into()), ..self }
    }

    /// Says what this form of the request leaves behind, if AWS carries it out.
    pub fn leaving(self, leftover: Leftover) -> Self {
        Self { leftover: Some(Box::new(leftover)), ..self }
    }

    /// Says that the configuration names what was asked for.
    pub fn configured(self) -> Self {
        Self { configured: true, ..self }
    }

    /// Says what a denial that names no action would mean here.
    pub fn unexplained(self, unexplained: Means) -> Self {
        Self { unexplained, ..self }
    }

    /// Whether AWS denied access, and named no action.
    pub fn is_unexplained_denial(&self) -> bool {
        self.code() == Some("AccessDenied") && self.denial().is_none()
    }

    /// The denial that the message states, if it states one.
    pub fn denial(&self) -> Option<Denial<'_>> {
        let denied = matches!(self.code(), Some("AccessDenied" | "AccessDeniedException"));
        self.message().filter(|_| denied).and_then(denial::parse)
    }

    /// Whether the probe could not ask for want of the account.
    pub fn lacks_account(&self) -> bool {
        matches!(self.reply, Reply::Nothing { why: Silence::AccountUnknown, .. })
    }

    /// The service's error code.
    pub fn code(&self) -> Option<&str> {
        match &self.reply {
            Reply::Error { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// The service's message.
    pub fn message(&self) -> Option<&str> {
        match &self.reply {
            Reply::Error { message, .. } => message.as_deref(),
            _ => None,
        }
    }
}

/// The Region that S3's message expects: "the region 'us-east-1' is wrong; expecting 'eu-west-1'".
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("is wrong; expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    is_region(region).then(|| region.to_owned())
}

fn silence(why: Silence, error: &(impl Error + 'static)) -> Reply {
    Reply::Nothing { why, detail: told(error) }
}

/// What an error and its causes say of themselves, but not their debug forms, in
/// which the SDK prints headers and bodies.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut told: Vec<String> = causes(error).map(ToString::to_string).collect();
    told.dedup();
    told.join(": ")
}

/// The error and everything that it says it came from.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
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
