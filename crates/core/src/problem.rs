//! What is wrong with the environment, an event or a specification.

use crate::text::Text;

/// One thing that is wrong, and what is expected in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the variable, or the path in the event.
    pub name: Text,
    /// The value as it was found; `None` where there was none.
    pub value: Option<Text>,
    pub expected: Text,
}

impl Problem {
    pub fn new(name: impl Into<Text>, value: Option<Text>, expected: impl Into<Text>) -> Self {
        Self { name: name.into(), value, expected: expected.into() }
    }

    /// The problem as one sentence, without its period.
    pub fn describe(&self) -> Text {
        let (name, expected) = (self.name.raw(), self.expected.raw());
        Text::new(match self.value.as_ref().map(Text::raw) {
            // What comes from an event is JSON, and has its quotes.
            Some(value) if value.len() > 1 && value.starts_with('"') && value.ends_with('"') => {
                format!("{name} is {value}; expected {expected}")
            }
            Some(value) => format!("{name} is {value:?}; expected {expected}"),
            None => format!("{name} is not set; expected {expected}"),
        })
    }
}
