//! Nothing is sent to an address that is private and that nobody named, whatever a name leads to.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::net::TcpListener;
use wpengine_events::{Endpoint, Events, Sender};

use super::{add, secret};

/// A listener on this machine that counts connections.
async fn trap() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (
        listener.local_addr().unwrap(),
        Arc::new(AtomicUsize::new(0)),
    );
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                    .await;
            });
        }
    });
    (address, count)
}

/// Tries a delivery to a name that leads to these addresses, one list for each time that it is looked up.
async fn tried(endpoint: Endpoint, answers: Vec<Vec<&'static str>>) -> Result<(), String> {
    let events = Events::in_memory().unwrap();
    let asked = AtomicUsize::new(0);
    let sender = Sender::new(&events).lookup(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let addresses: Vec<SocketAddr> = answers[number]
            .iter()
            .map(|one| SocketAddr::new(one.parse().unwrap(), 0))
            .collect();
        async move { Ok(addresses) }
    });
    add(&events, "installs/1", "1").await;
    let event = events
        .list(Default::default())
        .await
        .unwrap()
        .remove(0)
        .event;
    let result = tokio::time::timeout(Duration::from_secs(15), sender.try_out(&endpoint, &event))
        .await
        .unwrap();
    result.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let (address, count) = trap().await;
    let url = format!("https://rebound.example.com:{}/", address.port());
    for answers in [
        vec![vec!["127.0.0.1"]],
        vec![vec!["::1"]],
        vec![vec!["::ffff:127.0.0.1"]],
        // One public address beside it changes nothing.
        vec![vec!["127.0.0.1", "1.1.1.1"]],
        vec![vec!["169.254.169.254"]],
        vec![vec![]],
    ] {
        let why = tried(
            Endpoint::webhook("ops", &url, [secret()]).unwrap(),
            answers.clone(),
        )
        .await
        .unwrap_err();
        assert!(
            why.contains("private address") || why.contains("no address"),
            "{answers:?}: {why}"
        );
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_its_address_between_check_and_connection_leads_nowhere() {
    let (address, count) = trap().await;
    let url = format!("http://named.example.com:{}/", address.port());
    // It is looked up once for each connection, and what was looked up is what is connected to.
    let endpoint = || Endpoint::private_webhook("ops", &url, [secret()], ["127.0.0.1"]).unwrap();
    assert_eq!(
        tried(endpoint(), vec![vec!["127.0.0.1"], vec!["10.0.0.1"]]).await,
        Ok(())
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let events = Events::in_memory().unwrap();
    let turn = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&turn);
    let sender = Sender::new(&events).lookup(move |_| {
        let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let address: IpAddr = if is_first {
            [127, 0, 0, 1].into()
        } else {
            [127, 0, 0, 2].into()
        };
        async move { Ok(vec![SocketAddr::new(address, 0)]) }
    });
    add(&events, "installs/1", "1").await;
    let event = events
        .list(Default::default())
        .await
        .unwrap()
        .remove(0)
        .event;
    sender.try_out(&endpoint(), &event).await.unwrap();
    let why = sender
        .try_out(&endpoint(), &event)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("127.0.0.2"), "{why}");
    assert_eq!(
        (turn.load(Ordering::SeqCst), count.load(Ordering::SeqCst)),
        (2, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_only_named_addresses_are_reached() {
    let (address, count) = trap().await;
    let url = format!("http://plain.example.com:{}/", address.port());
    let endpoint = Endpoint::private_webhook("ops", &url, [secret()], ["127.0.0.1"]).unwrap();
    let why = tried(endpoint, vec![vec!["8.8.8.8"]]).await.unwrap_err();
    assert!(why.contains("use https://"), "{why}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_this_machine_is_not_followed_and_no_proxy_is_asked() {
    let (address, count) = trap().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = listener.local_addr().unwrap();
    let to = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n",
        address.port()
    );
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(to.as_bytes()).await;
    });
    let url = format!("http://127.0.0.1:{}/", first.port());
    let endpoint = Endpoint::private_webhook("ops", &url, [secret()], ["127.0.0.1"]).unwrap();
    let why = tried(endpoint, vec![vec![]]).await.unwrap_err();
    assert!(why.contains("302"), "{why}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
