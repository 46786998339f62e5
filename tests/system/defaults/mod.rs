//! What limits whoever waits, as a snapshot. The limits are the ones that hold: they are read from the library, most of them
//! by waiting in virtual time.

mod values;

use std::time::Duration;

use wpengine::RetryPolicy;

use values::Values;

use crate::support::clients;

#[tokio::test(start_paused = true)]
async fn the_defaults_are_the_ones_of_the_snapshot() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let told = Values::read().await.to_string();
    settings.bind(|| insta::assert_snapshot!("defaults", told));
}

#[test]
fn a_built_client_says_what_limits_it() {
    let second = Duration::from_secs(1);
    let builder = clients::at(clients::BASE_URL)
        .connect_timeout(second)
        .attempt_timeout(2 * second)
        .total_timeout(3 * second)
        .max_rate_limit_wait(4 * second)
        .retry(
            RetryPolicy::default()
                .max_attempts(5)
                .first_wait(6 * second)
                .longest_wait(7 * second)
                .longest_retry_after(8 * second),
        )
        .retry_budget(9)
        .pool_idle_timeout(10 * second)
        .max_response_size(11);
    let set = builder.limits();
    let limits = builder.build().expect("a client").limits();
    assert_eq!(limits, set);
    let told = (
        [
            limits.connect_timeout,
            limits.attempt_timeout,
            limits.total_timeout,
            limits.max_rate_limit_wait,
            limits.first_wait,
            limits.longest_wait,
            limits.longest_retry_after,
            limits.pool_idle_timeout,
        ]
        .map(|time| time.as_secs()),
        limits.max_attempts,
        limits.retry_budget,
        limits.max_response_size,
    );
    assert_eq!(told, ([1, 2, 3, 4, 6, 7, 8, 10], 5, 9, 11));
}
