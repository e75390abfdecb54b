//! An explanation as JSON, and as text for people.

use serde::Serialize;
use serde_json::Value;

use crate::explain::{About, Advice, Explanation};
use crate::iam::denial::{Kind, PolicyType};
use crate::report::json::{Advice as Rendered, Policy};
use crate::report::text::{Layout, Writer};
use crate::text::{Rendering, Text};

/// The object that is printed: every key is there, and null stands for what is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    is_denial: bool,
    about: Option<String>,
    principal: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    kind: Option<Kind>,
    policy_type: Option<PolicyType>,
    policy_arn: Option<String>,
    root_cause: Option<&'static str>,
    advice: Vec<Rendered>,
}

impl Wire {
    fn of(told: Option<&Explanation>) -> Self {
        // What was pasted is the reader's own.
        let mut rendering = Rendering::new(false);

        let mut show = |text: Option<&Text>| rendering.optional(text);
        let Some(told) = told else {
            return Self {
                is_denial: false,
                about: None,
                principal: None,
                action: None,
                resource: None,
                kind: None,
                policy_type: None,
                policy_arn: None,
                root_cause: None,
                advice: Vec::new(),
            };
        };
        let about = match &told.about {
            Some(About::Caller) => Some("caller".to_owned()),
            Some(About::Role(role)) => show(Some(role)),
            None => None,
        };
        Self {
            is_denial: true,
            about,
            principal: show(told.principal.as_ref()),
            action: show(told.action.as_ref()),
            resource: show(told.resource.as_ref()),
            kind: Some(told.kind),
            policy_type: told.policy_type,
            policy_arn: show(told.policy_arn.as_ref()),
            root_cause: told.root_cause.map(super::RootCause::id),
            advice: told.advice.iter().map(render_advice).collect(),
        }
    }
}

fn render_advice(advice: &Advice) -> Rendered {
    let mut rendering = Rendering::new(false);
    Rendered {
        text: rendering.text(&advice.text),
        actions: advice.actions.iter().map(|action| rendering.text(action)).collect(),
        policy: advice.policy.as_ref().map(|policy| Policy::render(policy, &mut rendering)),
        trust_policy: advice.trust_policy.as_ref().map(|policy| Policy::render(policy, &mut rendering)),
        command: rendering.optional(advice.command.as_ref()),
    }
}

/// The explanation as one JSON object; of no denial, too.
pub fn render_json(told: Option<&Explanation>) -> Value {
    // Nothing in it has keys that are not strings, the one thing that can fail.
    serde_json::to_value(Wire::of(told)).unwrap_or_default()
}

/// The explanation as text. Each line ends with a line feed.
pub fn render_text(told: Option<&Explanation>, layout: Layout) -> String {
    let mut text = Writer::new(layout);
    let wire = Wire::of(told);
    let Some(told) = told else {
        text.paragraph(0, "This text says of nothing that AWS denied it. Nothing is guessed.");
        return text.text;
    };
    let what = wire.action.as_deref().unwrap_or("something");
    let whose = match &told.about {
        Some(About::Caller) => format!("AWS denied {what} to the caller."),
        Some(About::Role(_)) => {
            let role = wire.about.as_deref().unwrap_or_default();
            format!("AWS denied {what}, and this is about another role than the caller's: {role}.")
        }
        None => format!("AWS denied {what} to another than the caller; the text does not name the role."),
    };
    text.paragraph(0, &whose);
    text.line("");
    let kind = match told.kind {
        Kind::Implicit => "no policy allows it (implicit deny)",
        Kind::Explicit => "a policy denies it (explicit deny)",
        Kind::Unstated => "not stated",
    };
    for (name, value) in [
        ("Principal", wire.principal.as_deref()),
        ("Action", wire.action.as_deref()),
        ("Resource", wire.resource.as_deref()),
        ("Kind", Some(kind)),
        ("Policy type", told.policy_type.map(PolicyType::name)),
        ("Policy", wire.policy_arn.as_deref()),
        ("Root cause", wire.root_cause),
    ] {
        if let Some(value) = value {
            text.wrap(&format!("  {name:<12} "), 15, value, 15);
        }
    }
    text.list("What to do", &wire.advice);
    text.text
}
