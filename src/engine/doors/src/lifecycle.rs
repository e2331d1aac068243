//! What crosses in calls of `airssys:core/component-lifecycle@1.0.0` and `wasi:cli/run`.

use std::borrow::Cow;

use wasmtime_c_api::wasmtime::component::{ComponentType, Lift, Lower, TypedFunc};
use wasmtime_c_api::wasmtime::{self, Result};

use crate::core::{CId, ComponentError, Timestamp};
use crate::metadata::Metadata;
use crate::span::{Span, SpanPair, slice};

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Id<'a> {
    namespace: &'a str,
    name: &'a str,
    instance: &'a str,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Envelope<'a> {
    #[component(name = "correlation-id")]
    correlation_id: Option<&'a str>,
    #[component(name = "reply-to")]
    reply_to: Option<Id<'a>>,
    timestamp: Timestamp,
    #[component(name = "content-type")]
    content_type: Option<&'a str>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Message<'a> {
    sender: Id<'a>,
    payload: &'a [u8],
    metadata: Envelope<'a>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Limits {
    #[component(name = "max-memory-bytes")]
    memory_bytes: u64,
    #[component(name = "max-execution-time-ms")]
    execution_time_ms: u64,
    #[component(name = "max-fuel")]
    fuel: Option<u64>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Config<'a> {
    #[component(name = "env-vars")]
    environment: Vec<(&'a str, &'a str)>,
    #[component(name = "config-data")]
    data: Option<&'a [u8]>,
    #[component(name = "resource-limits")]
    limits: Limits,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum WasmError {
    #[component(name = "component-not-found")]
    ComponentNotFound(String),
    #[component(name = "instantiation-failed")]
    InstantiationFailed(String),
    #[component(name = "export-not-found")]
    ExportNotFound(String),
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "resource-limit-exceeded")]
    ResourceLimitExceeded(String),
    #[component(name = "invalid-component")]
    InvalidComponent(String),
    #[component(name = "runtime-error")]
    RuntimeError(String),
}

impl WasmError {
    pub fn text(&self) -> String {
        match self {
            WasmError::ComponentNotFound(text) => format!("component-not-found: {text}"),
            WasmError::InstantiationFailed(text) => format!("instantiation-failed: {text}"),
            WasmError::ExportNotFound(text) => format!("export-not-found: {text}"),
            WasmError::Timeout => "timeout".into(),
            WasmError::ResourceLimitExceeded(text) => format!("resource-limit-exceeded: {text}"),
            WasmError::InvalidComponent(text) => format!("invalid-component: {text}"),
            WasmError::RuntimeError(text) => format!("runtime-error: {text}"),
        }
    }
}

impl ComponentError {
    pub fn text(&self) -> String {
        match self {
            ComponentError::InitializationFailed(text) => format!("initialization-failed: {text}"),
            ComponentError::AlreadyInitialized => "already-initialized".into(),
            ComponentError::NotInitialized => "not-initialized".into(),
            ComponentError::ShutdownFailed(text) => format!("shutdown-failed: {text}"),
            ComponentError::InvalidState(text) => format!("invalid-state: {text}"),
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by lifting alone")]
pub enum Health {
    #[component(name = "healthy")]
    Healthy,
    #[component(name = "degraded")]
    Degraded,
    #[component(name = "unhealthy")]
    Unhealthy,
    #[component(name = "unknown")]
    Unknown,
}

/// `struct guest_message`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CMessage {
    sender: CId,
    payload: Span,
    correlation_id: Span,
    has_reply_to: bool,
    reply_to: CId,
    timestamp: Timestamp,
    content_type: Span,
}

struct IdText<'a>([Cow<'a, str>; 3]);

impl<'a> IdText<'a> {
    unsafe fn new(id: &CId) -> IdText<'a> {
        unsafe { IdText([id.namespace.text(), id.name.text(), id.instance.text()]) }
    }

    fn id(&self) -> Id<'_> {
        Id {
            namespace: &self.0[0],
            name: &self.0[1],
            instance: &self.0[2],
        }
    }
}

/// A message's text made UTF-8, which it is already but for a caller's mistake.
pub struct MessageText<'a> {
    sender: IdText<'a>,
    reply_to: Option<IdText<'a>>,
    correlation_id: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
    payload: &'a [u8],
    timestamp: Timestamp,
}

impl<'a> MessageText<'a> {
    /// # Safety
    /// The spans of `message` are good for `'a`.
    pub unsafe fn new(message: &CMessage) -> MessageText<'a> {
        unsafe {
            MessageText {
                sender: IdText::new(&message.sender),
                reply_to: message.has_reply_to.then(|| IdText::new(&message.reply_to)),
                correlation_id: message.correlation_id.option().map(String::from_utf8_lossy),
                content_type: message.content_type.option().map(String::from_utf8_lossy),
                payload: message.payload.bytes(),
                timestamp: message.timestamp,
            }
        }
    }

    pub fn message(&self) -> Message<'_> {
        let metadata = Envelope {
            correlation_id: self.correlation_id.as_deref(),
            reply_to: self.reply_to.as_ref().map(IdText::id),
            timestamp: self.timestamp,
            content_type: self.content_type.as_deref(),
        };
        Message {
            sender: self.sender.id(),
            payload: self.payload,
            metadata,
        }
    }
}

/// `struct guest_config`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CConfig {
    environment: *const SpanPair,
    environment_count: usize,
    config_data: Span,
    memory_bytes_max: u64,
    execution_time_max_ms: u64,
}

pub struct ConfigText<'a> {
    environment: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    c: CConfig,
}

impl ConfigText<'_> {
    /// # Safety
    /// The pointers of `c` are good until this is dropped.
    pub unsafe fn new(c: &CConfig) -> Self {
        let pairs = unsafe { slice(c.environment, c.environment_count) };
        let text = |pair: &SpanPair| unsafe { (pair.name.text(), pair.value.text()) };
        ConfigText {
            environment: pairs.iter().map(text).collect(),
            c: *c,
        }
    }

    pub fn config(&self) -> Config<'_> {
        Config {
            environment: self
                .environment
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            // SAFETY: `new`'s promise.
            data: unsafe { self.c.config_data.option() },
            limits: Limits {
                memory_bytes: self.c.memory_bytes_max,
                execution_time_ms: self.c.execution_time_max_ms,
                fuel: None,
            },
        }
    }
}

pub type Initialize<'a> = TypedFunc<(Config<'a>,), (Result<(), ComponentError>,)>;
/// What the exports that take a message answer.
pub type Handled<T> = Result<T, WasmError>;
pub type GetMetadata = TypedFunc<(), (Metadata,)>;
pub type GetHealth = TypedFunc<(), (Health,)>;
pub type Shutdown = TypedFunc<(), (Result<(), ComponentError>,)>;
pub type Run = TypedFunc<(), (Result<(), ()>,)>;
