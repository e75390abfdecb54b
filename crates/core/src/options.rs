//! What one invocation asks for.

use std::time::Duration;

use serde_json::Value;

use crate::event::Event;
use crate::iam::actions::PASS_ROLE;
use crate::iam::wildcard;
use crate::problem::Problem;
use crate::text::Text;
use crate::voice::{Setting, Voice};

/// The most problems of one event that are told one by one.
const MAX_PROBLEMS: usize = 50;

/// What one invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which actions to try, with IAM's wildcards; `None` for all.
    pub actions: Option<Vec<String>>,
    /// Whether the report is wanted even when everything is allowed.
    pub verbose: bool,
    /// For how long what is denied is tried again.
    pub retry: Duration,
    /// The format in which the least policy is asked for, in place of a run.
    pub policy: Option<PolicyFormat>,
    /// How old a result may be that is shown in place of a new run; only a widget can ask for one.
    pub max_age: Option<Duration>,
}

/// How a policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyFormat {
    /// IAM's own.
    Json,
    /// The `Policies` of a function in a template of AWS SAM.
    Sam,
    /// A data source of Terraform's AWS provider.
    Terraform,
}

impl PolicyFormat {
    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "sam" => Some(Self::Sam),
            "terraform" => Some(Self::Terraform),
            _ => None,
        }
    }
}

/// Who gives the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// A CloudWatch widget, which can be shown the result of an earlier run.
    Widget,
    /// Any other caller.
    Caller,
}

impl AskedBy {
    /// The options, as a problem names them.
    const fn options(self) -> &'static str {
        match self {
            Self::Widget => "actions, maxAgeSeconds, settleSeconds, verbose",
            Self::Caller => "actions, policy, settleSeconds, verbose",
        }
    }
}

/// The longest that can be waited for: no invocation lasts longer (Lambda Developer Guide, "Lambda quotas").
const MAX_RETRY_SECONDS: u64 = 900;

/// The oldest result that a widget can ask for: a day.
const MAX_AGE_SECONDS: u64 = 86_400;

impl Options {
    /// Whether this action is asked for.
    pub fn selects(&self, action: &str) -> bool {
        self.actions.as_ref().is_none_or(|patterns| patterns.iter().any(|p| wildcard::matches(p, action)))
    }

    /// Reads the options of an event, which stand under its key `probe`. `known` are the actions that can be tried.
    ///
    /// # Errors
    ///
    /// Every problem together, each with what is accepted.
    pub fn parse(event: &Event, known: &[&str], voice: Voice, asked_by: AskedBy) -> Result<Self, Vec<Problem>> {
        let event = match &event.0 {
            Ok(event) => event,
            Err(error) => {
                return Err(vec![problem("event", Some(error.clone()), "JSON, and no more of it than options need")]);
            }
        };
        let Some(given) = event.get("probe") else { return Ok(Self::default()) };
        let Some(given) = given.as_object() else {
            let expected = format!("an object with any of: {}", asked_by.options());
            return Err(vec![problem("probe", Some(given.to_string()), &expected)]);
        };

        let mut options = Self::default();
        let mut problems = Problems::default();
        for (name, value) in given {
            match name.as_str() {
                "actions" => options.actions = parse_actions(value, known, voice, &mut problems),
                "verbose" => match value.as_bool() {
                    Some(verbose) => options.verbose = verbose,
                    None => problems.push("probe.verbose", value, "true or false"),
                },
                "policy" if asked_by == AskedBy::Caller => match value.as_str().and_then(PolicyFormat::parse) {
                    Some(format) => options.policy = Some(format),
                    None => problems.push("probe.policy", value, "\"json\", \"sam\" or \"terraform\""),
                },
                "settleSeconds" => {
                    options.retry = parse_seconds(name, value, MAX_RETRY_SECONDS, &mut problems).unwrap_or_default();
                }
                "maxAgeSeconds" if asked_by == AskedBy::Widget => {
                    options.max_age = parse_seconds(name, value, MAX_AGE_SECONDS, &mut problems);
                }
                _ => problems.push(
                    &format!("probe.{name}"),
                    value,
                    &format!("no such option; the options are: {}", asked_by.options()),
                ),
            }
        }
        let Problems { mut told, more } = problems;
        if more > 0 {
            told.push(problem("probe", Some(format!("{more} more problems")), "no problem"));
        }
        if told.is_empty() { Ok(options) } else { Err(told) }
    }
}

/// The problems of an event: the first ones, and how many more there are.
#[derive(Default)]
struct Problems {
    told: Vec<Problem>,
    more: usize,
}

impl Problems {
    fn push(&mut self, name: &str, value: &Value, expected: &str) {
        if self.told.len() < MAX_PROBLEMS {
            self.told.push(problem(name, Some(value.to_string()), expected));
        } else {
            self.more += 1;
        }
    }
}

fn parse_seconds(name: &str, value: &Value, most: u64, problems: &mut Problems) -> Option<Duration> {
    let seconds = value.as_u64().filter(|seconds| *seconds <= most);
    if seconds.is_none() {
        problems.push(&format!("probe.{name}"), value, &format!("a whole number of seconds, 0 to {most}"));
    }
    seconds.map(Duration::from_secs)
}

fn parse_actions(value: &Value, known: &[&str], voice: Voice, problems: &mut Problems) -> Option<Vec<String>> {
    let accepted = format!(
        "a list of actions, in which * and ? are wildcards and which match at least one of: {}{}",
        known.join(", "),
        if known.contains(&PASS_ROLE) {
            String::new()
        } else {
            format!(" ({PASS_ROLE} needs {})", (voice.name_of)(Setting::PassedRole))
        }
    );
    let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
        problems.push("probe.actions", value, &accepted);
        return None;
    };
    let mut patterns = Vec::new();
    for (index, item) in list.iter().enumerate() {
        match item.as_str().filter(|p| known.iter().any(|action| wildcard::matches(p, action))) {
            Some(pattern) => patterns.push(pattern.to_owned()),
            None => problems.push(&format!("probe.actions[{index}]"), item, &accepted),
        }
    }
    Some(patterns)
}

fn problem(name: &str, value: Option<String>, expected: &str) -> Problem {
    Problem::new(name, value.map(Text::new), expected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::VOICE;

    const KNOWN: &[&str] = &["s3:GetObject", "s3:PutObject", "dynamodb:PutItem"];

    fn parse(event: Value) -> Result<Options, Vec<String>> {
        let names = |problems: Vec<Problem>| problems.iter().map(|problem| problem.name.raw().to_owned()).collect();
        Options::parse(&Event(Ok(event)), KNOWN, VOICE, AskedBy::Caller).map_err(names)
    }

    #[test]
    fn any_json_is_an_event() {
        for event in [
            json!(null),
            json!([]),
            json!("text"),
            json!({}),
            json!({"key1": "value1"}),
            json!({"statusCode": 200, "body": "Preprocessing complete and metadata updated"}),
        ] {
            assert_eq!(parse(event), Ok(Options::default()));
        }
    }

    #[test]
    fn options_live_under_one_key() {
        let request = parse(json!({"probe": {"actions": ["S3:*", "dynamodb:putitem"], "verbose": true}})).unwrap();
        assert!(request.verbose);
        assert!(request.selects("s3:GetObject") && request.selects("dynamodb:PutItem"));
        assert!(!request.selects("dynamodb:GetItem"));
        assert!(Options::default().selects("anything:AtAll"));
    }

    #[test]
    fn settling_is_a_number_of_seconds() {
        assert_eq!(parse(json!({"probe": {"settleSeconds": 60}})).unwrap().retry, Duration::from_mins(1));
        for wrong in [json!(-1), json!(901), json!(1.5), json!("60"), json!(null)] {
            assert_eq!(parse(json!({"probe": {"settleSeconds": wrong}})), Err(vec!["probe.settleSeconds".to_owned()]));
        }
    }

    #[test]
    fn a_widget_says_how_old_a_result_may_be_and_nobody_else() {
        let event = |age: Value| Event(Ok(json!({"probe": {"maxAgeSeconds": age}})));
        let parse = |age: Value, by: AskedBy| Options::parse(&event(age), KNOWN, VOICE, by);
        let max_age = parse(json!(300), AskedBy::Widget).unwrap().max_age;
        assert_eq!(max_age, Some(Duration::from_mins(5)));
        let expected = |age: Value, by: AskedBy| parse(age, by).unwrap_err()[0].expected.raw().to_owned();
        assert_eq!(expected(json!(86_401), AskedBy::Widget), "a whole number of seconds, 0 to 86400");
        assert!(
            expected(json!(300), AskedBy::Caller).ends_with("the options are: actions, policy, settleSeconds, verbose")
        );
    }

    #[test]
    fn names_every_problem_at_once() {
        assert_eq!(
            parse(json!({"probe": {"actions": ["s3:*", "s4:*", 7], "verbose": "yes", "color": "red"}})),
            Err(vec![
                "probe.actions[1]".to_owned(),
                "probe.actions[2]".to_owned(),
                "probe.color".to_owned(),
                "probe.verbose".to_owned()
            ])
        );
        for actions in [json!([]), json!("s3:*"), json!(null), json!({})] {
            assert_eq!(parse(json!({"probe": {"actions": actions}})), Err(vec!["probe.actions".to_owned()]));
        }
        for probe in [json!(null), json!([]), json!(true)] {
            assert_eq!(parse(json!({"probe": probe})), Err(vec!["probe".to_owned()]));
        }
    }

    #[test]
    fn the_problems_of_an_event_are_counted_and_the_first_ones_told() {
        let actions = vec![json!(0); 9_000];
        let problems =
            Options::parse(&Event(Ok(json!({"probe": {"actions": actions}}))), KNOWN, VOICE, AskedBy::Caller)
                .unwrap_err();
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert_eq!(problems[MAX_PROBLEMS].value.as_ref().unwrap().raw(), "8950 more problems");
    }

    #[test]
    fn what_is_not_json_is_a_problem_of_the_event() {
        let problems = Options::parse(&Event(Err("cut off".to_owned())), KNOWN, VOICE, AskedBy::Caller).unwrap_err();
        assert_eq!(
            (problems[0].name.raw(), problems[0].expected.raw()),
            ("event", "JSON, and no more of it than options need")
        );
    }

    #[test]
    fn an_action_that_needs_a_setting_says_so() {
        let accepted = |known: &[&str]| {
            let event = Event(Ok(json!({"probe": {"actions": ["x"]}})));
            Options::parse(&event, known, VOICE, AskedBy::Caller).unwrap_err()[0].expected.raw().to_owned()
        };
        assert!(
            accepted(KNOWN).ends_with(
                "s3:GetObject, s3:PutObject, dynamodb:PutItem (iam:PassRole needs PROBE_SAGEMAKER_ROLE_ARN)"
            )
        );
        assert!(accepted(&["iam:PassRole"]).ends_with("at least one of: iam:PassRole"));
    }
}
