//! What to do where nothing can be told.

use crate::diagnosis::Run;
use crate::diagnosis::remedy::Unanswered;
use crate::diagnosis::wording::notes::{describe_leftover_in_the_way, sentence};
use crate::diagnosis::wording::{
    clock, describe_bucket_regions, describe_no_bucket, describe_silence, more_time, renew,
};
use crate::text::Text;
use crate::voice::{Setting, Voice};

/// What to do about something other than a policy that keeps AWS from answering.
pub(super) fn describe_unanswered(unanswered: &Unanswered, run: &Run, voice: Voice) -> String {
    let name_of = voice.name_of;
    match unanswered {
        Unanswered::Credentials => {
            format!("AWS did not accept the credentials of these requests. {}", renew(voice))
        }
        Unanswered::ClockSkew => {
            format!("{}: set it, and run the check again.", clock(voice))
        }
        Unanswered::Throttled => {
            "AWS limited the rate of these requests. Run the check again; if it stays so, ask for a higher \
                                  quota, or run the check less often."
                .to_owned()
        }
        Unanswered::Silent(services) => describe_silence(services, run, voice),
        Unanswered::Slow => format!(
            "These requests were not answered, and others of the same service were: run the check again, and if it stays so, raise \
             {}.",
            more_time(voice)
        ),
        Unanswered::OtherRegion(regions) => describe_bucket_regions(regions, &run.place.region, voice),
        Unanswered::OtherRegionUnnamed(bucket) => {
            format!("The bucket {} is in another Region, which S3 does not name.", bucket.name)
        }
        Unanswered::NoBucket(bucket) => describe_no_bucket(bucket, voice),
        Unanswered::NoResource => {
            "What these requests ask for does not exist: create it, or correct the configuration.".to_owned()
        }
        Unanswered::NotSent(said) => {
            format!("These requests could not be made: check the Region and the endpoints ({}).", said.raw())
        }
        Unanswered::ServiceFault => "The service failed on its side: run the check again.".to_owned(),
        Unanswered::AccountNotReady => {
            "The account is not subscribed to the service, or is suspended: ask its owner.".to_owned()
        }
        Unanswered::KmsKey(said) => format!(
            "The AWS KMS key behind the resource is missing or disabled: enable it, or name another one ({}).",
            said.raw()
        ),
        Unanswered::NotConfigured(said) => format!("These actions were not tried: {}.", said.raw()),
        Unanswered::OtherAccount => {
            format!("SageMaker takes only roles of the caller's own account: correct {}.", name_of(Setting::PassedRole))
        }
        Unanswered::ResourceOfOtherAccount => {
            "The policy names a resource of another account, which these requests cannot name: check \
                                               it from that account, or correct the account in the ARN."
                .to_owned()
        }
        Unanswered::Leftover(leftover) => sentence(&describe_leftover_in_the_way(leftover.as_ref())),
        Unanswered::Setting(said) => {
            format!(
                "A setting of the bucket refuses these requests, and no policy changes that: ask its owner ({}).",
                said.raw()
            )
        }
        Unanswered::OtherActionDenied { action, is_missing_statement, is_allowed_itself } => {
            let action = action.as_ref().map_or("another action", Text::raw);
            if *is_allowed_itself {
                let listed = format!(
                    " Put an object where the role may list, or set {} to one that exists, and run the check again.",
                    name_of(Setting::ObjectKey)
                );
                format!(
                    "AWS denied {action} behind these requests, and allowed it where it was called itself. A condition of a policy, \
                     such as s3:prefix, can tell the two apart.{}",
                    if action == "s3:ListBucket" { listed.as_str() } else { "" }
                )
            } else if *is_missing_statement {
                format!("AWS denied {action} first: allow that, and run the check again.")
            } else {
                format!("AWS denied {action} first: fix that, as the advice on it says, and run the check again.")
            }
        }
        Unanswered::NotFromAws => {
            "The answers to these requests did not come from AWS: check for a proxy or a firewall in between."
                .to_owned()
        }
        Unanswered::ControlFailed => {
            "A control of this run failed, so these answers are not believed: first fix what the control's \
                                      row says."
                .to_owned()
        }
        Unanswered::NotAssumed => {
            "These actions were not tried, because the role to check was not assumed: fix that first.".to_owned()
        }
        Unanswered::Unrecognized => {
            "AWS's answers to these requests are not known to prove anything; the rows quote them. If \
                                     the pipeline works, please report the answers, so that a later version knows them."
                .to_owned()
        }
        Unanswered::ProbeBroken => "The probe broke. This is a defect of this program: please report it.".to_owned(),
    }
}
