//! Who is told what: notices to the queue of mail and to webhooks. Whoever does not take one gets it later.

use anyhow::Result;
use time::OffsetDateTime;

use crate::core::event::{self, Event};
use crate::core::plain;
use crate::core::webhook::{Notice, NoticeItem};
use crate::host::alert_spool::{AlertSpool, AlertTrial, Channel, Parcel};
use crate::host::mail::Mail;
use crate::host::system::{Cmd, System};
use crate::host::unit_log;
use crate::planner::alerts::AlertSettings;

/// How much of a unit's log a notice has.
const LOG_LINES: u32 = 8;

/// A unit that failed.
pub struct UnitFailure {
    pub text: String,
    /// The start that failed.
    pub invocation: String,
}

pub struct Teller<'a> {
    system: &'a System,
    settings: &'a AlertSettings,
}

/// Tells what changed since people were told last, and what could not be told then. The rows are those of the checklist; of those about
/// mail nobody could be told by mail.
///
/// # Errors
/// When the spool cannot be read or written.
pub async fn changes(
    system: &System,
    settings: &AlertSettings,
    rows: &[(String, bool)],
    tell: &mut impl FnMut(Event),
) -> Result<()> {
    let told = Teller::of(system, settings);
    let mut spool = AlertSpool::take(system)?;
    // What there is no room for stays in the ledger, where it is counted.
    let has_room = settings.email.is_empty() || !spool.is_full(Channel::Mail);
    let items = if has_room {
        spool.ledger().notice(now())
    } else {
        None
    };
    if let Some(mut items) = items {
        // The checklist asks for the cause before it asks for what follows from it.
        items.sort_by_key(|item| rows.iter().position(|(name, _)| *name == item.name));
        told.parcels(&items, rows)
            .into_iter()
            .for_each(|parcel| spool.add(parcel));
    }
    for parcel in spool.take_waiting() {
        if let Err(error) = told.deliver(&parcel).await {
            tell(Event::note(format!("{error:#}")));
            spool.add(parcel);
        }
    }
    spool.save().await
}

impl<'a> Teller<'a> {
    pub fn of(system: &'a System, settings: &'a AlertSettings) -> Self {
        Self { system, settings }
    }

    /// These things, as each channel wants them.
    fn parcels(&self, items: &[NoticeItem], rows: &[(String, bool)]) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        let mut add = |channel, items: Vec<NoticeItem>| {
            if !items.is_empty() {
                let notice = self.settings.notice(event::now(), items);
                parcels.push(Parcel { channel, notice });
            }
        };
        if !self.settings.email.is_empty() {
            let is_about_mail = |item: &&NoticeItem| rows.contains(&(item.name.clone(), true));
            let others = items.iter().filter(|item| !is_about_mail(item));
            add(Channel::Mail, others.cloned().collect());
        }
        for (index, hook) in self.settings.hooks.iter().enumerate() {
            let wanted = items
                .iter()
                .filter(|item| hook.events.contains(&item.event));
            add(Channel::Hook(index), wanted.cloned().collect());
        }
        parcels
    }

    async fn deliver(&self, parcel: &Parcel) -> Result<()> {
        match parcel.channel {
            Channel::Mail => self.mail(&parcel.notice, None).await,
            Channel::Hook(index) => match self.settings.hooks.get(index) {
                Some(hook) => hook.post(&parcel.notice).await,
                // It was taken out of citrino.yml meanwhile.
                None => Ok(()),
            },
        }
    }

    async fn mail(&self, notice: &Notice, id: Option<&str>) -> Result<()> {
        let settings = self.settings;
        if settings.email.is_empty() {
            return Ok(());
        }
        let mail = Mail {
            from: &settings.from,
            to: &settings.email,
            notice,
            id,
        };
        mail.hand_over(self.system).await
    }

    /// One notice to each channel, and who took it.
    pub async fn test(&self, id: &str) -> AlertTrial {
        let notice = self.settings.notice(event::now(), Vec::new());
        let mut trial = AlertTrial {
            id: id.to_owned(),
            ..AlertTrial::default()
        };
        let mut took = |name: String, took: Result<()>| match took {
            Ok(()) => trial.taken.push(name),
            Err(error) => trial.refused.push(format!("{error:#}")),
        };
        if !self.settings.email.is_empty() {
            took(
                "the queue of mail".to_owned(),
                self.mail(&notice, Some(id)).await,
            );
        }
        for hook in &self.settings.hooks {
            took(hook.place(), hook.post(&notice).await);
        }
        trial
    }
}

/// In seconds of the UNIX epoch.
pub fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// What systemd and the journal say of a unit that failed.
///
/// # Errors
/// When they cannot be asked.
pub async fn failure_of(system: &System, unit: &str) -> Result<UnitFailure> {
    let state = shown(system, unit).await?;
    let log = unit_log::last_lines(system, unit, LOG_LINES, None).await?;
    let result = state.result;
    let text = format!(
        "systemd says `{result}`. The end of its log:\n{}\nnext: `citrino-ops ssh systemctl status {unit}`",
        plain::lines(&log)
    );
    Ok(UnitFailure {
        text,
        invocation: state.invocation,
    })
}

/// Those of the units that went well since the start that failed.
///
/// # Errors
/// When systemd cannot be asked.
pub async fn units(system: &System, down: &[(String, String)]) -> Result<Vec<String>> {
    let mut well = Vec::new();
    for (unit, failed) in down {
        let state = shown(system, unit).await?;
        let is_another = !state.invocation.is_empty() && state.invocation != *failed;
        let is_over = ["active", "inactive"].contains(&state.active.as_str());
        if is_another && is_over && state.result == "success" {
            well.push(unit.clone());
        }
    }
    Ok(well)
}

#[derive(Default)]
struct UnitShown {
    active: String,
    result: String,
    invocation: String,
}

async fn shown(system: &System, unit: &str) -> Result<UnitShown> {
    let cmd = [
        "systemctl",
        "show",
        "--property=ActiveState,Result,InvocationID",
        "--",
        unit,
    ];
    let output = system.run(&Cmd::new(cmd)).await?.success()?;
    let mut shown = UnitShown::default();
    for (key, value) in output
        .stdout
        .lines()
        .filter_map(|line| line.split_once('='))
    {
        match key {
            "ActiveState" => value.clone_into(&mut shown.active),
            "Result" => value.clone_into(&mut shown.result),
            "InvocationID" => value.clone_into(&mut shown.invocation),
            _ => {}
        }
    }
    Ok(shown)
}
