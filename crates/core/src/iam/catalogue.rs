//! The actions that AWS has, the kinds of resources that they take, and the actions that stand behind them: as the
//! Service Authorization Reference lists them, by way of a public data set (tools/actions.py says which).

use std::sync::LazyLock;

use crate::iam::resource::{self, Parts, Slashes};
use crate::iam::wildcard;

/// One block a service: `=prefix`, its kinds of resources (`~service:region:account:resource`, with `{}` for what a
/// name stands for), and its actions.
const CATALOGUE: &str = include_str!("actions.txt");

/// The actions of one service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    prefix: &'static str,
    block: &'static str,
}

/// What is known of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// As AWS writes it, with the service.
    pub name: String,
    /// The kinds of resources that it takes; `None` where they are not known.
    pub kinds: Option<Vec<&'static str>>,
    /// The actions that AWS may ask for besides.
    pub dependent: Vec<&'static str>,
}

/// The actions that a pattern such as `sagemaker:Describe*` stands for, in AWS's list; all services, where it is `*`.
pub fn expand(pattern: &str) -> Vec<Action> {
    // A pattern without a colon is one of everything.
    let (of_service, name) = pattern.split_once(':').unwrap_or((pattern, "*"));
    services()
        .filter(|service| wildcard::matches(of_service, service.prefix))
        .flat_map(|service| service.actions_like(name))
        .collect()
}

/// One action, by its name.
pub fn find(name: &str) -> Option<Action> {
    let (prefix, name) = name.split_once(':').filter(|_| !name.contains(['*', '?']))?;
    let service = services().find(|service| service.prefix.eq_ignore_ascii_case(prefix))?;
    service.actions_like(name).next()
}

/// Whether AWS has a service whose actions start so.
pub fn has_service(prefix: &str) -> bool {
    services().any(|service| service.prefix.eq_ignore_ascii_case(prefix))
}

/// The actions of other services that have this name, such as cloudwatch:DescribeAlarms for logs:DescribeAlarms.
pub fn services_of(action: &str) -> Option<String> {
    let (_, name) = action.split_once(':').filter(|(_, name)| !name.contains(['*', '?']))?;
    let names = actions_named(name);
    (1..=3).contains(&names.len()).then(|| names.join(" or "))
}

/// The actions of all services that have this name, without the service.
pub fn actions_named(name: &str) -> Vec<String> {
    services().flat_map(|service| service.actions_like(name)).map(|action| action.name).collect()
}

/// The services, found once: to look for them takes as long as half of a run, and a specification asks for each of its
/// actions.
static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    // The first part is the line that says where the list is from.
    let blocks = CATALOGUE.split("\n=").skip(1);
    let services = blocks.map(|block| {
        let (prefix, block) = block.split_once('\n').unwrap_or((block, ""));
        Service { prefix, block }
    });
    services.collect()
});

fn services() -> impl Iterator<Item = Service> {
    SERVICES.iter().copied()
}

impl Service {
    /// The actions whose names, without the service, match a pattern.
    fn actions_like(self, pattern: &str) -> impl Iterator<Item = Action> {
        let matches = move |name: &&str| wildcard::matches(pattern, name);
        self.block.lines().filter(|line| !line.starts_with('~')).filter_map(move |line| {
            let mut columns = line.split('\t');
            let name = columns.next().filter(matches)?;
            Some(self.action(name, columns.next(), columns.next()))
        })
    }

    fn action(self, name: &str, kinds: Option<&str>, dependent: Option<&'static str>) -> Action {
        let all: Vec<_> = self.block.lines().map_while(|line| line.strip_prefix('~')).collect();
        let kinds = kinds.unwrap_or_default();
        let kinds = kinds.split(',').filter_map(|index| all.get(index.parse::<usize>().ok()?).copied()).collect();
        let dependent = dependent.unwrap_or_default().split(',').filter(|name| !name.is_empty()).collect();
        // Of a service without kinds of resources, nothing is known of them.
        Action { name: format!("{}:{name}", self.prefix), kinds: (!all.is_empty()).then_some(kinds), dependent }
    }
}

impl Action {
    /// Whether a resource of a statement can be one that the action takes. Of an action that takes none, AWS asks for
    /// `*`, which an ARN does not match.
    pub fn takes(&self, pattern: &str) -> bool {
        let Some(kinds) = &self.kinds else { return true };
        if resource::is_everything(pattern) {
            return true;
        }
        let Some(parts) = Parts::of(pattern) else { return false };
        kinds.iter().any(|kind| {
            let of_kind: Vec<&str> = kind.splitn(4, ':').collect();
            let [service, region, account, named] = of_kind[..] else { return false };
            let open = |given: &str, of_kind: &str| {
                if of_kind.is_empty() { given.is_empty() || given == "*" } else { true }
            };
            wildcard::matches(parts.service, service)
                && open(parts.region, region)
                && open(parts.account, account)
                && resource::overlaps(parts.resource, named, slashes_of(service, named))
        })
    }

    /// Whether the action takes no resource at all.
    pub fn takes_none(&self) -> bool {
        self.kinds.as_ref().is_some_and(Vec::is_empty)
    }
}

/// Which names of this kind can have slashes in them.
fn slashes_of(service: &str, named: &str) -> Slashes {
    match service {
        "iam" | "logs" | "secretsmanager" | "ssm" | "ecr" => Slashes::All,
        "s3" if named.contains('/') => Slashes::Last,
        _ => Slashes::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_by_its_name_without_regard_to_case() {
        assert_eq!(find("S3:getobject").unwrap().name, "s3:GetObject");
        assert!(
            find("logs:DescribeAlarms").is_none() && find("opensearchserverless:Get").is_none() && find("s3").is_none()
        );
        assert!(find("sagemaker:CreateTrainingJob").unwrap().dependent.contains(&"iam:PassRole"));
        assert!(has_service("aoss") && !has_service("opensearchserverless"));
    }

    #[test]
    fn a_pattern_stands_for_the_actions_that_match_it() {
        let names: Vec<_> = expand("dynamodb:?etItem").into_iter().map(|action| action.name).collect();
        assert_eq!(names, ["dynamodb:GetItem"]);
        assert!(expand("sagemaker:*").len() > 400);
        assert!(expand("nosuchservice:*").is_empty());
        assert!(expand("*").len() > 10_000);
    }

    #[test]
    fn a_resource_is_of_a_kind_that_the_action_takes() {
        for (action, resource, expected) in [
            ("s3:GetObject", "arn:aws:s3:::b/*", true),
            ("s3:GetObject", "arn:aws:s3:::b", false),
            ("s3:ListBucket", "arn:aws:s3:::b", true),
            ("s3:ListBucket", "arn:aws:s3:::b/*", false),
            ("s3:ListBucket", "arn:aws:s3:::b*", true),
            ("dynamodb:Query", "arn:aws:dynamodb:us-east-1:*:table/T/index/*", true),
            ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:*:table/T/index/*", false),
            ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:*:table/T", true),
            ("dynamodb:GetItem", "arn:aws:s3:::b", false),
            ("logs:DescribeLogGroups", "arn:aws:logs:*:*:*", false),
            ("ecr:GetAuthorizationToken", "arn:aws:ecr:us-east-1:1:repository/r", false),
            ("ecr:GetAuthorizationToken", "*", true),
            ("iam:PassRole", "arn:aws:iam::123456789012:role/service-role/r", true),
            ("logs:CreateLogStream", "arn:aws:logs:*:*:*", true),
            ("logs:PutLogEvents", "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/f:*", true),
            ("sagemaker:CreateModel", "arn:aws:sagemaker:*:*:model/*", true),
            ("sagemaker:CreateModel", "arn:aws:sagemaker:*:*:endpoint/*", false),
        ] {
            assert_eq!(find(action).unwrap().takes(resource), expected, "{action} {resource}");
        }
        assert!(find("ecr:GetAuthorizationToken").unwrap().takes_none());
    }
}
