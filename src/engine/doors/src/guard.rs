//! Panics as values: none leaves a door, and none prints.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A panic inside a door, as an error that other code can recognise.
#[derive(Debug)]
pub struct Panicked(pub String);

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "engine panic: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

/// Records the message of a panic inside a door; others are reported as before.
pub fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
            } else {
                MESSAGE.with_borrow_mut(|message| *message = one_line(&info.to_string()));
            }
        }));
    });
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs `door`; a panic in it is its message.
///
/// What a panic leaves behind is broken: the caller may only drop it, inside another guard.
pub fn guarded<R>(door: impl FnOnce() -> R) -> Result<R, Panicked> {
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(door));
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|_| Panicked(MESSAGE.with_borrow_mut(std::mem::take)))
}
