//! What SageMaker's own role may do, told by SageMaker's answers to `CreateModel` under that role: it pulls the image, and reads
//! the model's artifact. The caller is not let in under the role, and need not be.
//!
//! The model's artifact that is asked for does not exist, so no model is made whatever the role may do.

use crate::probe::{On, ProbeInfo};
use crate::proof::Proof;

/// The action by which the role pulls an image.
pub const PULL: &str = "ecr:BatchGetImage";

/// The action by which the role reads the artifact.
pub const READ: &str = "s3:GetObject";

/// The actions that it takes to pull an image (Amazon SageMaker Developer Guide, "SageMaker roles").
pub const PULL_ACTIONS: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken"];

/// The actions of which one is missing where the artifact cannot be read: S3 answers a role that may not list as one that
/// may not read.
pub const READ_ACTIONS: &[&str] = &["s3:GetObject", "s3:ListBucket"];

/// The texts that say that the role could not pull: the role lacks it, or there is no such image.
pub const NOT_PULLED: &[&str] = &[
    "cannot pull",
    "does not grant ecr:",
    "requested image",
    "access denied for repository",
    "cannot find repository",
];

/// The texts that say that SageMaker could not assume the role; an ellipsis between two spaces parts what has to stand in one.
pub const NOT_ASSUMED: &[&str] = &["could not assume role", "role … is invalid"];

/// The texts that say that the role could not read.
pub const NOT_READ: &[&str] = &["could not access model data"];

const REQUEST: &str = "CreateModel under the role, of its image, with an artifact that does not exist";
const HARMLESS: &str = "SageMaker refuses a model whose artifact does not exist";
const SIDE_EFFECT: &str = "none, or one model record, free";

/// Whether the role may pull its image: SageMaker then comes to the artifact.
pub static PULLS: ProbeInfo = ProbeInfo {
    action: PULL,
    on: On::Resource("the image, under SageMaker's role"),
    request: REQUEST,
    harmless: HARMLESS,
    side_effect: SIDE_EFFECT,
    proofs: &[
        Proof::error("ValidationException", "could not access model data"),
        Proof::error("ValidationException", "could not find model data"),
    ],
    dependent_actions: &[],
};

/// Whether the role may read the artifact: SageMaker then says that there is none.
pub static READS: ProbeInfo = ProbeInfo {
    action: READ,
    on: On::Resource("the artifact, under SageMaker's role"),
    request: REQUEST,
    harmless: HARMLESS,
    side_effect: SIDE_EFFECT,
    proofs: &[Proof::error("ValidationException", "could not find model data")],
    dependent_actions: &[],
};
