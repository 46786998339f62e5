//! How one request gets its place: in line here, then by one step in Redis, or without it if that is configured.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    line::Line,
    memory::{Outage, Why},
    settings::WhenDown,
    share,
    shared::{Said, Shared},
};
use crate::limits::{LimitKey, Permit};

/// The longest time without asking again: what others give back makes room earlier than was said.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// What became of one question.
enum Step {
    Taken(Permit),
    Full { wait: Duration, of_account: bool },
    Again,
}

pub(super) async fn acquire(shared: &Arc<Shared>, key: &LimitKey) -> Result<Permit, Unusable> {
    shared.keep();
    let lines = shared.lines_of(key);
    let _waiting = lines.each_ref().map(|line| line.waits());
    // Always in this order, so that two never wait for each other; and whoever waits for an account that is full keeps
    // nobody of another account waiting.
    let _of_account = lines[0].front().await;
    loop {
        let of_credentials = lines[1].front().await;
        let wait = loop {
            match step(shared, &lines).await? {
                Step::Taken(permit) => return Ok(permit),
                Step::Again => {}
                Step::Full {
                    wait,
                    of_account: true,
                } => break wait,
                Step::Full { wait, .. } => sleep(wait.min(LONGEST_SLEEP)).await,
            }
        };
        drop(of_credentials);
        sleep(wait.min(LONGEST_SLEEP)).await;
    }
}

async fn step(shared: &Arc<Shared>, lines: &[Arc<Line>; 2]) -> Result<Step, Unusable> {
    let now = Instant::now();
    for (line, of_account) in [(&lines[0], true), (&lines[1], false)] {
        if let Some(wait) = line.pause_left(now) {
            return Ok(Step::Full { wait, of_account });
        }
    }
    let outage = shared.memory().outage.clone();
    if let Some(outage) = outage {
        return without(shared, lines, &outage).await;
    }
    let claim = Claim::new(shared, lines);
    let asked = Instant::now();
    let said = shared.ask([&lines[0], &lines[1]], &claim.place).await;
    match said {
        // This process stood still, and meanwhile the place may be free again: the claim gives it back.
        Ok(Said::Taken) if asked.elapsed() > shared.settings.longest_on_the_way() => {
            Ok(Step::Again)
        }
        Ok(Said::Taken) => Ok(Step::Taken(claim.permit(asked, true))),
        Ok(Said::Full { wait, of_account }) => {
            claim.nothing();
            Ok(Step::Full { wait, of_account })
        }
        Ok(Said::Publish) => {
            claim.nothing();
            if let Err(why) = shared.publish(true).await {
                shared.trouble(Why::Down(Arc::new(why)));
            }
            Ok(Step::Again)
        }
        Ok(Said::Blind(wait)) => {
            claim.nothing();
            shared.trouble(Why::Blind(wait));
            Ok(Step::Again)
        }
        Err(why) => {
            // Whether it was taken is not known: the claim gives it back.
            shared.failed(Why::Down(Arc::new(why)));
            Ok(Step::Again)
        }
    }
}

/// Redis cannot be used now. The keeper looks after that; here is decided what the request does meanwhile.
async fn without(
    shared: &Arc<Shared>,
    lines: &[Arc<Line>; 2],
    outage: &Outage,
) -> Result<Step, Unusable> {
    let beat = shared.settings.beat();
    match shared.settings.when_down {
        WhenDown::Stop => {
            if shared.is_neglected() {
                shared.beat().await;
                return Ok(Step::Again);
            }
            let left = shared
                .settings
                .patience
                .checked_sub(outage.since.elapsed())
                .filter(|left| !left.is_zero())
                .ok_or_else(|| Unusable::new(shared, outage))?;
            // A process without places is not looked after by its keeper, and asks itself.
            sleep(left.min(beat)).await;
            Ok(Step::Again)
        }
        WhenDown::Share(parts) => {
            let now = Instant::now();
            let lines_here = [lines[0].as_ref(), lines[1].as_ref()];
            let next = share::next(&shared.settings, lines_here, parts, outage.since, now);
            if next > now {
                sleep((next - now).min(beat)).await;
                return Ok(Step::Again);
            }
            let claim = Claim::new(shared, lines);
            let permit = {
                // Not after Redis was found again: it would be asked next without knowing of this place.
                let memory = shared.memory();
                if memory.outage.is_none() {
                    drop(memory);
                    claim.nothing();
                    return Ok(Step::Again);
                }
                claim.permit(now, false)
            };
            if matches!(outage.why, Why::Blind(_)) {
                // Redis is there: it has to hear of the place before anything leaves, so that nobody else gets it.
                match shared.publish(true).await {
                    Ok(Said::Blind(_)) | Err(_) => {}
                    Ok(_) => {
                        permit.not_sent();
                        return Ok(Step::Again);
                    }
                }
            }
            Ok(Step::Taken(permit))
        }
    }
}

/// Why nothing leaves now, if that is so whatever the windows hold.
pub(super) fn trouble(shared: &Shared) -> Option<String> {
    let outage = shared.memory().outage.clone()?;
    (shared.settings.when_down == WhenDown::Stop)
        .then(|| Unusable::new(shared, &outage).to_string())
}

/// A place that was asked for. Dropped before the answer is there, it is given back: nobody knows whether it was taken.
struct Claim<'a> {
    shared: &'a Arc<Shared>,
    lines: &'a [Arc<Line>; 2],
    place: String,
    open: bool,
}

impl<'a> Claim<'a> {
    fn new(shared: &'a Arc<Shared>, lines: &'a [Arc<Line>; 2]) -> Self {
        Self {
            shared,
            lines,
            place: shared.place(),
            open: true,
        }
    }

    /// It was not taken.
    fn nothing(mut self) {
        self.open = false;
    }

    /// It was taken, by Redis or without it.
    fn permit(mut self, asked: Instant, by_redis: bool) -> Permit {
        self.open = false;
        for line in self.lines {
            line.state().places.hold(&self.place, asked, by_redis);
        }
        let (shared, lines) = (Arc::clone(self.shared), self.lines.clone());
        let place = std::mem::take(&mut self.place);
        if shared.keeper_sleeps.load(Ordering::Relaxed) {
            shared.news.notify_one();
        }
        Permit::new(move |sent| {
            let now = Instant::now();
            for line in &lines {
                let places = &mut line.state().places;
                if sent {
                    places.arrived(&place, shared.settings.margin, now);
                } else {
                    places.give_back(&place);
                }
            }
            if !sent {
                shared.news.notify_one();
            }
        })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.open {
            for line in self.lines {
                line.state().places.give_back(&self.place);
            }
            self.shared.news.notify_one();
        }
    }
}

/// Redis cannot be used, and for longer than a request waits for it.
#[derive(Debug)]
pub(super) struct Unusable {
    address: String,
    since: Duration,
    why: Why,
    /// Where an operator says that nothing was lost.
    meta: String,
}

impl Unusable {
    fn new(shared: &Shared, outage: &Outage) -> Self {
        Self {
            address: shared.link.address(),
            since: outage.since.elapsed(),
            why: outage.why.clone(),
            meta: shared.meta_key(),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Redis at {} cannot be used for {:.1} s now: {}",
            self.address,
            self.since.as_secs_f64(),
            self.why
        )?;
        if matches!(self.why, Why::Blind(_)) {
            write!(
                f,
                "; if nothing was sent before, `redis-cli HSET '{}' trust 1` ends it",
                self.meta
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Unusable {}
