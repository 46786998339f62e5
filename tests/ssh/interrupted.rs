//! Deployments that end in the middle: at every command of their scripts, and after any number of bytes.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use wpengine_ssh::deploy::{Options, Tree};

use crate::{
    deploy::{Job, options, write},
    gateway::cases,
};

/// What happens at a command of a script.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// The container goes, and with it the script. The client is still there.
    ScriptKilled,
    /// The connection goes, and the script goes on. The client is still there.
    Cut,
    /// The script and the client are killed.
    AllKilled,
    /// The client is killed, and the script goes on.
    ClientKilled,
}

const BLOWS: [Blow; 4] = [
    Blow::ScriptKilled,
    Blow::Cut,
    Blow::AllKilled,
    Blow::ClientKilled,
];

impl Blow {
    fn kills_client(self) -> bool {
        matches!(self, Self::AllKilled | Self::ClientKilled)
    }

    /// Shell code that counts the commands of a function's script, and strikes once.
    fn code(self, function: &str, at: u32) -> String {
        let strike = match self {
            // The group of the session: also the program that works for the script at the moment.
            Self::ScriptKilled => "kill -9 0",
            Self::Cut => "kill -9 $PPID",
            Self::AllKilled => "kill -9 $PPID 0",
            Self::ClientKilled => "kill -9 $PPID",
        };
        // A client that is dead asks nothing more.
        let dead = match self.kills_client() {
            true => "[ -d \"$RIG/containers/hit\" ] && kill -9 $PPID 0",
            false => ":",
        };
        format!(
            "case $- in *s*) {dead}
__n=0
__step() {{
  case $BASH_COMMAND in __*) return ;; esac
  __n=$((__n + 1))
  [ $__n -eq {at} ] && [ \"${{__mine-}}\" = 1 ] && mkdir \"$RIG/containers/hit\" 2>/dev/null && {strike}
  case $BASH_COMMAND in {function}*) __mine=1; __n=0 ;; esac
  [ \"${{__mine-}}\" = 1 ] && [ $BASH_SUBSHELL = 0 ] && echo $__n >\"$RIG/containers/count\"
  return 0
}}
set -T
trap __step DEBUG ;; esac\n"
        )
    }
}

/// The scripts of a release: all in one, then the last part after files were sent by rsync, then the way back.
const FUNCTIONS: [&str; 3] = ["converse", "apply", "undo"];

/// The options with which a function is the one that works.
fn how(function: &str) -> Options {
    let mut how = options();
    if function == "apply" {
        how.at_once = 0;
    }
    how
}

struct Course {
    job: Job,
    /// The site before, and after the release.
    before: BTreeMap<PathBuf, String>,
    after: BTreeMap<PathBuf, String>,
}

impl Course {
    /// A site with one release, and the files of the next.
    async fn start() -> Option<Self> {
        let mut job = Job::start().await?;
        let release = |job: &Job| (job.tree(), options());
        let (tree, how) = release(&job);
        job.site.release(&tree, &how).await.expect("a release");
        let before = job.live();
        write(
            &job.local,
            &[
                ("style.css", "two"),
                ("new/deep/c.php", "<?php // c\n"),
                ("inc/a.php", "<?php // a, again\n"),
            ],
        );
        fs::remove_file(job.local.join("inc/b.php")).expect("a file");
        let (tree, how) = release(&job);
        job.site.release(&tree, &how).await.expect("a release");
        let after = job.live();
        assert_ne!(before, after);
        job.site.rollback(None, &how).await.expect("a rollback");
        assert_eq!(job.live(), before);
        Some(Self { job, before, after })
    }

    /// How many commands a function runs.
    async fn commands(&mut self, function: &str) -> u32 {
        let server = &self.job.rig.server;
        server
            .run_before_scripts(Some(&Blow::Cut.code(function, 1_000_000)))
            .expect("a file");
        let tree = self.job.tree();
        self.job
            .site
            .release(&tree, &how(function))
            .await
            .expect("a release");
        self.job
            .site
            .rollback(None, &options())
            .await
            .expect("a rollback");
        self.job
            .rig
            .server
            .run_before_scripts(None)
            .expect("a file");
        let count = fs::read_to_string(self.container("count")).expect("a count");
        count.trim().parse().expect("a number")
    }

    fn container(&self, name: &str) -> PathBuf {
        let site = self.job.rig.server.site("acme");
        site.ancestors()
            .nth(4)
            .expect("a folder")
            .join("containers")
            .join(name)
    }

    /// A release that is struck, and what a person does then. At the end the site is one of the two.
    async fn run(&mut self, function: &str, at: u32, blow: Blow, resumes: bool) {
        let story = format!("{function} at {at}, {blow:?}, resumes: {resumes}");
        let _ = fs::remove_dir(self.container("hit"));
        if function == "undo" {
            let tree = self.job.tree();
            self.job
                .site
                .release(&tree, &options())
                .await
                .expect(&story);
        }
        self.job
            .rig
            .server
            .run_before_scripts(Some(&blow.code(function, at)))
            .expect("a file");
        let mut site = self.job.rig.user().await.site("acme");
        let tree = self.job.tree();
        let how = how(function);
        let is_undo = function == "undo";
        let mut work = tokio::spawn(async move {
            match is_undo {
                true => site.rollback(None, &how).await.map(drop),
                false => site.release(&tree, &how).await.map(drop),
            }
        });
        let hit = self.container("hit");
        let ended = loop {
            tokio::select! {
                ended = &mut work => break Some(ended.expect("no panic")),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
            if blow.kills_client() && hit.is_dir() {
                work.abort();
                let _ = (&mut work).await;
                break None;
            }
        };
        self.job
            .rig
            .server
            .run_before_scripts(None)
            .expect("a file");
        if let Some(ended) = ended {
            // A client that is there goes on by itself.
            ended.unwrap_or_else(|error| panic!("{story}: {error}"));
            let wanted = if is_undo { &self.before } else { &self.after };
            assert_eq!(&self.job.live(), wanted, "{story}");
        } else {
            self.recover(&story, resumes).await;
        }
        let releases = self.job.site.releases().await.expect(&story);
        assert_eq!(releases.lock, None, "{story}");
        // Back to the beginning for the next one.
        if self.job.live() == self.after {
            self.job
                .site
                .rollback(None, &options())
                .await
                .expect(&story);
        }
        assert_eq!(self.job.live(), self.before, "{story}");
        self.job.site.connect().await.expect(&story);
    }

    async fn recover(&mut self, story: &str, resumes: bool) {
        let tree: Tree = self.job.tree();
        let how: Options = options();
        // This waits for a script that goes on.
        let site = &mut self.job.site;
        let lock = site.releases().await.expect(story).lock;
        let resumed = match (lock, resumes) {
            (None, _) => false,
            (Some(_), true) => site.resume(Some(&tree), &how).await.expect(story).is_some(),
            (Some(lock), false) => {
                // What has not begun to change the site is taken back as if its time were over.
                match lock.state.as_str() {
                    "" | "uploading" | "saving" | "saved" => {
                        site.unlock(true).await.expect(story);
                    }
                    _ => drop(site.rollback(None, &how).await.expect(story)),
                }
                true
            }
        };
        let live = self.job.live();
        let is_one = live == self.before || live == self.after;
        assert!(is_one, "{story}: {resumed}: {live:#?}");
    }
}

#[tokio::test]
async fn a_release_that_is_struck_anywhere_is_whole_in_the_end() {
    let Some(mut course) = Course::start().await else {
        return;
    };
    let functions = FUNCTIONS;
    let mut commands = BTreeMap::new();
    for function in functions {
        commands.insert(function, course.commands(function).await);
    }
    assert!(commands["apply"] > 100, "{commands:?}");
    for _ in 0..cases(10) {
        let function = functions[fastrand::usize(..3)];
        let at = fastrand::u32(1..=commands[function]);
        let blow = BLOWS[fastrand::usize(..4)];
        course.run(function, at, blow, fastrand::bool()).await;
    }
}

/// All commands, all blows, both ways out.
#[tokio::test]
#[ignore = "it takes more than an hour"]
async fn a_release_is_whole_after_every_command() {
    let step = std::env::var("WPENGINE_SSH_EVERY").unwrap_or_else(|_| "1".to_owned());
    let step: usize = step.parse().expect("a number");
    let Some(mut course) = Course::start().await else {
        return;
    };
    for function in FUNCTIONS {
        let commands = course.commands(function).await;
        for at in (1..=commands).step_by(step) {
            for blow in BLOWS {
                course.run(function, at, blow, fastrand::bool()).await;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_after_any_number_of_bytes_comes_back() {
    let Some(mut course) = Course::start().await else {
        return;
    };
    // Something that takes more than a packet.
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(200_000)
        .collect();
    write(&course.job.local, &[("large.txt", &noise)]);
    let before = course.job.rig.server.bytes().0;
    let tree = course.job.tree();
    course
        .job
        .site
        .release(&tree, &options())
        .await
        .expect("a release");
    let bytes = course.job.rig.server.bytes().0 - before;
    course.after = course.job.live();
    course
        .job
        .site
        .rollback(None, &options())
        .await
        .expect("a rollback");
    for number in 0..cases(6) {
        let after = fastrand::u64(..bytes);
        let how = how(FUNCTIONS[number % 2]);
        course.job.rig.server.cut_after(after);
        let ended = course.job.site.release(&tree, &how).await;
        course.job.rig.server.cut_after(u64::MAX >> 1);
        let ended = ended.unwrap_or_else(|error| panic!("cut after {after} of {bytes}: {error}"));
        assert!(!ended.created.is_empty());
        assert_eq!(course.job.live(), course.after, "cut after {after}");
        course
            .job
            .site
            .rollback(None, &options())
            .await
            .expect("a rollback");
        assert_eq!(course.job.live(), course.before, "cut after {after}");
    }
}
