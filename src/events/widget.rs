//! A custom widget of a CloudWatch dashboard (CloudWatch User Guide, "Custom widgets"): the dashboard invokes the
//! function with the credentials of the viewer, and shows the HTML that comes back.

use permissions_core::report::html::Theme;
use serde_json::Value;

/// What a dashboard asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WidgetEvent {
    /// The widget's documentation.
    Describe,
    /// The report.
    Show { theme: Theme, offset: Option<UtcOffset> },
}

/// How far the viewer's clock is from UTC, in minutes to the east.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcOffset(pub i16);

/// What the dashboard shows to a user who adds the widget. Its first block of YAML becomes the widget's parameters.
pub const DESCRIPTION: &str = "\
## Permissions check
Shows whether the role of this function may do what its pipeline needs: the verdict, what is denied and why, and what \
to do about it. The result of an earlier run is shown if it is young enough; otherwise the function makes a new run, \
which writes no metrics.

### Widget parameters
Parameter | Meaning
---|---
**probe.maxAgeSeconds** | How old a result may be, in seconds, from 0 to 86400. The default is 300.
**probe.actions** | Which actions to check, such as [\"s3:*\"]. Without it, all are checked.

### Example parameters
``` yaml
probe:
  maxAgeSeconds: 300
```
";

impl WidgetEvent {
    /// The event, if a dashboard sent it.
    pub fn from_event(event: &Value) -> Option<Self> {
        // With the context, AWS does not say which value it sends.
        let context = event.get("widgetContext").filter(|context| context.is_object());
        let wants_description = match event.get("describe") {
            Some(Value::Bool(wants)) => *wants,
            Some(Value::Null) | None => false,
            Some(_) => context.is_some(),
        };
        if wants_description {
            return Some(Self::Describe);
        }
        let context = context?;
        let theme = if context["theme"] == "dark" { Theme::Dark } else { Theme::Light };
        let offset = context["timezone"]["offsetISO"].as_str().and_then(UtcOffset::parse);
        Some(Self::Show { theme, offset })
    }
}

impl UtcOffset {
    /// Reads `+HH:MM` or `-HH:MM`.
    fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let number = |text: &str, most: i16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i16>().ok().filter(|number| digits && *number <= most)
        };
        Some(Self(sign * (number(hours, 14)? * 60 + number(minutes, 59)?)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dashboard_is_known_by_its_context() {
        let show = |context: Value| WidgetEvent::from_event(&json!({"probe": {}, "widgetContext": context}));
        let context =
            json!({"theme": "dark", "timezone": {"label": "Local", "offsetISO": "-04:30", "offsetInMinutes": 270}});
        assert_eq!(show(context), Some(WidgetEvent::Show { theme: Theme::Dark, offset: Some(UtcOffset(-270)) }));
        for context in [json!({}), json!({"theme": 7, "timezone": "UTC"})] {
            assert_eq!(show(context), Some(WidgetEvent::Show { theme: Theme::Light, offset: None }));
        }
        for event in [
            json!({"describe": true}),
            json!({"describe": true, "probe": {}}),
            json!({"describe": "", "widgetContext": {}}),
        ] {
            assert_eq!(WidgetEvent::from_event(&event), Some(WidgetEvent::Describe), "{event}");
        }
        let shown = WidgetEvent::from_event(&json!({"describe": false, "widgetContext": {}}));
        assert!(matches!(shown, Some(WidgetEvent::Show { .. })), "{shown:?}");
        for event in
            [json!({"describe": "true"}), json!({"describe": false}), json!({"widgetContext": null}), json!(null)]
        {
            assert_eq!(WidgetEvent::from_event(&event), None, "{event}");
        }
    }

    #[test]
    fn an_offset_has_hours_and_minutes() {
        for (text, minutes) in [("+00:00", 0), ("+05:45", 345), ("-12:00", -720), ("+14:00", 840)] {
            assert_eq!(UtcOffset::parse(text), Some(UtcOffset(minutes)), "{text}");
        }
        for text in ["", "+", "5:45", "+5:45", "+05:60", "+15:00", "+aa:00", "+05", "é05:00", "+ 5:00"] {
            assert_eq!(UtcOffset::parse(text), None, "{text}");
        }
    }
}
