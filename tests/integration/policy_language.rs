//! The language of IAM policies, as far as published conditions use it: what a
//! policy says of a request.
//!
//! The rules are those of the IAM User Guide ("IAM JSON policy elements:
//! Condition operators", "Multivalued context keys", "Policy variables").
//! `tests/data/conditions.jsonl` has published policies with the requests that
//! they were judged on; its first line is what is the same in all of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::slice;

use serde_json::Value;

/// The keys of a request and their values. Keys are compared without case, and
/// one without a value is absent.
pub type Context = BTreeMap<String, Vec<String>>;

/// What a statement says of a request. The greater one outweighs the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Allow,
    Deny,
}

/// What a policy says of a request; nothing, where no statement is about it.
pub fn judges(policy: &Value, action: &str, resource: &str, context: &Context) -> Option<Effect> {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => slice::from_ref(statement),
    };
    statements.iter().filter_map(|statement| decides(statement, action, resource, context)).max()
}

/// What a statement says of a request; nothing, where it is not about it.
///
/// A principal is held against `aws:PrincipalArn` and `aws:PrincipalAccount`.
pub fn decides(statement: &Value, action: &str, resource: &str, context: &Context) -> Option<Effect> {
    let reached = reaches_action(statement, action)
        && reaches_resource(statement, resource, context)
        && reaches_caller(statement, context);
    let holds = statement.get("Condition").is_none_or(|condition| condition_holds(condition, context));
    if !(reached && holds) {
        return None;
    }
    match statement["Effect"].as_str() {
        Some("Allow") => Some(Effect::Allow),
        Some("Deny") => Some(Effect::Deny),
        other => panic!("a statement has an effect, not {other:?}"),
    }
}

/// Whether every key of every operator holds.
pub fn condition_holds(condition: &Value, context: &Context) -> bool {
    let operators = condition.as_object().expect("a condition is an object");
    operators.iter().all(|(operator, keys)| {
        let keys = keys.as_object().expect("an operator has keys");
        keys.iter().all(|(key, wanted)| key_holds(operator, key, wanted, context))
    })
}

/// Whether AWS allows the request of a case, whose other policies allow it.
pub fn allows(case: &Value, resource: &str, context: &Context) -> bool {
    let action = case["action"].as_str().expect("a case has an action");
    let said = judges(&case["policy"], action, resource, context);
    if has_to_allow(case) { said == Some(Effect::Allow) } else { said != Some(Effect::Deny) }
}

/// Whether the policy of a case has to allow the request itself: it is the only
/// one that could, or one of two that must.
fn has_to_allow(case: &Value) -> bool {
    match case["kind"].as_str() {
        Some("identity") => case["identity_policy"] == "alone",
        Some("boundary" | "trust-policy" | "key-policy") => true,
        Some("bucket-policy" | "table-policy") => case.get("resource_account").is_some(),
        _ => false,
    }
}

fn reaches_action(statement: &Value, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let named =
        |patterns: &Value| texts(patterns).iter().any(|pattern| fits(&tokens(&pattern.to_ascii_lowercase()), &action));
    statement.get("Action").is_none_or(named) && statement.get("NotAction").is_none_or(|patterns| !named(patterns))
}

fn reaches_resource(statement: &Value, resource: &str, context: &Context) -> bool {
    let named = |patterns: &Value| {
        texts(patterns).iter().filter_map(|pattern| resolve(pattern, context)).any(|pattern| fits(&pattern, resource))
    };
    statement.get("Resource").is_none_or(named) && statement.get("NotResource").is_none_or(|patterns| !named(patterns))
}

/// Whether the caller, or its account, is among the principals.
fn reaches_caller(statement: &Value, context: &Context) -> bool {
    let Some(principal) = statement.get("Principal") else { return true };
    if principal.as_str() == Some("*") {
        return true;
    }
    let account = first(context, "aws:PrincipalAccount");
    let root = format!("arn:aws:iam::{account}:root");
    let ours = ["*", first(context, "aws:PrincipalArn"), account, &root];
    principal.get("AWS").is_some_and(|named| texts(named).iter().any(|one| ours.contains(&one.as_str())))
}

/// Whether one key of a condition holds.
fn key_holds(operator: &str, key: &str, wanted: &Value, context: &Context) -> bool {
    let (quantifier, name) = match operator.split_once(':') {
        Some((quantifier, name)) => (Some(quantifier), name),
        None => (None, operator),
    };
    let actual = values(context, key);
    if name == "Null" {
        return texts(wanted).iter().any(|absent| absent.eq_ignore_ascii_case("true") == actual.is_none());
    }
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let (comparison, negated) = (Comparison::named(name), name.contains("Not"));
    // Whether every value of the key has to be as the policy wants it, or one of them. Without values, "every" holds.
    let every = match quantifier {
        Some("ForAllValues") => true,
        Some("ForAnyValue") => false,
        None => negated,
        Some(other) => panic!("{other} is no quantifier of IAM's"),
    };
    let Some(actual) = actual else { return if_exists || every };
    // A value whose variables have no value is one that nothing equals.
    let wanted: Vec<_> = texts(wanted).iter().filter_map(|value| resolve(value, context)).collect();
    let mut each = actual.iter().map(|actual| wanted.iter().any(|wanted| comparison.holds(actual, wanted)) != negated);
    if every { each.all(|holds| holds) } else { each.any(|holds| holds) }
}

/// Whether the first of two is where an operator wants it.
type Order = fn(Ordering) -> bool;

/// How a key's value is held against the policy's.
#[derive(Clone, Copy)]
enum Comparison {
    Text,
    TextWithoutCase,
    Pattern,
    Number(Order),
    Date(Order),
    Address,
    Arn,
}

impl Comparison {
    /// That of an operator, whether it is negated or not.
    fn named(operator: &str) -> Self {
        match operator {
            "StringEquals" | "StringNotEquals" => Self::Text,
            "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => Self::TextWithoutCase,
            "StringLike" | "StringNotLike" => Self::Pattern,
            "IpAddress" | "NotIpAddress" => Self::Address,
            "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => Self::Arn,
            other => Self::ordered(other),
        }
    }

    /// That of an operator on numbers or moments.
    fn ordered(operator: &str) -> Self {
        if let Some(order) = operator.strip_prefix("Numeric") {
            Self::Number(order_of(order))
        } else if let Some(order) = operator.strip_prefix("Date") {
            Self::Date(order_of(order))
        } else {
            panic!("{operator} is no operator that published policies use")
        }
    }

    /// Whether a value of the key is as the policy wants it.
    fn holds(self, actual: &str, wanted: &[Token]) -> bool {
        let text: String = wanted.iter().copied().map(Token::written).collect();
        match self {
            Self::Text => actual == text,
            Self::TextWithoutCase => actual.to_lowercase() == text.to_lowercase(),
            Self::Pattern => fits(wanted, actual),
            Self::Number(order) => in_order(actual.parse().ok(), text.parse().ok(), order),
            Self::Date(order) => in_order(instant(actual), instant(&text), order),
            Self::Address => in_range(actual, &text),
            Self::Arn => arn_fits(wanted, actual),
        }
    }
}

fn order_of(name: &str) -> Order {
    match name {
        "Equals" | "NotEquals" => Ordering::is_eq,
        "LessThan" => Ordering::is_lt,
        "LessThanEquals" => Ordering::is_le,
        "GreaterThan" => Ordering::is_gt,
        "GreaterThanEquals" => Ordering::is_ge,
        other => panic!("{other} is no order of IAM's"),
    }
}

fn in_order(one: Option<f64>, other: Option<f64>, order: Order) -> bool {
    one.zip(other).and_then(|(one, other)| one.partial_cmp(&other)).is_some_and(order)
}

/// A moment in seconds since 1970, given so, or in ISO 8601 and UTC.
fn instant(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let mut date = date.split('-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.strip_suffix('Z')?.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (time.next()??, time.next()??, time.next()??);
    Some(f64::from(days_since_1970(year, month, day)) * 86_400.0 + hours * 3_600.0 + minutes * 60.0 + seconds)
}

fn days_since_1970(year: i32, month: i32, day: i32) -> i32 {
    // The year is taken to begin in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

/// Whether an address is in a range, such as `203.0.113.0/24`, or the address itself.
fn in_range(address: &str, range: &str) -> bool {
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network, Some(length)),
        None => (range, None),
    };
    match (address.parse::<IpAddr>(), network.parse::<IpAddr>()) {
        (Ok(IpAddr::V4(address)), Ok(IpAddr::V4(network))) => {
            start_alike(u128::from(address.to_bits()), u128::from(network.to_bits()), 32, length)
        }
        (Ok(IpAddr::V6(address)), Ok(IpAddr::V6(network))) => {
            start_alike(address.to_bits(), network.to_bits(), 128, length)
        }
        _ => false,
    }
}

/// Whether the first bits of two numbers of a width are the same; without a length, all of them.
fn start_alike(one: u128, other: u128, width: u32, length: Option<&str>) -> bool {
    let length = length.map_or(Some(width), |length| length.parse::<u32>().ok());
    let rest = length.and_then(|length| width.checked_sub(length));
    // Where no bit is left, as of `::/0`, any two are alike.
    rest.is_some_and(|rest| (one ^ other).checked_shr(rest).unwrap_or(0) == 0)
}

/// Whether each of an ARN's six parts fits, so that no wildcard goes beyond its part.
fn arn_fits(wanted: &[Token], actual: &str) -> bool {
    let wanted: Vec<_> = wanted.splitn(6, |token| *token == Token::Char(':')).collect();
    let actual: Vec<_> = actual.splitn(6, ':').collect();
    wanted.len() == 6 && actual.len() == 6 && wanted.iter().zip(actual).all(|(wanted, actual)| fits(wanted, actual))
}

/// A character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Any text, written `*`.
    Any,
    /// Any character, written `?`.
    One,
    /// This character. What a variable brings stands for itself, be it a `*`.
    Char(char),
}

impl Token {
    fn of(character: char) -> Self {
        match character {
            '*' => Self::Any,
            '?' => Self::One,
            other => Self::Char(other),
        }
    }

    fn written(self) -> char {
        match self {
            Self::Any => '*',
            Self::One => '?',
            Self::Char(character) => character,
        }
    }

    fn takes(self, character: char) -> bool {
        self == Self::One || self == Self::Char(character)
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    pattern.chars().map(Token::of).collect()
}

/// Whether a pattern is all of the text.
fn fits(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut read) = (0, 0);
    // The last `*`, and how much of the text it has been given so far.
    let mut star = None;
    while read < text.len() {
        let token = pattern.get(at).copied();
        if token == Some(Token::Any) {
            star = Some((at, read));
            at += 1;
        } else if token.is_some_and(|token| token.takes(text[read])) {
            at += 1;
            read += 1;
        } else if let Some((place, given)) = star {
            star = Some((place, given + 1));
            at = place + 1;
            read = given + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Any)
}

/// A value with its variables filled in; nothing, where one of them has no value.
fn resolve(value: &str, context: &Context) -> Option<Vec<Token>> {
    let mut resolved = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').expect("a variable ends");
        resolved.extend(before.chars().map(Token::of));
        resolved.extend(value_of(variable, context)?.chars().map(Token::Char));
        rest = after;
    }
    resolved.extend(rest.chars().map(Token::of));
    Some(resolved)
}

/// The value of a variable such as `aws:PrincipalOrgID`, or `aws:PrincipalTag/team, 'none'` with what it is otherwise.
fn value_of(variable: &str, context: &Context) -> Option<String> {
    let (key, otherwise) = match variable.split_once(',') {
        Some((key, otherwise)) => (key.trim(), Some(otherwise.trim().trim_matches('\''))),
        None => (variable.trim(), None),
    };
    if ["*", "?", "$"].contains(&key) {
        return Some(key.to_owned());
    }
    match values(context, key) {
        Some([value]) => Some(value.clone()),
        _ => otherwise.map(str::to_owned),
    }
}

/// The values of a key, where the request has it.
fn values<'a>(context: &'a Context, key: &str) -> Option<&'a [String]> {
    let (_, values) = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    (!values.is_empty()).then_some(values.as_slice())
}

/// The first value of a key, or nothing.
fn first<'a>(context: &'a Context, key: &str) -> &'a str {
    values(context, key).and_then(<[String]>::first).map_or("", String::as_str)
}

/// A value, or a list of values, as texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CASES: &str = include_str!("../data/conditions.jsonl");

    /// A context of an object's members.
    fn context(keys: &Value) -> Context {
        let keys = keys.as_object().expect("a context is an object");
        keys.iter().map(|(key, value)| (key.clone(), texts(value))).collect()
    }

    /// Whether one operator holds of one key.
    fn holds(operator: &str, wanted: &Value, keys: &Value) -> bool {
        condition_holds(&json!({operator: {"k": wanted}}), &context(keys))
    }

    /// Asserts of each operator and value whether it holds of `{"k": actual}`.
    fn assert_all(rows: &[(&str, Value, Value, bool)]) {
        for (operator, wanted, actual, expected) in rows {
            let told = format!("{operator} {wanted} of {actual}");
            assert_eq!(holds(operator, wanted, &json!({"k": actual})), *expected, "{told}");
        }
    }

    #[test]
    fn texts_are_compared_as_a_whole_and_patterns_by_their_wildcards() {
        assert_all(&[
            ("StringEquals", json!("a"), json!("a"), true),
            ("StringEquals", json!("a"), json!("A"), false),
            ("StringEquals", json!("a*"), json!("ab"), false),
            ("StringEquals", json!(["a", "b"]), json!("b"), true),
            ("StringNotEquals", json!(["a", "b"]), json!("b"), false),
            ("StringNotEquals", json!(["a", "b"]), json!("c"), true),
            ("StringEqualsIgnoreCase", json!("a"), json!("A"), true),
            ("StringNotEqualsIgnoreCase", json!("a"), json!("A"), false),
            ("StringLike", json!("a*c"), json!("abcbc"), true),
            ("StringLike", json!("a?c"), json!("ac"), false),
            ("StringLike", json!("*"), json!(""), true),
            ("StringNotLike", json!("a*"), json!("ab"), false),
            ("Bool", json!("true"), json!("True"), true),
            ("Bool", json!(true), json!("false"), false),
        ]);
    }

    #[test]
    fn numbers_and_moments_are_compared_by_their_order() {
        assert_all(&[
            ("NumericEquals", json!("10"), json!("10.0"), true),
            ("NumericNotEquals", json!(10), json!("11"), true),
            ("NumericLessThan", json!("1.2"), json!("1.1"), true),
            ("NumericLessThan", json!("1.2"), json!("1.2"), false),
            ("NumericLessThanEquals", json!("10"), json!("10"), true),
            ("NumericGreaterThan", json!("9"), json!("10"), true),
            ("NumericGreaterThanEquals", json!("9"), json!("8"), false),
            ("NumericLessThan", json!("10"), json!("many"), false),
            ("DateLessThan", json!("2026-09-28T09:00:00Z"), json!("2026-09-28T08:30:00Z"), true),
            ("DateLessThan", json!("2026-09-28T09:00:00Z"), json!("2026-09-28T09:58:00Z"), false),
            ("DateGreaterThan", json!("2026-09-28"), json!("2026-09-28T00:00:01Z"), true),
            ("DateEquals", json!("951782400"), json!("2000-02-29T00:00:00Z"), true),
        ]);
    }

    #[test]
    fn an_address_is_in_a_range_of_its_own_kind() {
        assert_all(&[
            ("IpAddress", json!("203.0.113.0/24"), json!("203.0.113.10"), true),
            ("IpAddress", json!("203.0.113.0/24"), json!("198.51.100.23"), false),
            ("IpAddress", json!("203.0.113.10"), json!("203.0.113.10"), true),
            ("IpAddress", json!("0.0.0.0/0"), json!("203.0.113.10"), true),
            ("IpAddress", json!("::/0"), json!("2001:db8::1"), true),
            ("IpAddress", json!("2001:db8::/32"), json!("2001:db9::1"), false),
            ("IpAddress", json!("::/0"), json!("203.0.113.10"), false),
            ("NotIpAddress", json!(["203.0.113.0/24", "198.51.100.0/24"]), json!("198.51.100.23"), false),
        ]);
    }

    #[test]
    fn a_wildcard_of_an_arn_stays_in_its_part() {
        let role = json!("arn:aws:iam::123456789012:role/a/b");
        assert_all(&[
            ("ArnLike", json!("arn:aws:iam::*:role/*"), role.clone(), true),
            ("ArnEquals", json!("arn:aws:iam::*:role/*"), role.clone(), true),
            ("ArnLike", json!("arn:aws:*:role/a/b"), role.clone(), false),
            ("ArnNotLike", json!("arn:aws:iam::*:user/*"), role.clone(), true),
            ("ArnNotEquals", json!("arn:aws:iam::*:role/a/?"), role, false),
        ]);
    }

    #[test]
    fn an_absent_key_fails_an_operator_unless_it_is_negated_or_says_otherwise() {
        let absent = json!({"other": "a"});
        let rows = [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("NotIpAddress", true),
            ("BoolIfExists", true),
            ("StringNotEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAllValues:StringNotEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
        ];
        for (operator, expected) in rows {
            assert_eq!(holds(operator, &json!("a"), &absent), expected, "{operator}");
        }
        assert!(holds("Null", &json!("true"), &absent) && !holds("Null", &json!("false"), &absent));
        assert!(holds("Null", &json!(false), &json!({"K": "a"})), "a key is compared without case");
        assert!(holds("Null", &json!("true"), &json!({"k": []})), "a key without a value is absent");
        assert!(!holds("BoolIfExists", &json!("a"), &json!({"k": "b"})));
    }

    #[test]
    fn a_key_of_several_values_holds_by_its_quantifier() {
        let wanted = json!(["a", "b"]);
        for (operator, actual, expected) in [
            ("ForAllValues:StringEquals", json!(["a", "b"]), true),
            ("ForAllValues:StringEquals", json!(["a", "c"]), false),
            ("ForAnyValue:StringEquals", json!(["a", "c"]), true),
            ("ForAnyValue:StringEquals", json!(["c", "d"]), false),
            ("ForAllValues:StringNotEquals", json!(["c", "d"]), true),
            ("ForAllValues:StringNotEquals", json!(["a", "c"]), false),
            ("ForAnyValue:StringNotEquals", json!(["a", "c"]), true),
            ("StringEquals", json!(["a", "c"]), true),
            ("StringNotEquals", json!(["a", "c"]), false),
        ] {
            assert_eq!(holds(operator, &wanted, &json!({"k": actual})), expected, "{operator} of {actual}");
        }
    }

    #[test]
    fn a_variable_stands_for_its_value_and_a_wildcard_in_it_for_itself() {
        let keys = json!({"k": "team-a", "aws:PrincipalTag/Team": "team-a", "star": "*"});
        assert!(holds("StringEquals", &json!("${aws:principaltag/team}"), &keys));
        assert!(!holds("StringLike", &json!("${star}"), &keys), "what a variable brings is no wildcard");
        assert!(holds("StringLike", &json!("${star, 'x'}*"), &json!({"k": "xy"})), "another value where it has none");
        assert!(!holds("StringEquals", &json!("${absent}"), &keys));
        assert!(holds("StringNotEquals", &json!("${absent}"), &keys));
        assert!(!holds("StringLike", &json!("a${*}"), &json!({"k": "ab"})));
        assert!(holds("StringLike", &json!("a${*}"), &json!({"k": "a*"})));
    }

    #[test]
    fn a_statement_is_about_its_actions_its_resources_and_its_principals() {
        let caller = context(&json!({
            "aws:PrincipalAccount": "123456789012",
            "aws:PrincipalArn": "arn:aws:iam::123456789012:role/r",
        }));
        let decided = |statement: &Value| decides(statement, "s3:GetObject", "arn:aws:s3:::b/k", &caller);
        let root = "arn:aws:iam::123456789012:root";
        for (statement, expected) in [
            (json!({"Effect": "Allow", "Action": "S3:Get*", "Resource": "arn:aws:s3:::b/*"}), Some(Effect::Allow)),
            (json!({"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}), None),
            (json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::B/*"}), None),
            (json!({"Effect": "Deny", "NotAction": ["s3:Get*"], "Resource": "*"}), None),
            (json!({"Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::c/*"}), Some(Effect::Deny)),
            (json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "*"}), Some(Effect::Allow)),
            (json!({"Effect": "Allow", "Principal": {"AWS": ["444455556666"]}, "Action": "*"}), None),
            (json!({"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "*"}), None),
            (json!({"Effect": "Deny", "Action": "*", "Condition": {"Null": {"k": "false"}}}), None),
        ] {
            assert_eq!(decided(&statement), expected, "{statement}");
        }
    }

    #[test]
    fn a_denial_outweighs_what_other_statements_allow() {
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let deny = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
        let judged =
            |statements: Value, action: &str| judges(&json!({"Statement": statements}), action, "*", &Context::new());
        assert_eq!(judged(json!([deny, allow]), "s3:GetObject"), Some(Effect::Deny));
        assert_eq!(judged(json!([deny, allow]), "sts:AssumeRole"), Some(Effect::Allow));
        assert_eq!(judged(allow, "s3:GetObject"), Some(Effect::Allow));
        assert_eq!(judged(deny, "sts:AssumeRole"), None);
    }

    /// The context of one side of a case: what is the same in all cases, then its own, then more.
    fn context_of(defaults: &Value, case: &Value, side: &str, more: &Value) -> Context {
        let mut all = context(&defaults["defaults"][side]);
        all.extend(context(&case[side]));
        all.extend(context(more));
        all
    }

    #[test]
    fn published_policies_decide_as_they_are_documented_to() {
        let mut lines = CASES.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        let defaults = lines.next().expect("the first line has what is the same in all");
        let mut counted = 0;
        for case in lines {
            let resource = case["resource"].as_str().expect("a case has a resource");
            let ours = case["probe_resource"].as_str().unwrap_or(resource);
            for (expected, resource, side, more) in [
                ("real", resource, "context", &json!({})),
                ("probe", ours, "probe_context", &json!({})),
                ("with_requests", ours, "probe_context", &case["sets"]),
            ] {
                let context = context_of(&defaults, &case, side, more);
                let said = if allows(&case, resource, &context) { "allowed" } else { "denied" };
                assert_eq!(case[expected], said, "{} of {}", expected, case["id"]);
            }
            counted += 1;
        }
        assert_eq!(counted, 182);
    }
}
