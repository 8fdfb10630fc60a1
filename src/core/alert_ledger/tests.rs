use super::*;

const NOW: i64 = 1_800_000_000;

fn names(items: Option<Vec<NoticeItem>>) -> Vec<String> {
    let items = items.unwrap_or_default().into_iter();
    items
        .map(|item| format!("{} {}", item.event.word(), item.name))
        .collect()
}

/// What was there before a look is what it was written as, too.
fn again(ledger: &AlertLedger) -> AlertLedger {
    serde_json::from_str(&serde_json::to_string(ledger).unwrap()).unwrap()
}

#[test]
fn a_failure_and_its_recovery_are_told_once_each() {
    let mut ledger = AlertLedger::default();
    for look in 0..50 {
        ledger.looked("nginx service", Some("it is failed"), 1, NOW + look);
        let told = names(again(&ledger).notice(NOW + look));
        assert_eq!(ledger.notice(NOW + look).is_some(), look == 0);
        assert_eq!(told.len(), usize::from(look == 0));
        ledger = again(&ledger);
    }
    ledger.looked("nginx service", None, 1, NOW + 600);
    let told = ledger.notice(NOW + 600).unwrap();
    assert_eq!(told[0].event, NoticeEvent::Recovery);
    assert!(told[0].text.contains("10 minutes"), "{}", told[0].text);
    assert_eq!(ledger.notice(NOW + 5000), None);
}

#[test]
fn a_figure_that_is_past_its_limit_for_a_moment_is_no_failure() {
    let mut ledger = AlertLedger::default();
    for look in 0..20 {
        let fault = (look % 3 != 2).then_some("usage is 60 %");
        ledger.looked("processor usage", fault, 3, NOW + look * 300);
        assert_eq!(ledger.notice(NOW + look * 300), None);
    }
    for look in 20..23 {
        ledger.looked(
            "processor usage",
            Some("usage is 60 %"),
            3,
            NOW + look * 300,
        );
    }
    assert_eq!(
        names(ledger.notice(NOW + 22 * 300)),
        ["failure processor usage"]
    );
}

/// Also with what could not be told at once: the third notice has it all.
#[test]
fn five_hundred_failures_in_a_minute_are_at_most_three_notices() {
    for one_thing in [true, false] {
        let mut ledger = AlertLedger::default();
        let (mut notices, mut told) = (0, 0);
        for n in 0..500_i64 {
            let unit = if one_thing {
                "x.service".to_owned()
            } else {
                format!("x{n}.service")
            };
            let now = NOW + n * 60 / 500;
            ledger.failed(&unit, "it failed", &n.to_string(), now);
            ledger = again(&ledger);
            if let Some(items) = ledger.notice(now) {
                notices += 1;
                told += items.len();
            }
        }
        // What is left is told with the next look of the timer, and nothing comes after it.
        for minutes in 1..60 {
            if let Some(items) = ledger.notice(NOW + minutes * 300) {
                notices += 1;
                told += items.len();
                if !one_thing {
                    let last = &items.last().unwrap().name;
                    assert_eq!(last, "and 478 more");
                }
            }
        }
        assert_eq!(notices, if one_thing { 1 } else { 3 });
        assert_eq!(told, if one_thing { 1 } else { 2 + 21 });
    }
}

#[test]
fn what_comes_and_goes_is_told_some_times_and_counted_then() {
    let mut ledger = AlertLedger::default();
    let mut notices = Vec::new();
    for look in 0..70 {
        let now = NOW + look * 300;
        ledger.looked("app", (look % 2 == 0).then_some("it is away"), 1, now);
        notices.extend(ledger.notice(now));
    }
    assert_eq!(notices.len(), TIMES);
    assert!(
        notices[3][0].text.contains("changes often"),
        "{:?}",
        notices[3]
    );
    // Hours later it is well, and how often it failed is told with it.
    let items = ledger.notice(NOW + 70 * 300 + WINDOW).unwrap();
    assert_eq!(items[0].event, NoticeEvent::Recovery);
    assert!(
        items[0].text.contains("It failed 33 times"),
        "{:?}",
        items[0]
    );
}

#[test]
fn what_stays_down_is_told_again_each_day() {
    let mut ledger = AlertLedger::default();
    let mut notices = 0;
    for hour in 0..72 {
        let now = NOW + hour * HOUR;
        ledger.looked("disk usage", Some("it is full"), 1, now);
        notices += usize::from(ledger.notice(now).is_some());
    }
    assert_eq!(notices, 3);
}

#[test]
fn a_unit_is_well_again_once_and_is_forgotten() {
    let mut ledger = AlertLedger::default();
    ledger.failed("citrino-backup.service", "it failed", "abc", NOW);
    assert_eq!(
        ledger.units_down(),
        [("citrino-backup.service".to_owned(), "abc".to_owned())]
    );
    assert_eq!(
        names(ledger.notice(NOW)),
        ["failure unit citrino-backup.service"]
    );
    ledger.recovered("citrino-backup.service", NOW + 90);
    assert_eq!(
        names(ledger.notice(NOW + 90)),
        ["recovery unit citrino-backup.service"]
    );
    assert_eq!(ledger.things.len(), 0);
}

/// Nobody can make it grow: neither units without end nor texts.
#[test]
fn it_has_a_size() {
    let mut ledger = AlertLedger::default();
    for n in 0..5000 {
        ledger.failed(&format!("u{n}"), &"long ".repeat(5000), "i", NOW);
    }
    assert!(serde_json::to_string(&ledger).unwrap().len() < 512 * 1024);
    let items = ledger.notice(NOW).unwrap();
    assert_eq!(items.len(), MOST_TOLD + 1);
    assert_eq!(
        items.last().unwrap().name,
        format!("and {} more", 5000 - MOST_TOLD)
    );
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_back() {
    let mut ledger = AlertLedger::default();
    for n in 0..6 {
        ledger.failed(&format!("u{n}"), "it failed", "i", NOW + n * 2000);
        ledger.notice(NOW + n * 2000);
    }
    let before = NOW - 1_000_000;
    ledger.looked("app", Some("it is away"), 1, before);
    assert!(ledger.notice(before).is_some());
    assert!(!ledger.was_looked_at("app", 3600, before - 10));
}
