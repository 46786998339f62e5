//! SSH keys of the user.

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    context::read_input,
    flags, tables,
    target::{Kind, Target, unique},
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf(
            "ssh-key list",
            "List the SSH keys of the user",
            &["list_ssh_keys"],
            run!(|c, _a| Ok(c.list("list_ssh_keys", &[], &[])?.into())),
        )
        .table(&tables::SSH_KEYS)
        .examples(&["wpengine ssh-key list"]),
        leaf(
            "ssh-key add",
            "Add a public SSH key",
            &["create_ssh_key"],
            run!(|c, a| {
                let path = a.need("file");
                let key = read_input(&path).await?;
                // Only of a public key the third word is its comment.
                let comment = match key.split_whitespace().collect::<Vec<_>>().as_slice() {
                    [kind, _, comment, ..]
                        if kind.starts_with("ssh-") || kind.starts_with("ecdsa-") =>
                    {
                        (*comment).to_owned()
                    }
                    _ => path.clone(),
                };
                let target = Target::new(Kind::Other("SSH key"), "", &comment);
                c.confirm(
                    "create_ssh_key",
                    "whoever has this key can sign in to the installs of the user: add",
                    std::slice::from_ref(&target),
                    Vec::new(),
                )
                .await?;
                let request = c.client()?.ssh_keys().create(key.trim());
                Ok(one(c
                    .write("create_ssh_key", &target, request.send())
                    .await?))
            }),
        )
        .arg(
            flags::one(
                "file",
                "FILE",
                "File with the public key; - is standard input",
            )
            .value_hint(clap::ValueHint::FilePath),
        )
        .table(&tables::SSH_KEYS)
        .examples(&["wpengine ssh-key add ~/.ssh/id_ed25519.pub --yes"]),
        leaf(
            "ssh-key remove",
            "Remove SSH keys",
            &["delete_ssh_key"],
            run!(|c, a| {
                let mut keys: Vec<Target> = Vec::new();
                for wanted in a.all("key") {
                    keys.push(
                        c.child(
                            Kind::Other("SSH key"),
                            "list_ssh_keys",
                            &[],
                            &wanted,
                            &["comment", "fingerprint", "uuid"],
                        )
                        .await?,
                    );
                }
                let keys = unique(keys);
                c.confirm("delete_ssh_key", "remove", &keys, Vec::new())
                    .await?;
                c.each(&keys, |key| async move {
                    let request = c.client()?.ssh_key(key.id.as_str()).delete();
                    c.write("delete_ssh_key", key, request.send()).await
                })
                .await
            }),
        )
        .arg(flags::many("key", "KEY", "Keys: comments, fingerprints or ids").required(true))
        .calls(&["list_ssh_keys"])
        .examples(&["wpengine ssh-key remove joe@gmail.com --yes"]),
    ]
}
