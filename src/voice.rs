//! The function's voice: it names its variables.

use permissions_core::environment as of;
use permissions_core::voice::{Face, Setting, Voice};

pub const VOICE: Voice = Voice {
    face: Face::Function,
    name_of: |setting| match setting {
        Setting::Bucket => of::BUCKET.name,
        Setting::Table => of::TABLE.name,
        Setting::TableKey => of::TABLE_KEY.name,
        Setting::Prefix => of::PREFIX.name,
        Setting::ObjectKey => of::OBJECT_KEY.name,
        Setting::TrainingJobName => of::TRAINING_JOB_NAME.name,
        Setting::PassedRole => of::SAGEMAKER_ROLE_ARN.name,
        Setting::ExpectedRole => of::EXPECTED_ROLE.name,
        Setting::DenyControl => of::DENY_CONTROL.name,
        Setting::Timeout => "PROBE_TIMEOUT_MS",
        Setting::CertificateBundle => "AWS_CA_BUNDLE",
        Setting::Proxy => "HTTPS_PROXY",
    },
};
