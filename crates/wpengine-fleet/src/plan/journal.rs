//! The journal of plans, in the state file.

use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use wpengine::jiff::Timestamp;

use super::Plan;
use crate::{Error, Fleet, store};

/// What the journal says of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Entry {
    /// It was begun, and has no result yet.
    Started,
    /// It is done, with the id of what it made.
    Done { made: Option<String> },
    /// It failed, and nothing was done.
    Failed { why: String },
    /// Nobody knows whether it was done.
    Unknown { why: String },
}

impl Fleet {
    /// Keeps a plan, so that it can be run and resumed by its id.
    pub(super) async fn keep(&self, plan: &Plan) -> Result<(), Error> {
        let (id, at) = (plan.id.clone(), store::millis(plan.created_at));
        let text = serde_json::to_string(plan).unwrap_or_default();
        self.store()
            .write(move |transaction| {
                transaction.execute(
                    "INSERT OR IGNORE INTO state.plans (id, created_at, plan) VALUES (?1, ?2, ?3)",
                    params![id, at, text],
                )?;
                Ok(())
            })
            .await
    }

    /// Returns a plan that was run before, by its id.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there is no such plan, or if it was changed.
    pub async fn plan(&self, id: &str) -> Result<Plan, Error> {
        let wanted = id.to_owned();
        let text: Option<String> = self
            .store()
            .read(move |connection| {
                connection
                    .query_row(
                        "SELECT plan FROM state.plans WHERE id = ?1",
                        [wanted],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .await?;
        let text = text.ok_or_else(|| {
            let folder = self.state_folder().display();
            Error::Plan(format!("there is no plan {id} in {folder}; was it made by another user, or with another folder?"))
        })?;
        let plan: Plan = serde_json::from_str(&text)
            .map_err(|error| Error::Plan(format!("plan {id} cannot be read: {error}")))?;
        if plan.is_intact() {
            return Ok(plan);
        }
        Err(Error::Plan(format!(
            "plan {id} was changed since it was made: its digest does not fit"
        )))
    }

    /// Returns the ids of all plans that are not over, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the state file cannot be read.
    pub async fn open_plans(&self) -> Result<Vec<String>, Error> {
        self.store()
            .read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT id FROM state.plans WHERE ended_at IS NULL ORDER BY created_at",
                )?;
                statement.query_map([], |row| row.get(0))?.collect()
            })
            .await
    }

    pub(super) async fn end_plan(&self, id: &str) -> Result<(), Error> {
        let (id, now) = (id.to_owned(), store::millis(Timestamp::now()));
        self.store()
            .write(move |transaction| {
                transaction.execute(
                    "UPDATE state.plans SET ended_at = ?2 WHERE id = ?1",
                    params![id, now],
                )?;
                Ok(())
            })
            .await
    }

    /// Whether a plan is over or was given up.
    pub(super) async fn is_ended(&self, id: &str) -> Result<bool, Error> {
        let id = id.to_owned();
        self.store()
            .read(move |connection| {
                let sql = "SELECT 1 FROM state.plans WHERE id = ?1 AND ended_at IS NOT NULL";
                Ok(connection
                    .query_row(sql, [id], |_| Ok(()))
                    .optional()?
                    .is_some())
            })
            .await
    }

    /// When the last entry of a step was written.
    pub(super) async fn entered_at(
        &self,
        plan: &str,
        step: usize,
    ) -> Result<Option<Timestamp>, Error> {
        let (plan, step) = (plan.to_owned(), i64::try_from(step).unwrap_or(i64::MAX));
        let at: Option<i64> = self
            .store()
            .read(move |connection| {
                let sql = "SELECT at FROM state.steps WHERE plan_id = ?1 AND step = ?2";
                connection
                    .query_row(sql, params![plan, step], |row| row.get(0))
                    .optional()
            })
            .await?;
        Ok(at.and_then(store::timestamp))
    }

    /// Writes an entry. It is on the disk when this returns.
    pub(super) async fn enter(&self, plan: &str, step: usize, entry: &Entry) -> Result<(), Error> {
        let (plan, step) = (plan.to_owned(), i64::try_from(step).unwrap_or(i64::MAX));
        let (text, now) = (
            serde_json::to_string(entry).unwrap_or_default(),
            store::millis(Timestamp::now()),
        );
        self.store()
            .write(move |transaction| {
                transaction.execute(
                    "INSERT OR REPLACE INTO state.steps (plan_id, step, entry, at) VALUES (?1, ?2, ?3, ?4)",
                    params![plan, step, text, now],
                )?;
                Ok(())
            })
            .await
    }

    /// Takes an entry away: the step is done again.
    pub(super) async fn forget(&self, plan: &str, step: usize) -> Result<(), Error> {
        let (plan, step) = (plan.to_owned(), i64::try_from(step).unwrap_or(i64::MAX));
        self.store()
            .write(move |transaction| {
                transaction.execute(
                    "DELETE FROM state.steps WHERE plan_id = ?1 AND step = ?2",
                    params![plan, step],
                )?;
                Ok(())
            })
            .await
    }

    pub(super) async fn entry(&self, plan: &str, step: usize) -> Result<Option<Entry>, Error> {
        let (plan, step) = (plan.to_owned(), i64::try_from(step).unwrap_or(i64::MAX));
        let text: Option<String> = self
            .store()
            .read(move |connection| {
                connection
                    .query_row(
                        "SELECT entry FROM state.steps WHERE plan_id = ?1 AND step = ?2",
                        params![plan, step],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .await?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| Error::Plan(format!("the journal cannot be read: {error}")))
    }
}
