//! A spinner for work that takes over a second: on a terminal only, and gone when the work is done.

use std::io::IsTerminal;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner is not worth a line that flashes by.
const DELAY: Duration = Duration::from_secs(1);

const TICK: Duration = Duration::from_millis(100);

/// Work in progress. Dropping it ends and clears the spinner.
pub(super) struct Progress {
    running: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    /// Work that is not shown.
    pub(super) fn none() -> Self {
        Self { running: None }
    }

    /// Work that standard error speaks of, if that is a terminal.
    pub(super) fn start(what: impl Into<String>) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if dumb || !std::io::stderr().is_terminal() {
            return Self::none();
        }
        Self::draw(what.into(), ProgressDrawTarget::stderr(), DELAY)
    }

    /// The work goes on with something else.
    pub(super) fn now(&self, what: impl Into<String>) {
        if let Some((messages, _)) = &self.running {
            // The thread ends before this only if it could not draw.
            let _ = messages.send(what.into());
        }
    }

    /// The spinner has a thread of its own: most of the work never yields.
    fn draw(what: String, target: ProgressDrawTarget, delay: Duration) -> Self {
        let (messages, receiver) = mpsc::channel();
        let thread = thread::spawn(move || spin(what, &receiver, target, delay));
        Self {
            running: Some((messages, thread)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((messages, thread)) = self.running.take() {
            drop(messages);
            // What is printed next must not meet the spinner.
            let _ = thread.join();
        }
    }
}

fn spin(
    mut what: String,
    messages: &Receiver<String>,
    target: ProgressDrawTarget,
    delay: Duration,
) {
    let start = Instant::now();
    loop {
        match messages.recv_timeout(delay.saturating_sub(start.elapsed())) {
            Ok(next) => what = next,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let mut bar = ProgressBar::with_draw_target(None, target)
        .with_message(what)
        .with_elapsed(start.elapsed());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar = bar.with_style(style);
    }
    bar.enable_steady_tick(TICK);
    while let Ok(next) = messages.recv() {
        bar.set_message(next);
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what was written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn add(&self, text: &str) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push_str(text);
        }

        fn text(&self) -> String {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(text);
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.add("<clear>");
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on(screen: &Screen, delay: Duration) -> Progress {
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        Progress::draw("fetching".to_owned(), target, delay)
    }

    #[test]
    fn short_work_shows_nothing() {
        let screen = Screen::default();
        let progress = on(&screen, Duration::from_mins(1));
        progress.now("compiling");
        drop(progress);
        assert_eq!(screen.text(), "");
    }

    #[test]
    fn long_work_shows_what_it_does_and_is_cleared() {
        let screen = Screen::default();
        let progress = on(&screen, Duration::ZERO);
        for wanted in ["fetching", "compiling"] {
            progress.now(wanted);
            let start = Instant::now();
            while !screen.text().contains(wanted) {
                assert!(start.elapsed() < Duration::from_secs(30), "{wanted}");
                thread::sleep(Duration::from_millis(5));
            }
        }
        drop(progress);
        assert!(screen.text().trim_end().ends_with("<clear>"), "{screen:?}");
    }
}
