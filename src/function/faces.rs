//! What callers see who do not take the plain response: those of an HTTP front end, and a dashboard.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use permissions_core::event::Event;
use permissions_core::report::html::{self, CheckNow, Shown};
use serde_json::{Value, json};

use crate::config::HttpReport;
use crate::events::http::HttpEvent;
use crate::events::widget::{DESCRIPTION, UtcOffset, WidgetEvent};
use crate::function::{App, Invoker};
use crate::response::http::respond;
use crate::response::{Response, describe_time};

/// How old the result is that a widget shows, unless its parameters say otherwise.
const WIDGET_MAX_AGE: Duration = Duration::from_mins(5);

impl App {
    /// Answers the caller of an HTTP front: with the latest result, if it is young enough.
    pub(super) async fn answer_http(&self, event: &Event, front: &HttpEvent, context: &Context) -> Response {
        let config = self.setup.as_ref().ok().map(|setup| &setup.config);
        let (how, max_age) =
            config.map_or((HttpReport::Summary, Duration::ZERO), |config| (config.http_report, config.http_max_age));
        if let Some((status, problems)) = front.refusal() {
            let checked = self.refuse(status, problems.to_vec(), Invoker::Http, context);
            return respond(&checked, front, how, Duration::ZERO);
        }
        if let Some(known) = self.latest_for_http.get(None, max_age) {
            return respond(&known, front, how, max_age);
        }
        let checked = Arc::new(self.check(event, Invoker::Http, context).await);
        self.latest.keep(&checked);
        self.latest_for_http.keep(&checked);
        let max_age = if checked.refused.is_some() { Duration::ZERO } else { max_age };
        respond(&checked, front, how, max_age)
    }

    /// What a dashboard shows: the latest result, if it is young enough, else that of a new run.
    pub(super) async fn answer_widget(&self, event: &Event, widget: &WidgetEvent, context: &Context) -> String {
        let WidgetEvent::Show { theme, offset } = widget else { return DESCRIPTION.to_owned() };
        let options = self.setup.as_ref().ok().and_then(|setup| setup.options(event, Invoker::Widget).ok());
        // What is not valid would be refused again.
        let is_valid = options.is_some();
        let kept = options
            .and_then(|options| self.latest.get(options.actions.as_deref(), options.max_age.unwrap_or(WIDGET_MAX_AGE)));
        let is_kept = kept.is_some();
        let checked = if let Some(checked) = kept {
            checked
        } else {
            let checked = Arc::new(self.check(event, Invoker::Widget, context).await);
            self.latest.keep(&checked);
            checked
        };
        let show = |at: SystemTime| describe_time(at, offset.map_or(0, |UtcOffset(minutes)| minutes));
        let shown = Shown {
            theme: *theme,
            checked_at: show(checked.at),
            age_seconds: is_kept.then(|| checked.made.elapsed().as_secs()),
            since: self.history.since(&checked.rendered.report).into_iter().map(|since| since.map(show)).collect(),
            check_now: check_now(event, context).filter(|_| is_valid && !self.masks()),
        };
        html::fragment(&checked.rendered.json, &shown)
    }
}

/// The button that makes a new run with the widget's own options. It calls the function by its ARN, which has the
/// account's id in it.
fn check_now(event: &Event, context: &Context) -> Option<CheckNow> {
    let mut options = event.0.as_ref().ok()?.get("probe").cloned().unwrap_or_else(|| json!({}));
    options.as_object_mut()?.insert("maxAgeSeconds".to_owned(), Value::from(0));
    let endpoint = context.invoked_function_arn.clone();
    (!endpoint.is_empty()).then(|| CheckNow { endpoint, parameters: json!({ "probe": options }).to_string() })
}
