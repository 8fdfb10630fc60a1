//! The one engine: look, act, look again, tell. It knows neither clouds nor hosts.

use std::time::Instant;

use anyhow::Result;

use crate::core::error::{Code, Fault, code, error_info};
use crate::core::event::{
    Act, Change, Counts, Event, Figure, Label, RunPoint, StepState, UnitEffect,
};
use crate::core::plan::{Mode, Plan, Step};

/// What `check` saw.
#[derive(Debug, Default)]
pub struct CheckResult {
    /// What differs; `None` when nothing does.
    pub change: Option<Change>,
    pub figure: Option<Figure>,
}

impl CheckResult {
    pub fn same() -> Self {
        Self::default()
    }

    pub fn differs(what: impl Into<String>) -> Self {
        Self::from(vec![what.into()])
    }

    /// The thing is not there.
    pub fn absent(what: impl Into<String>) -> Self {
        Self::differs(what).by(Act::Create)
    }

    /// What making it so does to the thing.
    pub fn by(mut self, act: Act) -> Self {
        if let Some(change) = &mut self.change {
            change.act = act;
        }
        self
    }

    /// What making it so does beside that.
    pub fn with_effects(mut self, effects: impl IntoIterator<Item = UnitEffect>) -> Self {
        if let Some(change) = &mut self.change {
            change.effects.extend(effects);
        }
        self
    }

    pub fn with_diff(mut self, diff: Option<String>) -> Self {
        if let Some(change) = &mut self.change {
            change.diff = diff;
        }
        self
    }

    pub fn with_figure(mut self, value: f64, unit: &str, limit: Option<f64>) -> Self {
        self.figure = Some(Figure {
            value,
            unit: unit.to_owned(),
            limit,
        });
        self
    }
}

impl From<Vec<String>> for CheckResult {
    /// Differs when there is a difference to name.
    fn from(what: Vec<String>) -> Self {
        Self {
            change: (!what.is_empty()).then_some(Change {
                what,
                ..Change::default()
            }),
            figure: None,
        }
    }
}

/// A wish about one thing in the world `W`.
#[allow(async_fn_in_trait)] // used with static dispatch on one thread only
pub trait Wish<W> {
    /// Says what differs, and changes nothing.
    async fn check(&self, world: &W) -> Result<CheckResult>;
    /// Makes it so. The engine checks again afterwards.
    async fn apply(&self, world: &W) -> Result<()>;
}

/// Runs a plan and tells every step. A failed step ends the plan and starts its `on_failure`, unless the
/// plan is past its point of no return.
///
/// `tell` must keep what it is given before it returns: the journal is written in it.
///
/// # Errors
/// Only when an event could not be kept. A failed step is no error here: it is in the tally.
pub async fn run<W, T: Wish<W>>(
    plan: &Plan<T>,
    world: &W,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<Counts> {
    run_unless(plan, world, &|| false, tell).await
}

/// The same, and `halted` is asked before each step: when it says so, the plan turns back as after
/// a failed step.
///
/// # Errors
/// As of [`run`].
pub async fn run_unless<W, T: Wish<W>>(
    plan: &Plan<T>,
    world: &W,
    halted: &impl Fn() -> bool,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<Counts> {
    let begun = Instant::now();
    tell(start(plan))?;
    let mut tally = Counts::default();
    for (index, step) in plan.steps.iter().enumerate() {
        if halted() && plan.turns_back(index) {
            tell(Event::Halted {
                point: RunPoint::of(plan),
                n: index + 1,
                name: step.name.clone(),
            })?;
            tally.skipped = plan.steps.len() - index;
            undo(plan, world, tell).await?;
            break;
        }
        let state = match run_step(plan, step, index + 1, false, world, tell).await {
            Ok(state) => state,
            Err(error) => {
                // Nothing can be kept any more; that must not keep the undo from helping.
                if plan.mode == Mode::Apply && plan.turns_back(index) {
                    undo_untold(plan, world, &error).await?;
                }
                return Err(error);
            }
        };
        tally.count(state);
        if state == StepState::Failed && plan.mode == Mode::Apply {
            tally.skipped = plan.steps.len() - index - 1;
            if plan.turns_back(index) {
                undo(plan, world, tell).await?;
            }
            break;
        }
    }
    tally.took_ms = millis(begun);
    tell(Event::End {
        point: RunPoint::of(plan),
        tally,
    })?;
    Ok(tally)
}

/// Runs a plan that only puts back: each step is tried, whatever became of those before it.
///
/// # Errors
/// Only when an event could not be kept.
pub async fn put_back<W, T: Wish<W>>(
    plan: &Plan<T>,
    world: &W,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<Counts> {
    let begun = Instant::now();
    tell(start(plan))?;
    let mut tally = Counts::default();
    for (index, step) in plan.steps.iter().enumerate() {
        tally.count(run_step(plan, step, index + 1, false, world, tell).await?);
    }
    tally.took_ms = millis(begun);
    tell(Event::End {
        point: RunPoint::of(plan),
        tally,
    })?;
    Ok(tally)
}

fn start<T>(plan: &Plan<T>) -> Event {
    Event::Start {
        point: RunPoint::of(plan),
        stack: plan.stack.clone(),
        verb: plan.verb.clone(),
        who: plan.who.clone(),
        purpose: Some(plan.purpose),
        steps: plan.steps.len(),
        applies: plan.mode == Mode::Apply,
        note: plan.note.clone().map(Into::into),
    }
}

/// Undo steps are tried one and all: one that fails must not keep the next from helping.
async fn undo<W, T: Wish<W>>(
    plan: &Plan<T>,
    world: &W,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<()> {
    for (index, step) in plan.on_failure.iter().enumerate() {
        run_step(plan, step, index + 1, true, world, tell).await?;
    }
    Ok(())
}

/// The same when nothing can be told any more, because of this error.
///
/// # Errors
/// E0606 with both when a step failed.
async fn undo_untold<W, T: Wish<W>>(plan: &Plan<T>, world: &W, why: &anyhow::Error) -> Result<()> {
    let mut failed = None;
    undo(plan, world, &mut |event| {
        if let Event::Step {
            label,
            error: Some(error),
            ..
        } = event
        {
            failed.get_or_insert(format!("{}: {}", label.name, error.message));
        }
        Ok(())
    })
    .await?;
    match failed {
        None => Ok(()),
        Some(failed) => Err(Fault::new(Code::E0606, format!("{why:#}; and {failed}")).into()),
    }
}

async fn run_step<W, T: Wish<W>>(
    plan: &Plan<T>,
    step: &Step<T>,
    n: usize,
    undo: bool,
    world: &W,
    tell: &mut impl FnMut(Event) -> Result<()>,
) -> Result<StepState> {
    let label = Label {
        id: step.id.clone(),
        part: step.part.clone(),
        name: step.name.clone(),
        undo,
    };
    tell(Event::Begin {
        point: RunPoint::of(plan),
        n,
        label: label.clone(),
    })?;
    let begun = Instant::now();
    let outcome = fulfil(&step.task, world, plan.mode).await;
    let (state, look, error) = match outcome {
        Ok((state, look)) => (state, look, None),
        Err(error) => (
            StepState::Failed,
            CheckResult::default(),
            Some(error_info(&error)),
        ),
    };
    tell(Event::Step {
        point: RunPoint::of(plan),
        n,
        label,
        state,
        took_ms: millis(begun),
        change: look.change,
        figure: look.figure,
        error,
    })?;
    Ok(state)
}

/// Look, act, look again: a wish that is still not so after `apply` is an error.
async fn fulfil<W, T: Wish<W>>(
    task: &T,
    world: &W,
    mode: Mode,
) -> Result<(StepState, CheckResult)> {
    let before = first_look(task, world, mode).await?;
    if before.change.is_none() {
        return Ok((StepState::Same, before));
    }
    if mode == Mode::Check {
        return Ok((StepState::Differs, before));
    }
    task.apply(world).await?;
    let after = task.check(world).await?;
    match after.change {
        None => Ok((
            StepState::Changed,
            CheckResult {
                change: before.change,
                figure: after.figure,
            },
        )),
        Some(left) => Err(Fault::new(Code::E0401, format!("the step had no effect: {}", left.what.join("; ")))
            .hint("the step ran without an error, but the check after it still finds this: look at `citrino-ops logs`, then run the command again")
            .into()),
    }
}

/// Where nothing is to be changed, a place that is not safe to look at is a difference: an earlier step of the same plan may make
/// it safe, as for a host of an earlier version. Where it does not, the run ends there.
async fn first_look<W, T: Wish<W>>(task: &T, world: &W, mode: Mode) -> Result<CheckResult> {
    match task.check(world).await {
        Err(error) if mode == Mode::Check && code(&error) == Code::E0409 => {
            Ok(CheckResult::differs(format!("{error:#}")))
        }
        looked => looked,
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::Claim;

    /// A wish that is never so, and breaks or not when it is to be made so.
    struct Never(Result<(), &'static str>);

    impl Wish<()> for Never {
        async fn check(&self, (): &()) -> Result<CheckResult> {
            Ok(CheckResult::differs("it is not so"))
        }

        async fn apply(&self, (): &()) -> Result<()> {
            self.0.map_err(anyhow::Error::msg)
        }
    }

    /// A wish about a place where nobody goes.
    struct UnsafePlace;

    impl Wish<()> for UnsafePlace {
        async fn check(&self, (): &()) -> Result<CheckResult> {
            Err(Fault::new(Code::E0409, "/home is not safe to use").into())
        }

        async fn apply(&self, (): &()) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_place_that_is_not_safe_differs_in_a_plan_and_ends_a_run() {
        let looked = fulfil(&UnsafePlace, &(), Mode::Check).await.unwrap();
        assert_eq!(looked.0, StepState::Differs);
        assert_eq!(looked.1.change.unwrap().what, ["/home is not safe to use"]);
        let error = fulfil(&UnsafePlace, &(), Mode::Apply).await.unwrap_err();
        assert_eq!(code(&error), Code::E0409);
    }

    #[tokio::test]
    async fn an_undo_that_nobody_can_be_told_of_says_at_the_end_that_it_failed() {
        let step = |name, task| Step::<Never>::new("part", name, task);
        let plan = Plan::new(
            Claim::new("", "", ""),
            vec![step("it serves", Never(Ok(())))],
        )
        .or_else(vec![step("the old one serves", Never(Err("it is gone")))]);
        let mut full = |event: Event| match event {
            Event::Start { .. } => Ok(()),
            _ => Err(anyhow::Error::msg("the disk is full")),
        };
        let error = run(&plan, &(), &mut full).await.unwrap_err();
        let trouble = error_info(&error);
        let message = "the disk is full; and the old one serves: it is gone";
        assert_eq!(
            (trouble.code, trouble.message.as_str()),
            (Code::E0606, message)
        );
    }
}
