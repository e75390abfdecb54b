//! The sentences of headlines, advice, advisories and notes.
//!
//! `notes` has those of single findings, `unanswered` those of what could
//! not be told. What a cause means stands beside the cause (`judge`), what a
//! problem expects beside what reads the value.
//!
//! Each says what is the case and what to do, in words that a first-year user of
//! AWS can search for. What a sentence names from outside makes it a [`Text`].

mod notes;
mod unanswered;

use crate::answer::Leftover;
use crate::diagnosis::remedy::{KeyDenied, MissingResource, Refusal, Remedy};
use crate::diagnosis::root_cause::{FunctionRole, RootCause, SilentServices, TableDifference, table_difference};
use crate::diagnosis::{Advisory, Run};
use crate::iam::denial::{Kind, PolicyType};
use crate::iam::policy::{PolicyDocument, Statement};
use crate::judge::Cause;
use crate::specification::{Bucket, GUIDE_TABLE, Role, Table};
use crate::text::Text;
use crate::voice::{Face, Setting, Voice};

pub use notes::{describe_better, describe_note};
use unanswered::describe_unanswered;

/// How a function gets new credentials.
const RENEW_OF_FUNCTION: &str = "Lambda renews a function's credentials with its execution environment: any change of its configuration, \
                     such as of the description, starts a new one.";

/// How a user at a terminal does.
const RENEW: &str = "Get new ones, for example with aws sso login, and run the check again.";

/// How to get new credentials.
fn renew(voice: Voice) -> &'static str {
    match voice.face {
        Face::Function => RENEW_OF_FUNCTION,
        Face::CommandLine => RENEW,
    }
}

/// Who makes the calls, in a sentence.
fn caller(voice: Voice) -> &'static str {
    match voice.face {
        Face::Function => "the function",
        Face::CommandLine => "the caller",
    }
}

/// Where the clock is that the signatures are made with.
fn clock(voice: Voice) -> &'static str {
    match voice.face {
        Face::Function => "The clock of the machine that the function runs on is wrong",
        Face::CommandLine => "The clock of this machine is wrong",
    }
}

/// What gives a run more time.
fn more_time(voice: Voice) -> String {
    let timeout = (voice.name_of)(Setting::Timeout);
    match voice.face {
        Face::Function => format!("{timeout} and the function's timeout"),
        Face::CommandLine => timeout.to_owned(),
    }
}

/// Where the requests go, in a sentence, and how they go elsewhere.
fn describe_region(region: &str, expected: &str, voice: Voice) -> (String, String) {
    match voice.face {
        Face::Function => (format!("The function runs in {region}"), format!("Deploy the function in {expected}")),
        Face::CommandLine => (format!("The requests go to {region}"), format!("Name the Region {expected} (--region)")),
    }
}

/// That another role called than the one that should have, with `then` in between, and how to have that one call.
fn describe_wrong_role(run: &Run, principal: &str, then: &str, voice: Voice) -> String {
    let expected = name_expected_role(run);
    let (who, how) = match voice.face {
        Face::Function => {
            let whose = if then.is_empty() { "its" } else { "the function's" };
            let who = format!("The function does not run under the role {expected} but as {principal}.");
            (who, format!("Set {whose} execution role"))
        }
        Face::CommandLine => (
            format!("The calls do not come from the role {expected} but from {principal}."),
            "Use that role's credentials (--profile), or have it assumed (--role-arn)".to_owned(),
        ),
    };
    format!("{who}{then} {how}, or {} if this is the role to check.", (voice.name_of)(Setting::ExpectedRole))
}

/// Adding an Allow cannot help against these.
const NO_ALLOW_HELPS: &str = "Adding an Allow to the role's own policy will not help";

/// The headline: the root cause in a few sentences.
pub fn describe_root_cause(cause: &RootCause, run: &Run, voice: Voice) -> Text {
    let region = &run.place.region;
    let name_of = voice.name_of;
    Text::new(match cause {
        RootCause::Credentials { code } => {
            let code = code.as_ref().map_or("there are none".to_owned(), |code| format!("AWS answers {}", code.raw()));
            let whose = if voice.face == Face::Function { "The function's" } else { "The" };
            format!("{whose} credentials are not valid ({code}), so AWS authorized nothing. {}", renew(voice))
        }
        RootCause::ClockSkew => {
            format!("{}, so AWS rejects its signatures and authorized nothing.", clock(voice))
        }
        RootCause::DenyControl { action } => format!(
            "{} must be denied ({}), but it was allowed. Something may be allowing every request (an emulator, a proxy, or an \
             administrator policy), or the role may do more than expected. No \"allowed\" of this run is believed.",
            action.raw(),
            name_of(Setting::DenyControl)
        ),
        RootCause::Control { cause, endpoint, another_answered } => {
            let how = match cause {
                Some(Cause::Network | Cause::TimedOut) if *another_answered => format!(
                    "AWS STS answered another request: run the check again, and if it stays so, raise {}.",
                    more_time(voice)
                ),
                Some(Cause::Network | Cause::TimedOut) if run.through_proxy => format!(
                    "A proxy is configured ({}): check whether it lets {} reach AWS STS.",
                    name_of(Setting::Proxy),
                    caller(voice)
                ),
                Some(Cause::Network | Cause::TimedOut) => {
                    let endpoint = endpoint.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
                    format!(
                        "In a VPC, AWS STS needs a NAT gateway or its VPC endpoint{endpoint}, as any other service does."
                    )
                }
                Some(cause) => describe_cause(*cause),
                None => "AWS denied it, which only the policy of a VPC endpoint can cause.".to_owned(),
            };
            format!(
                "sts:GetCallerIdentity did not succeed. It needs no permission, so something more basic is wrong, and no other answer \
                 of this run is believed. {how}"
            )
        }
        RootCause::Network(services) => describe_silence(services, run, voice),
        RootCause::WrongRole { principal } => {
            describe_wrong_role(run, &principal.arn, " The denials are about that principal.", voice)
        }
        RootCause::NotAssumed { role, verdict, cause, is_unstated } => {
            let why = match cause {
                Some(cause) => describe_cause(*cause),
                // Observed: HackTricks-wiki/hacktricks-cloud, "aws iam and sts unauthenticated enum"; uswitch/kiam#33.
                None if *is_unstated => {
                    "AWS uses the same words for a role that does not exist, so first check that this role exists."
                        .to_owned()
                }
                None => String::new(),
            };
            let text = format!(
                "sts:AssumeRole on {} is {}, so no action was tried under that role, and this run says nothing about it. {why}",
                role.arn,
                verdict.name()
            );
            text.trim_end().to_owned()
        }
        RootCause::WrongRegion { expected } => {
            let (runs, deploy) = describe_region(region, expected, voice);
            format!(
                "{runs}, and the policy's ARNs are expected to name {expected}. A statement for one Region \
                 allows nothing in another. {deploy}, or name {region} in the policy."
            )
        }
        RootCause::BucketRegion(regions) => describe_bucket_regions(regions, region, voice),
        RootCause::ResourceMissing { buckets, tables } => {
            let buckets = buckets.iter().map(|bucket| describe_no_bucket(bucket, voice));
            let tables = tables.iter().map(|table| describe_no_table(table, run, voice));
            buckets.chain(tables).collect::<Vec<_>>().join(" ")
        }
        RootCause::RoleTrust { role } => format!(
            "SageMaker cannot assume {}: the role's trust policy does not allow it, or no role has this name and path. \
             {} may pass it to SageMaker (iam:PassRole): that follows from AWS's answer.",
            role.arn,
            if voice.face == Face::Function { "The function's role" } else { "The caller" }
        ),
        RootCause::WrongRoleOnFunction { functions } => describe_wrong_roles(functions),
        RootCause::PolicyType { kind, policy_type, policy_arn } => {
            let how = if *kind == Kind::Explicit { "explicitly denies" } else { "does not allow" };
            format!(
                "Every denial states the same policy type: {} {policy_type} {how} the actions{}. AWS states one type even where \
                 several deny. {NO_ALLOW_HELPS}.",
                article(*policy_type),
                behind_colon(policy_arn.as_ref())
            )
        }
        RootCause::TableName(tables) => {
            let named = tables.iter().map(|(table, _)| table.name.as_str()).collect::<Vec<_>>().join(", ");
            let mut how: Vec<_> = tables.iter().map(|(_, difference)| describe_difference(*difference)).collect();
            how.dedup();
            let which = if tables.len() == 1 { "the table" } else { "the tables" };
            format!("Only requests to {which} {named} are denied. {} The policy may name that table.", how.join(" "))
        }
    })
}

/// Which functions of the pipeline run under other roles.
fn describe_wrong_roles(functions: &[FunctionRole]) -> String {
    let each = functions.iter().map(|it| {
        format!("The function {} runs under {}, and not under the role {}.", it.name, it.found.raw(), it.expected.raw())
    });
    format!(
        "{} What this run says of its own role says nothing about a function that has another one. Assign the role to it.",
        each.collect::<Vec<_>>().join(" ")
    )
}

/// What SageMaker's own role may lack.
fn describe_candidates_of(role: &Role, candidates: &[&str], with_policy: bool) -> String {
    format!(
        "SageMaker could not do its work under {}: one of {} is missing in the role's own policies, or the repository or the bucket \
         does not let the role in, or what is named does not exist.{}",
        role.arn,
        candidates.join(", "),
        if with_policy { " This policy of that role allows them:" } else { "" }
    )
}

/// What to do about what is allowed and must not be.
const fn describe_excess(denies: bool) -> &'static str {
    if denies {
        "AWS allows what the policy denies, so the role does not have the statement that denies it. Add it to the role:"
    } else {
        "A statement of the role allows more than the policy says, perhaps on \"Resource\": \"*\". Let it say no more than these \
         statements:"
    }
}

/// Who was checked, if not the role that should have been.
pub fn describe_other_principal(run: &Run) -> Option<Text> {
    let principal = run.unexpected_principal()?;
    let who = principal.role().map_or_else(|| principal.arn.clone(), |role| format!("the role {role}"));
    Some(format!("This is about {who}, not about the role {}.", name_expected_role(run)).into())
}

/// What a root cause is, in words that name nothing of the account's.
pub fn describe_without_names(id: &str) -> &'static str {
    match id {
        "credentials" => "AWS does not accept the function's credentials.",
        "clockSkew" => "The clock of the machine that the function runs on is off.",
        "denyControl" => "An action that must be denied was allowed, so no other \"allowed\" is believed.",
        "control" => "AWS did not say who is calling, so no answer is believed.",
        "network" => "A service of AWS did not answer.",
        "wrongRole" => "The function runs under another role than the one to check.",
        "notAssumed" => "The role to check could not be assumed.",
        "wrongRegion" => "The function runs in another Region than the policy names.",
        "bucketRegion" => "The bucket is in another Region.",
        "resourceMissing" => "A resource of the pipeline does not exist.",
        "roleTrust" => "SageMaker cannot assume the role that it is handed.",
        "wrongRoleOnFunction" => "A function of the pipeline runs under another role than it should.",
        "policyType" => {
            "Every denial states the same policy type, and adding an Allow to the role's own policy does not help."
        }
        "tableName" => "The table's name is nearly, but not quite, the one that is expected.",
        "method" => "Only GET and HEAD ask for a check.",
        "request" => "The request is not valid.",
        "configuration" => "The function's configuration is not valid; its log says what is wrong.",
        _ => "The function's log has the report.",
    }
}

/// What to do, in a sentence or two; the policies and the command are the remedy's own.
pub fn describe_remedy(remedy: &Remedy, run: &Run, voice: Voice) -> Text {
    let region = &run.place.region;

    Text::new(match remedy {
        Remedy::ChangeRole { principal } => describe_wrong_role(run, &principal.arn, "", voice),
        Remedy::ChangeRegion { expected } => {
            let (runs, deploy) = describe_region(region, expected, voice);
            let deploy = if voice.face == Face::Function { "Deploy it there" } else { deploy.as_str() };
            format!("{runs}, and the policy's ARNs are expected to name {expected}. {deploy}, or name {region} in the policy.")
        }
        Remedy::FindResource { role, keys } => format!(
            "{} AWS does not name a resource for which a statement could be offered.{}",
            none_allows(role.as_deref(), voice),
            describe_keys(keys)
        ),
        Remedy::LookUpAction { role } => format!(
            "{} No probe of this program needs them, so it offers no statement: look them up in the Service Authorization Reference. \
             Their rows name the resources.",
            none_allows(role.as_deref(), voice)
        ),
        Remedy::AddPolicy { role, policy: None, .. } => format!(
            "{} No statement is offered, because it is not the expected role.",
            none_allows(role.as_deref(), voice)
        ),
        Remedy::AddPolicy { role, policy: Some(_), keys } => {
            format!("{}{} Add this policy to the role to allow them:", none_allows(role.as_deref(), voice), describe_keys(keys))
        }
        Remedy::PerhapsAddPolicy { policy, is_bare_of_s3, keys } => {
            let other_account = if *is_bare_of_s3 {
                " S3 also answers this where the bucket belongs to another account or organization. Then the bucket policy has to \
                 allow them as well."
            } else {
                ""
            };
            let first = if policy.is_some() { " In the first case, this policy allows them:" } else { "" };
            format!(
                "AWS does not say which policy denied these actions. One possibility is that no identity-based policy \
                 allows them; another is a policy that denies them, which no Allow overrides.{other_account}{}{first}",
                describe_keys(keys)
            )
        }
        Remedy::AllowCandidates { candidates, policy, role: Some(role) } => {
            describe_candidates_of(role, candidates, policy.is_some())
        }
        Remedy::AllowCandidates { candidates, policy, role: None } => describe_candidates(candidates, policy.as_ref()),
        Remedy::NarrowGrant { denies, .. } => describe_excess(*denies).to_owned(),
        Remedy::ChangeFunctionRole { function, .. } => format!(
            "The function {} runs under {}. Assign the role {} to it. If that role has a path, its ARN in the command needs the path.",
            function.name,
            function.found.raw(),
            function.expected.raw()
        ),
        Remedy::LookAtResource => "AWS says that the resource does not exist in this Region, or that no resource-based policy allows \
                                   these actions, or that one denies them. Check whether the resource exists, and then check its own policy."
            .to_owned(),
        Remedy::TrustCaller { role, trust_policy } => {
            let lets = format!("The trust policy of {} has to let {}'s role assume it.", role.arn, caller(voice));
            match trust_policy {
                Some(_) => format!(
                    "{lets} Add this statement to those that the trust policy has: an update replaces the whole trust policy. If the \
                     caller's role has a path, its ARN in the statement needs the path."
                ),
                None => format!(
                    "{lets} No statement is offered, because the caller is not the expected role."
                ),
            }
        }
        Remedy::AskOwner { refusal, requests } => {
            format!("{}{}", describe_refusal(refusal), describe_requests(requests))
        }
        Remedy::Unanswered(unanswered) => describe_unanswered(unanswered, run, voice),
        Remedy::CreateResource(resource) => {
            let what = match resource {
                MissingResource::Object(bucket) => {
                    format!("object {} in the bucket {}", bucket.object_key.as_deref().unwrap_or_default(), bucket.name)
                }
                MissingResource::Endpoint(endpoint) => {
                    format!("endpoint {} in {region}", endpoint.name.as_deref().unwrap_or_default())
                }
                MissingResource::TrainingJob(job) => {
                    format!("training job {} in {region}", job.name.as_deref().unwrap_or_default())
                }
                MissingResource::Table(table) => return describe_no_table(table, run, voice).into(),
            };
            format!("There is no {what}. Create it, or correct the configuration or the Region.")
        }
        Remedy::DeleteLeftovers(leftovers) => describe_leftovers(leftovers),
        Remedy::TrustSageMaker { role } => {
            let (arn, name) = (&role.arn, role.name());
            format!(
                "SageMaker cannot assume {arn}. First check that this is the ARN of the role, its path included, such as \
                 role/service-role/{name}: aws iam get-role --role-name={name} --query Role.Arn. If it is, its trust policy does \
                 not let SageMaker assume it. This trust policy does. The command replaces the trust policy that the role has, so add the \
                 statements that have to stay."
            )
        }
    })
}

/// What AWS has made, and how to delete it.
fn describe_leftovers(leftovers: &[Leftover]) -> String {
    let (deleted, others): (Vec<&Leftover>, Vec<&Leftover>) =
        leftovers.iter().partition(|leftover| leftover.command.is_some());
    let name = |leftovers: &[&Leftover]| {
        leftovers.iter().map(|leftover| leftover.what.as_str()).collect::<Vec<_>>().join(", ")
    };
    let look = if others.is_empty() { String::new() } else { format!(" Look for {}.", name(&others)) };
    let delete = match deleted.as_slice() {
        [] => String::new(),
        [one] => format!(" Look for {}, and delete it with this command.", one.what),
        several => format!(" Look for {}, and delete them with these commands.", name(several)),
    };
    format!(
        "These requests were meant to be refused after authorization, but AWS carried them out, in this run or an earlier \
         one.{look}{delete}"
    )
}

/// What the policy leaves out.
pub fn describe_advisory(advisory: &Advisory, voice: Voice) -> Text {
    Text::new(match advisory {
        Advisory::PassRoleLeftOut { .. } => format!(
            "The guide's policy leaves out iam:PassRole, which a real training job or model needs (condition: iam:PassedToService \
             = sagemaker.amazonaws.com): AWS denied it for a role that does not exist. Set {} to the role that SageMaker gets to \
             have it tried.",
            (voice.name_of)(Setting::PassedRole)
        ),
        Advisory::LogsLeftOut => {
            "The role to check belongs to another account than the function. The three logs actions were left out: the function's log \
             group is not there, and these requests would create one."
                .to_owned()
        }
        Advisory::DependentLeftOut { behind } => {
            let each: Vec<_> = behind.iter().map(|(action, of)| format!("{action} (for {})", of.join(", "))).collect();
            format!(
                "The policy does not allow what AWS can ask for besides, with some fields of a request such as a role, tags or a key: {}. \
                 Allow what the pipeline uses.",
                each.join("; ")
            )
        }
        Advisory::DefaultBucketLeftOut { bucket } => format!(
            "The policy leaves out the bucket {bucket}, which the SageMaker Python SDK makes and works in unless it is told another one. \
             If the pipeline uses the SDK, name a bucket of its own, or allow these actions on that one."
        ),
        Advisory::PullInferred { role } => format!(
            "That {} may pull its image is inferred: SageMaker went on to the model's artifact. In 2020 it made models for a role that \
             could not pull, and the endpoint failed later (aws/sagemaker-python-sdk#2002). If a job or an endpoint says that it cannot \
             pull, allow that role these actions on the repository.",
            role.raw()
        ),
        Advisory::ManagedRuleLeftOut => "The policy starts state machines and leaves out the rules by which AWS Step Functions waits for \
                                         SageMaker's jobs (StepFunctionsGetEventsForSageMaker…Rule). The role of such a machine needs them."
            .to_owned(),
        Advisory::EndpointActionsLeftOut { endpoint } => format!(
            "The guide's policy leaves out sagemaker:CreateEndpointConfig and sagemaker:DescribeEndpoint, which deploying \
             an endpoint such as {} needs. They were not tried.",
            endpoint.name.as_deref().unwrap_or_default()
        ),
    })
}

/// Why an Allow in the role's own policy is of no use, and who can help.
pub fn describe_refusal(refusal: &Refusal) -> String {
    if let Some(setting) = refusal.setting {
        return format!(
            "A setting denies these actions, not a policy: {setting}. {NO_ALLOW_HELPS}; ask the owner of the bucket."
        );
    }
    let owner = match refusal.policy_type {
        Some(PolicyType::IdentityBased) => "the administrator of the role",
        Some(PolicyType::ResourceBased) => "the owner of the resource",
        Some(PolicyType::PermissionsBoundary) => "the administrator who set the role's permissions boundary",
        Some(PolicyType::Session) => "the owner of the program that opened the session with that policy",
        Some(PolicyType::ServiceControl | PolicyType::ResourceControl) => "the administrator of the AWS organization",
        Some(PolicyType::VpcEndpoint) => "the owner of the VPC endpoint",
        Some(PolicyType::RoleTrust) => "the owner of the role",
        None => "the owner of the policy",
    };
    let denies = match (refusal.policy_type, refusal.kind) {
        (Some(policy_type), Kind::Explicit) => {
            let article = if policy_type == PolicyType::IdentityBased { "An" } else { "A" };
            format!("{article} {policy_type} explicitly denies these actions")
        }
        (Some(policy_type), _) => format!("No {policy_type} allows these actions"),
        (None, Kind::Implicit) => "No policy of a type that this program does not know allows these actions".to_owned(),
        (None, _) => "A policy of a type that AWS does not state explicitly denies these actions".to_owned(),
    };
    format!(
        "{denies}{}. {NO_ALLOW_HELPS}; ask {owner}. AWS states one policy type even where several deny.",
        behind_colon(refusal.policy_arn.as_ref())
    )
}

/// A cause as a sentence.
fn describe_cause(cause: Cause) -> String {
    format!("Its cause is {}: {}.", cause.name(), cause.meaning())
}

/// The article before the name of a policy type.
pub(crate) fn article(policy_type: PolicyType) -> &'static str {
    if policy_type == PolicyType::IdentityBased { "an" } else { "a" }
}

fn behind_colon(text: Option<&Text>) -> String {
    text.map(|text| format!(": {}", text.raw())).unwrap_or_default()
}

/// The role that the calls should come from, with its account where that is known.
fn name_expected_role(run: &Run) -> String {
    match run.expected_account() {
        Some((_, account)) => format!("{} of the account {account}", run.expected_role()),
        None => run.expected_role().to_owned(),
    }
}

fn none_allows(role: Option<&str>, voice: Voice) -> String {
    let of_caller = if voice.face == Face::Function { "the function's role" } else { "the caller" };
    let whose = role.map_or(of_caller.to_owned(), |role| format!("the role {role}"));
    format!("No identity-based policy of {whose} allows these actions.")
}

/// Where AWS KMS looks, for each key.
fn describe_keys(keys: &[KeyDenied]) -> String {
    let describe = |denied: &KeyDenied| {
        let key = denied.key.as_ref().map(Text::raw);
        let key = key.unwrap_or("the key that the resource is encrypted with, which AWS does not name,");
        format!(
            " AWS KMS looks in two places: the key policy of {key} has to allow {}, or to leave it to IAM, and then an \
             identity-based policy of the role has to allow it.",
            denied.action.raw()
        )
    };
    keys.iter().map(describe).collect()
}

fn describe_candidates(candidates: &[&str], policy: Option<&PolicyDocument>) -> String {
    let which = match candidates {
        [one] => format!(
            "AWS points at {one}, and does not say whether a policy denies it or the key is missing or disabled."
        ),
        all => format!("AWS does not say which of {} it denied.", all.join(" and ")),
    };
    let allows = if policy.is_some() { "this policy does" } else { "one of them has to" };
    let for_keys = |statement: &&Statement| statement.action.iter().any(|action| action.starts_with("kms:"));
    let key = match policy.map(|policy| policy.statement.iter().filter(for_keys).count()) {
        _ if !candidates.iter().any(|action| action.starts_with("kms:")) => "",
        None => " The key policy of the AWS KMS key has to allow it as well, or leave it to IAM.",
        Some(1) => {
            " The key policy of the AWS KMS key has to allow it as well, or leave it to IAM. The statement is for the keys of this \
             bucket only."
        }
        Some(_) => {
            " The key policy of the AWS KMS key has to allow it as well, or leave it to IAM. Each statement is for the keys of one \
             bucket only."
        }
    };
    format!(
        "{which} If the role's own policies do not allow it, {allows}. For a bucket of another account, the bucket policy has to \
         allow it as well.{key}"
    )
}

/// What of the denied requests the condition of a deny can look at.
fn describe_requests(requests: &[(Text, String)]) -> String {
    match requests.len() {
        0 => String::new(),
        1..=4 => {
            let had = requests.iter().map(|(action, had)| format!("{} with {had}", action.raw()));
            format!(
                " The denied requests were: {}. If the policy has conditions, it may allow the pipeline's own requests, where they differ.",
                had.collect::<Vec<_>>().join("; ")
            )
        }
        _ => " The note of each row says what its request had. If the policy has conditions, it may allow the pipeline's own \
              requests, where they differ."
            .to_owned(),
    }
}

fn describe_silence(services: &SilentServices, run: &Run, voice: Voice) -> String {
    let name_of = voice.name_of;
    let endpoints =
        if services.endpoints.is_empty() { String::new() } else { format!(": {}", services.endpoints.join(", ")) };
    let issuer = if services.untrusted_issuer {
        format!(
            " The certificate of the server comes from an issuer that {} does not trust, for example behind a proxy that inspects \
             TLS. Set {} to a file with the proxy's certificate, or to the operating system's bundle, such as \
             /etc/pki/tls/certs/ca-bundle.crt.",
            caller(voice),
            name_of(Setting::CertificateBundle)
        )
    } else {
        String::new()
    };
    let who = if services.all { "No service answered" } else { "These services did not answer" };
    let how = if run.through_proxy {
        format!(
            "A proxy is configured ({}): check whether it lets {} reach these hosts.",
            name_of(Setting::Proxy),
            caller(voice)
        )
    } else if voice.face == Face::CommandLine {
        "Check the network between this machine and AWS; in a VPC, a subnet needs a NAT gateway or the services' VPC endpoints."
            .to_owned()
    } else {
        format!(
            "If the function is attached to a VPC, its subnets need a NAT gateway or these VPC endpoints, and its security group must \
             allow outbound HTTPS{endpoints}."
        )
    };
    format!("{who}: {}. That says nothing about permissions. {how}{issuer}", services.names.join(", "))
}

fn describe_bucket_regions(regions: &[(std::sync::Arc<Bucket>, Text)], asked_in: &str, voice: Voice) -> String {
    let describe = |(bucket, region): &(std::sync::Arc<Bucket>, Text)| {
        let how = match voice.face {
            Face::Function => {
                "Deploy the function in the bucket's Region, or name a bucket of the function's Region.".to_owned()
            }
            Face::CommandLine => format!("Name the bucket's Region (--region), or a bucket of {asked_in}."),
        };
        format!(
            "The bucket {} is in {}, and {} calls it in {asked_in}. {how}",
            bucket.name,
            region.raw(),
            caller(voice)
        )
    };
    regions.iter().map(describe).collect::<Vec<_>>().join(" ")
}

fn describe_no_bucket(bucket: &Bucket, voice: Voice) -> String {
    format!("There is no bucket {}. Create it, or correct {}.", bucket.name, (voice.name_of)(Setting::Bucket))
}

fn describe_no_table(table: &Table, run: &Run, voice: Voice) -> String {
    let similar = table_difference(table).map(|difference| format!(" {}", describe_difference(difference)));
    format!(
        "There is no table {} in {} in this account. Create it, or correct {} or the Region.{}",
        table.name,
        run.place.region,
        (voice.name_of)(Setting::Table),
        similar.unwrap_or_default()
    )
}

fn describe_difference(difference: TableDifference) -> String {
    match difference {
        TableDifference::Case => format!(
            "The guide's table is {GUIDE_TABLE}. The names differ only in case, and names of tables are case-sensitive."
        ),
        TableDifference::Letters => format!("The guide's table is {GUIDE_TABLE}, which is nearly the same name."),
    }
}
