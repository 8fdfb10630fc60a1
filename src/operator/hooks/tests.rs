use std::fs;

use super::*;

/// A stack in a folder of its own, whose one secret is a variable that every test has.
fn stack(folder: &Path) -> Stack {
    let text = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\nhooks: { within_s: 20 }\nsecrets: { KEY: { env: CARGO_MANIFEST_DIR } }\n";
    let mut stack = Stack::parse(text, "citrino.yml").unwrap();
    folder.clone_into(&mut stack.folder);
    stack
}

fn hook(folder: &Path, name: &str, lines: &str, mode: u32) {
    let path = folder.join(FOLDER).join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn ran(hooks: &Hooks, point: HookPoint) -> (Result<(), String>, Vec<String>) {
    let mut told = Vec::new();
    let more = [("HOOK_ERROR", "a\nb\u{1b}[2J".to_owned())];
    let result = hooks
        .run(point, &more, &mut |event| {
            if let Event::Note { text, .. } = event {
                told.push(text);
            }
        })
        .await;
    (result, told)
}

#[tokio::test]
async fn a_hook_knows_the_facts_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    hook(
        folder.path(),
        "post-deploy",
        "env >seen; pwd; echo oops >&2",
        0o755,
    );
    let hooks = Hooks::of(&stack(folder.path()), "deploy").told("HOOK_RELEASE", "r7");
    assert_eq!(hooks.names(), ["post-deploy"]);
    let waits = hooks.waits();
    assert_eq!((waits.before_s, waits.after_s), (None, Some(20)));
    // One that is not there is no failure.
    assert_eq!(ran(&hooks, HookPoint::Before).await.0, Ok(()));
    let (result, told) = ran(&hooks, HookPoint::After).await;
    assert_eq!(result, Ok(()));
    assert!(told.contains(&"post-deploy: oops".to_owned()), "{told:?}");
    let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
    let has = |line: &str| seen.lines().any(|one| one.starts_with(line));
    assert!(
        has("HOOK_RELEASE=r7") && has("HOOK_NAME=post-deploy"),
        "{seen}"
    );
    // It has the operator's own, but what citrino.yml names as a secret.
    assert!(
        has("CARGO_PKG_NAME=") && !has("CARGO_MANIFEST_DIR="),
        "{seen}"
    );
    // What a host says is one line, which no terminal obeys.
    let error = seen.lines().find(|line| line.starts_with("HOOK_ERROR="));
    assert!(
        error.unwrap().starts_with("HOOK_ERROR=a") && !seen.contains('\u{1b}'),
        "{seen}"
    );
}

#[tokio::test]
async fn a_hook_that_fails_or_cannot_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    hook(folder.path(), "pre-deploy", "exit 3", 0o755);
    hook(folder.path(), "post-deploy", "kill -9 $$", 0o755);
    hook(folder.path(), "deploy-failed", "", 0o644);
    let hooks = Hooks::of(&stack(folder.path()), "deploy");
    let why = ran(&hooks, HookPoint::Before).await.0.unwrap_err();
    assert_eq!(why, "hook pre-deploy ended with exit 3");
    let why = ran(&hooks, HookPoint::After).await.0.unwrap_err();
    assert_eq!(why, "hook post-deploy ended with a signal");
    let why = ran(&hooks, HookPoint::Failed).await.0.unwrap_err();
    assert!(
        why.starts_with("hook deploy-failed could not be started"),
        "{why}"
    );
}

/// A program that it leaves behind holds its output: the hook has failed when its time is over, and both are gone.
#[tokio::test]
async fn a_hook_has_its_time_and_takes_along_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    hook(
        folder.path(),
        "pre-deploy",
        "sleep 600 & echo $! >left; exit 0",
        0o755,
    );
    let mut hooks = Hooks::of(&stack(folder.path()), "deploy");
    hooks.within_s = 1;
    let why = ran(&hooks, HookPoint::Before).await.0.unwrap_err();
    assert!(why.contains("took longer than 1 s"), "{why}");
    let left = fs::read_to_string(folder.path().join("left")).unwrap();
    let status = format!("/proc/{}/stat", left.trim());
    // Ended, though nobody may have asked how.
    let is_gone = || fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "));
    for _ in 0..500 {
        if is_gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{left} still runs");
}

#[test]
fn what_would_never_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let stack = stack(folder.path());
    assert!(check(&stack).is_ok());
    hook(folder.path(), "README.md", "", 0o644);
    hook(folder.path(), "post-deploy.example", "", 0o644);
    hook(folder.path(), "rollback-failed", "", 0o755);
    assert!(check(&stack).is_ok());
    for (name, mode, why) in [
        ("pre-deplyo", 0o755, "is no hook"),
        ("pre-converge", 0o755, "is no hook"),
        ("pre-deploy", 0o644, "is not executable"),
    ] {
        hook(folder.path(), name, "", mode);
        let error = check(&stack).unwrap_err();
        assert!(format!("{error:#}").contains(why), "{name}: {error:#}");
        fs::remove_file(folder.path().join(FOLDER).join(name)).unwrap();
    }
}
