//! The terminal: what it is, what is written to it, and the line that shows progress.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Where the program reads and writes.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) is_stdout: bool,
    is_stderr: bool,
    is_stdin: bool,
    pub(crate) width: Option<usize>,
    pub(crate) colour: bool,
    colour_stderr: bool,
    quiet: bool,
    /// Whether a line with progress may be drawn over itself.
    draws: bool,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    shown: bool,
    last: String,
    drawn_at: Option<Instant>,
}

impl Terminal {
    pub(crate) fn new(colour: &str, quiet: bool, no_progress: bool) -> Self {
        let (is_stdout, is_stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = |is_terminal: bool| match colour {
            "always" => true,
            "never" => false,
            _ if set("NO_COLOR") => false,
            _ if set("CLICOLOR_FORCE") || set("FORCE_COLOR") => true,
            _ => is_terminal && !dumb,
        };
        let width = terminal_size::terminal_size_of(io::stdout())
            .map(|(width, _)| usize::from(width.0))
            .filter(|width| *width > 0);
        Self {
            is_stdout,
            is_stderr,
            is_stdin: io::stdin().is_terminal(),
            width: is_stdout.then_some(width).flatten(),
            colour: wanted(is_stdout),
            colour_stderr: wanted(is_stderr),
            quiet,
            draws: is_stderr && !dumb && !quiet && !no_progress,
            line: Mutex::default(),
        }
    }

    /// Whether a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.is_stdin && self.is_stderr
    }

    /// Says something to a person, unless `--quiet` was given.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.write(&clean(text));
        }
    }

    /// Says something that was asked for, also if `--quiet` was.
    pub(crate) fn note(&self, text: &str) {
        self.write(&clean(text));
    }

    /// Says what must be said.
    pub(crate) fn warn(&self, text: &str) {
        let text = clean(text);
        self.write(&if self.colour_stderr {
            format!("\x1b[33mwarning:\x1b[0m {text}")
        } else {
            format!("warning: {text}")
        });
    }

    pub(crate) fn error(&self, failure: &Failure) {
        self.write(&if self.colour_stderr {
            format!("\x1b[1;31merror:\x1b[0m {failure}")
        } else {
            format!("error: {failure}")
        });
    }

    fn write(&self, text: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Shows what the program is doing now. On a terminal it is one line that changes; elsewhere each change is a line, and
    /// the same line is not written twice.
    pub(crate) fn progress(&self, text: &str) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if self.draws {
            let recent = line
                .drawn_at
                .is_some_and(|at| at.elapsed() < Duration::from_millis(50));
            if recent && line.shown {
                return;
            }
            let width = terminal_size::terminal_size_of(io::stderr())
                .map_or(80, |(width, _)| usize::from(width.0));
            let text = cut(&clean(text), width.saturating_sub(1));
            let _ = write!(io::stderr(), "\r\x1b[2K{text}");
            let _ = io::stderr().flush();
            line.shown = true;
            line.drawn_at = Some(Instant::now());
        }
    }

    /// Says a change of state: always, but as part of the moving line where there is one.
    pub(crate) fn step(&self, text: &str) {
        if self.draws {
            self.line
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .shown = false;
            self.progress(text);
        } else if !self.quiet {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            if line.last != text {
                text.clone_into(&mut line.last);
                let _ = writeln!(io::stderr(), "{}", clean(text));
            }
        }
    }

    /// Removes the line with progress.
    pub(crate) fn clear(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut line.shown) {
            let _ = write!(io::stderr(), "\r\x1b[2K");
            let _ = io::stderr().flush();
        }
    }

    /// Asks a question and reads one line. Nothing if the input ended.
    pub(crate) fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.clear();
        write!(io::stderr(), "{question} ")?;
        io::stderr().flush()?;
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// A text from elsewhere without what could steer the terminal. Line breaks stay.
pub(crate) fn clean(text: &str) -> String {
    // Nearly every text is plain.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return text.to_owned();
    }
    text.chars()
        .map(|letter| match letter {
            '\n' => '\n',
            '\t' => ' ',
            // Letters that change the direction of the text can make a name look like another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

/// The beginning of a text that fits a width, with an ellipsis if something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;

    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used >= width {
            break;
        }
        kept.push(letter);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// How many columns of a terminal a text takes.
pub(crate) fn width_of(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => unicode_width::UnicodeWidthStr::width(text),
    }
}

/// Restores what a prompt changed when the program is interrupted in it.
#[cfg(unix)]
pub(crate) mod modes {
    use std::sync::Mutex;

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

    pub(crate) fn save() {
        if let (Ok(modes), Ok(mut saved)) = (tcgetattr(std::io::stdin()), SAVED.lock()) {
            *saved = Some(modes);
        }
    }

    pub(crate) fn restore() {
        if let Ok(saved) = SAVED.lock()
            && let Some(modes) = saved.as_ref()
        {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, modes);
        }
    }
}

/// Elsewhere the console restores itself.
#[cfg(not(unix))]
pub(crate) mod modes {
    pub(crate) fn save() {}
    pub(crate) fn restore() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\u{202e}c\nd"), "a\u{fffd}[2Jb\u{fffd}c\nd");
    }

    #[test]
    fn a_text_is_cut_by_its_width_and_not_by_its_bytes() {
        assert_eq!(cut("torquemag", 9), "torquemag");
        assert_eq!(cut("torquemag", 6), "torqu…");
        assert_eq!(cut("日本語サイト", 7), "日本語…");
        assert_eq!(cut("abc", 0), "");
    }
}
