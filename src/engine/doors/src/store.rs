//! Stores: one guest's data, limits, WASI context and epoch.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime_c_api::wasmtime::component::{Instance, ResourceTable};
use wasmtime_c_api::wasmtime::{Error, ResourceLimiter, Result, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::command::{DoorsSignal, Signal};
use crate::component::DoorsComponent;
use crate::core::HostFunctions;
use crate::engine::DoorsEngine;
use crate::exports::Functions;
use crate::failure::{CError, Interrupted, LimitReached, c_error};
use crate::guard::guarded;
use crate::span::{Span, SpanPair, slice};
use crate::streams::{Input, Output, OutputFunction, RoomFunction};

/// `INSTANCE_HANDLES_MAX` and the like.
const HANDLES_MAX: usize = 1000;
const MEMORIES_MAX: usize = 16;
const CORE_INSTANCES_MAX: usize = 100;
const TABLES_MAX: usize = 100;
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// `enum epoch_answer`
const EPOCH_CONTINUE: u32 = 0;
const EPOCH_YIELD: u32 = 1;

/// `struct instance_options`
#[repr(C)]
pub struct Options {
    pub id: u64,
    host: *mut c_void,
    functions: *const HostFunctions,
    environment: *const SpanPair,
    environment_count: usize,
    arguments: *const Span,
    argument_count: usize,
    memory_bytes_max: u64,
    stdin_open: bool,
    output: Option<OutputFunction>,
    output_room: Option<RoomFunction>,
    on_epoch: Option<extern "C" fn(*mut c_void) -> u32>,
}

/// What belongs to one guest; host functions find it in their store.
pub struct Guest {
    pub host: *mut c_void,
    pub functions: HostFunctions,
    pub table: ResourceTable,
    pub stop: Arc<Signal>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    no_http: NoHttp,
    limits: Limits,
}

// SAFETY: `host` is C's, used only on the thread that polls this guest's store.
unsafe impl Send for Guest {}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.no_http,
        }
    }
}

/// Refuses every outgoing request with an error that the guest can read.
struct NoHttp;

type HttpError = wasmtime_wasi_http::Error;
type Io = Box<dyn Future<Output = Result<(), HttpError>> + Send>;
type Exchange = Result<(http::Response<WasiBody>, Io), wasmtime_wasi_http::Error>;

impl WasiHttpHooks for NoHttp {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<wasmtime_wasi_http::RequestOptions>,
        _done: Io,
    ) -> Box<dyn Future<Output = Exchange> + Send> {
        Box::new(async { Err(HttpError::HttpRequestDenied) })
    }
}

/// Bounds the sum over all memories of a store, and each of its tables.
struct Limits {
    bytes: u64,
    bytes_max: u64,
    /// C's copy of `bytes`, for other threads to read.
    shown: *const AtomicU64,
}

// SAFETY: the counter is atomic.
unsafe impl Send for Limits {}

impl Limits {
    fn set(&mut self, bytes: u64) {
        self.bytes = bytes;
        // SAFETY: C keeps the counter until the store is deleted.
        unsafe { (*self.shown).store(bytes, Ordering::Relaxed) };
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let bytes = self.bytes - current as u64 + desired as u64;
        if bytes > self.bytes_max {
            let max = self.bytes_max;
            let text = format!("memory of {bytes} bytes is more than the limit of {max}");
            return Err(LimitReached(text).into());
        }
        // What a module itself declared as its maximum is its own affair: it gets -1.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.set(bytes);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(LimitReached(format!("memory cannot grow: {error:#}")).into())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if desired > TABLE_ELEMENTS_MAX {
            let text = format!("table of {desired} elements is more than {TABLE_ELEMENTS_MAX}");
            return Err(LimitReached(text).into());
        }
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(LimitReached(format!("table cannot grow: {error:#}")).into())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

pub struct DoorsStore {
    pub store: Store<Guest>,
    pub instance: Option<Instance>,
    pub functions: Functions,
    /// C keeps both until the store is deleted.
    pub component: *const DoorsComponent,
    pub engine: *const DoorsEngine,
    pub id: u64,
}

/// # Safety
/// The pointers of `options` must be good.
unsafe fn wasi(options: &Options, stop: &Arc<Signal>) -> Result<WasiCtx> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.allow_tcp(false).allow_udp(false);
    let text = |span: Span, what: &str| {
        // SAFETY: the caller's promise.
        let text = unsafe { span.clean_text() };
        text.ok_or_else(|| Error::msg(format!("{what} is not UTF-8 or has a NUL byte")))
    };
    for argument in unsafe { slice(options.arguments, options.argument_count) } {
        wasi.arg(text(*argument, "an argument")?);
    }
    for pair in unsafe { slice(options.environment, options.environment_count) } {
        wasi.env(
            text(pair.name, "the name of an environment variable")?,
            text(pair.value, "the value of an environment variable")?,
        );
    }
    if options.stdin_open {
        wasi.stdin(Input(stop.clone()));
    }
    if let Some(function) = options.output {
        let output = |stream| Output {
            host: options.host,
            stream,
            function,
            room: options.output_room,
        };
        wasi.stdout(output(0)).stderr(output(1));
    }
    Ok(wasi.build())
}

/// # Safety
/// As for [`wasi`].
unsafe fn new(
    component: &DoorsComponent,
    options: &Options,
    memory_bytes: *const AtomicU64,
) -> Result<DoorsStore> {
    let stop = Arc::new(Signal::default());
    let mut guest = Guest {
        host: options.host,
        functions: unsafe { options.functions.as_ref() }
            .cloned()
            .unwrap_or_default(),
        table: ResourceTable::new(),
        wasi: unsafe { wasi(options, &stop) }?,
        http: WasiHttpCtx::new(),
        no_http: NoHttp,
        limits: Limits {
            bytes: 0,
            bytes_max: options.memory_bytes_max,
            shown: memory_bytes,
        },
        stop,
    };
    guest.table.set_max_capacity(HANDLES_MAX);

    // SAFETY: C keeps the engine until all its components are deleted.
    let engine = unsafe { &*component.engine };
    let mut store = Store::new(&engine.engine, guest);
    store.limiter(|guest| &mut guest.limits);
    store.set_epoch_deadline(1);
    let on_epoch = options.on_epoch;
    store.epoch_deadline_callback(move |store| {
        match on_epoch.map_or(EPOCH_YIELD, |on_epoch| on_epoch(store.data().host)) {
            EPOCH_CONTINUE => Ok(UpdateDeadline::Continue(1)),
            EPOCH_YIELD => Ok(UpdateDeadline::Yield(1)),
            _ => Err(Interrupted.into()),
        }
    });
    let functions = Functions::default();
    let id = options.id;
    Ok(DoorsStore {
        store,
        instance: None,
        functions,
        component,
        engine,
        id,
    })
}

/// # Safety
/// As for [`wasi`]; `memory_bytes` is good until the store is deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_store_new(
    component: &DoorsComponent,
    options: &Options,
    memory_bytes: *const AtomicU64,
    out: &mut *mut DoorsStore,
) -> CError {
    c_error(
        guarded(|| unsafe { new(component, options, memory_bytes) }),
        |store| {
            *out = Box::into_raw(Box::new(store));
        },
    )
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_store_signal(store: &DoorsStore) -> Box<DoorsSignal> {
    Box::new(DoorsSignal(store.store.data().stop.clone()))
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_store_delete(store: Box<DoorsStore>) {
    // SAFETY: C keeps the engine.
    let engine = unsafe { &*store.engine };
    let _ = guarded(|| {
        let _entered = engine.enter();
        drop(store);
    });
}
