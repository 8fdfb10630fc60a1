//! The page that everybody is shown while the site is closed: there or not, and seen by whoever asks.

use crate::config::stack::Stack;
use crate::core::plan::Step;
use crate::host::own::MAINTENANCE;
use crate::task::file::FileContent;

use crate::task::probe::{Ask, Program, Recurrence};
use crate::task::{Absent, File, Perm, Probe, Task};

const PART: &str = "maintenance";
/// How long nginx may take to see it; it looks with each request.
const SEEN_WITHIN_S: u64 = 5;
const CLOSED: &str = "503";

/// The site is closed, and opened again when that has no effect.
pub fn on(stack: &Stack, page: FileContent) -> (Vec<Step<Task>>, Vec<Step<Task>>) {
    let file = File {
        path: MAINTENANCE.to_owned(),
        content: page,
        mode: Perm(0o644),
        owner: "root".to_owned(),
        validate: Vec::new(),
    };
    let steps = vec![
        Step::new(PART, "maintenance page", file),
        Step::new(PART, "site answers 503", answers(stack, "=")),
    ];
    (steps, vec![opened()])
}

/// The site is open.
pub fn off(stack: &Stack) -> Vec<Step<Task>> {
    vec![
        opened(),
        Step::new(PART, "site is open", answers(stack, "!=")),
    ]
}

fn opened() -> Step<Task> {
    let path = MAINTENANCE.to_owned();
    Step::new(PART, "remove the maintenance page", Absent { path })
}

/// Whether the site answers its visitors so, asked through nginx by its name.
fn answers(stack: &Stack, is: &str) -> Probe {
    let port = if stack.tls.https().is_some() { 443 } else { 80 };
    let script = format!(
        "code=$(curl -sk -m 5 -o /dev/null -w '%{{http_code}}' --resolve \"$1:{port}:127.0.0.1\" \"$2/\"); test \"$code\" {is} {CLOSED} || {{ echo \"the site answers $code\" >&2; exit 1; }}"
    );
    let domain = stack.domain.to_string();
    let argv = ["sh", "-c", &script, "sh", &domain, &stack.public_url()];
    Probe {
        ask: Ask::Command(Program {
            argv: argv.map(str::to_owned).to_vec(),
        }),
        attempts: 1,
        deadline_s: SEEN_WITHIN_S,
        next: String::new(),
        watch: Recurrence::default(),
    }
}
