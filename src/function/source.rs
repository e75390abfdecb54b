//! What invoked the function, by its event.

use permissions_core::problem::Problem;
use serde_json::Value;

use crate::config::Gates;
use crate::events::http::HttpEvent;
use crate::events::widget::WidgetEvent;
use crate::gate::Gate;

/// What invoked the function.
#[derive(Debug)]
pub(super) enum Source {
    /// A deployment that waits.
    Gate(Gate),
    /// An HTTP front end.
    Http(HttpEvent),
    /// A dashboard of CloudWatch.
    Widget(WidgetEvent),
    /// A person, a schedule, or any other caller.
    Other,
}

impl Source {
    /// # Errors
    ///
    /// What keeps a deployment from being answered; or that the event is of several sources, none of which sends what
    /// another one does: each is answered in another way.
    pub(super) fn of(event: &Value, gates: &Gates, region: &str) -> Result<Self, Vec<Problem>> {
        let gate = Gate::from_event(event, gates, region);
        let http = HttpEvent::from_event(event);
        let widget = WidgetEvent::from_event(event);
        let known_by = [
            http.as_ref().map(|_| "an HTTP front end (requestContext)"),
            widget.as_ref().map(|_| "a CloudWatch widget (widgetContext or describe)"),
            gate.as_ref().map(|_| "a deployment that waits (ResponseURL, RequestType or DeploymentId)"),
        ];
        let known_by: Vec<_> = known_by.into_iter().flatten().collect();
        if known_by.len() > 1 {
            let taken_for = format!("one that has the keys of {}", known_by.join(" and of "));
            return Err(vec![Problem::new("event", Some(taken_for.into()), "the keys of one source only")]);
        }
        match (gate, http, widget) {
            (Some(gate), ..) => gate.map(Self::Gate),
            (None, Some(http), _) => Ok(Self::Http(http)),
            (None, None, Some(widget)) => Ok(Self::Widget(widget)),
            (None, None, None) => Ok(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_of_several_sources_is_refused_with_all_that_it_is_taken_for() {
        let gates = Gates { cloudformation: true, codedeploy: true, stand_in: None };
        let http = json!({"requestContext": {"http": {"method": "GET"}}});
        let widget = json!({"widgetContext": {"theme": "light"}});
        let gate = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e"});
        let merge = |parts: &[&Value]| -> Value {
            let entries = parts.iter().flat_map(|part| part.as_object().unwrap().clone());
            Value::Object(entries.collect())
        };
        for (parts, names) in [
            (&[&http, &widget][..], &["HTTP", "widget"][..]),
            (&[&http, &gate], &["HTTP", "deployment"]),
            (&[&widget, &gate], &["widget", "deployment"]),
            (&[&http, &widget, &gate], &["HTTP", "widget", "deployment"]),
        ] {
            let problems = Source::of(&merge(parts), &gates, "us-east-1").unwrap_err();
            let value = problems[0].value.as_ref().unwrap().raw().to_owned();
            assert!(names.iter().all(|name| value.contains(name)), "{value}");
        }
        // The events of a deployment are like any other to a function that answers none.
        let source = Source::of(&merge(&[&widget, &gate]), &Gates::default(), "us-east-1").unwrap();
        assert!(matches!(source, Source::Widget(_)), "{source:?}");
        for (event, is_it) in [
            (&http, (|it: &Source| matches!(it, Source::Http(_))) as fn(&Source) -> bool),
            (&widget, |it| matches!(it, Source::Widget(_))),
            (&gate, |it| matches!(it, Source::Gate(_))),
            (&json!({}), |it| matches!(it, Source::Other)),
        ] {
            assert!(is_it(&Source::of(event, &gates, "us-east-1").unwrap()), "{event}");
        }
    }
}
