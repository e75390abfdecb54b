//! The one cause that explains everything that is wrong, where there is one.
//!
//! A headline is never a guess: it says only what AWS's answers and the
//! configuration say, and it stands above the rows, not in their place.

use crate::config::Config;
use crate::denial::{Kind, PolicyType};
use crate::probe::{Principal, partition_of};
use crate::probes::{ASSUME_ROLE, CONTROL};
use crate::report::{Headline, Row, verdict_name};
use crate::verdict::{Cause, Verdict, Warning};

/// What a headline is found in.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    pub rows: &'a [Row],
    pub config: &'a Config,
    pub principal: Option<&'a Principal>,
    pub region: &'a str,
    /// Whether the role to check is of another account than the function.
    pub elsewhere: bool,
}

/// Finds the headline: what lies deepest comes first.
pub fn headline(findings: &Findings<'_>) -> Option<Headline> {
    let wrong: Vec<&Row> = findings.rows.iter().filter(|row| !row.is_clean()).collect();
    if wrong.is_empty() {
        return None;
    }
    says_yes(&wrong)
        .or_else(|| credentials(findings))
        .or_else(|| network(findings, &wrong))
        .or_else(|| no_identity(findings))
        .or_else(|| wrong_role(findings, &wrong))
        .or_else(|| not_assumed(findings))
        .or_else(|| wrong_region(findings, &wrong))
        .or_else(|| bucket_elsewhere(findings, &wrong))
        .or_else(|| missing_resource(findings, &wrong))
        .or_else(|| role_trust(findings, &wrong))
        .or_else(|| one_policy_type(&wrong))
        .or_else(|| near_miss(findings, &wrong))
}

impl Findings<'_> {
    /// The role that the calls should come from: the one that was assumed, else the function's own.
    pub fn expected_role(&self) -> &str {
        match self.config.assumed_role() {
            Some((role, _)) if self.not_assumed().is_none() => role,
            _ => &self.config.expected_role,
        }
    }

    /// Who called, if not that role.
    pub fn unexpected(&self) -> Option<&Principal> {
        let assumed = self.config.assumed_role().is_some() && self.not_assumed().is_none();
        let account = self.config.expected_account.as_ref().filter(|_| !assumed);
        let elsewhere = |principal: &Principal| {
            let partition = principal.arn.split(':').nth(1).unwrap_or_default();
            account.is_some_and(|(expected, account)| partition != expected || principal.account != *account)
        };
        self.principal.filter(|principal| principal.role() != Some(self.expected_role()) || elsewhere(principal))
    }

    /// The role that the calls should come from, with its account where that is known.
    pub fn expected_name(&self) -> String {
        let assumed = self.config.assumed_role().is_some() && self.not_assumed().is_none();
        match &self.config.expected_account {
            Some((_, account)) if !assumed => format!("{} of the account {account}", self.expected_role()),
            _ => self.expected_role().to_owned(),
        }
    }

    /// The row of the attempt to assume the role to check, where it did not succeed.
    pub fn not_assumed(&self) -> Option<&Row> {
        let row = self.rows.iter().find(|row| row.action == ASSUME_ROLE.action && !row.derived)?;
        (row.verdict != Verdict::Allowed).then_some(row)
    }
}

/// What a cause is, in words that name nothing of the account's.
pub fn without_names(cause: &str) -> &'static str {
    match cause {
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
        "policyType" => "A policy that is not the role's own denies everything that is denied.",
        "tableName" => "The table's name is nearly, but not quite, the one that is expected.",
        "method" => "Only GET and HEAD ask for a check.",
        "configuration" => "The function's configuration is not valid; its log says what is wrong.",
        _ => "The function's log has the report.",
    }
}

fn new(cause: &'static str, text: String) -> Headline {
    Headline { cause, text }
}

fn credentials(findings: &Findings<'_>) -> Option<Headline> {
    // Of all rows, the control's too: one that was authorized refutes it.
    let all = |cause| findings.rows.iter().all(|row| row.cause == Some(cause));
    if all(Cause::Credentials) {
        let code = findings.rows.first().and_then(|row| row.code.as_deref());
        let code = code.map_or("there are none".to_owned(), |code| format!("AWS answers {code}"));
        let text = format!("The function's credentials are not valid ({code}), so AWS authorized nothing. {RENEW}");
        return Some(new("credentials", text));
    }
    all(Cause::ClockSkew).then(|| {
        new(
            "clockSkew",
            "The clock of the machine that the function runs on is off, so AWS refuses its signatures and authorized nothing."
                .to_owned(),
        )
    })
}

/// How a function gets new credentials.
pub const RENEW: &str = "Lambda renews a function's credentials with its execution environment: any change of its configuration, \
                         such as of the description, starts a new one.";

/// What must be denied was allowed.
fn says_yes(wrong: &[&Row]) -> Option<Headline> {
    let control = wrong.iter().find(|row| row.must_be_denied && row.verdict == Verdict::Allowed)?;
    Some(new(
        "denyControl",
        format!(
            "{} must be denied (PROBE_DENY_CONTROL), and it was allowed: whatever answers may say yes to everything, or the role \
             may do more than was thought. No \"allowed\" of this run is believed.",
            control.action
        ),
    ))
}

/// AWS did not say who is calling.
fn no_identity(findings: &Findings<'_>) -> Option<Headline> {
    let control = findings.rows.iter().find(|row| row.action == CONTROL.action)?;
    let how = match control.cause {
        _ if control.verdict == Verdict::Allowed => return None,
        Some(Cause::Network | Cause::TimedOut) => {
            let endpoint = endpoint_name(findings.region, "sts").map(|name| format!(" {name}")).unwrap_or_default();
            format!("In a VPC, AWS STS needs a NAT gateway or its VPC endpoint{endpoint}, as any other service does.")
        }
        Some(cause) => format!("Its cause is {}: {}.", cause.name(), cause.meaning()),
        None => "It was denied, which only a VPC endpoint's policy can do.".to_owned(),
    };
    Some(new(
        "control",
        format!(
            "sts:GetCallerIdentity did not succeed. It needs no permission, so something more basic is wrong, and no other answer \
             of this run is believed. {how}"
        ),
    ))
}

/// The VPC endpoints of the services, by what the actions start with.
/// Source: AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink".
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("sts:", "AWS STS", "sts"),
    ("s3:", "Amazon S3", "s3"),
    ("dynamodb:", "Amazon DynamoDB", "dynamodb"),
    ("sagemaker:InvokeEndpoint", "SageMaker Runtime", "sagemaker.runtime"),
    ("sagemaker:", "Amazon SageMaker", "sagemaker.api"),
    ("iam:PassRole", "Amazon SageMaker", "sagemaker.api"),
    ("logs:", "CloudWatch Logs", "logs"),
];

fn network(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    if !wrong.iter().all(|row| is_silent(row) && is_of_silent_service(row, findings)) {
        return None;
    }
    silent_services(findings).map(|text| new("network", text))
}

pub fn is_silent(row: &Row) -> bool {
    matches!(row.cause, Some(Cause::Network | Cause::TimedOut))
}

fn service_of(row: &Row) -> Option<&'static (&'static str, &'static str, &'static str)> {
    ENDPOINTS.iter().find(|(start, ..)| row.action.starts_with(start))
}

/// Whether the service of a row answered none of its requests.
pub fn is_of_silent_service(row: &Row, findings: &Findings<'_>) -> bool {
    let name = |row: &Row| service_of(row).map(|(_, name, _)| *name);
    name(row).is_some() && findings.rows.iter().filter(|other| name(other) == name(row)).all(is_silent)
}

/// What to look at where a service answered none of its requests; `None` where there is no such service.
pub fn silent_services(findings: &Findings<'_>) -> Option<String> {
    let mut silent: Vec<(&str, Option<String>)> = Vec::new();
    for row in findings.rows.iter().filter(|row| is_of_silent_service(row, findings)) {
        let Some((_, name, endpoint)) = service_of(row) else { continue };
        if !silent.iter().any(|(known, _)| known == name) {
            silent.push((name, endpoint_name(findings.region, endpoint)));
        }
    }
    if silent.is_empty() {
        return None;
    }
    let services = silent.iter().map(|(service, _)| *service).collect::<Vec<_>>().join(", ");
    let endpoints: Vec<String> = silent.iter().filter_map(|(_, endpoint)| endpoint.clone()).collect();
    let endpoints = if endpoints.len() == silent.len() { format!(": {}", endpoints.join(", ")) } else { String::new() };
    // What rustls says of a certificate whose issuer it does not trust.
    let untrusted = |row: &Row| row.message.as_deref().is_some_and(|message| message.contains("UnknownIssuer"));
    let issuer = if findings.rows.iter().any(untrusted) {
        " The certificate of what answered comes from an issuer that the function does not trust, as behind a proxy that looks into \
         TLS: set AWS_CA_BUNDLE to a file with the proxy's certificate, or to the operating system's bundle, such as \
         /etc/pki/tls/certs/ca-bundle.crt."
    } else {
        ""
    };
    let who = if findings.rows.iter().all(is_silent) { "No service answered" } else { "These services did not answer" };
    let how = if findings.config.proxy {
        "A proxy is configured (HTTPS_PROXY): look whether it lets the function reach these hosts.".to_owned()
    } else {
        format!(
            "If the function is attached to a VPC, its subnets need a NAT gateway or these VPC endpoints, and its security group has \
             to let HTTPS out{endpoints}."
        )
    };
    Some(format!("{who}: {services}. That says nothing about permissions. {how}{issuer}"))
}

/// The name of a service's VPC endpoint, where it is known for the partition
/// (AWS PrivateLink Guide; the names outside of the partition aws are those of public files).
fn endpoint_name(region: &str, endpoint: &str) -> Option<String> {
    let gateway = matches!(endpoint, "s3" | "dynamodb");
    let start = match partition_of(region).name {
        "aws" | "aws-us-gov" => "com.amazonaws",
        "aws-cn" if gateway => "com.amazonaws",
        "aws-cn" => "cn.com.amazonaws",
        "aws-eusc" => "eu.amazonaws",
        "aws-iso" => "gov.ic.c2s",
        _ => return None,
    };
    Some(format!("{start}.{region}.{endpoint}"))
}

fn wrong_role(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let principal = findings.unexpected()?;
    let expected = findings.expected_name();
    let denied = wrong.iter().any(|row| row.verdict == Verdict::Denied);
    denied.then(|| {
        new(
            "wrongRole",
            format!(
                "The function does not run under the role {expected} but as {}. What is denied below is denied to that \
                 principal. Set the function's execution role, or PROBE_EXPECTED_ROLE if this is the role to check.",
                principal.arn
            ),
        )
    })
}

/// What a denial of `sts:AssumeRole` that states no policy leaves open (observed:
/// HackTricks-wiki/hacktricks-cloud, "aws iam and sts unauthenticated enum"; uswitch/kiam#33).
const NO_SUCH_ROLE: &str =
    "AWS denies a role that does not exist in the same words, so look first whether this one does.";

/// The role to check was not assumed.
fn not_assumed(findings: &Findings<'_>) -> Option<Headline> {
    let row = findings.not_assumed()?;
    let role = findings.config.assume_role_arn.as_deref()?;
    let why = match row.cause {
        Some(cause) => format!("Its cause is {}: {}.", cause.name(), cause.meaning()),
        None if row.denial.as_ref().is_some_and(|denial| denial.kind == Kind::Unstated) => NO_SUCH_ROLE.to_owned(),
        None => String::new(),
    };
    let verdict = verdict_name(row.verdict);
    Some(new(
        "notAssumed",
        format!(
            "sts:AssumeRole on {role} is {verdict}, so nothing was tried under that role, and nothing is told of it. {why}"
        )
        .trim_end()
        .to_owned(),
    ))
}

fn wrong_region(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let expected = findings.config.expected_region.as_deref().filter(|expected| *expected != findings.region)?;
    // Only where a statement for the other Region would explain every row.
    let explained = |row: &&Row| {
        let of_a_region = !row.action.starts_with("s3:") && !row.action.starts_with("iam:");
        of_a_region && (row.is_missing_statement() || row.warning == Some(Warning::ResourceMissing))
    };
    wrong.iter().all(explained).then(|| {
        new(
            "wrongRegion",
            format!(
                "The function runs in {}, and the policy's ARNs are expected to name {expected}: a statement for one Region \
                 allows nothing in another. Deploy the function in {expected}, or name {} in the policy.",
                findings.region, findings.region
            ),
        )
    })
}

fn bucket_elsewhere(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let all = wrong.iter().all(|row| row.cause == Some(Cause::WrongRegion));
    all.then(|| bucket_region(findings)).flatten().map(|text| new("bucketRegion", text))
}

/// Where the bucket is, in S3's own word; without it there is no Region to name.
pub fn bucket_region(findings: &Findings<'_>) -> Option<String> {
    let elsewhere = findings.rows.iter().filter(|row| row.cause == Some(Cause::WrongRegion));
    let region = elsewhere.into_iter().find_map(|row| row.bucket_region.as_deref())?;
    Some(format!(
        "The bucket {} is in {region}, and the function asks for it in {}. Deploy the function in the bucket's Region, or name a \
         bucket of the function's.",
        findings.config.bucket, findings.region
    ))
}

/// What to do about a bucket that does not exist.
pub fn no_bucket(config: &Config) -> String {
    format!("There is no bucket {}. Create it, or correct PROBE_BUCKET.", config.bucket)
}

/// What to do about a table that does not exist.
pub fn no_table(findings: &Findings<'_>) -> String {
    let similar = similar_table(findings.config).map(|how| format!(" {how}")).unwrap_or_default();
    format!(
        "There is no table {} in {} in this account. Create it, or correct PROBE_TABLE or the function's Region.{similar}",
        findings.config.table, findings.region
    )
}

fn missing_resource(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let bucket = |row: &&&Row| row.action.starts_with("s3:") && row.cause == Some(Cause::ResourceMissing);
    let table = |row: &&&Row| row.action.starts_with("dynamodb:") && row.warning == Some(Warning::ResourceMissing);
    let (buckets, tables) = (wrong.iter().filter(bucket).count(), wrong.iter().filter(table).count());
    if buckets + tables < wrong.len() {
        return None;
    }
    let mut text = Vec::new();
    if buckets > 0 {
        text.push(no_bucket(findings.config));
    }
    if tables > 0 {
        text.push(no_table(findings));
    }
    Some(new("resourceMissing", text.join(" ")))
}

fn role_trust(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let role = findings.config.sagemaker_role_arn.as_deref()?;
    wrong.iter().all(|row| row.warning == Some(Warning::RoleTrust)).then(|| {
        new(
            "roleTrust",
            format!(
                "SageMaker cannot assume {role}: the role's trust policy does not let it, or there is no role of this name and path. \
                 That the function's role may hand it to SageMaker (iam:PassRole) follows from AWS's answer."
            ),
        )
    })
}

fn one_policy_type(wrong: &[&Row]) -> Option<Headline> {
    let stated = |row: &&Row| row.denial.as_ref().map(|denial| (denial.kind, denial.policy_type));
    let (kind, policy_type) = stated(wrong.first()?)?;
    let policy_type = policy_type?;
    let all = wrong.iter().all(|row| row.verdict == Verdict::Denied && stated(row) == Some((kind, Some(policy_type))));
    // That the role's own policies allow nothing of it is what the rows are for.
    let helps = kind == Kind::Unstated || (kind, policy_type) == (Kind::Implicit, PolicyType::IdentityBased);
    if !all || wrong.len() < 2 || helps {
        return None;
    }
    let arn_of = |row: &Row| row.denial.as_ref().and_then(|denial| denial.policy_arn.clone());
    let arn = arn_of(wrong[0]).filter(|arn| wrong.iter().all(|row| arn_of(row).as_ref() == Some(arn)));
    let arn = arn.map(|arn| format!(": {arn}")).unwrap_or_default();
    let how = if kind == Kind::Explicit { "an explicit deny in" } else { "no Allow in" };
    let article = if policy_type == PolicyType::IdentityBased { "an" } else { "a" };
    Some(new(
        "policyType",
        format!(
            "Every denial states the same policy type: {how} {article} {policy_type}{arn}. AWS states one type even where several deny. \
             Adding an Allow to the role's own policy will not help."
        ),
    ))
}

fn near_miss(findings: &Findings<'_>, wrong: &[&Row]) -> Option<Headline> {
    let table = |row: &&Row| row.action.starts_with("dynamodb:");
    let all = findings.rows.iter().filter(table).all(Row::is_missing_statement) && wrong.iter().all(table);
    let how = all.then(|| similar_table(findings.config)).flatten()?;
    Some(new(
        "tableName",
        format!("Only requests to the table {} are denied. {how} The policy may name that one.", findings.config.table),
    ))
}

/// How the configured table's name is nearly, but not quite, the guide's.
fn similar_table(config: &Config) -> Option<String> {
    const GUIDE: &str = "ModelMetadata";
    let table = config.table.as_str();
    if table == GUIDE {
        return None;
    }
    if table.eq_ignore_ascii_case(GUIDE) {
        return Some(format!(
            "The guide's table is {GUIDE}, which differs in case only, and case counts in names of tables."
        ));
    }
    (distance(table, GUIDE) <= 2).then(|| format!("The guide's table is {GUIDE}, which is nearly the same name."))
}

/// How many characters have to change to make one name of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, endpoint_name};

    #[test]
    fn a_vpc_endpoint_is_named_as_its_partition_names_it() {
        for (region, endpoint, expected) in [
            ("us-east-1", "sts", Some("com.amazonaws.us-east-1.sts")),
            ("us-gov-west-1", "s3", Some("com.amazonaws.us-gov-west-1.s3")),
            ("cn-north-1", "sts", Some("cn.com.amazonaws.cn-north-1.sts")),
            ("cn-north-1", "dynamodb", Some("com.amazonaws.cn-north-1.dynamodb")),
            ("eusc-de-east-1", "logs", Some("eu.amazonaws.eusc-de-east-1.logs")),
            ("us-isob-east-1", "logs", None),
        ] {
            assert_eq!(endpoint_name(region, endpoint).as_deref(), expected, "{region}");
        }
    }

    #[test]
    fn counts_changes() {
        for (a, b, expected) in [("", "", 0), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "ab", 1), ("ab", "ba", 2)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
