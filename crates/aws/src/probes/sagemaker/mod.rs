//! Amazon SageMaker. A request is first checked for its form, then authorized,
//! and only then held against the account: an endpoint configuration, a job, a
//! role or an image that does not exist stops it there.

pub(super) mod create_endpoint;
pub(super) mod create_model;
pub(super) mod create_training_job;
pub(super) mod describe_training_job;
pub(super) mod invoke_endpoint;

use permissions_core::place::Place;
use permissions_core::proof::Proof;

pub(in crate::probes) const ROLE_NOT_ASSUMED: Proof = Proof::error("ValidationException", "could not assume role");

pub(in crate::probes) const ROLE_INVALID: Proof = Proof::error("ValidationException", "role … is invalid");

pub(in crate::probes) const REPOSITORY_MISSING: Proof = Proof::error("ValidationException", "cannot find repository");

pub(in crate::probes) const IMAGE_NOT_FOUND: Proof =
    Proof::error("ValidationException", "cannot find the requested image");

pub(in crate::probes) const REPOSITORY_DENIED: Proof =
    Proof::error("ValidationException", "access denied for repository");

/// The ARNs of what is named, or of all where nothing is. SageMaker writes its names in lower case in the ARN that it
/// authorizes (philschmid/cdk-samples#2, of endpoints), and IAM tells upper from lower case; so a name with capitals
/// stands there in both forms.
fn resources(kind: &str, name: Option<&str>, place: &Place) -> Vec<String> {
    let name = name.unwrap_or("*");
    let mut names = vec![name.to_ascii_lowercase(), name.to_owned()];
    names.dedup();
    names.iter().map(|name| place.arn("sagemaker", &format!("{kind}/{name}"))).collect()
}

/// Whether a success names what it is about. The SDK puts an empty ARN where a
/// body has none, so that any `{}` would pass for a success.
fn has_arn(arn: Option<&str>) -> bool {
    arn.is_some_and(|arn| !arn.is_empty())
}
