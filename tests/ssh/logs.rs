//! Logs: where they are, what is in them, and what comes while they are followed.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wpengine_ssh::logs::{Event, Filter, Kind, Level, Start, merged};

use crate::rig::Rig;

const LOG: &str = "wp-content/debug.log";

fn append(path: &Path, text: &str) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
}

/// What logrotate does: each number moves up, and a new file is there.
fn rotate(path: &Path) {
    let numbered = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    for number in (1..9).rev() {
        let _ = fs::rename(numbered(number), numbered(number + 1));
    }
    fs::rename(path, numbered(1)).expect("a file");
    File::create(path).expect("a file");
}

#[tokio::test]
async fn logs_are_found_where_they_are() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let site = rig.server.site("acme");
    fs::create_dir(site.join("logs")).expect("a folder");
    append(
        &site.join("logs/acme.access.log"),
        "1.2.3.4 h - [26/Nov/2026:06:00:02 +0000] \"GET /a HTTP/1.1\" 500 1\n",
    );
    append(
        &site.join("logs/acme.access.log.1"),
        "1.2.3.4 h - [25/Nov/2026:06:00:02 +0000] \"GET /old HTTP/1.1\" 200 1\n",
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(b"1.2.3.4 h - [24/Nov/2026:06:00:02 +0000] \"GET /oldest HTTP/1.1\" 404 1\n")
        .expect("memory");
    fs::write(
        site.join("logs/acme.access.log.2.gz"),
        packed.finish().expect("memory"),
    )
    .expect("a file");
    append(
        &site.join("wp-config.php"),
        "  define( 'WP_DEBUG_LOG', 'private/my log.txt' );\n",
    );
    fs::create_dir(site.join("private")).expect("a folder");
    append(&site.join("private/my log.txt"), "a line\n");
    let mut logs = rig.user().await.logs("acme");
    let found = logs
        .sources(&["index.php".into(), "nothing.log".into()])
        .await
        .expect("sources");
    assert_eq!(found.missing, ["nothing.log"]);
    let of = |path: &str| {
        found
            .files
            .iter()
            .find(|file| file.path == path)
            .unwrap_or_else(|| panic!("{path}: {found:?}"))
    };
    assert_eq!(of(LOG).kind, Kind::WordPress);
    assert_eq!(of("private/my log.txt").size, 7);
    assert_eq!(of("index.php").kind, Kind::Named);
    assert_eq!(
        of("logs/acme.access.log.2.gz").rotated_from.as_deref(),
        Some("logs/acme.access.log")
    );
    assert_eq!(found.live().count(), 4);

    let sources = [
        "logs/acme.access.log.2.gz",
        "logs/acme.access.log.1",
        "logs/acme.access.log",
        LOG,
    ]
    .map(|path| of(path).clone());
    append(&site.join("logs/acme.access.log"), "what comes later\n");
    let files = logs.read(&sources, None).await.expect("files");
    let lines = merged(&files.files, &Filter::default());
    let requests: Vec<_> = lines
        .iter()
        .filter_map(|(_, line)| line.path.as_deref())
        .collect();
    assert_eq!(requests, ["/oldest", "/old", "/a"]);
    assert!(lines.iter().all(|(_, line)| line.raw != "what comes later"));
    let bad = merged(&files.files, &Filter::default().level(Level::Error));
    assert_eq!(bad.len(), 1, "{bad:?}");
    let last = logs.read(&sources[2..3], Some(1)).await.expect("files");
    assert!(last.files[0].1.contains("GET /a"), "{last:?}");
}

#[tokio::test]
async fn following_loses_and_doubles_nothing_over_cuts_rotations_and_a_truncation() {
    const LINES: usize = 100_000;
    let Some(rig) = Rig::start().await else {
        return;
    };
    let path = rig.server.site("acme").join(LOG);
    fs::write(&path, "").expect("a file");
    let seen = Arc::new(AtomicUsize::new(0));
    let mut logs = rig
        .user()
        .await
        .logs("acme")
        .pause(Duration::from_millis(20));
    let found = logs.sources(&[]).await.expect("sources");
    logs.add(&found.files[0], Start::End);
    let follow = tokio::spawn({
        let seen = Arc::clone(&seen);
        async move {
            let (mut numbers, mut notes) = (Vec::with_capacity(LINES), Vec::new());
            logs.follow(|event| {
                match event {
                    Event::Line { text, .. } => {
                        let number: usize = text
                            .strip_prefix("line ")
                            .and_then(|number| number.parse().ok())
                            .unwrap_or_else(|| panic!("{text:?}"));
                        numbers.push(number);
                        seen.store(number, Ordering::SeqCst);
                    }
                    Event::Note(note) => notes.push(note),
                    _ => {}
                }
                numbers.last() != Some(&LINES)
            })
            .await
            .expect("it goes on");
            (numbers, notes)
        }
    });
    let reached = |number: usize| {
        let seen = Arc::clone(&seen);
        async move {
            while seen.load(Ordering::SeqCst) < number {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    };
    let mut text = String::new();
    let (mut cuts, mut rotations, mut cut_off) = (0, 0, 0..0);
    for number in 1..=LINES {
        text.push_str(&format!("line {number}\n"));
        // Not at the end of a line.
        if number % 500 == 0 {
            let half = text.len() - 3;
            append(&path, &text[..half]);
            append(&path, &text[half..]);
            text.clear();
        }
        if number % 5_000 == 2_500 {
            reached(number - 2_400).await;
            rig.server.cut();
            cuts += 1;
        }
        // Some while all was read, some while much was not.
        if number % 18_000 == 0 {
            rotate(&path);
            rotations += 1;
        }
        if number == 60_000 {
            reached(59_000).await;
            // The first line that is not known to be read; then the file is cut.
            let first = seen.load(Ordering::SeqCst) + 1;
            File::create(&path).expect("a file");
            cut_off = first..number + 1;
        }
    }
    let (numbers, notes) = tokio::time::timeout(Duration::from_secs(120), follow)
        .await
        .expect("in time")
        .expect("no panic");
    assert_eq!((cuts, rotations), (20, 5));
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), numbers.len(), "a line came twice");
    let missing: Vec<usize> = (1..=LINES)
        .filter(|number| sorted.binary_search(number).is_err())
        .collect();
    assert!(
        missing.iter().all(|number| cut_off.contains(number)),
        "{missing:?} {cut_off:?}"
    );
    assert_eq!(
        notes
            .iter()
            .filter(|note| note.contains("was cut after"))
            .count(),
        1,
        "{notes:?}"
    );
    assert!(numbers.is_sorted());
}

#[tokio::test]
async fn fifty_installs_are_read_in_turn_over_four_connections() {
    let names: Vec<String> = (0..50).map(|number| format!("site{number}")).collect();
    let Some(rig) = Rig::with(wpengine_sim::Gateway::builder().installs(names.clone())).await
    else {
        return;
    };
    let user = rig.stranger();
    let key = user.shown("site0").await.expect("a key");
    user.accept(&key).expect("a file");
    for name in &names {
        append(
            &rig.server.site(name).join(LOG),
            &format!("one of {name}\n"),
        );
    }
    let mut all = Vec::new();
    for name in &names {
        let mut logs = user.logs(name);
        let found = logs.sources(&[]).await.expect("sources");
        logs.disconnect().await;
        logs.add(&found.files[0], Start::Beginning);
        all.push(logs);
    }
    for round in ["one", "two"] {
        let turns = futures_util::future::join_all(all.iter_mut().map(|logs| async {
            let mut lines = Vec::new();
            let name = logs.install().to_owned();
            let turn = logs.turn(|event| {
                if let Event::Line { text, .. } = event {
                    lines.push(text);
                }
                true
            });
            turn.await.expect("a turn");
            (name, lines)
        }))
        .await;
        for (name, lines) in turns {
            assert_eq!(lines.last(), Some(&format!("{round} of {name}")));
            assert_eq!(
                lines.iter().filter(|line| line.contains(" of ")).count(),
                1,
                "{lines:?}"
            );
            append(
                &rig.server.site(&name).join(LOG),
                &format!("two of {name}\n"),
            );
        }
    }
    assert!(rig.server.connections().1 <= 4);
}

#[tokio::test]
async fn a_file_that_was_cut_and_grew_again_is_read_from_its_beginning() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let path = rig.server.site("acme").join(LOG);
    let mut logs = rig.user().await.logs("acme");
    let found = logs.sources(&[]).await.expect("sources");
    logs.add(&found.files[0], Start::Beginning);
    logs.turn(|_| true).await.expect("a turn");
    // Longer than what was read, and other lines.
    let new: String = (0..100).map(|number| format!("new {number}\n")).collect();
    fs::write(&path, new).expect("a file");
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    logs.turn(|event| {
        match event {
            Event::Line { text, .. } => lines.push(text),
            Event::Note(note) => notes.push(note),
            _ => {}
        }
        true
    })
    .await
    .expect("a turn");
    assert_eq!(lines.len(), 100, "{lines:?}");
    assert_eq!(lines[0], "new 0");
    assert!(
        notes.iter().any(|note| note.contains("was cut after")),
        "{notes:?}"
    );
}
