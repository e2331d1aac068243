//! Host functions of `airssys:core@1.0.0`, each answered by a C function of the same name.
//!
//! Here is what the interfaces share; services.rs, messaging.rs and storage.rs have one each.

use std::ffi::c_void;

use wasmtime_c_api::wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime_c_api::wasmtime::{self, Result, StoreContextMut};

use crate::answer::Answer;
use crate::span::{Span, SpanPair};
use crate::storage::StorageUsage;
use crate::store::Guest;
use crate::{messaging, services, storage};

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

    pub fn to_c(&self) -> CId {
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

pub type Host = *mut c_void;

/// `struct host_functions`
#[repr(C)]
#[derive(Clone, Default)]
pub struct HostFunctions {
    pub log: Option<extern "C" fn(Host, u32, Span, *const SpanPair, usize)>,
    pub current_time: Option<extern "C" fn(Host, &mut Timestamp)>,
    pub current_time_millis: Option<extern "C" fn(Host) -> u64>,
    pub list_components: Option<extern "C" fn(Host, &mut Answer)>,
    pub get_component_metadata: Option<extern "C" fn(Host, &CId, &mut Answer) -> u32>,
    pub self_id: Option<extern "C" fn(Host, &mut Answer)>,
    pub send: Option<extern "C" fn(Host, &CId, Span, &mut Answer) -> u32>,
    pub request: Option<extern "C" fn(Host, &CId, Span, u64, &mut Answer) -> u32>,
    pub cancel_request: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    pub broadcast: Option<extern "C" fn(Host, *const CId, usize, Span, &mut Answer) -> u32>,
    pub storage_get: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    pub storage_set: Option<extern "C" fn(Host, Span, Span, &mut Answer) -> u32>,
    pub storage_delete: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    pub storage_exists: Option<extern "C" fn(Host, Span, &mut bool, &mut Answer) -> u32>,
    pub storage_list_keys: Option<extern "C" fn(Host, Span, &mut Answer) -> u32>,
    pub storage_usage: Option<extern "C" fn(Host, &mut StorageUsage, &mut Answer) -> u32>,
}

pub const NOT_OFFERED: &str = "not offered";

pub type Ctx<'a> = StoreContextMut<'a, Guest>;

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    services::add_to_linker(linker)?;
    messaging::add_to_linker(linker)?;
    storage::add_to_linker(linker)
}
