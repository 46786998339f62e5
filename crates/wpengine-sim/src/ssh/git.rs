//! Repositories that take a push as the service does.

use std::{fs, io, path::Path, process::Command};

use super::{program, run};

/// Makes the repository of an install. Its hooks refuse what the service refuses and print the stages that it prints.
pub(super) fn repository(rig: &Path, install: &str) -> io::Result<()> {
    let path = rig.join("git").join(format!("{install}.git"));
    run(Command::new("git")
        .args(["init", "--quiet", "--bare", "--initial-branch=main"])
        .arg(&path))?;
    let hooks = path.join("hooks");
    fs::create_dir_all(&hooks)?;
    program(&hooks.join("pre-receive"), include_str!("pre-receive.sh"))?;
    fs::write(
        path.join("site"),
        rig.join("homes")
            .join(install)
            .join("sites")
            .join(install)
            .display()
            .to_string(),
    )
}
