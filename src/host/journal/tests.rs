use super::*;
use crate::core::event::{Label, RunPoint, now};
use crate::core::plan::StepId;

fn point(run: &str) -> RunPoint {
    RunPoint {
        at: now(),
        run: run.into(),
        host: Some("prod".parse().unwrap()),
    }
}

fn start(run: &str, who: &str) -> Event {
    Event::Start {
        point: point(run),
        stack: "s".into(),
        verb: "converge".into(),
        who: who.into(),
        purpose: None,
        steps: 2,
        applies: true,
        note: None,
    }
}

fn end(run: &str) -> Event {
    Event::End {
        point: point(run),
        tally: Counts::default(),
    }
}

#[test]
fn a_timer_is_not_the_last_run_after_one_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::at(folder.path());
    let mut journal = Journal::open(&system).unwrap();
    let mut last = |events: &[Event]| {
        for event in events {
            journal.keep(event).unwrap();
        }
        last_run(&system).unwrap().unwrap()
    };
    let of_timer = last(&[start("t1", "timer@host"), end("t1")]);
    assert_eq!(of_timer.run, "t1");
    let killed = last(&[start("t5", "timer@host"), start("t6", "timer@host")]);
    assert_eq!(killed.run, "t6");
    let cut_off = last(&[start("r1", "ana"), start("t2", "timer@host"), end("t2")]);
    assert_eq!((cut_off.run.as_str(), cut_off.end), ("r1", None));
    let still = last(&[start("t3", "timer@host")]);
    assert_eq!(still.run, "r1");
    let next = last(&[start("r2", "ana"), end("r2"), start("t4", "timer@host")]);
    assert_eq!((next.run.as_str(), next.end), ("t4", None));
}

#[test]
fn what_a_run_is_for_is_what_it_says_and_only_an_older_one_is_known_by_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::at(folder.path());
    let mut journal = Journal::open(&system).unwrap();
    let mut last = |run: &str, said: Purpose| {
        let mut event = start(run, "ana");
        if let Event::Start { purpose, .. } = &mut event {
            *purpose = Some(said);
        }
        journal.keep(&event).unwrap();
        last_run(&system).unwrap().unwrap()
    };
    assert_eq!(last("r1", Purpose::Part).run, "r1");
    assert_eq!(last("t1", Purpose::Timer).run, "r1");
    assert_eq!(last("r2", Purpose::WayBack).purpose, Purpose::WayBack);
    let older = purpose_of(None, WAY_BACK, "ana");
    assert_eq!(older, Purpose::WayBack);
    assert_eq!(purpose_of(None, "backup", "timer@h"), Purpose::Timer);
}

/// As version 0.1.0 wrote it, before events named their host.
const OLDER: &str = r#"{"event":"start","at":"2026-01-02T03:04:05Z","run":"r1","stack":"prod","verb":"deploy","who":"ana@desk","purpose":"command","steps":2,"applies":true}
{"event":"begin","at":"2026-01-02T03:04:05Z","run":"r1","n":1,"part":"release","name":"release folder"}
{"event":"step","at":"2026-01-02T03:04:06Z","run":"r1","n":1,"part":"release","name":"release folder","state":"changed","took_ms":12,"change":{"act":"create","what":["does not exist"]}}
{"event":"begin","at":"2026-01-02T03:04:06Z","run":"r1","n":2,"id":"release.switch","part":"release","name":"switch"}
{"event":"step","at":"2026-01-02T03:04:07Z","run":"r1","n":2,"id":"release.switch","part":"release","name":"switch","state":"failed","took_ms":900,"error":{"code":"E0402","message":"no answer"}}
{"event":"end","at":"2026-01-02T03:04:07Z","run":"r1","same":0,"changed":1,"differs":0,"failed":1,"skipped":0,"took_ms":1800}
"#;

#[test]
fn a_journal_of_an_earlier_version_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::at(folder.path());
    let mut journal = Journal::open(&system).unwrap();
    journal.file.write_all(OLDER.as_bytes()).unwrap();
    assert_eq!(newest(&system).unwrap().len(), OLDER.lines().count());
    let last = last_run(&system).unwrap().unwrap();
    assert_eq!((last.run.as_str(), last.n), ("r1", 2));
    assert_eq!(last.failed.as_deref(), Some("switch: no answer"));
    assert!(last.end.is_some() && !last.heard);
    // Events of this version go on behind it.
    journal.keep(&Event::Heard { point: point("r1") }).unwrap();
    assert!(last_run(&system).unwrap().unwrap().heard);
}

#[test]
fn a_run_that_never_ended_is_told_with_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::at(folder.path());
    let mut journal = Journal::open(&system).unwrap();
    journal.keep(&start("r1", "ana")).unwrap();
    let label = Label {
        id: StepId::default(),
        part: "nginx".into(),
        name: "nginx runs".into(),
        undo: false,
    };
    journal
        .keep(&Event::Begin {
            point: point("r1"),
            n: 1,
            label,
        })
        .unwrap();
    let last = last_run(&system).unwrap().unwrap();
    assert_eq!(
        (last.step.as_str(), last.end, last.heard),
        ("nginx runs", None, false)
    );
    journal.keep(&end("r1")).unwrap();
    journal.keep(&Event::Heard { point: point("r1") }).unwrap();
    let heard = last_run(&system).unwrap().unwrap();
    assert!(heard.end.is_some() && heard.heard);
    assert!(heard.told(false).contains(", succeeded: 0 changed"));
    let unheard = LastRun {
        heard: false,
        ..heard
    };
    assert!(
        unheard
            .told(false)
            .contains(", continued alone and succeeded")
    );
    let failed = LastRun {
        failed: Some("migrate: exited with status 2: usage\n\n  migrate FILE".into()),
        since: "2026-11-30T03:37:11Z".into(),
        ..unheard
    };
    let told = failed.told(false);
    assert!(
        told.ends_with(", 2026-11-30 03:37, failed: migrate: exited with status 2: usage"),
        "{told}"
    );
}

#[test]
fn nobody_else_reads_it_also_when_an_earlier_version_made_it_for_all() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let system = System::at(root.path());
    let path = system.path(PATH);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(Journal::open(&system).unwrap());
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(Journal::open(&system).unwrap());
    assert_eq!(mode(), 0o600);
}
