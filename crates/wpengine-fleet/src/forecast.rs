//! The usage at the end of a period, from the days that are known.
//!
//! A flow such as visits is added up: the days of the period that are known, and a forecast of the rest. The forecast knows the
//! day of the week, the level of the last four weeks, and how far single days have been from what was expected of them. It draws the
//! rest of the period many times from those distances; so a few days with many visits widen the band instead of moving it.

use serde::Serialize;
use wpengine::jiff::{Span, civil::Date};

/// The usage at the end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// What was used on the known days of the period.
    pub so_far: f64,
    /// What is expected at the end.
    pub expected: f64,
    /// The end is below this in one case of ten.
    pub low: f64,
    /// The end is above this in one case of ten.
    pub high: f64,
    /// The days of the period with a figure.
    pub known_days: usize,
    /// The days of the period without one, in the future or missing.
    pub open_days: usize,
}

/// The days that the present level is taken from.
const LEVEL: usize = 28;

/// How often the rest of the period is drawn.
const DRAWS: usize = 500;

/// Forecasts the sum of a flow over a period. `days` are all known days in order, also those before the period: thirteen months
/// are best. A day without a figure is left out, and is not 0.
///
/// Returns `None` without any day. A series that is always the same is met exactly.
///
/// ```
/// use wpengine::jiff::civil::date;
/// use wpengine_fleet::forecast;
///
/// let days: Vec<_> = (1..=10).map(|day| (date(2026, 6, day), 100.0)).collect();
/// let end = forecast(&days, (date(2026, 6, 1), date(2026, 6, 30))).ok_or("no days")?;
/// assert_eq!((end.so_far, end.expected, end.low, end.high), (1000.0, 3000.0, 3000.0, 3000.0));
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn forecast(days: &[(Date, f64)], period: (Date, Date)) -> Option<Forecast> {
    let (first, last) = period;
    let is_in = |date: &Date| (first..=last).contains(date);
    let known: Vec<&(Date, f64)> = days.iter().filter(|(date, _)| is_in(date)).collect();
    let so_far: f64 = known.iter().map(|(_, figure)| figure).sum();
    let open: Vec<Date> = first
        .series(Span::new().days(1))
        .take_while(|date| *date <= last)
        .filter(|date| !known.iter().any(|(day, _)| day == date))
        .collect();
    let model = Model::of(days)?;
    let rest = model.draw(&open);
    let quantile = |share: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a position in a list"
        )]
        let position = (share * (rest.len() - 1) as f64).round() as usize;
        so_far + rest[position]
    };
    Some(Forecast {
        so_far,
        expected: so_far + model.expected(&open),
        low: quantile(0.1),
        high: quantile(0.9),
        known_days: known.len(),
        open_days: open.len(),
    })
}

/// What is known of a flow.
struct Model {
    /// The level of the last weeks, without the day of the week.
    level: f64,
    /// How much more each day of the week has than an average one, from Monday.
    week: [f64; 7],
    /// How many times what was expected each day had.
    distances: Vec<f64>,
}

impl Model {
    fn of(days: &[(Date, f64)]) -> Option<Self> {
        let week = week(days);
        let plain: Vec<f64> = days
            .iter()
            .map(|(date, figure)| figure / week[weekday(*date)])
            .collect();
        let level = median(&plain[plain.len().saturating_sub(LEVEL)..])?;
        let distances = plain
            .iter()
            .enumerate()
            .filter_map(|(at, figure)| {
                // The days around, so that growth is no distance.
                let from = at.saturating_sub(LEVEL / 2);
                let to = (at + LEVEL / 2).min(plain.len());
                let around = median(&plain[from..to]).filter(|around| *around > 0.0)?;
                Some(figure / around)
            })
            .collect();
        Some(Self {
            level,
            week,
            distances,
        })
    }

    fn expected(&self, open: &[Date]) -> f64 {
        let days: f64 = open
            .iter()
            .map(|date| self.level * self.week[weekday(*date)])
            .sum();
        let mean = self.distances.iter().sum::<f64>() / self.distances.len().max(1) as f64;
        if self.distances.is_empty() {
            days
        } else {
            days * mean
        }
    }

    /// Sums of the open days, sorted. The draws are the same each time.
    fn draw(&self, open: &[Date]) -> Vec<f64> {
        if self.distances.is_empty() {
            return vec![self.expected(open); DRAWS];
        }
        // The level itself is known from so many days only; a median is 1.25 times less certain than a mean, and the pattern of
        // the week is not certain either.
        let days = self.distances.len().min(LEVEL) as f64;
        let spread = 1.5 * deviation(&self.distances) / days.sqrt();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut sums: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let level = self.level * random.normal().mul_add(spread, 1.0).max(0.0);
                let days = open.iter().map(|date| {
                    let distance = self.distances[random.below(self.distances.len())];
                    level * self.week[weekday(*date)] * distance
                });
                days.sum()
            })
            .collect();
        sums.sort_by(f64::total_cmp);
        sums
    }
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0)
}

/// The pattern of the week: each weekday against the median of the seven days around it. Two weeks are needed for it.
fn week(days: &[(Date, f64)]) -> [f64; 7] {
    let mut ratios: [Vec<f64>; 7] = Default::default();
    for (at, (date, figure)) in days.iter().enumerate() {
        let (Some(from), to) = (at.checked_sub(3), at + 4) else {
            continue;
        };
        if to > days.len() {
            break;
        }
        let around: f64 = days[from..to].iter().map(|(_, figure)| figure).sum::<f64>() / 7.0;
        if around > 0.0 {
            ratios[weekday(*date)].push(figure / around);
        }
    }
    if ratios.iter().any(|ratios| ratios.len() < 2) {
        return [1.0; 7];
    }
    let week = ratios.map(|ratios| median(&ratios).unwrap_or(1.0));
    let mean = week.iter().sum::<f64>() / 7.0;
    if mean > 0.0 && week.iter().all(|share| *share > 0.0) {
        week.map(|share| share / mean)
    } else {
        [1.0; 7]
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The standard deviation without the days that stand out: those are drawn, and say nothing of the level.
fn deviation(values: &[f64]) -> f64 {
    let Some(middle) = median(values) else {
        return 0.0;
    };
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    // For a normal distribution, the median distance is 0.6745 deviations.
    median(&distances).unwrap_or(0.0) / 0.6745
}

/// xorshift64*: the same draws each time, so that a forecast can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u128;
        usize::try_from((u128::from(self.next()) * bound) >> 64).unwrap_or(0)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The sum of twelve draws is nearly normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Returns the first and the last day of the billing period that contains a date, if periods begin on this day of the month. A month
/// without that day begins one on its last day.
///
/// ```
/// use wpengine::jiff::civil::date;
/// use wpengine_fleet::billing_period;
///
/// let period = billing_period(15, date(2026, 3, 2));
/// assert_eq!(period, (date(2026, 2, 15), date(2026, 3, 14)));
/// ```
#[must_use]
pub fn billing_period(day: u8, of: Date) -> (Date, Date) {
    let day = i64::from(day.max(1)) - 1;
    // The beginning in the month of a date.
    let begin = |month: Date| {
        let begin = month.first_of_month().checked_add(Span::new().days(day));
        begin.map_or(Date::MAX, |begin| begin.min(month.last_of_month()))
    };
    let next = |month: Date| month.last_of_month().tomorrow().unwrap_or(Date::MAX);
    let (first, following) = if begin(of) <= of {
        (begin(of), begin(next(of)))
    } else {
        let before = of.first_of_month().yesterday().unwrap_or(Date::MIN);
        (begin(before), begin(of))
    };
    (first, following.yesterday().unwrap_or(Date::MAX))
}

#[cfg(test)]
mod tests {
    /// Periods follow one another without a gap, whatever day they begin on.
    #[test]
    fn every_day_is_in_one_billing_period() {
        use super::billing_period;
        use wpengine::jiff::civil::date;

        for day in [0, 1, 15, 28, 29, 30, 31, 99] {
            let mut today = date(2026, 1, 1);
            let mut period = billing_period(day, today);
            while today < date(2028, 4, 1) {
                let (first, last) = billing_period(day, today);
                assert!(
                    first <= today && today <= last,
                    "{day} {today} {first} {last}"
                );
                if today > period.1 {
                    assert_eq!(first, period.1.tomorrow().unwrap(), "{day}");
                    period = (first, last);
                }
                assert_eq!((first, last), period, "{day} {today}");
                today = today.tomorrow().unwrap();
            }
        }
    }

    use wpengine::jiff::{Span, civil::date};

    use super::*;

    /// The noise of the simulated service: a weekly pattern, 15 % up and down, and a spike about every two months.
    const WEEK: [f64; 7] = [1.1, 1.15, 1.15, 1.1, 1.0, 0.75, 0.75];

    fn day(random: &mut Random, weekday: usize) -> f64 {
        let spike = if random.below(60) == 0 {
            random.unit().mul_add(2.0, 2.0)
        } else {
            1.0
        };
        WEEK[weekday] * random.unit().mul_add(0.3, 0.85) * spike
    }

    /// The width of the band of one who knows the noise.
    fn ideal(open: &[Date]) -> f64 {
        let mut random = Random(77);
        let mut sums: Vec<f64> = (0..1_000)
            .map(|_| {
                open.iter()
                    .map(|date| day(&mut random, weekday(*date)))
                    .sum()
            })
            .collect();
        sums.sort_by(f64::total_cmp);
        sums[900] - sums[100]
    }

    #[test]
    fn the_band_holds_the_truth_as_often_as_it_says_and_is_not_wide() {
        let (mut inside, mut all) = (0_u32, 0_u32);
        let (mut ours, mut theirs) = (0.0, 0.0);
        for seed in 1..=200_u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let first = date(2026, 1 + i8::try_from(seed % 12).unwrap(), 1);
            let last = first.last_of_month();
            let begin = first.checked_sub(Span::new().days(365)).unwrap();
            let series: Vec<(Date, f64)> = begin
                .series(Span::new().days(1))
                .take_while(|date| *date <= last)
                .map(|date| (date, 1_000.0 * day(&mut random, weekday(date))))
                .collect();
            let truth: f64 = series
                .iter()
                .filter(|(date, _)| *date >= first)
                .map(|(_, figure)| figure)
                .sum();
            for today in 5..last.day() {
                let known: Vec<_> = series
                    .iter()
                    .copied()
                    .filter(|(date, _)| *date < first || date.day() <= today)
                    .collect();
                let end = forecast(&known, (first, last)).unwrap();
                all += 1;
                inside += u32::from((end.low..=end.high).contains(&truth));
                if today % 5 == 0 {
                    let open: Vec<Date> = (today + 1..=last.day())
                        .map(|day| date(first.year(), first.month(), day))
                        .collect();
                    ours += end.high - end.low;
                    theirs += 1_000.0 * ideal(&open);
                }
            }
        }
        let share = f64::from(inside) / f64::from(all);
        let width = ours / theirs;
        println!(
            "{:.1} % of {all} days inside the band, {width:.2} times the ideal width",
            share * 100.0
        );
        assert!((0.75..=0.90).contains(&share), "{share}");
        assert!(width <= 1.3, "{width}");
    }

    #[test]
    fn a_series_that_is_always_the_same_is_met_exactly() {
        for length in [1, 3, 20, 400] {
            let last = date(2026, 6, 10);
            let first = last.checked_sub(Span::new().days(length - 1)).unwrap();
            let days: Vec<_> = first
                .series(Span::new().days(1))
                .take_while(|date| *date <= last)
                .map(|date| (date, 7.0))
                .collect();
            let end = forecast(&days, (date(2026, 6, 1), date(2026, 6, 30))).unwrap();
            let known = f64::from(u32::try_from(length.min(10)).unwrap());
            let total = 7.0 * (known + f64::from(u32::try_from(end.open_days).unwrap()));
            for figure in [end.expected, end.low, end.high] {
                assert!((figure - total).abs() < 1e-6, "{length}: {end:?}");
            }
        }
    }

    #[test]
    fn days_without_a_figure_are_not_zero() {
        let days: Vec<_> = (1..=20)
            .filter(|day| *day != 7)
            .map(|day| (date(2026, 6, day), 10.0))
            .collect();
        let end = forecast(&days, (date(2026, 6, 1), date(2026, 6, 30))).unwrap();
        assert_eq!((end.known_days, end.open_days), (19, 11));
        assert!((end.expected - 300.0).abs() < 1e-6, "{end:?}");
        assert!(forecast(&[], (date(2026, 6, 1), date(2026, 6, 30))).is_none());
    }
}
