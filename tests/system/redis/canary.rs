//! Redis holds no secret: not in keys, not in values, and not in the commands that are sent to it.

use std::io::Write;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wpengine::{Client, Credentials};
use wpengine_redis::RedisWindows;
use wpengine_sim::Simulator;

use super::server::{Data, RedisServer};

const PASSWORD: &str = "canary-password-sesame";
const TOKEN: &str = "canary-token-sesame";

#[tokio::test]
async fn nothing_that_goes_to_redis_holds_a_secret() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let address = redis.url().replace("redis://", "");
    // `MONITOR` prints every command that Redis receives.
    let mut monitor = BufReader::new(tokio::net::TcpStream::connect(&address).await.unwrap());
    monitor.get_mut().write_all(b"MONITOR\r\n").await.unwrap();
    let mut line = String::new();
    monitor.read_line(&mut line).await.unwrap();
    assert_eq!(line.trim(), "+OK");

    let user = "canary-user-id";
    let simulator = Simulator::builder()
        .credentials(user, PASSWORD)
        .bearer_token(TOKEN)
        .start()
        .await
        .unwrap();
    for credentials in [
        Credentials::basic(user, PASSWORD),
        Credentials::bearer(TOKEN),
    ] {
        let windows = RedisWindows::new(&redis.url()).unwrap();
        assert!(!format!("{windows:?}").contains("sesame"));
        let client = Client::builder()
            .base_url(simulator.base_url())
            .credentials(credentials)
            .rate_limiter(windows)
            .build()
            .unwrap();
        let accounts = client.accounts().list().collect_at_most(10).await.unwrap();
        client.account(&accounts[0].id).get().await.unwrap();
        let states = format!("{:?}", client.rate_limit_state(None));
        assert!(!states.contains("canary"), "{states}");
    }
    // This command marks the end of the output to read.
    redis.command::<String>(&["ECHO", "the-end"]).await;
    let mut seen = String::new();
    while !seen.contains("the-end") {
        monitor.read_line(&mut seen).await.unwrap();
    }
    let keys: Vec<String> = redis.command(&["KEYS", "*"]).await;
    assert!(keys.len() >= 2, "{keys:?}");
    seen.push_str(&keys.join("\n"));
    for key in &keys {
        let dump: Vec<u8> = redis.command(&["DUMP", key]).await;
        seen.push_str(&String::from_utf8_lossy(&dump));
    }
    assert!(seen.contains("{wpengine}:user:"), "{seen}");
    let mut encoded = Vec::new();
    for secret in [PASSWORD, TOKEN, user] {
        encoded.push(secret.to_owned());
        encoded.push(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            secret,
        ));
    }
    for secret in encoded {
        if seen.contains(&secret) {
            let _ = writeln!(std::io::stderr(), "{seen}");
            panic!("`{secret}` goes to Redis");
        }
    }
}
