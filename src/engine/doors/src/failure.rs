//! Failures: what an error means for the instance that had it, and errors for C.

use wasmtime_c_api::wasmtime::{Error, PoolConcurrencyLimitError, Result, Trap};
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::I32Exit;

use crate::guard::Panicked;

/// Part of the adapter's name in a backtrace.
const ADAPTER: &str = "wasi_snapshot_preview1";
const ADAPTER_HINT: &str = "\nhint: WASI's adapter found its memory overwritten; an allocator that \
    takes all new memory for its own, as wasi-libc's before 2023, does that, unless the module \
    exports cabi_realloc";

pub type CError = Option<Box<wasmtime_error_t>>;

/// An error for C, in one line; `ok` gets the value otherwise.
pub fn c_error<T>(result: Result<Result<T>, Panicked>, ok: impl FnOnce(T)) -> CError {
    match result {
        Ok(Ok(value)) => {
            ok(value);
            None
        }
        Ok(Err(error)) => Some(Box::new(Error::msg(one_line(&error)).into())),
        Err(panic) => Some(Box::new(Error::msg(panic.to_string()).into())),
    }
}

/// What does not fit in the pool is said at length by the engine, and in short by the cause.
fn one_line(error: &Error) -> String {
    let text = format!("{error:#}");
    if text.contains("pooling allocator") {
        return format!("it does not fit in the pool: {}", error.root_cause());
    }
    text
}

/// A memory or table went beyond what its instance may have.
#[derive(Debug)]
pub struct LimitReached(pub String);

impl std::fmt::Display for LimitReached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimitReached {}

/// `on_epoch` answered EPOCH_INTERRUPT.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// `enum outcome_kind`
#[repr(u32)]
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Ok,
    Err,
    Trap,
    Exit,
    OutOfMemory,
    Interrupted,
    LoadError,
}

/// `TRAP_ENGINE_PANIC` and `TRAP_UNKNOWN` of base/trap_code.h
const TRAP_ENGINE_PANIC: i32 = 254;
const TRAP_UNKNOWN: i32 = 255;

pub struct Failure {
    pub kind: Kind,
    /// A trap code or an exit code.
    pub code: i32,
    pub text: String,
}

impl Failure {
    pub fn of_panic(panic: &Panicked) -> Failure {
        Failure {
            kind: Kind::Trap,
            code: TRAP_ENGINE_PANIC,
            text: panic.to_string(),
        }
    }

    /// `making`: the instance was being made, so an error without a code is a load error.
    pub fn of_error(error: &Error, making: bool) -> Failure {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Failure {
                kind: Kind::Exit,
                code: exit.0,
                text: String::new(),
            };
        }
        let (kind, code) = if let Some(trap) = error.downcast_ref::<Trap>() {
            (Kind::Trap, *trap as u8 as i32)
        } else if error.is::<Interrupted>() {
            (Kind::Interrupted, 0)
        } else if error.is::<LimitReached>() || is_count_limit(error) {
            (Kind::OutOfMemory, 0)
        } else if making || error.is::<PoolConcurrencyLimitError>() {
            (Kind::LoadError, 0)
        } else {
            (Kind::Trap, TRAP_UNKNOWN)
        };
        Failure {
            kind,
            code,
            text: text(error),
        }
    }
}

/// The cause first, in one line, then the guest's backtrace.
fn text(error: &Error) -> String {
    const BACKTRACE: &str = "error while executing at wasm backtrace:";
    let chain: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
    let is_backtrace = |part: &&String| part.starts_with(BACKTRACE);
    let causes: Vec<&str> = chain
        .iter()
        .filter(|part| !is_backtrace(part))
        .map(String::as_str)
        .collect();
    let mut text = causes.join(": ");
    for backtrace in chain.iter().filter(is_backtrace) {
        text.push_str("\nwasm backtrace:");
        text.push_str(&backtrace[BACKTRACE.len()..]);
    }
    if text.contains(ADAPTER) && text.contains("assert_fail") {
        text.push_str(ADAPTER_HINT);
    }
    text
}

/// Too many instances, tables or memories in one store: an error without a type of its own.
fn is_count_limit(error: &Error) -> bool {
    error
        .root_cause()
        .to_string()
        .starts_with("resource limit exceeded: ")
}
