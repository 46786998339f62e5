//! Deployments: what changes, what never does, and what is left when something ends in the middle.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use wpengine_ssh::{
    ErrorKind,
    deploy::{Options, Site, Tree},
};

use crate::rig::Rig;

const THEME: &str = "wp-content/themes/acme";

/// Writes files below a folder.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

/// Everything below a folder but what deployments keep for themselves: folders, links and the content of files.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut next = vec![folder.to_owned()];
    while let Some(path) = next.pop() {
        for entry in fs::read_dir(path).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder).expect("below").to_owned();
            if name == Path::new("_wpeprivate/wpengine") {
                continue;
            }
            let kind = fs::symlink_metadata(&path).expect("an entry");
            let value = if kind.is_symlink() {
                format!(
                    "link to {}",
                    fs::read_link(&path).expect("a link").display()
                )
            } else if kind.is_dir() {
                next.push(path.clone());
                format!("folder {:o}", kind.mode() & 0o777)
            } else {
                String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned()
            };
            all.insert(name, value);
        }
    }
    all
}

/// A theme on this machine, and the site that it goes to.
pub(crate) struct Job {
    pub(crate) rig: Rig,
    pub(crate) local: PathBuf,
    pub(crate) site: Site,
}

impl Job {
    pub(crate) async fn start() -> Option<Self> {
        let rig = Rig::start().await?;
        let local = rig.folder.path().join("theme");
        write(
            &local,
            &[
                ("style.css", "one"),
                ("functions.php", "<?php\n"),
                ("inc/a.php", "<?php // a\n"),
                ("inc/b.php", "<?php // b\n"),
            ],
        );
        let site = rig.user().await.site("acme");
        Some(Self { rig, local, site })
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::read(&self.local, THEME).expect("a tree")
    }

    pub(crate) fn live(&self) -> BTreeMap<PathBuf, String> {
        content(&self.rig.server.site("acme"))
    }

    /// What somebody leaves whose program was killed.
    pub(crate) fn leave_lock(&self, state: &str, expires: &str) {
        let id = "20260101T000000Z-00000000";
        let release = self.at("_wpeprivate/wpengine/releases").join(id);
        let lock = self.at("_wpeprivate/wpengine/lock");
        for folder in [&release, &lock] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(release.join("state"), state).expect("a file");
        for (name, text) in [
            ("release", id),
            ("owner", "a colleague"),
            ("expires", expires),
        ] {
            fs::write(lock.join(name), text).expect("a file");
        }
        self.rig.server.own("acme").expect("an owner");
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.rig.server.site("acme").join(path)
    }
}

pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.by = "a test".to_owned();
    options
}

#[tokio::test]
async fn a_release_changes_what_the_plan_says_and_can_be_taken_back() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let empty = job.live();
    let plan = job.site.plan(&job.tree(), &[]).await.expect("a plan");
    assert_eq!(plan.created.len(), 4, "{plan:?}");
    assert_eq!(job.live(), empty, "a plan changes nothing");
    let first = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(first.created, plan.created);
    let one = job.live();
    assert_eq!(one[Path::new("wp-content/themes/acme/style.css")], "one");

    write(
        &job.local,
        &[("style.css", "two"), ("new/c.php", "<?php // c\n")],
    );
    fs::remove_file(job.local.join("inc/b.php")).expect("a file");
    let plan = job.site.plan(&job.tree(), &[]).await.expect("a plan");
    assert_eq!(plan.created, ["wp-content/themes/acme/new/c.php"]);
    assert_eq!(plan.changed, ["wp-content/themes/acme/style.css"]);
    assert_eq!(plan.deleted, ["wp-content/themes/acme/inc/b.php"]);
    assert_eq!(plan.unchanged, 2);
    let second = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(
        (&second.created, &second.changed, &second.deleted),
        (&plan.created, &plan.changed, &plan.deleted)
    );
    let two = job.live();
    assert!(!two.contains_key(Path::new("wp-content/themes/acme/inc/b.php")));

    job.site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    assert_eq!(job.live(), one);
    job.site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    assert_eq!(job.live(), empty);
    let error = job
        .site
        .rollback(None, &options())
        .await
        .expect_err("nothing is left");
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");

    let releases = job.site.releases().await.expect("a log");
    let results: Vec<_> = releases
        .log
        .iter()
        .map(|record| record.0["result"].as_str().unwrap_or("?"))
        .collect();
    assert_eq!(
        results,
        ["released", "released", "rolled_back", "rolled_back"]
    );
    assert_eq!(releases.log[1].0["changed"], 1);
    assert_eq!(releases.lock, None);
}

#[tokio::test]
async fn a_folder_can_become_a_file_and_a_file_a_folder() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    let one = job.live();
    fs::remove_dir_all(job.local.join("inc")).expect("a folder");
    fs::remove_file(job.local.join("style.css")).expect("a file");
    write(
        &job.local,
        &[
            ("inc", "a file now"),
            ("style.css/part.css", "a folder now"),
        ],
    );
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(
        job.live()[Path::new("wp-content/themes/acme/inc")],
        "a file now"
    );
    assert_eq!(
        job.live()[Path::new("wp-content/themes/acme/style.css/part.css")],
        "a folder now"
    );
    job.site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    assert_eq!(job.live(), one);
}

#[tokio::test]
async fn names_are_names_and_nothing_is_run() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let names = [
        "a b.php",
        "it's.css",
        "say \"hi\".css",
        "-rf",
        "--delete",
        "-n/-x",
        "a\nb.css",
        "ünï/日本.css",
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned",
        "*",
        "?",
        "[a]",
        "\\",
        "a\\#012b",
        "\u{7f}",
        "~root",
        "#x",
        "a\tb",
        "{a,b}",
    ];
    let before = job.live();
    for name in names {
        write(&job.local, &[(name, name)]);
    }
    let plan = job.site.plan(&job.tree(), &[]).await.expect("a plan");
    let released = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(released.created, plan.created);
    for name in names {
        let path = Path::new(THEME).join(name);
        assert_eq!(
            job.live().get(&path).map(String::as_str),
            Some(name),
            "{name:?}"
        );
    }
    // Each can be deleted by the next release as well.
    for name in names {
        fs::remove_file(job.local.join(name)).expect("a file");
    }
    let second = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert_eq!(second.deleted.len(), names.len(), "{second:?}");
    job.site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    job.site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    assert_eq!(job.live(), before);
    assert!(job.live().keys().all(|path| !path.ends_with("pwned")));
}

#[tokio::test]
async fn what_belongs_to_others_is_neither_sent_nor_deleted() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let server = &job.rig.server;
    server
        .platform_file(
            "acme",
            "wp-content/plugins/locked/locked.php",
            "<?php // theirs\n",
        )
        .expect("a file");
    server
        .platform_file(
            "acme",
            "wp-content/mu-plugins/agency-loader.php",
            "<?php // theirs\n",
        )
        .expect("a file");
    server.own("acme").expect("an owner");
    let theirs = job.live();
    let files = [
        "wp-config.php",
        "_wpeprivate/config.json",
        "wp-content/mu-plugins/mu-plugin.php",
        "wp-content/mu-plugins/wpengine-common/plugin.php",
        "wp-content/mu-plugins/wpe-new-one.php",
        "wp-content/mu-plugins/agency-loader.php",
        "wp-content/object-cache.php",
        "wp-content/uploads/2026/11/photo.jpg",
        "wp-content/debug.log",
        "wp-content/plugins/locked/locked.php",
        ".git/config",
        ".env",
    ];
    let folder = job.rig.folder.path().join("root");
    for name in files {
        write(&folder, &[(name, "<?php // ours\n")]);
    }
    write(
        &folder,
        &[("wp-content/mu-plugins/mine.php", "<?php // ours\n")],
    );
    for target in ["", "./", "/", "//"] {
        let tree = Tree::read(&folder, target).expect("a tree");
        let plan = job.site.plan(&tree, &[]).await.expect("a plan");
        assert_eq!(
            plan.created,
            ["wp-content/mu-plugins/mine.php"],
            "{target:?}"
        );
        assert_eq!(plan.changed, Vec::<String>::new(), "{target:?}");
        let named: Vec<&str> = plan
            .protected
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        for name in files {
            assert!(
                named.contains(&name) || name.starts_with(".git/"),
                "{name} is not said: {named:?}"
            );
        }
    }
    let tree = Tree::read(&folder.join("wp-content"), "wp-content//").expect("a tree");
    job.site
        .release(&tree, &options())
        .await
        .expect("a release");
    let mut wanted = theirs.clone();
    wanted.insert(
        "wp-content/mu-plugins/mine.php".into(),
        "<?php // ours\n".to_owned(),
    );
    assert_eq!(job.live(), wanted);
    // A release without anything of it deletes what it brought, and only that.
    fs::remove_dir_all(folder.join("wp-content")).expect("a folder");
    write(&folder, &[("wp-content/mu-plugins/other.php", "<?php\n")]);
    let tree = Tree::read(&folder.join("wp-content"), "wp-content").expect("a tree");
    let released = job
        .site
        .release(&tree, &options())
        .await
        .expect("a release");
    assert_eq!(released.deleted, ["wp-content/mu-plugins/mine.php"]);
    // What somebody else brought can be taken over by name.
    write(
        &folder,
        &[("wp-content/mu-plugins/agency-loader.php", "<?php // ours\n")],
    );
    fs::set_permissions(
        job.at("wp-content/mu-plugins/agency-loader.php"),
        std::os::unix::fs::PermissionsExt::from_mode(0o664),
    )
    .expect("a mode");
    let tree = Tree::read(&folder.join("wp-content"), "wp-content").expect("a tree");
    let mut adopting = options();
    adopting.adopt = vec!["wp-content/mu-plugins/agency-loader.php".to_owned()];
    let released = job.site.release(&tree, &adopting).await.expect("a release");
    assert_eq!(
        released.changed,
        ["wp-content/mu-plugins/agency-loader.php"]
    );
}

#[tokio::test]
async fn a_file_that_php_does_not_take_changes_nothing() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    let before = job.live();
    write(&job.local, &[("inc/broken.php", "<?php function (\n")]);
    let error = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("inc/broken.php"), "{error}");
    assert_eq!(job.live(), before);
    assert_eq!(job.site.releases().await.expect("a log").lock, None);
    let mut without = options();
    without.lint = false;
    job.site
        .release(&job.tree(), &without)
        .await
        .expect("a release");
}

#[tokio::test]
async fn a_lock_holds_until_it_expires_or_is_removed() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    // A release whose process was killed while it sent files.
    job.leave_lock("uploading", "9999999999");
    let error = job
        .site
        .release(&job.tree(), &options())
        .await
        .expect_err("locked");
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error.to_string().contains("a colleague deploys to acme"),
        "{error}"
    );
    let error = job.site.unlock(false).await.expect_err("not expired");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    // Time passes.
    fs::write(job.at("_wpeprivate/wpengine/lock/expires"), "1").expect("a file");
    job.site
        .release(&job.tree(), &options())
        .await
        .expect("a release");
    assert!(
        !job.site.unlock(true).await.expect("an answer"),
        "no lock is left"
    );
}

#[tokio::test]
async fn of_3000_files_the_5_that_changed_are_written_and_the_rest_keep_their_time() {
    let Some(mut job) = Job::start().await else {
        return;
    };
    for number in 0..3_000 {
        let name = format!("files/{}/{number}.php", number % 60);
        write(
            &job.local,
            &[(&name, &format!("<?php // {number} {}\n", "x".repeat(4_000)))],
        );
    }
    let mut quick = options();
    quick.lint = false;
    job.site
        .release(&job.tree(), &quick)
        .await
        .expect("a release");
    let times = |job: &Job| -> BTreeMap<String, i64> {
        (0..3_000)
            .map(|number| {
                let name = format!("{THEME}/files/{}/{number}.php", number % 60);
                let about = fs::metadata(job.at(&name)).expect("a file");
                (name, about.mtime() * 1_000_000_000 + about.mtime_nsec())
            })
            .collect()
    };
    let before = times(&job);
    // A checkout: all files are new, five have another content.
    for number in 0..3_000 {
        let name = format!("files/{}/{number}.php", number % 60);
        let word = if number % 600 == 7 {
            "changed"
        } else {
            &format!("{number}")
        };
        write(
            &job.local,
            &[(&name, &format!("<?php // {word} {}\n", "x".repeat(4_000)))],
        );
    }
    let connections = job.rig.server.connections().0;
    let released = job
        .site
        .release(&job.tree(), &quick)
        .await
        .expect("a release");
    assert_eq!(released.changed.len(), 5, "{:?}", released.changed);
    assert_eq!(released.created.len() + released.deleted.len(), 0);
    assert_eq!(
        job.rig.server.connections().0,
        connections,
        "one connection for all"
    );
    let after = times(&job);
    let rewritten: Vec<&String> = before
        .iter()
        .filter(|(name, time)| after[*name] != **time)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(rewritten.len(), 5, "{rewritten:?}");
    assert_eq!(rewritten, released.changed.iter().collect::<Vec<_>>());
}
