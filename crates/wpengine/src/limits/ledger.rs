//! Which requests were sent, and when the next one may be: bookkeeping without a clock, shared by
//! [`Windows`](super::Windows) and [`FileWindows`](super::FileWindows).
//!
//! Every request belongs to two queues: that of its user, and that of its account if the account is known. A queue has
//! windows, and a request may be sent when every window of its queues has room. Until then it waits and holds a turn. A
//! turn has a number, which sets the order of the requests, and the time at which the request will probably be sent.
//! Later requests count it as sent at that time. If it is not sent within a margin after its time, for instance because
//! nobody polls it, it loses its turn and others pass.
//!
//! A request reaches the service some time after it was sent, and nobody knows exactly when. So it counts for the
//! period of the window from the later of two times: its start plus the margin, and the end of its response. Then no
//! window of the service, fixed or sliding, sees more requests than its limit.
//!
//! All times are milliseconds since an instant of the caller's choice.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{LimitKey, Observation, Window, WindowState, window::LONGEST};

/// A request without a response counts as arrived after this time, so that its place is freed in the end.
const LONGEST_UNDER_WAY: u64 = 60_000;

/// The longest pause after a 429: the longest documented window.
const LONGEST_PAUSE: u64 = 3_600_000;

/// The pause after a 429 without a `Retry-After`, if none of our windows is full enough to explain it.
const UNKNOWN_PAUSE: u64 = 60_000;

/// How many requests are sent one by one after a pause, so that the waiting requests are not all sent at once.
const PACED: u64 = 20;

/// Idle queues are dropped only if there are this many queues.
const MANY_QUEUES: usize = 256;

/// The windows of each kind of queue.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) per_credentials: Vec<Window>,
    pub(super) per_account: Vec<Window>,
    pub(super) margin: Duration,
    /// Whether the end of a response counts. If not, a request counts as arrived when the margin is over.
    pub(super) awaits_answers: bool,
}

/// The queues and their requests.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    queues: HashMap<String, Queue>,
    /// The number of the last request.
    last: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Queue {
    /// The requests that were sent, oldest first.
    sent: Vec<Sent>,
    /// The requests that wait, in the order in which they asked.
    turns: Vec<Turn>,
    /// No request may be sent before this time.
    paused_until: u64,
    /// The time between two requests after a pause, and until when it applies.
    pace: Option<(u64, u64)>,
    /// The number of requests that the service has left, and until when it is valid.
    remaining: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sent {
    number: u64,
    start: u64,
    /// When the response had arrived.
    arrived: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Turn {
    number: u64,
    /// Whether the request belongs to a background client. It then comes after all others.
    yields: bool,
    due: u64,
}

/// The reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The request may be sent. `sooner` if this is earlier than the requests behind it expected.
    Leave { number: u64, sooner: bool },
    /// The request has this turn, and asks again at `due`.
    Wait { number: u64, due: u64 },
}

impl Ledger {
    /// Asks for a request to be sent. A request that has a turn keeps it.
    pub(super) fn ask(
        &mut self,
        rules: &Rules,
        key: &LimitKey,
        turn: Option<u64>,
        now: u64,
    ) -> Reply {
        self.drop_idle_queues(rules, key, now);
        let (mut known, mut expected) = (None, now);
        for (name, windows) in queues(rules, key) {
            let queue = self.queues.entry(name).or_default();
            queue.tidy(rules, windows, now);
            if let Some(turn) = queue.turns.iter().find(|known| Some(known.number) == turn) {
                (known, expected) = (Some(turn.number), expected.max(turn.due));
            }
        }
        // A request that has lost its turn gets a new one.
        let number = known.unwrap_or(self.last + 1);
        self.last = self.last.max(number);
        let due = self.due(rules, key, number, now);
        for (queue, _) in queues(rules, key) {
            let queue = self.queues.entry(queue).or_default();
            if due > now {
                queue.wait(number, key.leave_free > 0, due);
            } else {
                queue.leave(number, now, rules.awaits_answers);
            }
        }
        if due > now {
            Reply::Wait { number, due }
        } else {
            Reply::Leave {
                number,
                sooner: now < expected,
            }
        }
    }

    /// Counts a request that is sent without asking.
    pub(super) fn count(&mut self, rules: &Rules, key: &LimitKey, now: u64) {
        self.last += 1;
        for (name, windows) in queues(rules, key) {
            let queue = self.queues.entry(name).or_default();
            queue.tidy(rules, windows, now);
            queue.leave(self.last, now, rules.awaits_answers);
        }
    }

    /// Returns when a request may be sent. A later time in one queue may have no room in the other, so this repeats
    /// until all queues agree.
    fn due(&self, rules: &Rules, key: &LimitKey, number: u64, now: u64) -> u64 {
        let mut due = now;
        loop {
            let mut latest = due;
            for (name, windows) in queues(rules, key) {
                if let Some(queue) = self.queues.get(&name) {
                    latest =
                        latest.max(queue.due(rules, windows, key.leave_free, number, due, now));
                }
            }
            if latest == due {
                return due;
            }
            due = latest;
        }
    }

    /// Gives up the turn of a request.
    pub(super) fn give_up(&mut self, rules: &Rules, key: &LimitKey, number: u64) {
        for (name, _) in queues(rules, key) {
            if let Some(queue) = self.queues.get_mut(&name) {
                queue.turns.retain(|turn| turn.number != number);
            }
        }
    }

    /// Records that the response of a request has arrived, or that the request was not sent.
    pub(super) fn returned(
        &mut self,
        rules: &Rules,
        key: &LimitKey,
        number: u64,
        sent: bool,
        now: u64,
    ) {
        for (name, _) in queues(rules, key) {
            let Some(queue) = self.queues.get_mut(&name) else {
                continue;
            };
            if !sent {
                queue.sent.retain(|one| one.number != number);
                if let Some((remaining, _)) = &mut queue.remaining {
                    *remaining += 1;
                }
            } else if rules.awaits_answers
                // Searches from the end, because most finished requests were started recently.
                && let Some(one) = queue.sent.iter_mut().rfind(|one| one.number == number)
            {
                one.arrived = Some(now);
            }
        }
    }

    /// Returns the first request of each queue that is not due yet: it may be sent earlier than expected.
    pub(super) fn next(&self, rules: &Rules, key: &LimitKey, now: u64) -> Vec<u64> {
        let next = queues(rules, key).into_iter().filter_map(|(name, _)| {
            let turns = &self.queues.get(&name)?.turns;
            turns.iter().find(|turn| turn.due > now)
        });
        next.map(|turn| turn.number).collect()
    }

    pub(super) fn observe(
        &mut self,
        rules: &Rules,
        key: &LimitKey,
        answer: &Observation<'_>,
        now: u64,
    ) {
        self.drop_idle_queues(rules, key, now);
        // No documented window is longer, so a longer time does not describe a rate limit.
        let told = answer
            .retry_after()
            .map(millis)
            .filter(|told| *told <= LONGEST_PAUSE);
        // Without a `Retry-After`, assume that the fullest window was hit, if one is at least half full.
        let hit = self
            .fullest(rules, key, now)
            .filter(|_| answer.refused && told.is_none());
        for (name, windows) in queues(rules, key) {
            let queue = self.queues.entry(name.clone()).or_default();
            queue.learn_remaining(windows, answer, now);
            if !answer.refused || now < queue.paused_until {
                continue;
            }
            let pause = match (&hit, told) {
                (_, Some(told)) => told,
                (Some((full, wait)), None) if *full == name => *wait,
                (Some(_), None) => continue,
                (None, None) => UNKNOWN_PAUSE.min(longest(windows)),
            };
            queue.pause(windows, pause, now);
        }
    }

    /// Returns the queue with the fullest window, if that is at least half full, and the time until it has room again.
    fn fullest(&self, rules: &Rules, key: &LimitKey, now: u64) -> Option<(String, u64)> {
        let mut fullest = None;
        let mut most = 50;
        for (name, windows) in queues(rules, key) {
            let Some(queue) = self.queues.get(&name) else {
                continue;
            };
            for window in windows {
                let ends = queue.ends(rules, window, now);
                let percent = ends.len() * 100 / window.limit();
                if percent >= most {
                    most = percent;
                    let free = ends.iter().min().copied().unwrap_or(now);
                    fullest = Some((name.clone(), free.saturating_sub(now).max(1_000)));
                }
            }
        }
        fullest
    }

    pub(super) fn state(&self, rules: &Rules, key: &LimitKey, now: u64) -> Vec<WindowState> {
        let mut states = Vec::new();
        for (name, windows) in queues(rules, key) {
            let queue = self.queues.get(&name);
            states.extend(windows.iter().map(|window| {
                let limit = window.limit_leaving(key.leave_free);
                let Some(queue) = queue else {
                    return WindowState::new(*window, limit);
                };
                let mut taken = queue.ends(rules, window, now).len();
                taken += queue.turns.iter().filter(|turn| turn.due <= now).count();
                let paused = queue.paused_until.saturating_sub(now);
                WindowState {
                    window: *window,
                    left: if paused > 0 {
                        0
                    } else {
                        limit.saturating_sub(taken)
                    },
                    waiting: queue.turns.len(),
                    paused_for: (paused > 0).then(|| Duration::from_millis(paused)),
                }
            }));
        }
        states
    }

    /// Drops the queues without content, when a new queue is added to many.
    fn drop_idle_queues(&mut self, rules: &Rules, key: &LimitKey, now: u64) {
        let mut queues = queues(rules, key).into_iter();
        if self.queues.len() < MANY_QUEUES
            || queues.all(|(name, _)| self.queues.contains_key(&name))
        {
            return;
        }
        self.queues.retain(|name, queue| {
            queue.tidy(rules, windows_of(rules, name), now);
            !queue.sent.is_empty() || !queue.turns.is_empty() || queue.paused_until > now
        });
    }

    /// Limits times that are later than now. They occur if the clock was set back after they were written.
    pub(super) fn not_after(&mut self, now: u64) {
        for queue in self.queues.values_mut() {
            for one in &mut queue.sent {
                one.start = one.start.min(now);
                one.arrived = one.arrived.map(|arrived| arrived.min(now));
            }
            queue.paused_until = queue.paused_until.min(now.saturating_add(LONGEST_PAUSE));
        }
    }
}

impl Queue {
    /// Removes requests that no window counts any more, and turns that were not used.
    fn tidy(&mut self, rules: &Rules, windows: &[Window], now: u64) {
        let margin = millis(rules.margin);
        self.turns.retain(|turn| turn.due + margin >= now);
        let longest = longest(windows);
        let is_over = |one: &Sent| end_of(one, rules, now, longest) <= now;
        if self.sent.first().is_some_and(is_over) {
            self.sent.retain(|one| !is_over(one));
        }
        self.pace = self.pace.filter(|(_, until)| *until > now);
        self.remaining = self.remaining.filter(|(_, until)| *until > now);
    }

    /// Returns when each of the requests that a window counts now stops counting.
    fn ends(&self, rules: &Rules, window: &Window, now: u64) -> Vec<u64> {
        let period = millis(window.period());
        let ends = self.sent.iter().map(|one| end_of(one, rules, now, period));
        ends.filter(|end| *end > now).collect()
    }

    /// Returns when a request may be sent according to this queue alone, at `from` or later.
    fn due(
        &self,
        rules: &Rules,
        windows: &[Window],
        leave_free: u8,
        number: u64,
        from: u64,
        now: u64,
    ) -> u64 {
        let ahead: Vec<u64> = self
            .turns
            .iter()
            .filter(|turn| (turn.yields, turn.number) < (leave_free > 0, number))
            .map(|turn| turn.due)
            .collect();
        let mut due = from.max(self.paused_until);
        if let Some((gap, until)) = self.pace
            && due < until
        {
            let last = self.sent.last().map(|one| one.start);
            let before = ahead.iter().copied().filter(|ahead| *ahead < until);
            if let Some(last) = last.into_iter().chain(before).max() {
                due = due.max(last.saturating_add(gap));
            }
        }
        if let Some((remaining, until)) = self.remaining
            && due < until
            && ahead.len() as u64 >= remaining
        {
            due = until;
        }
        let margin = millis(rules.margin);
        for window in windows {
            let limit = window.limit_leaving(leave_free);
            // Fast path: most windows are far from full.
            if self.sent.len() + ahead.len() < limit {
                continue;
            }
            let period = millis(window.period());
            let mut spans: Vec<(u64, u64)> = self
                .ends(rules, window, now)
                .into_iter()
                .map(|end| (now, end))
                .chain(
                    ahead
                        .iter()
                        .map(|start| (*start, start.saturating_add(margin + period))),
                )
                .collect();
            spans.sort_unstable_by_key(|(_, end)| *end);
            due = first_room(&spans, limit, due);
        }
        due
    }

    fn wait(&mut self, number: u64, yields: bool, due: u64) {
        match self.turns.iter_mut().find(|turn| turn.number == number) {
            Some(turn) => turn.due = due,
            None => self.turns.push(Turn {
                number,
                yields,
                due,
            }),
        }
    }

    fn leave(&mut self, number: u64, now: u64, awaits_answer: bool) {
        self.turns.retain(|turn| turn.number != number);
        self.sent.push(Sent {
            number,
            start: now,
            arrived: (!awaits_answer).then_some(now),
        });
        if let Some((remaining, _)) = &mut self.remaining {
            *remaining = remaining.saturating_sub(1);
        }
    }

    fn pause(&mut self, windows: &[Window], pause: u64, now: u64) {
        self.paused_until = now.saturating_add(pause.min(LONGEST_PAUSE));
        let gap = windows
            .iter()
            .map(|window| millis(window.period()) / window.limit() as u64)
            .max();
        self.pace = gap.map(|gap| (gap, self.paused_until.saturating_add(gap * PACED)));
    }

    fn learn_remaining(&mut self, windows: &[Window], answer: &Observation<'_>, now: u64) {
        let Some(told) = answer.remaining() else {
            return;
        };
        // A limit of another size is not one of this queue.
        let is_ours = told.limit.is_none_or(|limit| {
            windows
                .iter()
                .any(|window| u64::try_from(window.limit()) == Ok(limit))
        });
        if is_ours {
            let until = now.saturating_add(millis(told.reset_after).min(LONGEST_PAUSE));
            self.remaining = Some((told.remaining, until));
        }
    }
}

/// Returns the first time, from `from` on, at which fewer than `limit` spans are active. The spans are sorted by their
/// ends.
fn first_room(spans: &[(u64, u64)], limit: usize, from: u64) -> u64 {
    let mut at = from;
    let mut ended = 0;
    loop {
        while ended < spans.len() && spans[ended].1 <= at {
            ended += 1;
        }
        let holding = spans[ended..].iter().filter(|(start, _)| *start <= at);
        if holding.count() < limit {
            return at;
        }
        at = spans[ended].1;
    }
}

/// Returns when a request stops counting in a window. A request without a response is assumed to arrive now. Its end
/// therefore moves, and a request that waits for it asks again at that time.
fn end_of(one: &Sent, rules: &Rules, now: u64, period: u64) -> u64 {
    let latest = one.start.saturating_add(LONGEST_UNDER_WAY);
    let arrived = one.arrived.unwrap_or(now.min(latest));
    let sent = one.start.saturating_add(millis(rules.margin));
    arrived.max(sent).saturating_add(period)
}

const ACCOUNT: &str = "account ";
const USER: &str = "user ";

fn windows_of<'a>(rules: &'a Rules, queue: &str) -> &'a [Window] {
    if queue.starts_with(ACCOUNT) {
        &rules.per_account
    } else {
        &rules.per_credentials
    }
}

/// Returns the queues of a request, each with its windows; the queue of the account comes first.
fn queues<'a>(rules: &'a Rules, key: &LimitKey) -> Vec<(String, &'a [Window])> {
    let mut queues = Vec::with_capacity(2);
    if let Some(account) = &key.account {
        queues.push((format!("{ACCOUNT}{account}"), rules.per_account.as_slice()));
    }
    let user = format!("{USER}{:016x}", key.credentials);
    queues.push((user, rules.per_credentials.as_slice()));
    queues
}

fn longest(windows: &[Window]) -> u64 {
    let periods = windows.iter().map(|window| millis(window.period()));
    periods.max().unwrap_or(UNKNOWN_PAUSE)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.min(LONGEST).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rules(limit: usize) -> Rules {
        Rules {
            per_credentials: vec![Window::new(limit, MINUTE)],
            per_account: vec![Window::new(1, 60 * MINUTE)],
            margin: Duration::from_secs(1),
            awaits_answers: true,
        }
    }

    fn key() -> LimitKey {
        LimitKey::new(1)
    }

    fn leave(ledger: &mut Ledger, rules: &Rules, key: &LimitKey, now: u64) -> u64 {
        match ledger.ask(rules, key, None, now) {
            Reply::Leave { number, .. } => number,
            other => panic!("{other:?}"),
        }
    }

    fn wait(ledger: &mut Ledger, rules: &Rules, key: &LimitKey, now: u64) -> (u64, u64) {
        match ledger.ask(rules, key, None, now) {
            Reply::Wait { number, due } => (number, due),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_place_is_free_a_period_after_the_request_can_have_arrived() {
        let (mut ledger, rules) = (Ledger::default(), rules(1));
        let number = leave(&mut ledger, &rules, &key(), 0);
        ledger.returned(&rules, &key(), number, true, 100);
        let (turn, due) = wait(&mut ledger, &rules, &key(), 200);
        assert_eq!(due, 61_000);
        assert!(matches!(
            ledger.ask(&rules, &key(), Some(turn), due),
            Reply::Leave { .. }
        ));
    }

    #[test]
    fn a_slow_answer_holds_its_place_longer_but_not_for_ever() {
        let (mut ledger, rules) = (Ledger::default(), rules(1));
        leave(&mut ledger, &rules, &key(), 0);
        let (turn, due) = wait(&mut ledger, &rules, &key(), 20_000);
        assert_eq!(due, 80_000, "it may arrive now");
        let told = ledger.ask(&rules, &key(), Some(turn), 80_000);
        let Reply::Wait { due, .. } = told else {
            panic!("{told:?}");
        };
        assert_eq!(due, 120_000, "it arrived within a minute, or never");
    }

    #[test]
    fn later_turns_expect_earlier_ones_to_leave() {
        let (mut ledger, rules) = (Ledger::default(), rules(2));
        for _ in 0..2 {
            let number = leave(&mut ledger, &rules, &key(), 0);
            ledger.returned(&rules, &key(), number, true, 0);
        }
        let dues: Vec<u64> = (0..6)
            .map(|_| wait(&mut ledger, &rules, &key(), 10).1)
            .collect();
        assert_eq!(dues, [61_000, 61_000, 122_000, 122_000, 183_000, 183_000]);
    }

    #[test]
    fn a_turn_that_is_not_used_is_passed_a_margin_after_its_time() {
        let (mut ledger, rules) = (Ledger::default(), rules(1));
        let number = leave(&mut ledger, &rules, &key(), 0);
        ledger.returned(&rules, &key(), number, true, 0);
        let (stalled, due) = wait(&mut ledger, &rules, &key(), 1);
        let (turn, _) = wait(&mut ledger, &rules, &key(), 2);
        assert_eq!(due, 61_000);
        let told = ledger.ask(&rules, &key(), Some(turn), 61_500);
        assert!(matches!(told, Reply::Wait { .. }), "{told:?}");
        let told = ledger.ask(&rules, &key(), Some(turn), 62_001);
        assert!(matches!(told, Reply::Leave { .. }), "{told:?}");
        let told = ledger.ask(&rules, &key(), Some(stalled), 62_002);
        assert!(matches!(told, Reply::Wait { .. }), "{told:?}");
    }

    #[test]
    fn what_was_not_sent_and_a_turn_that_is_given_up_leave_room() {
        let (mut ledger, rules) = (Ledger::default(), rules(1));
        let number = leave(&mut ledger, &rules, &key(), 0);
        let (first, _) = wait(&mut ledger, &rules, &key(), 1);
        let (second, due) = wait(&mut ledger, &rules, &key(), 2);
        assert!(due > 61_000);
        ledger.returned(&rules, &key(), number, false, 3);
        assert_eq!(ledger.next(&rules, &key(), 3), [first]);
        ledger.give_up(&rules, &key(), first);
        assert_eq!(ledger.next(&rules, &key(), 3), [second]);
        assert_eq!(
            ledger.ask(&rules, &key(), Some(second), 4),
            Reply::Leave {
                number: second,
                sooner: true
            }
        );
    }

    #[test]
    fn an_account_that_is_full_holds_up_no_other() {
        let (mut ledger, rules) = (Ledger::default(), rules(100));
        let a = key().account("a");
        leave(&mut ledger, &rules, &a, 0);
        let (_, due) = wait(&mut ledger, &rules, &a, 1);
        assert_eq!(due, 3_601_000);
        for _ in 0..98 {
            leave(&mut ledger, &rules, &key(), 2);
        }
        leave(&mut ledger, &rules, &key().account("b"), 3);
    }

    #[test]
    fn background_work_leaves_a_share_and_comes_last() {
        let (mut ledger, rules) = (Ledger::default(), rules(10));
        let background = key().leave_free(20);
        for _ in 0..8 {
            leave(&mut ledger, &rules, &background, 0);
        }
        wait(&mut ledger, &rules, &background, 1);
        for _ in 0..2 {
            leave(&mut ledger, &rules, &key(), 2);
        }
        // The background request asked earlier, but leaves last.
        let (_, later) = wait(&mut ledger, &rules, &background, 3);
        let (_, sooner) = wait(&mut ledger, &rules, &key(), 4);
        assert!(sooner <= later, "{sooner} {later}");
    }

    #[test]
    fn a_429_without_a_time_pauses_for_the_fuller_window() {
        let headers = HeaderMap::new();
        let refused = Observation::new(true, &headers);
        let paused = |ledger: &Ledger, rules: &Rules, key: &LimitKey, now| {
            let states = ledger.state(rules, key, now);
            let paused = states.iter().map(|state| state.paused_for);
            paused
                .map(|pause| pause.map_or(0, |pause| pause.as_millis()))
                .collect::<Vec<_>>()
        };
        let rules = rules(4);
        // The minute of the user is half full.
        let mut ledger = Ledger::default();
        for _ in 0..2 {
            let number = leave(&mut ledger, &rules, &key(), 0);
            ledger.returned(&rules, &key(), number, true, 0);
        }
        ledger.observe(&rules, &key().account("a"), &refused, 10_000);
        assert_eq!(
            paused(&ledger, &rules, &key().account("a"), 10_000),
            [0, 51_000]
        );
        // The hour of the account is full.
        let mut ledger = Ledger::default();
        let number = leave(&mut ledger, &rules, &key().account("a"), 0);
        ledger.returned(&rules, &key().account("a"), number, true, 0);
        ledger.observe(&rules, &key().account("a"), &refused, 1_000);
        assert_eq!(
            paused(&ledger, &rules, &key().account("a"), 1_000),
            [3_600_000, 0]
        );
        // Nothing explains it.
        let mut ledger = Ledger::default();
        ledger.observe(&rules, &key().account("a"), &refused, 0);
        assert_eq!(
            paused(&ledger, &rules, &key().account("a"), 0),
            [60_000, 60_000]
        );
        // While it is paused, a further 429 changes nothing.
        ledger.observe(&rules, &key().account("a"), &refused, 30_000);
        assert_eq!(
            paused(&ledger, &rules, &key().account("a"), 30_000),
            [30_000, 30_000]
        );
    }

    #[test]
    fn after_a_pause_requests_leave_one_by_one() {
        let (mut ledger, rules) = (Ledger::default(), rules(60));
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("30"))]);
        ledger.observe(&rules, &key(), &Observation::new(true, &headers), 0);
        let dues: Vec<u64> = (0..4)
            .map(|_| wait(&mut ledger, &rules, &key(), 1).1)
            .collect();
        assert_eq!(dues, [30_000, 31_000, 32_000, 33_000]);
    }

    #[test]
    fn lines_without_requests_are_dropped() {
        let (mut ledger, rules) = (Ledger::default(), rules(1));
        for user in 0..10_000 {
            let number = leave(&mut ledger, &rules, &LimitKey::new(user), user * 1_000);
            ledger.returned(&rules, &LimitKey::new(user), number, true, user * 1_000);
        }
        assert!(ledger.queues.len() <= 4_000, "{}", ledger.queues.len());
    }
}
