//! Files that a task writes, and the comparison of `--check`.

use std::{
    fs,
    io::{ErrorKind, Write},
    process::ExitCode,
};

use similar::TextDiff;

use crate::{Failure, workspace};

/// One generated file: its path from the root of the workspace, and its content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) path: &'static str,
    pub(crate) content: String,
}

impl Output {
    pub(crate) fn new(path: &'static str, content: String) -> Self {
        Self { path, content }
    }

    /// Writes the file only if it differs, so that an unchanged file keeps its time stamp and cargo rebuilds nothing.
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

/// Prints the difference between the files and what `task` would write.
pub(crate) fn check(task: &str, outputs: &[Output]) -> Result<ExitCode, Failure> {
    let mut stale = Vec::new();
    for output in outputs {
        if let Some(difference) = output.difference()? {
            // It is not an error if the reader closes the pipe.
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
