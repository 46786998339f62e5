//! One line of requests that share windows: first come, first served.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as Line, MutexGuard as Front, Notify},
    time::Instant,
};

use super::{
    Observation, WindowState,
    window::{Log, Window},
    word::Word,
};

/// The windows of some requests, and the line in front of them.
#[derive(Debug)]
pub(super) struct Queue {
    /// Held by whoever is at the front while it waits. tokio's mutex is fair, and dropping a waiting future leaves the
    /// line.
    line: Line<()>,
    waiting: AtomicUsize,
    state: Mutex<State>,
    /// Wakes the front when an answer makes a place's end known, or the service asks for a pause.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    logs: Vec<Log>,
    next_number: u64,
    paused_until: Option<Instant>,
    /// After a pause requests leave one by one, so that those who waited do not all leave together.
    pace: Option<Pace>,
    /// What the service itself says is left, of a window that others may use too.
    left_there: Option<LeftThere>,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    gap: Duration,
    next: Instant,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct LeftThere {
    left: u64,
    until: Instant,
}

/// The place at the front of the line.
pub(super) struct AtFront<'a> {
    queue: &'a Queue,
    _front: Front<'a, ()>,
}

impl Queue {
    pub(super) fn new(windows: &[Window], margin: Duration) -> Self {
        Self {
            line: Line::new(()),
            waiting: AtomicUsize::new(0),
            state: Mutex::new(State {
                logs: windows
                    .iter()
                    .map(|window| Log::new(*window, margin))
                    .collect(),
                next_number: 0,
                paused_until: None,
                pace: None,
                left_there: None,
            }),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands in line until it is the first, and then until there is room. The room stays as long as the front is held.
    pub(super) async fn front(&self) -> AtFront<'_> {
        let waiting = Waiting::new(&self.waiting);
        let front = AtFront {
            queue: self,
            _front: self.line.lock().await,
        };
        front.room().await;
        drop(waiting);
        front
    }

    /// The answer of a request is there, or nothing was sent.
    pub(super) fn give_back(&self, number: u64, sent: bool) {
        {
            let mut state = self.state();
            let now = Instant::now();
            for log in &mut state.logs {
                if sent {
                    log.arrived(number, now);
                } else {
                    log.give_back(number);
                }
            }
        }
        self.changed.notify_one();
    }

    pub(super) fn observe(&self, answer: &Observation<'_>) {
        let now = Instant::now();
        let mut state = self.state();
        let windows: Vec<Window> = state.logs.iter().map(Log::window).collect();
        let word = Word::read(&windows, answer);
        if let Some(pause) = word.pause {
            let until = state
                .paused_until
                .map_or(now + pause, |known| known.max(now + pause));
            state.paused_until = Some(until);
            state.pace = word.gap.map(|gap| Pace {
                gap,
                next: until,
                until: until + gap * 20,
            });
        }
        if let Some((left, time)) = word.left {
            // Requests under way are not in what the service counts yet.
            let under_way = state.under_way();
            state.left_there = Some(LeftThere {
                left: left.saturating_sub(under_way),
                until: now + time,
            });
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn states(&self) -> Vec<WindowState> {
        let now = Instant::now();
        let mut state = self.state();
        let paused_for = state
            .paused_until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|pause| !pause.is_zero());
        let waiting = self.waiting.load(Ordering::Relaxed);
        state
            .logs
            .iter_mut()
            .map(|log| WindowState {
                window: log.window(),
                left: log.left(now),
                waiting,
                paused_for,
            })
            .collect()
    }
}

impl AtFront<'_> {
    /// Waits until every window has room.
    async fn room(&self) {
        loop {
            let changed = self.queue.changed.notified();
            let now = Instant::now();
            let next = self.queue.state().next(now);
            match next {
                Some(next) if next <= now => return,
                // Either will do: the room is looked for again.
                Some(next) => drop(tokio::time::timeout_at(next, changed).await),
                None => changed.await,
            }
        }
    }

    /// Whether there is room at this moment: waiting in another line can have used it up.
    pub(super) fn has_room(&self) -> bool {
        let now = Instant::now();
        self.queue.state().next(now).is_some_and(|next| next <= now)
    }

    /// Waits once more.
    pub(super) async fn again(&self) {
        self.room().await;
    }

    /// Takes a place, by which it is given back.
    pub(super) fn take(self) -> u64 {
        let now = Instant::now();
        let mut state = self.queue.state();
        let number = state.next_number;
        state.next_number += 1;
        for log in &mut state.logs {
            log.take(number, now);
        }
        if let Some(left) = &mut state.left_there {
            left.left = left.left.saturating_sub(1);
        }
        if let Some(pace) = &mut state.pace {
            pace.next = now + pace.gap;
        }
        number
    }
}

impl State {
    /// When the next request may leave; none if that depends on an answer that is awaited.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        self.paused_until = self.paused_until.filter(|until| *until > now);
        self.pace = self.pace.filter(|pace| pace.until > now);
        self.left_there = self.left_there.filter(|left| left.until > now);
        let mut next = now;
        for log in &mut self.logs {
            next = next.max(log.next(now)?);
        }
        next = next.max(self.paused_until.unwrap_or(now));
        if let Some(pace) = self.pace {
            next = next.max(pace.next);
        }
        if let Some(there) = self.left_there
            && there.left == 0
        {
            next = next.max(there.until);
        }
        Some(next)
    }

    fn under_way(&self) -> u64 {
        self.logs.first().map_or(0, |log| log.under_way() as u64)
    }
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
