//! Files that a task writes, and how `--check` compares them with what is there.

use std::{
    fs,
    io::{ErrorKind, Write},
    process::ExitCode,
};

use similar::TextDiff;

use crate::{Failure, workspace};

/// One generated file: where it belongs, from the root of the workspace, and what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) path: &'static str,
    pub(crate) content: String,
}

impl Output {
    pub(crate) fn new(path: &'static str, content: String) -> Self {
        Self { path, content }
    }

    /// Writes the file if it differs, so that an unchanged one keeps its time stamp and nothing is rebuilt for it.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        if self.present()?.as_deref() == Some(self.content.as_str()) {
            return Ok(());
        }
        let path = workspace::root().join(self.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, &self.content)
            .map_err(|error| Failure::msg(format!("cannot write {}: {error}", self.path)))?;
        eprintln!("wrote {}", self.path);
        Ok(())
    }

    fn present(&self) -> Result<Option<String>, Failure> {
        match fs::read_to_string(workspace::root().join(self.path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::msg(format!("cannot read {}: {error}", self.path))),
        }
    }

    fn difference(&self) -> Result<Option<String>, Failure> {
        let present = self.present()?.unwrap_or_default();
        Ok((present != self.content).then(|| {
            TextDiff::from_lines(&present, &self.content)
                .unified_diff()
                .context_radius(2)
                .header(
                    &format!("{} (committed)", self.path),
                    &format!("{} (generated)", self.path),
                )
                .to_string()
        }))
    }
}

/// Prints how the files differ from what `task` would write.
pub(crate) fn check(task: &str, outputs: &[Output]) -> Result<ExitCode, Failure> {
    let mut stale = Vec::new();
    for output in outputs {
        if let Some(difference) = output.difference()? {
            // Whoever reads only the beginning has closed the pipe: that is no failure.
            let _ = writeln!(std::io::stdout(), "{difference}");
            stale.push(output.path);
        }
    }
    if stale.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "out of date: {}. Run `cargo xtask {task}` and commit what it writes.",
        stale.join(", ")
    );
    Ok(ExitCode::FAILURE)
}
