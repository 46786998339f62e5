//! A process that is killed again and again loses no event, and makes none twice.
//!
//! `WPENGINE_KILLS=1000` kills it more often than the 20 times of the suite.

use std::io::Write as _;
use std::{
    collections::{BTreeMap, HashMap},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wpengine::Client;
use wpengine_events::Events;
use wpengine_fleet::Class;
use wpengine_sim::Simulator;

use super::{
    super::events::{Follower, truth},
    secret,
};

/// What came to the receiver, by id: the bodies without the time of the try.
pub(crate) type Got = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// A receiver that accepts everything.
pub(crate) async fn receiver() -> (String, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let got: Got = Arc::default();
    let kept = Arc::clone(&got);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    let Some((head, length)) = head(&bytes) else {
                        let mut part = [0; 8_192];
                        match stream.read(&mut part).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => bytes.extend(&part[..read]),
                        }
                        continue;
                    };
                    let text = String::from_utf8(bytes.drain(..head + length).collect()).unwrap();
                    let id = text
                        .lines()
                        .find_map(|line| line.strip_prefix("webhook-id: "))
                        .unwrap()
                        .to_owned();
                    kept.lock()
                        .unwrap()
                        .entry(id)
                        .or_default()
                        .push(text[head..].to_owned());
                    if stream
                        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    (url, got)
}

/// The lengths of a head and its body, if all of it is there.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?
        .parse()
        .ok()?;
    (bytes.len() >= head + length).then_some((head, length))
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(simulator: &Simulator, folder: &std::path::Path) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_wpengine-under-test"))
        .args(["events", "run", "--initial", "--quiet", "--file"])
        .arg(folder.join("events.db"))
        .arg("--config")
        .arg(folder.join("events.toml"))
        .env("WPE_API_BASE_URL", simulator.base_url())
        .env("WPE_API_USER_ID", simulator.user())
        .env("WPE_API_PASSWORD", simulator.password())
        .env("WPENGINE_CONFIG_DIR", folder)
        .env("WPENGINE_CACHE_DIR", folder)
        .env("WPENGINE_STATE_DIR", folder)
        .stdin(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_loses_no_event_and_makes_none_twice() {
    let kills = std::env::var("WPENGINE_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20);
    let simulator = Simulator::builder().start().await.unwrap();
    let (url, got) = receiver().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[[endpoint]]\nname = \"ops\"\nurl = \"{url}\"\nprivate = [\"127.0.0.1\"]\nsecrets = [\"{}\"]\n",
        secret().expose()
    );
    std::fs::write(folder.path().join("events.toml"), settings).unwrap();
    let client = Client::at(simulator.url()).unwrap();
    let installs: Vec<String> = truth(&client, Class::Installs, "")
        .await
        .into_keys()
        .collect();
    let changes = tokio::spawn({
        let (client, installs) = (client.clone(), installs.clone());
        async move {
            for number in 0.. {
                let install = client.install(installs[number % installs.len()].as_str());
                install
                    .backups()
                    .create(format!("backup {number}"), ["ops@example.com"])
                    .await
                    .unwrap();
                install
                    .domains()
                    .create(format!("d{number}.example.com"))
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
    });
    for _ in 0..kills {
        let running = start(&simulator, folder.path());
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..700))).await;
        drop(running);
    }
    changes.abort();
    let _running = start(&simulator, folder.path());
    let events = Events::open(folder.path().join("events.db")).unwrap();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for install in &installs {
        for (class, name) in [(Class::Backups, "backups"), (Class::Domains, "domains")] {
            for id in truth(&client, class, install).await.into_keys() {
                wanted.insert(format!("installs/{install}/{name}/{id}"), 0);
            }
        }
    }
    // So that it does not take as long as the limits allow.
    for install in &installs {
        events.touched(install).await.unwrap();
    }
    let caught_up = async {
        loop {
            let all = super::super::events::all(&events).await;
            let seen = all
                .iter()
                .filter(|event| event.kind == "backup.created" || event.kind == "domain.created")
                .count();
            let pending = events.endpoints().await.unwrap()[0].pending;
            if seen >= wanted.len() && pending == 0 {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let all = tokio::time::timeout(Duration::from_secs(180), caught_up)
        .await
        .expect("it catches up");
    let mut follower = Follower::default();
    for event in &all {
        follower.take(event);
    }
    for key in follower
        .objects
        .keys()
        .filter(|key| key.contains("/backups/") || key.contains("/domains/"))
    {
        *wanted.get_mut(key).expect("it is there") += 1;
    }
    assert!(wanted.values().all(|times| *times == 1), "{wanted:?}");
    let got = got.lock().unwrap();
    for event in &all {
        let bodies = got
            .get(&event.id)
            .unwrap_or_else(|| panic!("it was not delivered: {event:?}"));
        assert!(
            bodies.windows(2).all(|pair| pair[0] == pair[1]),
            "one id, two bodies: {bodies:?}"
        );
    }
    assert_eq!(got.len(), all.len(), "what was delivered is what is kept");
    let again = got.values().filter(|bodies| bodies.len() > 1).count();
    let _ = writeln!(
        std::io::stderr(),
        "{kills} kills, {} events, {again} of them came more than once",
        all.len()
    );
}
