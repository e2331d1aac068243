//! Engines: Wasmtime's, its linker with all that a guest may import, and the I/O thread.

use std::ffi::c_void;
use std::time::Duration;

use tokio::runtime::{EnterGuard, Runtime};
use wasmtime_c_api::wasmtime::component::Linker;
use wasmtime_c_api::wasmtime::{Engine, Error, Result};
use wasmtime_c_api::{wasm_config_t, wasmtime_error_t};

use crate::config::config;
use crate::failure::{CError, c_error};
use crate::guard::{guarded, install_hook};
use crate::store::Guest;
use crate::waker::{WakeFunction, WakeSlot};
use crate::{command, core};

/// Threads for what would block the I/O thread; nothing that a guest can do today needs one.
const BLOCKING_THREADS_MAX: usize = 64;
/// How long `doors_engine_delete` waits for them.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

pub struct DoorsEngine {
    pub linker: Linker<Guest>,
    pub engine: Engine,
    /// Taken only when deleted.
    runtime: Option<Runtime>,
    /// After `runtime`: its thread may wake until it has ended.
    pub wakers: WakeSlot,
}

impl DoorsEngine {
    /// WASI's waits register with the I/O thread of the engine they were entered for.
    pub fn enter(&self) -> Option<EnterGuard<'_>> {
        self.runtime.as_ref().map(Runtime::enter)
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("airs-io")
        .enable_all()
        .build()
}

fn linker(engine: &Engine, test_doors: bool) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    core::add_to_linker(&mut linker)?;
    command::add_to_linker(&mut linker)?;
    if test_doors {
        linker
            .instance("airs:test/doors")?
            .func_wrap("panic", |_, (): ()| -> Result<()> {
                panic!("a door was asked to panic")
            })?;
    }
    Ok(linker)
}

fn new(
    c: &wasm_config_t,
    wake: Option<WakeFunction>,
    context: *mut c_void,
    test_doors: bool,
) -> Result<DoorsEngine> {
    let wakers = WakeSlot::take(wake, context)
        .ok_or_else(|| Error::msg("too many engines in this process"))?;
    let engine = Engine::new(config(c))?;
    let linker = linker(&engine, test_doors)?;
    let runtime = runtime().map_err(|e| Error::msg(format!("I/O thread: {e}")))?;
    Ok(DoorsEngine {
        linker,
        engine,
        runtime: Some(runtime),
        wakers,
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_engine_new(
    c: &wasm_config_t,
    wake: Option<WakeFunction>,
    context: *mut c_void,
    test_doors: bool,
    out: &mut *mut DoorsEngine,
) -> CError {
    install_hook();
    c_error(guarded(|| new(c, wake, context, test_doors)), |engine| {
        *out = Box::into_raw(Box::new(engine));
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_engine_delete(mut engine: Box<DoorsEngine>) {
    let _ = guarded(|| {
        if let Some(runtime) = engine.runtime.take() {
            runtime.shutdown_timeout(SHUTDOWN_WAIT);
        }
        drop(engine);
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_engine_increment_epoch(engine: &DoorsEngine) {
    engine.engine.increment_epoch();
}

/// `struct engine_usage`
#[repr(C)]
pub struct Usage {
    instances: u64,
    core_instances: u64,
    memories: u64,
    tables: u64,
    stacks: u64,
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_engine_usage(engine: &DoorsEngine, out: &mut Usage) {
    if let Some(pool) = engine.engine.pooling_allocator_metrics() {
        *out = Usage {
            instances: pool.component_instances(),
            core_instances: pool.core_instances(),
            memories: pool.memories() as u64,
            tables: pool.tables() as u64,
            stacks: pool.stacks() as u64,
        };
    }
}

/// Everything that code compiled with this configuration depends on, as one number.
#[unsafe(no_mangle)]
pub extern "C" fn doors_config_fingerprint(
    c: &wasm_config_t,
    out: &mut u64,
) -> Option<Box<wasmtime_error_t>> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    install_hook();
    c_error(guarded(|| Engine::new(config(c))), |engine| {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        *out = hasher.finish();
    })
}
