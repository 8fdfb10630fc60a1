//! Which backups stay.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// What is kept. The numbers only say what may go: the newest proven one, and what is dated in the
/// future, always stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// All of so many days.
    pub days: u32,
    /// Never fewer than these.
    pub at_least: u32,
    /// The newest of each of so many weeks (ISO 8601).
    pub weeks: u32,
    /// The newest of each of so many months.
    pub months: u32,
}

/// A backup, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<'a> {
    pub name: &'a str,
    /// By its manifest: a file's own time changes with each copy.
    pub at: OffsetDateTime,
    /// Whether it was restored and found whole.
    pub proven: bool,
}

/// How far the clocks of who asks and of who took a backup may be apart, and how long a plan may wait for its turn.
const CLOCKS: Duration = Duration::hours(1);

impl Retention {
    /// The names of those that may go, oldest first.
    pub fn dropped<'a>(&self, backups: &[Dated<'a>], now: OffsetDateTime) -> Vec<&'a str> {
        // What is dated in the future stays, and counts for nothing: the others would go for its sake.
        let (past, ahead): (Vec<&Dated>, Vec<&Dated>) =
            backups.iter().partition(|one| one.at <= now + CLOCKS);
        let mut newest_first = past;
        newest_first.sort_by(|a, b| (b.at, b.name).cmp(&(a.at, a.name)));
        let mut stay: BTreeSet<&str> = ahead.iter().map(|one| one.name).collect();
        stay.extend(
            newest_first
                .iter()
                .take(self.at_least as usize)
                .map(|one| one.name),
        );
        stay.extend(
            newest_first
                .iter()
                .find(|one| one.proven)
                .map(|one| one.name),
        );
        let since = now - Duration::days(self.days.into());
        stay.extend(
            newest_first
                .iter()
                .filter(|one| one.at >= since)
                .map(|one| one.name),
        );
        let week = |at: OffsetDateTime| (at.to_iso_week_date().0, u32::from(at.iso_week()));
        let month = |at: OffsetDateTime| (at.year(), u32::from(u8::from(at.month())));
        stay.extend(newest_of_each(&newest_first, self.weeks, week));
        stay.extend(newest_of_each(&newest_first, self.months, month));
        let gone = newest_first.iter().rev().map(|one| one.name);
        gone.filter(|name| !stay.contains(name)).collect()
    }
}

/// The newest backup of each of the newest `many` periods that have one.
fn newest_of_each<'a>(
    newest_first: &[&Dated<'a>],
    many: u32,
    period: impl Fn(OffsetDateTime) -> (i32, u32),
) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let first = newest_first
        .iter()
        .filter(|one| seen.insert(period(one.at)));
    first.take(many as usize).map(|one| one.name).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-25 03:00 UTC);

    fn keep(days: u32, at_least: u32, weeks: u32, months: u32) -> Retention {
        Retention {
            days,
            at_least,
            weeks,
            months,
        }
    }

    /// One a day, called by how many days old it is.
    fn daily<'a>(names: &'a [String], proven: &[usize]) -> Vec<Dated<'a>> {
        let one = |(age, name): (usize, &'a String)| Dated {
            name,
            at: NOW - Duration::days(i64::try_from(age).unwrap()),
            proven: proven.contains(&age),
        };
        names.iter().enumerate().map(one).collect()
    }

    fn names(many: usize) -> Vec<String> {
        (0..many).map(|age| format!("{age}")).collect()
    }

    #[test]
    fn what_is_older_goes_but_for_the_last_proven_one() {
        let names = names(12);
        let gone = keep(7, 3, 0, 0).dropped(&daily(&names, &[9, 11]), NOW);
        assert_eq!(gone, ["11", "10", "8"]);
    }

    #[test]
    fn when_nothing_new_comes_the_last_ones_stay() {
        let names = names(5);
        let later = NOW + Duration::days(400);
        let gone = keep(7, 3, 0, 0).dropped(&daily(&names, &[]), later);
        assert_eq!(gone, ["4", "3"]);
    }

    #[test]
    fn weeks_and_months_keep_the_newest_of_each() {
        let names = names(100);
        let backups = daily(&names, &[]);
        let gone = keep(1, 1, 3, 3).dropped(&backups, NOW);
        let stay: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !gone.contains(name))
            .collect();
        // Today and yesterday; the Sundays of the two weeks before (22 and 15 November); 31 October and 30 September.
        assert_eq!(stay, ["0", "1", "3", "10", "25", "56"]);
    }

    #[test]
    fn what_is_dated_in_the_future_stays() {
        let ahead = Dated {
            name: "ahead",
            at: NOW + Duration::days(900),
            proven: false,
        };
        assert!(keep(0, 0, 0, 0).dropped(&[ahead], NOW).is_empty());
    }

    #[test]
    fn what_is_dated_in_the_future_is_kept_for_none_of_the_others() {
        let names = names(4);
        let mut backups = daily(&names, &[3]);
        let ahead = ["f1", "f2", "f3"];
        backups.extend(ahead.map(|name| Dated {
            name,
            at: NOW + Duration::days(900),
            proven: true,
        }));
        let gone = keep(0, 2, 0, 0).dropped(&backups, NOW);
        // Two at least, and the last proven one, as if there were nothing ahead.
        assert_eq!(gone, ["2"]);
        let gone = keep(0, 0, 2, 2).dropped(&backups, NOW);
        assert!(!gone.contains(&"0") && !gone.contains(&"3"), "{gone:?}");
    }

    proptest! {
        #[test]
        fn never_too_few_and_never_the_last_proven(
            ages in prop::collection::vec((0_i64..400, any::<bool>()), 0..40),
            days in 0_u32..30, at_least in 0_u32..6, weeks in 0_u32..6, months in 0_u32..6,
        ) {
            let names = names(ages.len());
            let backups: Vec<Dated> = ages.iter().zip(&names).map(|((age, proven), name)| Dated {
                name, at: NOW - Duration::hours(*age), proven: *proven,
            }).collect();
            let gone = keep(days, at_least, weeks, months).dropped(&backups, NOW);
            prop_assert!(backups.len() - gone.len() >= backups.len().min(at_least as usize));
            let proven = backups.iter().filter(|one| one.proven);
            if let Some(last) = proven.max_by_key(|one| (one.at, one.name)) {
                prop_assert!(!gone.contains(&last.name));
            }
            for one in backups.iter().filter(|one| one.at >= NOW - Duration::days(days.into())) {
                prop_assert!(!gone.contains(&one.name));
            }
        }
    }
}
