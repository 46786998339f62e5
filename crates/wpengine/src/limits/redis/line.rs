//! One line of requests that share windows: the part of it that is in this process.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as Front, MutexGuard as AtFront},
    time::Instant,
};

use super::place::Places;
use crate::limits::{Window, WindowState};

#[derive(Debug)]
pub(super) struct Line {
    /// What its keys end in.
    pub(super) name: String,
    pub(super) windows: Vec<Window>,
    /// Held by whoever asks Redis. tokio's mutex is fair, and dropping a waiting future leaves the line.
    front: Front<()>,
    waiting: AtomicUsize,
    state: Mutex<LineState>,
}

#[derive(Debug, Default)]
pub(super) struct LineState {
    pub(super) places: Places,
    /// How many places were taken in each window when Redis last said it, and when that was.
    pub(super) taken: Option<(Vec<usize>, Instant)>,
    pub(super) paused_until: Option<Instant>,
}

impl Line {
    pub(super) fn new(name: String, windows: Vec<Window>) -> Self {
        Self {
            name,
            windows,
            front: Front::new(()),
            waiting: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, LineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands in line until it is the first.
    pub(super) async fn front(&self) -> AtFront<'_, ()> {
        self.front.lock().await
    }

    /// Counts one who waits, until it is dropped.
    pub(super) fn waits(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    pub(super) fn taken(&self, taken: &[usize], now: Instant) {
        if taken.len() == self.windows.len() {
            self.state().taken = Some((taken.to_vec(), now));
        }
    }

    pub(super) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.state();
        state.paused_until = Some(state.paused_until.map_or(until, |known| known.max(until)));
    }

    pub(super) fn pause_left(&self, now: Instant) -> Option<Duration> {
        self.state()
            .paused_until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|pause| !pause.is_zero())
    }

    /// As of the last word from Redis.
    pub(super) fn states(&self) -> Vec<WindowState> {
        let now = Instant::now();
        let paused_for = self.pause_left(now);
        let waiting = self.waiting.load(Ordering::Relaxed);
        let state = self.state();
        self.windows
            .iter()
            .enumerate()
            .map(|(index, window)| {
                let taken = match &state.taken {
                    Some((taken, at)) if *at + window.period > now => taken[index],
                    _ => 0,
                };
                WindowState {
                    window: *window,
                    left: window.limit.saturating_sub(taken),
                    waiting,
                    paused_for,
                }
            })
            .collect()
    }
}

#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
