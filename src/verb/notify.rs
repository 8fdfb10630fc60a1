//! What a command of the operator tells to webhooks: that another release serves, or that it failed to.

use crate::core::event::now;
use crate::core::webhook::{Notice, NoticeEvent, NoticeItem};
use crate::verb::job::Job;

/// Tells each webhook that wants to hear of it. The command has done what it did: who does not take the notice is named, and no
/// more.
pub async fn tell(job: &mut Job<'_>, item: NoticeItem) {
    let hooks = job.hooks();
    let hooks = hooks
        .iter()
        .filter(|hook| hook.events.contains(&item.event));
    let notice = notice(job, &item);
    for hook in hooks {
        if let Err(error) = hook.post(&notice).await {
            job.report.note(format!("{error:#}"));
        }
    }
}

fn notice(job: &Job<'_>, item: &NoticeItem) -> Notice {
    let items = vec![item.clone()];
    let host = job.host.name.to_string();
    Notice {
        stack: job.stack.name.to_string(),
        at: now(),
        subject: Notice::subject_of(&job.stack.domain, &items),
        body: Notice::body_of(&host, &items),
        host,
        items,
    }
}

/// A release serves, or does not; `event` says which of both ways led to it.
pub fn change(
    event: NoticeEvent,
    release: &str,
    outcome: Result<(), &anyhow::Error>,
) -> NoticeItem {
    match outcome {
        Ok(()) => NoticeItem {
            event,
            name: format!("{release} is live"),
            text: format!("by citrino-ops {}", event.word()),
        },
        Err(error) => NoticeItem {
            event: NoticeEvent::Failure,
            name: format!("{} of {release}", event.word()),
            text: format!("{error:#}"),
        },
    }
}
