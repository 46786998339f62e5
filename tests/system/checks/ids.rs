//! Ids that would change the path of a request.

use crate::support::{
    calls::{self, Form, Ids},
    clients,
    script::{self, Script},
};

use super::{all_are_refused, refused};

/// Replaces one id, so that it can be found in the request.
const MARK: &str = "marked-id";

/// Returns the operations that send each id.
async fn senders() -> Vec<(&'static str, fn(&mut Ids) -> &mut String)> {
    let mut senders = Vec::new();
    for id in Ids::each() {
        let mut ids = Ids::default();
        MARK.clone_into(id(&mut ids));
        for operation in wpengine::operations() {
            let script = Script::new(|_, _| Ok(script::json(200, "{}")));
            let call = calls::told(&clients::on(script.clone()), &ids, operation.id, Form::Full);
            let _ = call.await;
            let is_sent = script.requests().iter().any(|request| {
                request.uri().to_string().contains(MARK)
                    || String::from_utf8_lossy(request.body()).contains(MARK)
            });
            if is_sent {
                senders.push((operation.id, id));
            }
        }
    }
    senders
}

#[tokio::test(start_paused = true)]
async fn an_id_that_would_change_the_path() {
    const RULE: &str = "it would change the path of the request";
    let senders = senders().await;
    for operation in wpengine::operations() {
        assert!(
            !operation.path.contains('{') || senders.iter().any(|(id, _)| *id == operation.id),
            "{operation} has an id in its path, and none was sent"
        );
    }
    for bad in [
        ".",
        "..",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "%2e%2e",
        "a b",
        "a\nb",
        "../../sites/x",
        "a\u{a0}b",
    ] {
        all_are_refused(|client| {
            let refused_with = |(operation, id): &(&'static str, fn(&mut Ids) -> &mut String)| {
                let mut ids = Ids::default();
                bad.clone_into(id(&mut ids));
                let call = calls::told(client, &ids, operation, Form::Full);
                refused(operation, RULE, call)
            };
            senders.iter().map(refused_with).collect()
        })
        .await;
    }
    all_are_refused(|client| {
        vec![
            refused("get_site", "the site id is empty", client.site("").get()),
            refused(
                "delete_ssh_key",
                "the SSH key id is empty",
                client.ssh_key("").delete(),
            ),
            refused("get_backup", RULE, client.install("i").backup("a/b").wait()),
        ]
    })
    .await;
}
