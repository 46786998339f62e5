//! A task beside the requests: it tells Redis what became of them, looks whether Redis still has the windows, and tries
//! to reach it while it is down.

use std::sync::{Arc, PoisonError, Weak, atomic::Ordering};

use tokio::time::timeout;

use super::{
    link::Trouble,
    memory::Why,
    shared::{Said, Shared},
};

impl Shared {
    /// Sees to it that there is a keeper; a runtime that ends takes its tasks along.
    pub(super) fn keep(self: &Arc<Self>) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let neglected = self.is_neglected();
        if neglected || keeper.as_ref().is_none_or(|task| task.is_finished()) {
            if let Some(task) = keeper.take() {
                task.abort();
            }
            if !(neglected && self.memory().outage.is_some()) {
                self.looks();
            }
            *keeper = Some(tokio::spawn(run(Arc::downgrade(self))));
        }
    }

    /// Whether there is anything to look after.
    fn is_busy(&self) -> bool {
        self.memory().outage.is_some() || !self.words().is_empty() || !self.busy_lines().is_empty()
    }

    /// Whether there is anything that others wait for.
    fn is_urgent(&self) -> bool {
        !self.words().is_empty()
            || self
                .busy_lines()
                .iter()
                .any(|line| line.state().places.gives_back())
    }

    /// One look at Redis.
    pub(super) async fn beat(&self) {
        if let Err(why) = self.look().await {
            self.trouble(Why::Down(Arc::new(why)));
        }
    }

    async fn look(&self) -> Result<(), Trouble> {
        let all = self.memory().outage.is_some();
        let said = self.publish(all).await?;
        // After a loss, what changed is not enough.
        if !all && said != Said::Taken {
            self.publish(true).await?;
        }
        loop {
            let Some((line, word, said)) = self.words().first().cloned() else {
                return Ok(());
            };
            if let Some(word) = word.after(said.elapsed()) {
                self.tell(&line, &word).await?;
            }
            self.words().remove(0);
        }
    }
}

async fn run(shared: Weak<Shared>) {
    loop {
        let Some(kept) = shared.upgrade() else {
            return;
        };
        let (news, pause) = (Arc::clone(&kept.news), kept.settings.beat());
        // In this order: who takes a place after it was looked whether there is one sees that the keeper sleeps.
        kept.keeper_sleeps.store(true, Ordering::Relaxed);
        let busy = kept.is_busy();
        if busy {
            kept.keeper_sleeps.store(false, Ordering::Relaxed);
        }
        // While it waits, nothing but the requests keeps the windows.
        drop(kept);
        if busy {
            let _ = timeout(pause, news.notified()).await;
        } else {
            news.notified().await;
        }
        let Some(kept) = shared.upgrade() else {
            return;
        };
        // Woken from sleep there may be nothing to tell yet.
        if busy || kept.is_urgent() {
            kept.beat().await;
        }
    }
}
