//! One session in which a site is compared and, if that is wanted, changed: each message more would cost the way there and back.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{ChildStdin, ChildStdout},
    time::timeout,
};

use super::{
    QUESTION, SCRIPT,
    compare::Compared,
    record,
    script::{Answer, Variables},
    tree::{Content, Tree},
};
use crate::{
    connection::{Connection, Running},
    error::{Error, ErrorKind},
};

pub(super) struct Talk<'a> {
    connection: &'a Connection,
    running: Running<'a>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl<'a> Talk<'a> {
    /// Asks what is on the site. The files of this machine are read meanwhile.
    pub(super) async fn begin(
        connection: &'a Connection,
        variables: &Variables<'_>,
        tree: &Tree,
    ) -> Result<(Self, Compared), Error> {
        let files = record::packed(tree.files.iter().map(|name| tree.on_site(name)));
        let read = tokio::task::spawn_blocking({
            let tree = tree.clone();
            move || tree.contents()
        });
        let links = record::packed(tree.links.iter().map(|name| tree.on_site(name)));
        let variables = variables.clone().listed(files.len(), links.len());
        let mut input = variables.script("converse", true);
        input.extend(&files);
        input.extend(&links);
        let mut running = connection.shell(|_| {}).await?;
        let lost = || connection.lost(b"");
        let mut stdin = running.child.stdin.take().ok_or_else(lost)?;
        let mut stdout =
            BufReader::with_capacity(64 * 1024, running.child.stdout.take().ok_or_else(lost)?);
        let write = async {
            // If it fails, what the other side says is why.
            let _ = stdin.write_all(&input).await;
            let _ = stdin.flush().await;
        };
        let listen = async {
            let mut answer = Answer::default();
            loop {
                let (Some(name), Some(value)) = (word(&mut stdout).await, word(&mut stdout).await)
                else {
                    return (answer, false);
                };
                if name == b"ready" {
                    return (answer, true);
                }
                answer.add(&name, &value);
            }
        };
        let both = timeout(QUESTION * 5, async { tokio::join!(write, listen).1 }).await;
        let (answer, is_ready) = both.map_err(|_| too_slow(connection))?;
        let mut talk = Self {
            connection,
            running,
            stdin,
            stdout,
        };
        if !is_ready {
            let (code, stderr) = talk.ended().await?;
            answer.ended(code, connection.install(), &stderr)?;
            return Err(connection.lost(&stderr));
        }
        let contents: Vec<Content> = read.await.map_err(|panic| {
            Error::new(ErrorKind::Local, format!("cannot read the files: {panic}"))
        })??;
        let compared = Compared::of(&answer, contents)?;
        Ok((talk, compared))
    }

    /// Makes the release, with its list of files and an archive of those that are sent; without an archive it only begins.
    pub(super) async fn release(
        mut self,
        manifest: &[u8],
        archive: &[u8],
    ) -> Result<Answer, Error> {
        let mut input = format!("release {} {}\n", manifest.len(), archive.len()).into_bytes();
        input.extend(manifest);
        input.extend(archive);
        let mut stdout = self.stdout;
        let mut stdin = self.stdin;
        let write = async {
            let _ = stdin.write_all(&input).await;
            let _ = stdin.shutdown().await;
        };
        let listen = async {
            let mut answer = Answer::default();
            while let (Some(name), Some(value)) = (word(&mut stdout).await, word(&mut stdout).await)
            {
                answer.add(&name, &value);
            }
            answer
        };
        let both = timeout(SCRIPT, async { tokio::join!(write, listen).1 }).await;
        let answer = both.map_err(|_| too_slow(self.connection))?;
        let stderr = stderr_of(&mut self.running).await;
        let code = code_of(&mut self.running).await?;
        answer.ended(code, self.connection.install(), &stderr)
    }

    async fn ended(&mut self) -> Result<(i32, Vec<u8>), Error> {
        let stderr = stderr_of(&mut self.running).await;
        Ok((code_of(&mut self.running).await?, stderr))
    }
}

async fn stderr_of(running: &mut Running<'_>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut stderr) = running.child.stderr.take() {
        let _ = timeout(QUESTION, stderr.read_to_end(&mut said)).await;
    }
    said
}

async fn code_of(running: &mut Running<'_>) -> Result<i32, Error> {
    let status = running.child.wait().await;
    let status = status.map_err(|error| Error::program("ssh", &error))?;
    Ok(status.code().unwrap_or(255))
}

/// What comes before the next byte 0; nothing at the end.
async fn word(stdout: &mut BufReader<ChildStdout>) -> Option<Vec<u8>> {
    let mut word = Vec::new();
    stdout.read_until(0, &mut word).await.ok()?;
    (word.pop() == Some(0)).then_some(word)
}

fn too_slow(connection: &Connection) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format!(
            "a script on the gateway of {} took too long",
            connection.install()
        ),
    )
}
