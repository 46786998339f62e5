//! What holds while Redis does not do its work: down, slow, or back without the windows.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use wpengine::{ErrorKind, RedisWindows, WhenDown, Window};

use crate::support::clients;

use super::{
    PERIOD, Process, assert_not_exceeded,
    server::{Data, RedisServer},
    windows,
};

fn text(error: &wpengine::Error) -> String {
    error.to_string()
}

#[tokio::test]
async fn a_redis_that_is_down_ends_requests_with_its_reason_and_nothing_is_sent() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("redis://joe:sesame-open@127.0.0.1:{port}");
    let patience = Duration::from_millis(300);
    let process = Process::new(windows(&url, 10).patience(patience));
    let started = Instant::now();
    let error = process.ask().await.unwrap_err();
    assert!(started.elapsed() >= patience);
    assert_eq!(error.kind(), ErrorKind::Limiter);
    assert!(!error.is_rate_limited());
    assert!(!error.may_have_happened());
    let text = text(&error);
    for part in [
        "nothing was sent".to_owned(),
        format!("Redis at 127.0.0.1:{port} cannot be used"),
        "refused".to_owned(),
    ] {
        assert!(text.contains(&part), "`{part}` is missing: {text}");
    }
    assert!(!text.contains("sesame"), "{text}");
    assert!(process.arrivals().is_empty());
    // Also where a request waits for the limit less long than for Redis, the reason is what is said.
    let hurried = clients::builder_on(process.wire.clone())
        .rate_limiter(windows(&url, 10))
        .max_rate_limit_wait(Duration::from_millis(150))
        .build()
        .unwrap();
    let error = hurried.current_user().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limiter, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    // Those who come later are not kept waiting as long once more.
    let later = Instant::now();
    process.ask().await.unwrap_err();
    assert!(later.elapsed() < patience);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_counts_as_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let wait = Duration::from_millis(100);
    let process = Process::new(windows(&url, 10).timeout(wait).patience(wait));
    let error = process.ask().await.unwrap_err();
    let text = text(&error);
    assert!(text.contains("no answer within 0.1 s"), "{text}");
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_being_quoted() {
    for url in [
        "",
        "http://joe:sesame@host",
        "redis://joe:sesame@",
        "sesame",
    ] {
        let Err(error) = RedisWindows::new(url) else {
            panic!("{url} is accepted");
        };
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let text = text(&error);
        assert!(!text.contains("sesame"), "{text}");
        assert!(text.contains("redis://user:password@host"), "{text}");
    }
}

#[tokio::test]
async fn requests_wait_for_a_redis_that_comes_back() {
    let Some(mut redis) = RedisServer::start(Data::Kept).await else {
        return;
    };
    let process = Process::new(windows(&redis.url(), 5));
    process.ask_times(3).await;
    redis.kill().await;
    tokio::join!(process.ask_times(10), async {
        tokio::time::sleep(PERIOD / 4).await;
        redis.start_again().await;
    });
    assert_eq!(assert_not_exceeded(&[&process], 5), 13);
}

#[tokio::test]
async fn an_emptied_redis_does_not_hand_out_the_windows_anew() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let processes = [(); 3].map(|()| Process::new(windows(&redis.url(), 10)));
    let [one, two, three] = &processes;
    for _ in 0..4 {
        one.ask_times(4).await;
        two.ask_times(6).await;
        redis.command::<String>(&["FLUSHALL"]).await;
        tokio::join!(one.ask_times(5), two.ask_times(5), three.ask_times(5));
        redis.command::<String>(&["FLUSHALL"]).await;
    }
    assert_eq!(assert_not_exceeded(&[one, two, three], 10), 100);
}

#[tokio::test]
async fn what_a_process_sent_that_is_gone_is_not_forgotten_with_the_data() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let gone = Process::new(windows(&redis.url(), 10));
    let stays = Process::new(windows(&redis.url(), 10));
    gone.ask_times(9).await;
    stays.ask_times(1).await;
    let arrivals = gone.arrivals();
    drop(gone);
    redis.command::<String>(&["FLUSHALL"]).await;
    // Nobody can say what it sent: nothing is granted until that is over.
    stays.ask().await.unwrap();
    assert!(stays.arrivals()[1] - arrivals[0] >= PERIOD);
}

#[tokio::test]
async fn with_its_data_back_nobody_waits_for_a_process_that_had_ended_before() {
    let Some(mut redis) = RedisServer::start(Data::Kept).await else {
        return;
    };
    let day = || windows(&redis.url(), 1).per_account([Window::new(1_000, 75 * PERIOD)]);
    let [gone, stays] = [(); 2].map(|()| Process::new(day()));
    gone.ask().await.unwrap();
    drop(gone);
    // One each period: long enough that the other is not among those who were alive at the end.
    stays.ask_times(3).await;
    redis.kill().await;
    redis.start_again().await;
    // To wait for the one that ended would take a minute.
    tokio::time::timeout(30 * PERIOD, stays.ask_times(2))
        .await
        .expect("nothing is missing")
}

#[tokio::test]
async fn the_word_of_an_operator_is_of_one_loss() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let process = Process::new(windows(&redis.url(), 10));
    let trust = ["HSET", "{wpengine}:meta", "trust", "1"];
    process.ask().await.unwrap();
    // Too early, or too late: nothing is lost now.
    redis.command::<i64>(&trust).await;
    process.ask().await.unwrap();
    let left: Option<String> = redis.command(&["HGET", trust[1], trust[2]]).await;
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_new_process_does_not_trust_a_redis_that_has_just_started() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let patience = Duration::from_millis(200);
    let process = Process::new(RedisWindows::new(redis.url()).unwrap().patience(patience));
    let error = process.ask().await.unwrap_err();
    let text = text(&error);
    for part in [
        "is new, or was restarted",
        "at the latest in 3",
        "HSET '{wpengine}:meta' trust 1",
    ] {
        assert!(text.contains(part), "`{part}` is missing: {text}");
    }
    assert!(process.arrivals().is_empty());
    let states = process.client.rate_limit_state(None);
    assert!(states.iter().all(|state| state.left == 0), "{states:?}");
    // As the error says: an operator may know better.
    redis
        .command::<i64>(&["HSET", "{wpengine}:meta", "trust", "1"])
        .await;
    let informed = RedisWindows::new(redis.url()).unwrap().patience(patience);
    Process::new(informed).ask().await.unwrap();
    // It was said of this start of Redis, and not for ever.
    redis.command::<String>(&["FLUSHALL"]).await;
    // Whoever says that it was never used may begin.
    let trusting = windows(&redis.url(), 10);
    Process::new(trusting).ask().await.unwrap();
}

#[tokio::test]
async fn without_redis_each_process_keeps_to_its_part() {
    let Some(mut redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let parts = NonZeroU32::new(2).unwrap();
    let processes =
        [(); 2].map(|()| Process::new(windows(&redis.url(), 10).when_down(WhenDown::Share(parts))));
    let [one, other] = &processes;
    tokio::join!(one.ask_times(5), other.ask_times(5));
    redis.kill().await;
    let down = Instant::now();
    tokio::join!(one.ask_times(11), other.ask_times(4));
    // Closed for a period at first, then 5 each: the eleventh is in the third period.
    assert!(down.elapsed() >= PERIOD * 3, "{:?}", down.elapsed());
    redis.start_again().await;
    tokio::join!(one.ask_times(10), other.ask_times(10));
    assert_eq!(assert_not_exceeded(&[one, other], 10), 45);
}

#[tokio::test]
async fn a_redis_that_takes_nothing_more_ends_requests_when_the_patience_is_over() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let patience = Duration::from_millis(600);
    let process = Process::new(windows(&redis.url(), 100).patience(patience));
    process.ask().await.unwrap();
    redis
        .command::<String>(&["CONFIG", "SET", "maxmemory", "1"])
        .await;
    let limit = Duration::from_secs(20);
    let error = tokio::time::timeout(limit, process.ask())
        .await
        .expect("the patience is over")
        .unwrap_err();
    let text = text(&error);
    assert!(
        text.contains("OOM") && text.contains("more memory"),
        "{text}"
    );
    redis
        .command::<String>(&["CONFIG", "SET", "maxmemory", "0"])
        .await;
    tokio::time::timeout(limit, async { while process.ask().await.is_err() {} })
        .await
        .expect("it goes on");
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_told_gives_no_password_away() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut said = vec![0; 1_024];
                while let Ok(length @ 1..) = stream.read(&mut said).await {
                    let said = String::from_utf8_lossy(&said[..length]).replace("\r\n", " ");
                    let answer = format!("-ERR unknown command, beginning with: {said}\r\n");
                    // One for each command that can have come.
                    let _ = stream.write_all(answer.repeat(4).as_bytes()).await;
                }
            });
        }
    });
    let wait = Duration::from_millis(200);
    for protocol in ["", "?protocol=resp3"] {
        let url = format!("redis://joe:sesame-open@{address}/{protocol}");
        let process = Process::new(windows(&url, 1).patience(wait));
        let text = text(&process.ask().await.unwrap_err());
        assert!(!text.contains("sesame"), "{text}");
        assert!(protocol.is_empty() || text.contains("[redacted]"), "{text}");
    }
}

#[test]
fn a_runtime_that_stands_still_holds_up_no_other() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let wait = Duration::from_millis(200);
    let Some((redis, process)) = first.block_on(async {
        let redis = RedisServer::start(Data::Lost).await?;
        let process = Process::new(windows(&redis.url(), 100).timeout(wait));
        process.ask_times(3).await;
        Some((redis, process))
    }) else {
        return;
    };
    // The keeper and the connection live on the first, which nobody drives now.
    runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(20), process.ask_times(3))
            .await
            .expect("it goes on");
    });
    first.block_on(async { drop(redis) });
}
