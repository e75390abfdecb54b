//! What to do about a denial, in the words of one who has only its text.

use crate::diagnosis::Refusal;
use crate::diagnosis::wording::describe_refusal;
use crate::explain::pattern::{Parts, Searched, trim};
use crate::explain::prose::{Help, Prose, Whose};
use crate::explain::wrapper::{Wrapped, action_of};
use crate::explain::{About, Advice, Explanation};
use crate::iam::actions::{MANAGED_RULE_ACTIONS, NETWORK_INTERFACE_ACTIONS, PASS_ROLE};
use crate::iam::catalogue;
use crate::iam::denial::{Denial, Kind, PolicyType};
use crate::iam::names::is_account;
use crate::iam::policy::{PolicyDocument, Statement, Trusted};
use crate::text::Text;

impl Advice {
    fn new(text: impl Into<String>) -> Self {
        Self { text: Text::new(text), actions: Vec::new(), policy: None, trust_policy: None, command: None }
    }

    fn about(self, actions: &[&str]) -> Self {
        Self { actions: actions.iter().map(|action| Text::from(*action)).collect(), ..self }
    }

    fn with_policy(self, policy: Option<PolicyDocument>) -> Self {
        Self { policy, ..self }
    }

    fn with_command(self, command: String) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}

/// What to do about a sentence of IAM's.
pub fn of_sentence(
    denial: &Denial<'_>,
    told: &Explanation,
    wrapped: Option<&Wrapped<'_>>,
    searched: &Searched<'_>,
) -> Vec<Advice> {
    let action = told.action.as_ref().map_or(denial.action, Text::raw);
    let resource = told.resource.as_ref().map(Text::raw);
    let whom = whom(told);
    if let Some(advice) = of_principal(told.principal.as_ref().map_or("", Text::raw)) {
        return vec![advice.about(&[action])];
    }
    let mut advice = Vec::new();
    match (denial.kind, denial.policy_type) {
        (Kind::Implicit, Some(PolicyType::IdentityBased)) => {
            advice.extend(missing_statement(&whom, action, resource, passed_to(wrapped, searched)));
        }
        (Kind::Unstated, None) => advice.extend(unstated(&whom, action, resource, passed_to(wrapped, searched))),
        // The text is cut off, or from a later day than this program.
        (Kind::Implicit, None) if denial.setting.is_none() => advice.push(
            Advice::new(
                "The text does not say, or not in words that this program knows, which type of policy allows nothing. Look at the whole \
                 message: an identity-based policy can be given a statement, and any other type is for its owner to change.",
            )
            .about(&[action]),
        ),
        (Kind::Unstated, Some(_)) => {
            let text = if action.to_ascii_lowercase().starts_with("kms:") {
                "AWS KMS uses these words for a key that does not exist in this Region, and for one whose key policy does not let \
                 the principal in. Check the key's Region and state first. Then let the key policy allow the action to the \
                 principal, or leave it to IAM and let an identity-based policy allow it."
            } else {
                "AWS uses these words for a resource that does not exist in this Region, and for one whose own policy does not allow \
                 the action, or denies it. Check whether it exists, and then look at its policy."
            };
            advice.push(Advice::new(text).about(&[action]));
        }
        (Kind::Implicit, Some(PolicyType::RoleTrust)) => {
            advice.push(trust_caller(resource, told.principal.as_ref().map(Text::raw)).about(&[action]));
        }
        (kind, policy_type) => {
            let refusal =
                Refusal { kind, policy_type, policy_arn: denial.policy_arn.map(Text::from), setting: denial.setting };
            // A user has policies, too.
            let text = describe_refusal(&refusal).replace("the role's own policy", &format!("a policy of {whom}"));
            let text = text.replace("the administrator of the role", "the administrator of IAM in this account");
            advice.push(Advice::new(text).about(&[action]));
        }
    }
    if let Some(id) = denial.authorization_id.filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
        advice.push(Advice::new(format!(
            "AWS tells which statements decided, to who may call iam:GetRequestAuthorizationDetails, by the authorization id {id}."
        )));
    }
    advice
}

/// That the text has other denials, whose advice it gets alone.
pub fn further(actions: &[&str]) -> Advice {
    Advice::new(format!(
        "The text has more than one denial, and this is about the first. The others are of {}: paste each by itself.",
        actions.join(", ")
    ))
    .about(actions)
}

/// What to do for principals that no statement can be given to.
fn of_principal(principal: &str) -> Option<Advice> {
    if principal.eq_ignore_ascii_case("anonymous") {
        return Some(Advice::new(
            "The request was not signed, so AWS knows no role or user that made it: sign it with credentials (look at how the client is \
             configured). Only a resource-based policy that allows every principal would let it in.",
        ));
    }
    if principal.ends_with(":root") {
        return Some(Advice::new(
            "This is the root user, which no identity-based policy limits. What denies it is a service control policy, a resource-based policy, \
             or the service itself. Use a role in place of it.",
        ));
    }
    None
}

/// The service that a role is passed to, by what was called.
fn passed_to(wrapped: Option<&Wrapped<'_>>, searched: &Searched<'_>) -> Option<&'static str> {
    let called = wrapped.and_then(|wrapped| wrapped.operation);
    let of_call = |operation: &str| called == Some(operation) || searched.has(&operation.to_ascii_lowercase());
    PASSED_TO.iter().find(|(operation, _)| of_call(operation)).map(|(_, service)| *service)
}

/// The operations that take a role, and the service that assumes it (IAM User Guide, "Grant a user permissions to pass a
/// role to an AWS service", and the services' guides).
const PASSED_TO: &[(&str, &str)] = &[
    ("CreateTrainingJob", "sagemaker.amazonaws.com"),
    ("CreateProcessingJob", "sagemaker.amazonaws.com"),
    ("CreateTransformJob", "sagemaker.amazonaws.com"),
    ("CreateModel", "sagemaker.amazonaws.com"),
    ("CreatePipeline", "sagemaker.amazonaws.com"),
    ("CreateNotebookInstance", "sagemaker.amazonaws.com"),
    ("CreateDomain", "sagemaker.amazonaws.com"),
    ("CreateUserProfile", "sagemaker.amazonaws.com"),
    ("CreateHyperParameterTuningJob", "sagemaker.amazonaws.com"),
    ("CreateAutoMLJob", "sagemaker.amazonaws.com"),
    ("CreateFeatureGroup", "sagemaker.amazonaws.com"),
    ("CreateFunction", "lambda.amazonaws.com"),
    ("UpdateFunctionConfiguration", "lambda.amazonaws.com"),
    ("CreateStateMachine", "states.amazonaws.com"),
    ("RegisterTaskDefinition", "ecs-tasks.amazonaws.com"),
    ("RunTask", "ecs-tasks.amazonaws.com"),
    ("RunInstances", "ec2.amazonaws.com"),
    ("CreateStack", "cloudformation.amazonaws.com"),
    ("PutTargets", "events.amazonaws.com"),
    ("CreateSchedule", "scheduler.amazonaws.com"),
    ("CreateCrawler", "glue.amazonaws.com"),
    ("StartJobRun", "glue.amazonaws.com"),
    ("CreateProject", "codebuild.amazonaws.com"),
];

/// Whose policies are meant, in a sentence.
fn whom(told: &Explanation) -> String {
    match (&told.about, &told.principal) {
        (Some(About::Role(role)), _) => format!("the role {}", role.raw()),
        (_, Some(principal)) => match name_of(principal.raw()) {
            Some(name) => name,
            None => principal.raw().to_owned(),
        },
        _ => "the caller".to_owned(),
    }
}

/// The role or the user behind a principal's ARN, in a sentence.
fn name_of(principal: &str) -> Option<String> {
    let role = principal.split_once(":assumed-role/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    let role = role.or_else(|| principal.split_once(":role/").map(|(_, path)| path));
    if let Some(role) = role {
        return Some(format!("the role {role}"));
    }
    principal.split_once(":user/").map(|(_, user)| format!("the user {user}"))
}

fn missing_statement(whom: &str, action: &str, resource: Option<&str>, service: Option<&str>) -> Vec<Advice> {
    let policy = statement_for(&[action], resource, service);
    let how = match &policy {
        Some(_) => "Add this policy to allow it:".to_owned(),
        None => format!("Add a statement that allows {action} on the resource that the pipeline uses."),
    };
    let mut advice = Advice::new(format!("No identity-based policy of {whom} allows {action}. {how}"));
    advice = advice.about(&[action]).with_policy(policy);
    let mut all = vec![advice];
    all.extend(beside_kms(action));
    all
}

/// A key's own policy is looked at as well.
fn beside_kms(action: &str) -> Option<Advice> {
    action
        .to_ascii_lowercase()
        .starts_with("kms:")
        .then(|| Advice::new("The key policy has to allow the action as well, or to leave it to IAM.").about(&[action]))
}

fn unstated(whom: &str, action: &str, resource: Option<&str>, service: Option<&str>) -> Vec<Advice> {
    let is_trust = action.to_ascii_lowercase().starts_with("sts:assumerolewith");
    if is_trust {
        return vec![
            Advice::new(
                "The role's trust policy does not let this identity in: its provider, or a condition on the token (aud, sub), does not \
                 match. No other policy is looked at for this action.",
            )
            .about(&[action]),
        ];
    }
    if action.eq_ignore_ascii_case("sts:AssumeRole") {
        return vec![
            Advice::new(format!(
                "AWS does not say which policy denied it. Three have to fit: the role has to exist under this name and path, its trust \
                 policy has to let {whom} in, and in another account a policy of {whom} has to allow sts:AssumeRole on it."
            ))
            .about(&[action]),
        ];
    }
    let policy = statement_for(&[action], resource, service);
    let first = if policy.is_some() { " In the first case, this policy allows it:" } else { "" };
    vec![
        Advice::new(format!(
            "AWS does not say which policy denied {action}. One possibility is that no identity-based policy of {whom} allows it; another \
             is a policy that denies it, which no Allow overrides.{first}"
        ))
        .about(&[action])
        .with_policy(policy),
    ]
}

fn trust_caller(role: Option<&str>, caller: Option<&str>) -> Advice {
    let role = role.map_or("The role's trust policy".to_owned(), |role| format!("The trust policy of {role}"));
    let arn = caller.and_then(role_arn);
    let trust_policy = arn.map(|arn| PolicyDocument::new(vec![Statement::trust(Trusted::Aws(arn))]));
    let how = if trust_policy.is_some() {
        " Add this statement to those that it has. If the caller's role has a path, its ARN needs the path."
    } else {
        ""
    };
    Advice {
        trust_policy,
        ..Advice::new(format!("{role} does not let the caller assume it, whatever the caller's own policies say.{how}"))
    }
}

/// The role of a session, as an ARN; its path is not in the session's.
fn role_arn(session: &str) -> Option<String> {
    let parts: Vec<&str> = session.splitn(6, ':').collect();
    let ["arn", partition, "sts", _, account, resource] = parts[..] else { return None };
    let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// A policy that allows the actions on a resource that is known. A wildcard for all of them is no advice, unless the
/// action takes no resource.
fn statement(actions: &[&str], resource: Option<&str>) -> Option<PolicyDocument> {
    statement_for(actions, resource, None)
}

/// The same; of a role that is passed to a service, for that service only.
fn statement_for(actions: &[&str], resource: Option<&str>, service: Option<&str>) -> Option<PolicyDocument> {
    let known = |action: &str| catalogue::find(action).is_some();
    if actions.is_empty() || !actions.iter().all(|action| known(action)) {
        return None;
    }
    let takes_none = || actions.iter().all(|action| catalogue::find(action).is_some_and(|action| action.takes_none()));
    let resource = match resource.and_then(arn_of) {
        Some(arn) => arn,
        None if takes_none() => "*".to_owned(),
        None => return None,
    };
    let passes_role = actions.iter().all(|action| action.eq_ignore_ascii_case(PASS_ROLE));
    let condition = service
        .filter(|_| passes_role)
        .map(|service| serde_json::json!({"StringEquals": {"iam:PassedToService": service}}));
    let resource = generalize(&resource);
    let actions = actions.iter().filter_map(|action| Some(catalogue::find(action)?.name)).collect();
    Some(PolicyDocument::new(vec![Statement { condition, ..Statement::allow(actions, vec![resource]) }]))
}

/// The resource of a statement for one that was named: what has a name of one time only is not needed again.
fn generalize(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else { return arn.to_owned() };
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    let general = match service {
        "s3" if !name.is_empty() => format!("{kind}/*"),
        "sagemaker" if kind.ends_with("-job") => format!("{kind}/*"),
        "logs" => resource.split(":log-stream").next().unwrap_or(resource).trim_end_matches(":*").to_owned() + ":*",
        "states" => match resource.split(':').collect::<Vec<_>>()[..] {
            ["execution", machine, _] => format!("execution:{machine}:*"),
            _ => resource.to_owned(),
        },
        _ => resource.to_owned(),
    };
    format!("arn:{partition}:{service}:{region}:{account}:{general}")
}

/// The ARN that a text names: as such, as an S3 URI, or as an image of Amazon ECR.
fn arn_of(text: &str) -> Option<String> {
    if let Some(path) = ["s3://", "s3a://", "s3n://"].iter().find_map(|scheme| text.strip_prefix(scheme)) {
        return Some(format!("arn:aws:s3:::{path}"));
    }
    if let Some((registry, image)) = text.split_once(".amazonaws.com/")
        && let [account, "dkr", "ecr", region] =
            registry.trim_start_matches("https://").split('.').collect::<Vec<_>>()[..]
    {
        let name = image.split(['@', ':']).next().unwrap_or(image);
        return Some(format!("arn:aws:ecr:{region}:{account}:repository/{name}"));
    }
    // What is made out is not to be pasted.
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let account = parts.get(4).copied().unwrap_or_default();
    let is_known = account.is_empty() || account == "*" || account == "aws" || is_account(account);
    let is_whole = text.starts_with("arn:aws") && parts.len() == 6 && is_known && !text.contains(['<', '>', ' ', '…']);
    // A key is allowed by its own ARN, and never by that of an alias.
    let is_alias = text.contains(":alias/");
    (is_whole && !is_alias).then(|| text.to_owned())
}

/// What a sentence of a service's own says, and what to do.
pub fn of_prose(
    (prose, parts): (&'static Prose, Parts<'_>),
    wrapped: Option<&Wrapped<'_>>,
    searched: &Searched<'_>,
) -> Explanation {
    let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| trim(part));
    let part = |name: &str| part(name).filter(|part| !part.is_empty());
    let is_noun = |role: &str| {
        ["arn", "role", "the", "iam", "execution", "service"].iter().any(|noun| noun.eq_ignore_ascii_case(role))
    };
    let role = part("role").map(role_in).filter(|role| !role.is_empty() && !is_noun(role));
    // Beside a reason that names no role, a description of the job has it.
    let role = role.or_else(|| searched.only_role().filter(|_| prose.whose == Whose::Role));
    let is_trust = matches!(prose.help, Help::Trust(_));
    let uri = searched.only_s3_uri().filter(|_| matches!(prose.help, Help::Data(_)));
    let resource = part("resource").or(uri.as_deref()).or(role.filter(|_| is_trust));
    let called = part("call").zip(part("service")).and_then(|(call, service)| called(service, call));
    let action = prose.action.map(str::to_owned).or(called).or_else(|| named_action(prose, wrapped, searched));
    let service = match prose.help {
        Help::RepositoryPolicy(service) | Help::ResourcePolicy(service) | Help::Invoke(service) => Some(service),
        _ => None,
    };
    // A job's result is about the role that the job had.
    let of_a_job = searched.has("failurereason") || searched.has("failure reason");
    let about = match prose.whose {
        Whose::Caller if of_a_job => searched.only_role().map(|role| About::Role(role.into())),
        Whose::Caller => Some(About::Caller),
        Whose::Role => role.map(|role| About::Role(role.into())),
        Whose::Resource => None,
    };
    let encoded = part("encoded").map(|_| encoded_message(searched.text()));
    let told = Told { role, resource, action: action.as_deref(), encoded: encoded.as_deref() };
    let advice = help(prose, told);
    Explanation {
        principal: part("principal").or(role).or(service).map(Text::from),
        about,
        action: action.map(Text::new),
        resource: resource.map(Text::from),
        kind: if searched.has("explicit deny") { Kind::Explicit } else { Kind::Unstated },
        policy_type: match prose.help {
            Help::Trust(_) => Some(PolicyType::RoleTrust),
            Help::RepositoryPolicy(_) | Help::ResourcePolicy(_) | Help::Invoke(_) => Some(PolicyType::ResourceBased),
            _ => None,
        },
        policy_arn: None,
        root_cause: prose.root_cause,
        advice,
    }
}

/// An encoded message, which a terminal may have broken over lines.
fn encoded_message(text: &str) -> String {
    const START: &str = "authorization failure message:";
    let lower = text.to_ascii_lowercase();
    let Some(at) = lower.find(START) else { return String::new() };
    let mut message = String::new();
    for (index, line) in text[at + START.len()..].trim_start().lines().enumerate() {
        let line = line.trim();
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).unwrap_or(line.len());
        // A line that goes on is full of it.
        if index > 0 && end < 16 {
            break;
        }
        message.push_str(&line[..end]);
        match line[end..].chars().next() {
            None => {}
            Some(c) if c.is_whitespace() || "\"'(),.<\\".contains(c) => break,
            Some(_) => return String::new(),
        }
    }
    message
}

/// The action that the rest of the text names: of a pull the first, else the only one.
fn named_action(prose: &Prose, wrapped: Option<&Wrapped<'_>>, searched: &Searched<'_>) -> Option<String> {
    let named = searched.actions();
    match (prose.help, named.as_slice()) {
        (Help::Pull | Help::RepositoryPolicy(_), [first, ..]) => Some(first.clone()),
        (Help::Trust(_), _) => None,
        (_, [one]) => Some(one.clone()),
        // What reads needs this action of the key's, and what writes another one.
        (Help::Key, _) if prose.whose == Whose::Caller => {
            let of_kms = wrapped.and_then(|wrapped| catalogue::find(&format!("kms:{}", wrapped.operation?)));
            if let Some(action) = of_kms {
                return Some(action.name);
            }
            let reads = ["getparameter", "secret", "receive", "receiving", "reading", "getobject", "decrypt"];
            let writes = ["publish", "send", "putobject", "create", "upload"];
            let has = |words: &[&str]| words.iter().any(|words| searched.has(words));
            (has(&reads) && !has(&writes)).then(|| "kms:Decrypt".to_owned())
        }
        // It is about the operation that was called.
        (Help::Caller(_) | Help::Decode | Help::ModelAccess, _) => {
            let operation = wrapped?.operation?;
            let of_queue = prose.pattern.starts_with("access to the resource").then_some("sqs");
            action_of(of_queue.or(wrapped?.service), operation).or_else(|| of_model(prose, operation))
        }
        _ => None,
    }
}

/// The action behind an operation of Amazon Bedrock's runtime, whose services share the names of operations.
fn of_model(prose: &Prose, operation: &str) -> Option<String> {
    let action =
        if operation.ends_with("Stream") { "bedrock:InvokeModelWithResponseStream" } else { "bedrock:InvokeModel" };
    (prose.help == Help::ModelAccess).then(|| action.to_owned())
}

/// The ARN in what stands for a role, or its last word.
fn role_in(text: &str) -> &str {
    match text.find("arn:") {
        Some(at) => {
            let arn = &text[at..];
            trim(arn.split([' ', '\'', '"', ',', ')', ']']).next().unwrap_or(arn))
        }
        None => trim(text.rsplit([' ', '\'', '"']).next().unwrap_or(text)),
    }
}

/// The action that a service names as its call, such as `CreateNetworkInterface` on `EC2`.
fn called(service: &str, call: &str) -> Option<String> {
    let call = call.trim_matches('*');
    action_of(Some(service), call).or_else(|| action_of(None, call))
}

/// What is known of a sentence of a service's own.
#[derive(Clone, Copy)]
struct Told<'a> {
    role: Option<&'a str>,
    resource: Option<&'a str>,
    action: Option<&'a str>,
    encoded: Option<&'a str>,
}

impl Told<'_> {
    /// The role, in a sentence.
    fn whose(&self) -> String {
        self.role.map_or("the role".to_owned(), |role| format!("the role {role}"))
    }
}

fn help(prose: &Prose, told: Told<'_>) -> Vec<Advice> {
    let (whose, resource, action) = (told.whose(), told.resource, told.action);
    let actions: Vec<&str> = action.into_iter().collect();
    match prose.help {
        Help::Trust(service) => {
            let trust_policy = (!service.is_empty())
                .then(|| PolicyDocument::new(vec![Statement::trust(Trusted::Service(service.to_owned()))]));
            let (who, how) = if service.is_empty() {
                ("the service", "let the service in by its trust policy.")
            } else {
                (service, "add this statement to its trust policy:")
            };
            vec![Advice {
                trust_policy,
                ..Advice::new(format!(
                    "This is not about the caller: {who} cannot assume {whose}. Check that a role of exactly this name and path (such as \
                     service-role/) exists in this account, and {how}"
                ))
                .about(&["sts:AssumeRole"])
            }]
        }
        Help::Pull => {
            let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
            let policy = statement(&pull, resource).map(|mut policy| {
                let token = vec!["ecr:GetAuthorizationToken".to_owned()];
                policy.statement.push(Statement::allow(token, vec!["*".to_owned()]));
                policy
            });
            let all = ["ecr:GetAuthorizationToken", pull[0], pull[1], pull[2]];
            let first = if policy.is_some() { " This policy allows the pull:" } else { "" };
            vec![
                Advice::new(format!(
                    "This is not about the caller: the service cannot pull the image under {whose}. That role has to be allowed {} (the first \
                     on \"*\"). In another account, the repository's own policy has to allow the pull to that role as well. Check the \
                     image's name, tag and Region too: AWS uses such words for an image that does not exist.{first}",
                    all.join(", ")
                ))
                .about(&all)
                .with_policy(policy),
            ]
        }
        Help::Key => vec![
            Advice::new(format!(
                "AWS KMS denied the use of a key, or the key does not exist in this Region, or is disabled. Check the key's state first. \
                 Then its key policy has to allow {} to {}, or to leave it to IAM, and an identity-based policy has to allow it. The \
                 statement is for the ARN of the key, never of an alias.",
                action.unwrap_or("the action"),
                if prose.is_relayed() { whose.as_str() } else { "the caller" }
            ))
            .about(&actions),
            renewed_grant(prose),
        ]
        .into_iter()
        .filter(|advice| !advice.text.is_empty())
        .collect(),
        Help::Caller(needed) => {
            let needed = if needed.is_empty() { actions.as_slice() } else { needed };
            if needed.is_empty() {
                return of_bare(None, resource).advice;
            }
            let policy = statement(needed, resource);
            let first = if policy.is_some() { " In the first case, this policy allows it:" } else { "" };
            vec![
                Advice::new(format!(
                    "The service does not say which policy denied {}. One possibility is that no identity-based policy of the caller allows it; \
                     another is a policy that denies it, which no Allow overrides.{first}",
                    needed.join(", ")
                ))
                .about(needed)
                .with_policy(policy),
            ]
        }
        Help::Decode => {
            let text = "Amazon EC2 says what was denied in an encoded message. This command decodes it, for who may call \
                        sts:DecodeAuthorizationMessage:";
            let encoded = told.encoded.filter(|encoded| !encoded.is_empty());
            let message = encoded.unwrap_or("MESSAGE");
            vec![Advice::new(text).about(&actions).with_command(format!(
                "aws sts decode-authorization-message --encoded-message {message} --query DecodedMessage --output text"
            ))]
        }
        Help::Data(_) | Help::Role(_) | Help::NamedCall | Help::ManagedRule => help_role(prose, told),
        Help::RepositoryPolicy(_) | Help::ResourcePolicy(_) | Help::Invoke(_) | Help::DataAccessPolicy => {
            help_resource(prose, told)
        }
        Help::LakeFormation
        | Help::SearchRoles
        | Help::Cluster
        | Help::IdentityCenter
        | Help::OtherAccount
        | Help::ModelAccess => vec![Advice::new(describe(prose.help)).about(&actions)],
    }
}

/// What helps a function whose role was made anew; an empty advice elsewhere.
fn renewed_grant(prose: &Prose) -> Advice {
    let text = if prose.pattern.starts_with("lambda ") {
        "If the function's role was deleted and made anew under the same name, its grant on the key is for the old one: set another role on the \
         function, and then this one again."
    } else {
        ""
    };
    Advice::new(text)
}

/// What a role has to be allowed that a service was handed.
fn help_role(prose: &Prose, told: Told<'_>) -> Vec<Advice> {
    let (whose, resource, action) = (told.whose(), told.resource, told.action);
    let actions: Vec<&str> = action.into_iter().collect();
    match prose.help {
        Help::Role(needed) => {
            let needed = if needed.is_empty() { actions.as_slice() } else { needed };
            let what = if needed.is_empty() { "what the text says".to_owned() } else { needed.join(", ") };
            vec![
                Advice::new(format!("This is not about the caller: {whose} has to be allowed {what}."))
                    .about(needed)
                    .with_policy(statement(needed, resource)),
            ]
        }
        Help::NamedCall => {
            let needed = needed_for(action);
            let policy = statement(&needed, None).or_else(|| statement(&needed, resource));
            let list = if needed.is_empty() { "the call that the text names".to_owned() } else { needed.join(", ") };
            vec![
                Advice::new(format!(
                    "This is not about the caller: the execution role of the function has to be allowed {list}. Add it to that role, and \
                     wait some seconds before the next attempt."
                ))
                .about(&needed)
                .with_policy(policy),
            ]
        }
        Help::ManagedRule => vec![
            Advice::new(format!(
                "This is not about the caller: AWS Step Functions waits for a job by a rule in Amazon EventBridge, which {whose}, the role of \
                 the state machine, has to be allowed to make. This policy allows it, for the account and the Region of the machine:"
            ))
            .about(MANAGED_RULE_ACTIONS)
            .with_policy(Some(PolicyDocument::new(vec![Statement::allow(
                MANAGED_RULE_ACTIONS.iter().map(|action| (*action).to_owned()).collect(),
                vec!["arn:aws:events:*:*:rule/StepFunctionsGetEventsFor*".to_owned()],
            )]))),
        ],
        Help::Data(needed) => {
            let policy = resource.and_then(|resource| data_policy(needed, resource));
            let first = if policy.is_some() { " This policy allows it:" } else { "" };
            vec![
                Advice::new(format!(
                    "This is not about the caller: {whose} has to be allowed {} on the bucket and what is in it. A bucket of another account \
                     needs a bucket policy as well, and an encrypted one the key ({}).{first}",
                    needed.join(" and "),
                    if needed.contains(&"s3:PutObject") { "kms:GenerateDataKey" } else { "kms:Decrypt" }
                ))
                .about(needed)
                .with_policy(policy),
            ]
        }
        _ => Vec::new(),
    }
}

/// What a resource's own policy has to say.
fn help_resource(prose: &Prose, told: Told<'_>) -> Vec<Advice> {
    let (whose, action) = (told.whose(), told.action);
    let actions: Vec<&str> = action.into_iter().collect();
    match prose.help {
        Help::RepositoryPolicy(service) => vec![
            Advice::new(format!(
                "The policy of the image's repository has to let {service} pull: add a statement that allows ecr:BatchGetImage and \
                 ecr:GetDownloadUrlForLayer to the service principal {service}. No policy of the caller's role helps."
            ))
            .about(&["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
        ],
        Help::Invoke(service) => vec![
            Advice::new(format!(
                "The function's own policy does not let {service} invoke it. Add a permission for that service to the function \
                 (aws lambda add-permission), with the ARN of what calls it as its source. No policy of the caller's role helps."
            ))
            .about(&["lambda:InvokeFunction"]),
        ],
        Help::ResourcePolicy(service) => vec![
            Advice::new(format!(
                "The resource's own policy does not let {service} do this{}. Add a statement for the service principal {service} to that \
                 policy. No policy of the caller's role helps.",
                action.map(|action| format!(" ({action})")).unwrap_or_default()
            ))
            .about(&actions),
        ],
        Help::DataAccessPolicy => vec![
            Advice::new(format!(
                "The vector store refused {whose}: the data access policy of the collection has to name that role, and the role has to be \
                 allowed aoss:APIAccessAll on the collection."
            ))
            .about(&["aoss:APIAccessAll"]),
        ],
        _ => Vec::new(),
    }
}

/// What to do where it is the same in every case.
const fn describe(help: Help) -> &'static str {
    match help {
        Help::LakeFormation => {
            "This is not an IAM denial: AWS Lake Formation guards the database, the table or the location. A statement in a role's policy \
             does not help. An administrator of the data lake has to grant the permission that the text names to the principal \
             (aws lakeformation grant-permissions), and the principal needs lakeformation:GetDataAccess in IAM."
        }
        Help::SearchRoles => {
            "Amazon OpenSearch Service has roles of its own, beside IAM: map the ARN of the caller's role as a backend role to a role that has \
             the permission, and check the access policy of the domain. A statement in the caller's IAM role alone does not help."
        }
        Help::Cluster => {
            "This is not an IAM denial: the cluster does not know the caller. Add an access entry for the caller's role to the Amazon EKS \
             cluster (aws eks create-access-entry), or an entry in the aws-auth ConfigMap, and check which credentials kubectl uses."
        }
        Help::IdentityCenter => {
            "This is not an IAM denial: the user has no assignment in AWS IAM Identity Center. An administrator of IAM Identity Center \
             assigns the user, or a group of the user's, to the application."
        }
        Help::OtherAccount => {
            "The role that is passed is of another account than the caller. A role can be passed within its account only: name a role of \
                 the caller's account, or call from the role's."
        }
        Help::ModelAccess => {
            "Amazon Bedrock did not give access to this model: ask for access to it in the Bedrock console of this Region, and check that an \
                 identity-based policy allows bedrock:InvokeModel on it."
        }
        _ => "",
    }
}

/// What a call needs besides itself: a function in a VPC needs all of the actions on its network interfaces, and an
/// event source mapping all that read the source (Lambda Developer Guide).
fn needed_for(action: Option<&str>) -> Vec<&str> {
    const SETS: &[&[&str]] = &[
        NETWORK_INTERFACE_ACTIONS,
        &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        &[
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:ListShards",
        ],
        &["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"],
    ];
    let Some(action) = action else { return Vec::new() };
    let set = SETS.iter().find(|set| set.iter().any(|of_set| of_set.eq_ignore_ascii_case(action)));
    set.map_or_else(|| vec![action], |set| set.to_vec())
}

/// A policy for objects and, where it lists, for their bucket.
fn data_policy(needed: &[&str], resource: &str) -> Option<PolicyDocument> {
    let arn = arn_of(resource)?;
    let path = arn.strip_prefix("arn:aws:s3:::")?;
    let (bucket, _) = path.split_once('/').unwrap_or((path, ""));
    let on_objects: Vec<String> =
        needed.iter().filter(|action| **action != "s3:ListBucket").map(|it| (*it).to_owned()).collect();
    Some(PolicyDocument::new(vec![
        Statement::allow(on_objects, vec![format!("arn:aws:s3:::{bucket}/*")]),
        Statement::allow(vec!["s3:ListBucket".to_owned()], vec![format!("arn:aws:s3:::{bucket}")]),
    ]))
}

/// A denial of which there is a code and no sentence.
pub fn of_wrapped(wrapped: &Wrapped<'_>, searched: &Searched<'_>) -> Explanation {
    let operation = wrapped.operation;
    let action = operation.and_then(|operation| action_of(wrapped.service, operation));
    let of_s3 = action.as_deref().is_some_and(|action| action.starts_with("s3:"))
        || wrapped.service.is_some_and(|service| service.to_ascii_lowercase().contains("s3"));
    let resource = searched.only_s3_uri().filter(|_| of_s3);
    // A sentence that was cut off has who was denied all the same.
    let principal =
        searched.find("user: {principal} is not authorized").and_then(|parts| Some(Text::from(parts.first()?.1)));
    Explanation { principal, ..of_bare(action.as_deref(), resource.as_deref()) }
}

/// A denial of which only the action is known, if that.
pub fn of_bare(action: Option<&str>, resource: Option<&str>) -> Explanation {
    if action.is_some_and(|action| action.eq_ignore_ascii_case("sts:AssumeRole")) {
        let advice = unstated("the caller", "sts:AssumeRole", resource, None);
        return Explanation { advice, ..bare(action, resource) };
    }
    let text = match action {
        Some(action) if action.starts_with("s3:") => {
            let (reads, writes) = (action == "s3:GetObject", action == "s3:PutObject");
            format!(
                "S3 does not say what denied {action}. It can be a missing statement of the caller; a statement, a bucket policy or a policy of the \
                 organization that denies it;{} or a bucket of another account, which has to let the caller in.{}",
                if reads || writes { " the AWS KMS key of the bucket;" } else { "" },
                if reads { " Without s3:ListBucket, S3 says the same of an object that does not exist." } else { "" }
            )
        }
        Some(action) => format!(
            "AWS does not say what denied {action}. One possibility is that no identity-based policy of the caller allows it; another is a \
             policy that denies it, which no Allow overrides."
        ),
        None => "AWS does not say what was denied, nor by which policy: a missing statement, a policy that denies it, or, of Amazon S3, the key or the \
                 owner of the bucket. Look for the event in CloudTrail, which has the action and the \
                 principal, or run the same call with the AWS CLI and --debug."
            .to_owned(),
    };
    let policy = action.and_then(|action| statement(&[action], resource));
    let text = if policy.is_some() { format!("{text} If a statement is missing, this policy has it:") } else { text };
    let actions: Vec<&str> = action.into_iter().collect();
    Explanation { advice: vec![Advice::new(text).about(&actions).with_policy(policy)], ..bare(action, resource) }
}

/// The same without advice.
fn bare(action: Option<&str>, resource: Option<&str>) -> Explanation {
    Explanation {
        about: Some(About::Caller),
        principal: None,
        action: action.map(Text::from),
        resource: resource.map(Text::from),
        kind: Kind::Unstated,
        policy_type: None,
        policy_arn: None,
        root_cause: None,
        advice: Vec::new(),
    }
}
