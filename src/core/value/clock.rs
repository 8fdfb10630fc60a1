//! Times of a day and of a week, as timers have them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{checked_text, shown};

/// A time of day, `HH:MM`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(String);

checked_text!(TimeOfDay);

impl TimeOfDay {
    fn refusal(text: &str) -> Option<String> {
        (!is_time(text)).then(|| {
            format!(
                "must be a time of day such as \"03:00\", not `{}`",
                shown(text)
            )
        })
    }

    /// At night, when few people look for anything.
    pub fn three() -> Self {
        Self("03:00".to_owned())
    }
}

/// A day of the week and a time, `Sun 04:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct DayAndTime(String);

checked_text!(DayAndTime);

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl DayAndTime {
    fn refusal(text: &str) -> Option<String> {
        let parts = text.split_once(' ');
        let is_right = parts.is_some_and(|(day, time)| DAYS.contains(&day) && is_time(time));
        (!is_right).then(|| {
            format!(
                "must be a day and a time such as \"Sun 04:00\", not `{}`",
                shown(text)
            )
        })
    }

    /// After the backup of the quietest night.
    pub fn sunday_four() -> Self {
        Self("Sun 04:00".to_owned())
    }
}

fn is_time(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hour, minute)| {
        let fits = |part: &str, most: u8| {
            part.len() == 2
                && part.chars().all(|c| c.is_ascii_digit())
                && part.parse::<u8>().is_ok_and(|number| number <= most)
        };
        fits(hour, 23) && fits(minute, 59)
    })
}
