//! Host functions of `airssys:core@1.0.0`, each answered by a C function of the same name.

use std::ffi::c_void;
use std::time::Duration;

use wasmtime_c_api::wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmList};
use wasmtime_c_api::wasmtime::{self, Result, StoreContextMut};

use crate::answer::Answer;
use crate::span::{Span, SpanPair};
use crate::store::Guest;

#[derive(ComponentType, Lift, Lower, Clone, Debug, Default)]
#[component(record)]
pub struct ComponentId {
    namespace: String,
    name: String,
    instance: String,
}

/// `struct guest_id`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CId {
    pub namespace: Span,
    pub name: Span,
    pub instance: Span,
}

impl ComponentId {
    /// # Safety
    /// The spans are good.
    pub unsafe fn from_c(id: &CId) -> ComponentId {
        unsafe {
            ComponentId {
                namespace: id.namespace.text().into_owned(),
                name: id.name.text().into_owned(),
                instance: id.instance.text().into_owned(),
            }
        }
    }

    fn to_c(&self) -> CId {
        CId {
            namespace: Span::of(self.namespace.as_bytes()),
            name: Span::of(self.name.as_bytes()),
            instance: Span::of(self.instance.as_bytes()),
        }
    }
}

/// `struct guest_time`
#[repr(C)]
#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, Default)]
#[component(record)]
pub struct Timestamp {
    pub seconds: u64,
    pub nanoseconds: u32,
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by lifting alone")]
enum LogLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct ComponentInfo {
    id: ComponentId,
    name: String,
    version: String,
    health: String,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum MessagingError {
    #[component(name = "delivery-failed")]
    DeliveryFailed(String),
    #[component(name = "correlation-timeout")]
    CorrelationTimeout(String),
    #[component(name = "invalid-message")]
    InvalidMessage(String),
    #[component(name = "queue-full")]
    QueueFull,
    #[component(name = "target-not-found")]
    TargetNotFound(ComponentId),
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum ComponentError {
    #[component(name = "initialization-failed")]
    InitializationFailed(String),
    #[component(name = "already-initialized")]
    AlreadyInitialized,
    #[component(name = "not-initialized")]
    NotInitialized,
    #[component(name = "shutdown-failed")]
    ShutdownFailed(String),
    #[component(name = "invalid-state")]
    InvalidState(String),
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StorageError {
    #[component(name = "not-found")]
    NotFound(String),
    #[component(name = "already-exists")]
    AlreadyExists(String),
    #[component(name = "quota-exceeded")]
    QuotaExceeded,
    #[component(name = "invalid-key")]
    InvalidKey(String),
    #[component(name = "io-error")]
    IoError(String),
}

/// `struct storage_usage`
#[repr(C)]
#[derive(ComponentType, Lower, Clone, Copy, Default)]
#[component(record)]
pub struct StorageUsage {
    #[component(name = "used-bytes")]
    used_bytes: u64,
    #[component(name = "quota-bytes")]
    quota_bytes: u64,
    #[component(name = "key-count")]
    key_count: u64,
}

type Host = *mut c_void;

/// `struct host_functions`
#[repr(C)]
#[derive(Clone, Default)]
pub struct HostFunctions {
    log: Option<extern "C" fn(Host, u32, Span, *const SpanPair, usize)>,
    current_time: Option<extern "C" fn(Host, &mut Timestamp)>,
    current_time_millis: Option<extern "C" fn(Host) -> u64>,
    list_components: Option<extern "C" fn(Host, &mut Answer)>,
    get_component_metadata: Option<extern "C" fn(Host, &CId, &mut Answer) -> u32>,
    self_id: Option<extern "C" fn(Host, &mut Answer)>,
    send: Option<extern "C" fn(Host, &CId, Span, &mut Answer) -> u32>,
    request: Option<extern "C" fn(Host, &CId, Span, u64, &mut Answer) -> u32>,
    cancel_request: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    broadcast: Option<extern "C" fn(Host, *const CId, usize, Span, &mut Answer) -> u32>,
    storage_get: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    storage_set: Option<extern "C" fn(Host, Span, Span, &mut Answer) -> u32>,
    storage_delete: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    storage_exists: Option<extern "C" fn(Host, Span, &mut bool, &mut Answer) -> u32>,
    storage_list_keys: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    storage_usage: Option<extern "C" fn(Host, &mut StorageUsage, &mut Answer) -> u32>,
}

const NOT_OFFERED: &str = "not offered";

/// `enum messaging_error`; a function that is not there has failed to deliver.
fn messaging(code: Option<u32>, answer: &mut Answer, target: &ComponentId) -> MessagingError {
    match code {
        None => MessagingError::DeliveryFailed(NOT_OFFERED.into()),
        Some(2) => MessagingError::CorrelationTimeout(answer.text()),
        Some(3) => MessagingError::InvalidMessage(answer.text()),
        Some(4) => MessagingError::QueueFull,
        Some(5) => MessagingError::TargetNotFound(target.clone()),
        Some(_) => MessagingError::DeliveryFailed(answer.text()),
    }
}

/// `enum component_error`
fn component(code: Option<u32>, answer: &mut Answer) -> ComponentError {
    match code {
        None => ComponentError::InvalidState(NOT_OFFERED.into()),
        Some(1) => ComponentError::InitializationFailed(answer.text()),
        Some(2) => ComponentError::AlreadyInitialized,
        Some(3) => ComponentError::NotInitialized,
        Some(4) => ComponentError::ShutdownFailed(answer.text()),
        Some(_) => ComponentError::InvalidState(answer.text()),
    }
}

/// `enum storage_error`
fn storage(code: Option<u32>, answer: &mut Answer) -> StorageError {
    match code {
        None => StorageError::IoError(NOT_OFFERED.into()),
        Some(1) => StorageError::NotFound(answer.text()),
        Some(2) => StorageError::AlreadyExists(answer.text()),
        Some(3) => StorageError::QuotaExceeded,
        Some(4) => StorageError::InvalidKey(answer.text()),
        Some(_) => StorageError::IoError(answer.text()),
    }
}

type Ctx<'a> = StoreContextMut<'a, Guest>;

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    add_services(linker)?;
    add_messaging(linker)?;
    add_storage(linker)
}

type LogContext = Option<Vec<(String, String)>>;

fn log(ctx: &Ctx<'_>, level: LogLevel, message: &str, context: &LogContext) {
    let Some(log) = ctx.data().functions.log else {
        return;
    };
    let pairs: Vec<SpanPair> = context
        .iter()
        .flatten()
        .map(|(name, value)| SpanPair {
            name: Span::of(name.as_bytes()),
            value: Span::of(value.as_bytes()),
        })
        .collect();
    log(
        ctx.data().host,
        level as u32,
        Span::of(message.as_bytes()),
        pairs.as_ptr(),
        pairs.len(),
    );
}

fn add_services(linker: &mut Linker<Guest>) -> Result<()> {
    let mut services = linker.instance("airssys:core/host-services@1.0.0")?;
    services.func_wrap(
        "log",
        |ctx: Ctx<'_>, (level, message, context): (LogLevel, String, LogContext)| {
            log(&ctx, level, &message, &context);
            Ok(())
        },
    )?;
    services.func_wrap("current-time", |ctx: Ctx<'_>, (): ()| {
        let mut time = Timestamp::default();
        if let Some(current_time) = ctx.data().functions.current_time {
            current_time(ctx.data().host, &mut time);
        }
        Ok((time,))
    })?;
    services.func_wrap("current-time-millis", |ctx: Ctx<'_>, (): ()| {
        Ok((ctx
            .data()
            .functions
            .current_time_millis
            .map_or(0, |f| f(ctx.data().host)),))
    })?;
    services.func_wrap_async("sleep-millis", |_: Ctx<'_>, (duration_ms,): (u64,)| {
        Box::new(async move {
            tokio::time::sleep(Duration::from_millis(duration_ms)).await;
            Ok(())
        })
    })?;
    services.func_wrap("list-components", |ctx: Ctx<'_>, (): ()| {
        let mut answer = Answer::default();
        if let Some(list_components) = ctx.data().functions.list_components {
            list_components(ctx.data().host, &mut answer);
        }
        Ok((answer.ids,))
    })?;
    services.func_wrap(
        "get-component-metadata",
        |ctx: Ctx<'_>, (id,): (ComponentId,)| Ok((component_info(&ctx, id),)),
    )
}

fn component_info(ctx: &Ctx<'_>, id: ComponentId) -> Result<ComponentInfo, ComponentError> {
    let mut answer = Answer::default();
    let guest = ctx.data();
    let code = guest
        .functions
        .get_component_metadata
        .map(|f| f(guest.host, &id.to_c(), &mut answer));
    match (code, answer.info.take()) {
        (Some(0), Some([name, version, health])) => {
            let id = answer.ids.pop().unwrap_or(id);
            Ok(ComponentInfo {
                id,
                name,
                version,
                health,
            })
        }
        _ => Err(component(code, &mut answer)),
    }
}

fn add_messaging(linker: &mut Linker<Guest>) -> Result<()> {
    let mut host = linker.instance("airssys:core/host-messaging@1.0.0")?;
    host.func_wrap(
        "send",
        |ctx: Ctx<'_>, (target, payload): (ComponentId, WasmList<u8>)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let guest = ctx.data();
            let code = guest
                .functions
                .send
                .map(|f| f(guest.host, &target.to_c(), payload, &mut answer));
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(messaging(code, &mut answer, &target))
            },))
        },
    )?;
    host.func_wrap(
        "request",
        |ctx: Ctx<'_>, (target, payload, timeout): (ComponentId, WasmList<u8>, u64)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let guest = ctx.data();
            let request = guest.functions.request;
            let code =
                request.map(|f| f(guest.host, &target.to_c(), payload, timeout, &mut answer));
            Ok((match code {
                Some(0) => Ok(answer.text()),
                _ => Err(messaging(code, &mut answer, &target)),
            },))
        },
    )?;
    host.func_wrap("cancel-request", |ctx: Ctx<'_>, (id,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let id = Span::of(id.as_bytes());
        let code = guest
            .functions
            .cancel_request
            .map(|f| f(guest.host, id, &mut answer));
        let nobody = ComponentId::default();
        Ok((if code == Some(0) {
            Ok(())
        } else {
            Err(messaging(code, &mut answer, &nobody))
        },))
    })?;
    host.func_wrap(
        "broadcast",
        |ctx: Ctx<'_>, (targets, payload): (Vec<ComponentId>, WasmList<u8>)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let ids: Vec<CId> = targets.iter().map(ComponentId::to_c).collect();
            let guest = ctx.data();
            let broadcast = guest.functions.broadcast;
            let code =
                broadcast.map(|f| f(guest.host, ids.as_ptr(), ids.len(), payload, &mut answer));
            let first = targets.into_iter().next().unwrap_or_default();
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(messaging(code, &mut answer, &first))
            },))
        },
    )?;
    host.func_wrap("self-id", |ctx: Ctx<'_>, (): ()| {
        let mut answer = Answer::default();
        if let Some(self_id) = ctx.data().functions.self_id {
            self_id(ctx.data().host, &mut answer);
        }
        Ok((answer.ids.pop().unwrap_or_default(),))
    })
}

fn add_storage(linker: &mut Linker<Guest>) -> Result<()> {
    let mut host = linker.instance("airssys:core/storage@1.0.0")?;
    host.func_wrap("get", |ctx: Ctx<'_>, (key,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_get
            .map(|f| f(guest.host, key, &mut answer));
        Ok((if code == Some(0) {
            Ok(answer.bytes)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap(
        "set",
        |ctx: Ctx<'_>, (key, value): (String, WasmList<u8>)| {
            let mut answer = Answer::default();
            let value = Span::of(value.as_le_slice(&ctx));
            let guest = ctx.data();
            let key = Span::of(key.as_bytes());
            let code = guest
                .functions
                .storage_set
                .map(|f| f(guest.host, key, value, &mut answer));
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(storage(code, &mut answer))
            },))
        },
    )?;
    host.func_wrap("delete", |ctx: Ctx<'_>, (key,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_delete
            .map(|f| f(guest.host, key, &mut answer));
        Ok((if code == Some(0) {
            Ok(())
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("exists", |ctx: Ctx<'_>, (key,): (String,)| {
        let (mut answer, mut exists) = (Answer::default(), false);
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_exists
            .map(|f| f(guest.host, key, &mut exists, &mut answer));
        Ok((if code == Some(0) {
            Ok(exists)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("list-keys", |ctx: Ctx<'_>, (prefix,): (Option<String>,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let prefix = prefix
            .as_ref()
            .map_or(Span::ABSENT, |prefix| Span::of(prefix.as_bytes()));
        let code = guest
            .functions
            .storage_list_keys
            .map(|f| f(guest.host, prefix, &mut answer));
        Ok((if code == Some(0) {
            Ok(answer.texts)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("usage", |ctx: Ctx<'_>, (): ()| {
        let (mut answer, mut usage) = (Answer::default(), StorageUsage::default());
        let guest = ctx.data();
        let code = guest
            .functions
            .storage_usage
            .map(|f| f(guest.host, &mut usage, &mut answer));
        Ok((if code == Some(0) {
            Ok(usage)
        } else {
            Err(storage(code, &mut answer))
        },))
    })
}
