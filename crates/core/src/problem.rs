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
            // What comes from an event is JSON, and has its quotes and brackets.
            Some(value) if [('"', '"'), ('[', ']'), ('{', '}')].iter().any(|ends| is_between(value, *ends)) => {
                format!("{name} is {value}; expected {expected}")
            }
            Some(value) => format!("{name} is {value:?}; expected {expected}"),
            None => format!("{name} is not set; expected {expected}"),
        })
    }
}

fn is_between(value: &str, (start, end): (char, char)) -> bool {
    value.len() > 1 && value.starts_with(start) && value.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_once() {
        let describe = |value: &str| Problem::new("x", Some(value.into()), "a number").describe().raw().to_owned();
        for json in ["\"s3:*\"", "[\"s3:*\"]", "{\"a\":1}"] {
            assert_eq!(describe(json), format!("x is {json}; expected a number"));
        }
        assert_eq!(describe("s3:*"), "x is \"s3:*\"; expected a number");
        assert_eq!(describe("["), "x is \"[\"; expected a number");
        assert_eq!(Problem::new("x", None, "a number").describe().raw(), "x is not set; expected a number");
    }
}
