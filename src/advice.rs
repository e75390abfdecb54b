//! From the rows to what to do about them.

use crate::config::Config;
use crate::denial::{Kind, PolicyType};
use crate::probe::Principal;
use crate::report::{Advice, DenialLine, PolicyDocument, Row, Statement};
use crate::verdict::{Verdict, Warning};

/// What to do, the most likely cause first. Nothing, where nothing is wrong.
///
/// A role or a Region that is not the expected one is named even where
/// everything is allowed: then it is the expectation that is wrong, or the role
/// that was meant is not the one that was checked.
pub fn advise(rows: &[Row], config: &Config, principal: Option<&Principal>, region: &str) -> Vec<Advice> {
    let mut advice = Vec::new();
    advice.extend(wrong_role(config, principal));
    advice.extend(wrong_region(config, region));

    let denied: Vec<(&Row, &DenialLine)> = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Denied)
        .filter_map(|row| Some((row, row.denial.as_ref()?)))
        .collect();
    let missing: Vec<&Row> = denied.iter().filter(|(_, denial)| is_missing(denial)).map(|(row, _)| *row).collect();
    if !missing.is_empty() {
        let role = principal.and_then(Principal::role).unwrap_or("the function's role");
        advice.push(Advice {
            text: format!("No identity-based policy of {role} allows these actions. Add this policy to it:"),
            actions: names(&missing),
            policy: Some(policy(&missing)),
        });
    }
    let unstated: Vec<&Row> =
        denied.iter().filter(|(_, denial)| denial.kind == Kind::Unstated).map(|(row, _)| *row).collect();
    if !unstated.is_empty() {
        advice.push(Advice {
            text: "AWS does not say which policy denied these actions. One possibility is that no identity-based policy \
                   allows them, and then this one would; another is a policy that denies them, which no Allow overrides."
                .to_owned(),
            actions: names(&unstated),
            policy: Some(policy(&unstated)),
        });
    }
    for (row, denial) in denied.iter().filter(|(_, denial)| denial.kind != Kind::Unstated && !is_missing(denial)) {
        advice.push(Advice { text: no_use(denial), actions: vec![row.action.clone()], policy: None });
    }

    let warned = |warning| rows.iter().filter(move |row| row.warning == Some(warning)).collect::<Vec<_>>();
    let missing = warned(Warning::ResourceMissing);
    if !missing.is_empty() {
        advice.push(Advice {
            text: format!(
                "There is no table {} in {region}. Create it, or correct PROBE_TABLE or the function's Region.",
                config.table
            ),
            actions: names(&missing),
            policy: None,
        });
    }
    let changed = warned(Warning::SideEffect);
    if !changed.is_empty() {
        advice.push(Advice {
            text: "These requests were made to be refused after authorization, and were carried out. Remove what they left \
                   behind, whose name starts with permissions-probe-; whatever answered does not behave as AWS is \
                   documented to."
                .to_owned(),
            actions: names(&changed),
            policy: None,
        });
    }
    advice
}

fn wrong_role(config: &Config, principal: Option<&Principal>) -> Option<Advice> {
    let principal = principal?;
    let expected = &config.expected_role;
    if principal.role() == Some(expected.as_str()) {
        return None;
    }
    let arn = &principal.arn;
    Some(Advice {
        text: format!(
            "The function does not run under the role {expected} but as {arn}. Set its execution role, or \
             PROBE_EXPECTED_ROLE if this is the role to check."
        ),
        actions: Vec::new(),
        policy: None,
    })
}

fn wrong_region(config: &Config, region: &str) -> Option<Advice> {
    let expected = config.expected_region.as_deref().filter(|expected| *expected != region)?;
    Some(Advice {
        text: format!(
            "The function runs in {region}, and the policy's ARNs are expected to name {expected}. Deploy it there, or name \
             {region} in the policy."
        ),
        actions: Vec::new(),
        policy: None,
    })
}

/// Whether a statement in the role's own policy is what is missing.
fn is_missing(denial: &DenialLine) -> bool {
    denial.kind == Kind::Implicit && denial.policy_type == Some(PolicyType::IdentityBased)
}

fn names(rows: &[&Row]) -> Vec<String> {
    rows.iter().map(|row| row.action.clone()).collect()
}

/// One statement for each set of resources, with all the actions on it.
fn policy(rows: &[&Row]) -> PolicyDocument {
    let mut statement: Vec<Statement> = Vec::new();
    for row in rows {
        match statement.iter_mut().find(|known| known.resource == row.resources) {
            Some(known) => known.action.push(row.action.clone()),
            None => statement.push(Statement {
                effect: "Allow",
                action: vec![row.action.clone()],
                resource: row.resources.clone(),
            }),
        }
    }
    PolicyDocument { version: "2012-10-17", statement }
}

/// Why an Allow in the role's policy is of no use, and who can help.
fn no_use(denial: &DenialLine) -> String {
    let owner = match denial.policy_type {
        Some(PolicyType::IdentityBased) => "the administrator of the role",
        Some(PolicyType::ResourceBased) => "the owner of the resource",
        Some(PolicyType::PermissionsBoundary) => "whoever set the role's permissions boundary",
        Some(PolicyType::Session) => "whoever opened the session with that policy",
        Some(PolicyType::ServiceControl | PolicyType::ResourceControl) => "the administrator of the AWS organization",
        Some(PolicyType::VpcEndpoint) => "the owner of the VPC endpoint",
        Some(PolicyType::RoleTrust) => "the owner of the role",
        None => "the owner of the policy",
    };
    let policy = denial.policy_type.map_or("policy of a type that AWS does not state".to_owned(), |t| t.to_string());
    let arn = denial.policy_arn.as_ref().map(|arn| format!(" ({arn})")).unwrap_or_default();
    let how = match denial.kind {
        Kind::Explicit => "denies this action explicitly in",
        _ => "does not allow this action in",
    };
    format!(
        "AWS {how} a {policy}{arn}. Adding an Allow to the role's own policy will not help; ask {owner}. AWS states one \
         policy type even where several deny."
    )
}
