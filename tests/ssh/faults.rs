//! What goes wrong at the other end, and what is said of it.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use wpengine_ssh::{ErrorKind, deploy::Tree};

use crate::deploy::{Job, options, write};

/// A small disk at a place; it is taken away at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Nothing where none may be mounted; then the test says that it was skipped.
    fn mount(at: &Path, kilobytes: u32, owner: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={kilobytes}k,mode=755"),
                "tmpfs",
            ])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: no small disk can be mounted here"
            );
            return None;
        }
        let owned = Command::new("chown").arg(owner).arg(at).status();
        assert!(owned.expect("chown").success());
        Some(Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_changes_nothing_at_whatever_step() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let noise = |count: usize| -> String {
        std::iter::repeat_with(fastrand::alphanumeric)
            .take(count)
            .collect()
    };
    write(&job.local, &[("large.txt", &noise(400_000))]);
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    let before = job.live();
    let keeper = job.at("_wpeprivate/wpengine");
    fs::rename(&keeper, job.at("_wpeprivate/aside")).expect("a folder");
    fs::create_dir(&keeper).expect("a folder");
    let owner = job.rig.server.user().to_owned();
    // Nothing fits; what is sent does not fit; what is replaced does not fit.
    for (size, sent) in [(4, 10_000), (60, 200_000), (200, 20_000)] {
        for at_once in [u64::MAX, 0] {
            let Some(_disk) = SmallDisk::mount(&keeper, size, &owner) else {
                return;
            };
            write(&job.local, &[("large.txt", &noise(sent))]);
            let mut how = options();
            how.at_once = at_once;
            let error = job
                .site
                .release(&job.tree(), &how)
                .await
                .expect_err("no room");
            assert!(
                matches!(error.kind(), ErrorKind::Refused | ErrorKind::Transfer),
                "{size} {at_once}: {error:?}"
            );
            let text = error.to_string();
            assert!(text.contains("disk"), "{size} {at_once}: {text}");
            let mut live = job.live();
            live.retain(|path, _| !path.starts_with("_wpeprivate"));
            let mut wanted = before.clone();
            wanted.retain(|path, _| !path.starts_with("_wpeprivate"));
            assert_eq!(live, wanted, "{size} {at_once}");
            assert_eq!(
                job.site.releases().await.expect("an answer").lock,
                None,
                "{size} {at_once}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_place_that_leads_elsewhere_is_not_used() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    // Somebody replaced a folder by a link to what belongs to the site.
    let inc = job.at("wp-content/themes/acme/inc");
    fs::remove_dir_all(&inc).expect("a folder");
    symlink("../../uploads", &inc).expect("a link");
    fs::write(job.at("wp-content/uploads/b.php"), "theirs").expect("a file");
    // A file that is gone is not deleted through it.
    fs::remove_dir_all(job.local.join("inc")).expect("a folder");
    write(&job.local, &[("style.css", "two")]);
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(
        fs::read_to_string(job.at("wp-content/uploads/b.php")).expect("a file"),
        "theirs"
    );
    // And none is written through it.
    write(&job.local, &[("inc/a.php", "<?php\n")]);
    let error = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect_err("a link");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("inc is a symbolic link on the server"),
        "{error}"
    );
}

#[tokio::test]
async fn releases_of_folders_within_each_other_delete_only_their_own() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let root = job.rig.folder.path().join("root");
    write(
        &root,
        &[
            ("wp-content/themes/acme/style.css", "of the root"),
            ("wp-content/plugins/p/p.php", "<?php\n"),
        ],
    );
    let of_root = |root: &Path| Tree::read(root, "").expect("a tree");
    job.site
        .release(&of_root(&root), &options())
        .await
        .expect("a release");
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    fs::remove_dir_all(root.join("wp-content/themes")).expect("a folder");
    let released = job.site.release(&of_root(&root), &options()).await;
    let released = released.expect("a release");
    assert_eq!(released.deleted, Vec::<String>::new());
    assert_eq!(
        fs::read_to_string(job.at("wp-content/themes/acme/style.css")).expect("a file"),
        "one"
    );
}

#[tokio::test]
async fn two_who_deploy_at_once_do_it_one_after_the_other() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let other = job.rig.folder.path().join("other");
    write(&other, &[("style.css", "other")]);
    let tree = Tree::read(&other, "wp-content/themes/acme").expect("a tree");
    let mut second = job.rig.user().await.site("acme");
    job.site.connect().await.expect("a connection");
    second.connect().await.expect("a connection");
    let (first_tree, how) = (job.tree(), options());
    let (one, two) = tokio::join!(
        job.site.release(&first_tree, &how),
        second.release(&tree, &how)
    );
    let results = [one.is_ok(), two.is_ok()];
    for error in [one.err(), two.err()].into_iter().flatten() {
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    }
    assert!(results.contains(&true));
    let style = fs::read_to_string(job.at("wp-content/themes/acme/style.css")).expect("a file");
    assert!(style == "one" || style == "other", "{style}");
    // A plan that was agreed to holds only for the site that it was made of.
    let mut agreed = options();
    agreed.agreed = Some(second.plan(&tree, &[]).await.expect("a plan"));
    write(&job.local, &[("style.css", "three")]);
    job.site
        .release(&job.tree(), &how)
        .await
        .expect("a release");
    let error = second
        .release(&tree, &agreed)
        .await
        .expect_err("it is another site");
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error
            .to_string()
            .contains("another release came in between"),
        "{error}"
    );
}

#[tokio::test]
async fn a_rollback_does_not_disturb_somebody_who_deploys() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    job.leave_lock("uploading", "9999999999");
    let error = job
        .site
        .rollback(None, &options())
        .await
        .expect_err("locked");
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error
            .to_string()
            .contains("a colleague deploys to acme now"),
        "{error}"
    );
    assert!(job.at("wp-content/themes/acme/style.css").exists());
}

#[tokio::test]
async fn files_that_go_while_they_are_sent_are_named() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let tree = job.tree();
    fs::remove_file(job.local.join("inc/a.php")).expect("a file");
    let before = job.live();
    let error = job
        .site
        .release(&tree, &options())
        .await
        .expect_err("a file is gone");
    assert!(error.to_string().contains("inc/a.php"), "{error}");
    assert_eq!(job.live(), before);
}

#[tokio::test]
async fn an_idle_connection_that_is_cut_is_opened_again() {
    let builder = wpengine_sim::Gateway::builder()
        .installs(["acme"])
        .idle(Duration::from_millis(700))
        .cold_start(Duration::from_millis(100));
    let Some(rig) = crate::rig::Rig::with(builder).await else {
        return;
    };
    let local = rig.folder.path().join("theme");
    write(&local, &[("style.css", "one")]);
    let tree = Tree::read(&local, "wp-content/themes/acme").expect("a tree");
    let mut site = rig.user().await.site("acme");
    site.plan(&tree, &[]).await.expect("a plan");
    while rig.server.open() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    site.release(&tree, &options()).await.expect("a release");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rig_refuses_what_the_gateway_refuses() {
    let Some(rig) = crate::rig::Rig::start().await else {
        return;
    };
    let user = rig.user().await;
    let config = user.config_for("acme").expect("a file");
    let sftp = Command::new("ssh")
        .arg("-F")
        .arg(&config)
        .args(["-s", "acme.ssh.wpengine.net", "sftp"])
        .stdin(Stdio::null())
        .output()
        .expect("ssh");
    assert!(!sftp.status.success());
    // One level of quotes is eaten, and no session has the temporary files of another.
    let eaten = |command: &str| {
        let output = Command::new("ssh")
            .arg("-F")
            .arg(&config)
            .args(["acme.ssh.wpengine.net", command])
            .stdin(Stdio::null())
            .output()
            .expect("ssh");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(eaten("printf '%s+' 'a b' c"), "a+b+c+");
    assert_ne!(eaten("echo $TMPDIR"), eaten("echo $TMPDIR"));
    // The sixth connection is closed.
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut child = Command::new("ssh")
            .arg("-F")
            .arg(&config)
            .args(["acme.ssh.wpengine.net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ssh");
        let stdin = child.stdin.as_mut().expect("an input");
        stdin.write_all(b"x").expect("it is written");
        let stdout = child.stdout.as_mut().expect("an output");
        std::io::Read::read_exact(stdout, &mut [0]).expect("it is in");
        open.push(child);
    }
    assert_eq!(eaten("echo in"), "");
    for mut child in open {
        drop(child.stdin.take());
        child.wait().expect("an end");
    }
}

#[tokio::test]
async fn what_somebody_changed_since_is_kept_when_a_release_is_taken_back() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    write(&job.local, &[("style.css", "two"), ("new.css", "new")]);
    fs::remove_file(job.local.join("inc/b.php")).expect("a file");
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    for (name, text) in [
        ("style.css", "by hand"),
        ("new.css", "by hand"),
        ("inc/b.php", "by hand"),
    ] {
        fs::write(job.at("wp-content/themes/acme").join(name), text).expect("a file");
    }
    let taken = job
        .site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    assert_eq!(
        taken[0].kept_aside,
        [
            "wp-content/themes/acme/new.css",
            "wp-content/themes/acme/style.css",
            "wp-content/themes/acme/inc/b.php"
        ]
    );
    for name in ["style.css", "new.css", "inc/b.php"] {
        let path = format!(
            "_wpeprivate/wpengine/aside/{}/wp-content/themes/acme/{name}",
            taken[0].id
        );
        assert_eq!(
            fs::read_to_string(job.at(&path)).expect("a file"),
            "by hand"
        );
    }
    assert_eq!(
        fs::read_to_string(job.at("wp-content/themes/acme/style.css")).expect("a file"),
        "one"
    );
}

#[tokio::test]
async fn a_release_that_stopped_in_the_middle_keeps_others_out_although_its_lock_has_expired() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    job.leave_lock("moving", "1");
    let error = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect_err("interrupted");
    assert_eq!(error.kind(), ErrorKind::Locked);
    let text = error.to_string();
    assert!(
        text.contains("was interrupted while it changed acme") && text.contains("deploy resume"),
        "{text}"
    );
    let error = job.site.unlock(true).await.expect_err("it has begun");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
}

#[tokio::test]
async fn a_script_that_ends_in_an_unknown_way_is_asked_how_far_it_was() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    // After files were moved in, and once.
    let code = "set -T; trap 'case $BASH_COMMAND in keep_manifest*) mkdir \"$RIG/containers/once\" 2>/dev/null && exit 77 ;; esac' DEBUG";
    job.rig
        .server
        .run_before_scripts(Some(code))
        .expect("a file");
    let released = job.site.release(&job.tree(), &options()).await;
    let released = released.expect("it goes on");
    assert_eq!(released.created.len(), 4);
    assert!(job.at("wp-content/themes/acme/style.css").exists());
    let lock = job.site.releases().await.expect("an answer").lock;
    assert_eq!(lock, None);
}
