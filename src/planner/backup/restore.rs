//! Another database takes the live one's place, and the one of now is a backup before.

use time::OffsetDateTime;

use super::{Settings, step};
use crate::config::stack::Stack;
use crate::core::plan::{Step, StepId};
use crate::core::secret::Secret;
use crate::facts::app::AppFacts;
use crate::facts::backups::{self, Accepts};
use crate::planner::release;
use crate::task::{Backup, PostgresDatabase, Recovered, Restored, SwapReverted, Task, recovered};

/// The step that backs up what a restore sets aside.
pub const SAFETY: StepId = StepId::new("backup.safety");

/// A way back to older data.
pub struct RestoreSteps {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
    /// The step in which the databases change their names: what it would change is what is given up.
    pub swap: Step<Task>,
    /// `from` a backup, or `to` a time; empty where it is neither.
    pub from: String,
}

/// A host on which another database is to take the live one's place.
pub struct Swapping<'a> {
    pub settings: &'a Settings,
    pub stack: &'a Stack,
    pub app: &'a AppFacts,
    pub at: OffsetDateTime,
}

impl Swapping<'_> {
    /// The database is that of a backup; the one of now is backed up before, and stays aside.
    pub fn to_backup(
        &self,
        backup: &backups::BackupManifest,
        identities: Vec<Secret>,
        accepts: Accepts,
    ) -> RestoreSteps {
        let previous = self.previous();
        let restored = Restored {
            accepts,
            database: self.settings.database.clone(),
            backup: backup.name.clone(),
            previous: previous.clone(),
            owner: (backup.stack != self.settings.stack)
                .then(|| self.stack.database.user.to_string()),
            identities,
        };
        let from = format!("from {}", restored.backup);
        RestoreSteps {
            from,
            ..self.by(step(restored.wish(), restored), previous)
        }
    }

    /// The same with the database as it was at a point in time.
    pub fn to_moment(&self, to: OffsetDateTime) -> RestoreSteps {
        let previous = self.previous();
        let recovered = Recovered {
            database: self.settings.database.clone(),
            to: recovered::shown(to),
            previous: previous.clone(),
            stanza: self.stack.profile.stanza().to_owned(),
        };
        let from = format!("to {}", recovered.to);
        RestoreSteps {
            from,
            ..self.by(step(recovered.wish(), recovered), previous)
        }
    }

    /// What stands around any step in which another database takes the live one's place, and that
    /// one the name `previous`.
    pub fn by(&self, swap: Step<Task>, previous: String) -> RestoreSteps {
        let database = &self.settings.database;
        let there = PostgresDatabase::owned(database, &self.stack.database.user);
        let safety = Backup {
            if_any: true,
            safety: true,
            ..self.settings.of_now(self.app, self.at)
        };
        let mut steps = vec![
            step("database", there),
            step("back up the current database", safety).with_id(SAFETY),
            swap.clone(),
        ];
        steps.extend(release::serves_on(self.stack, self.app));
        let back = SwapReverted {
            database: database.clone(),
            previous,
        };
        let mut on_failure = vec![step("switch back to the previous database", back)];
        on_failure.extend(release::answers_again(self.stack, self.app));
        RestoreSteps {
            steps,
            on_failure,
            swap,
            from: String::new(),
        }
    }

    fn previous(&self) -> String {
        backups::previous(&self.settings.database, self.at)
    }
}
