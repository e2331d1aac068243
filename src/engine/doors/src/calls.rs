//! Calls: a future on the heap that C polls until it is done, or deletes to cancel it.
//!
//! A future borrows its store, and the arguments, for as long as it lives; C promises to keep
//! them and to touch neither. Nothing runs before the first poll.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use wasmtime_c_api::wasm_byte_vec_t;
use wasmtime_c_api::wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};
use wasmtime_c_api::wasmtime::{Error, Result};

use crate::core::ComponentError;
use crate::engine::DoorsEngine;
use crate::exports::Export;
use crate::failure::{Failure, Kind};
use crate::guard::guarded;
use crate::lifecycle::{
    CConfig, CMessage, ConfigText, GetHealth, GetMetadata, Handled, Initialize, Message,
    MessageText, Run, Shutdown,
};
use crate::metadata::CMetadata;
use crate::store::DoorsStore;

enum Returned {
    Nothing,
    Err(String),
    Reply(Option<Vec<u8>>),
    Health(u32),
    Metadata(Box<CMetadata>),
}

type CallFuture = Pin<Box<dyn Future<Output = Result<Returned>>>>;

pub struct DoorsCall {
    future: CallFuture,
    making: bool,
    id: u64,
    engine: *const DoorsEngine,
}

/// `struct doors_result`
#[repr(C)]
pub struct CallResult {
    kind: Kind,
    /// A trap code or an exit code.
    code: i32,
    /// Reply, or text of what went wrong.
    bytes: wasm_byte_vec_t,
    has_reply: bool,
    health: u32,
    metadata: Option<Box<CMetadata>>,
}

impl CallResult {
    fn returned(&mut self, returned: Returned) {
        self.kind = Kind::Ok;
        match returned {
            Returned::Nothing | Returned::Reply(None) => {}
            Returned::Err(text) => {
                self.kind = Kind::Err;
                self.bytes.set_buffer(text.into_bytes());
            }
            Returned::Reply(Some(reply)) => {
                self.has_reply = true;
                self.bytes.set_buffer(reply);
            }
            Returned::Health(health) => self.health = health,
            Returned::Metadata(metadata) => self.metadata = Some(metadata),
        }
    }

    fn failed(&mut self, failure: Failure) {
        self.kind = failure.kind;
        self.code = failure.code;
        self.bytes.set_buffer(failure.text.into_bytes());
    }
}

fn call(
    store: *mut DoorsStore,
    making: bool,
    future: impl Future<Output = Result<Returned>> + 'static,
) -> Box<DoorsCall> {
    // SAFETY: C keeps the store until this call is deleted.
    let (id, engine) = unsafe { ((*store).id, (*store).engine) };
    Box::new(DoorsCall {
        future: Box::pin(future),
        making,
        id,
        engine,
    })
}

/// Runs until the call parks or is done; `out`, zeroed by C, is written when it is done.
#[unsafe(no_mangle)]
pub extern "C" fn doors_call_poll(call: &mut DoorsCall, out: &mut CallResult) -> bool {
    // SAFETY: C keeps the engine.
    let engine = unsafe { &*call.engine };
    let polled = guarded(|| {
        let _entered = engine.enter();
        let waker = engine.wakers.waker(call.id);
        call.future.as_mut().poll(&mut Context::from_waker(&waker))
    });
    match polled {
        Ok(Poll::Pending) => return false,
        Ok(Poll::Ready(Ok(returned))) => out.returned(returned),
        Ok(Poll::Ready(Err(error))) => out.failed(Failure::of_error(&error, call.making)),
        Err(panic) => out.failed(Failure::of_panic(&panic)),
    }
    true
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_call_delete(call: Box<DoorsCall>) {
    // SAFETY: C keeps the engine.
    let engine = unsafe { &*call.engine };
    let _ = guarded(|| {
        let _entered = engine.enter();
        drop(call);
    });
}

/// # Safety
/// Of this and all below: `store`, and what the arguments point at, must live and be left alone
/// until the call is deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_instantiate(store: *mut DoorsStore) -> Box<DoorsCall> {
    call(store, true, async move {
        let this = unsafe { &mut *store };
        let component = unsafe { &*this.component };
        let instance = component.linked.instantiate_async(&mut this.store).await?;
        component.check_types(&mut this.store, &instance)?;
        this.instance = Some(instance);
        Ok(Returned::Nothing)
    })
}

/// # Safety
/// `P` and `R` must be the types that `Exports::check` has for `export`.
unsafe fn function<P, R>(this: &mut DoorsStore, export: Export) -> Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let exports = unsafe { &(*this.component).exports };
    let instance = this
        .instance
        .as_ref()
        .ok_or_else(|| Error::msg("not instantiated"))?;
    let function = this
        .functions
        .get(exports, &mut this.store, instance, export)?;
    Ok(unsafe { TypedFunc::new_unchecked(function) })
}

fn component_result(result: Result<(), ComponentError>) -> Returned {
    result.map_or_else(|error| Returned::Err(error.text()), |()| Returned::Nothing)
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_initialize(
    store: *mut DoorsStore,
    config: &CConfig,
) -> Box<DoorsCall> {
    let config = *config;
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let text = unsafe { ConfigText::new(&config) };
        let initialize: Initialize = unsafe { function(this, Export::Initialize) }?;
        let (result,) = initialize
            .call_async(&mut this.store, (text.config(),))
            .await?;
        Ok(component_result(result))
    })
}

/// The call of an export that takes a message; `success` is what its `ok` becomes.
///
/// # Safety
/// See [`doors_call_instantiate`]; `export` takes a [`Message`] and answers [`Handled`]`<T>`.
unsafe fn call_with_message<T: Lift + Send + Sync + 'static>(
    store: *mut DoorsStore,
    message: &CMessage,
    export: Export,
    success: fn(T) -> Returned,
) -> Box<DoorsCall> {
    let message = *message;
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let text = unsafe { MessageText::new(&message) };
        let handle: TypedFunc<(Message<'_>,), (Handled<T>,)> = unsafe { function(this, export) }?;
        let (result,) = handle
            .call_async(&mut this.store, (text.message(),))
            .await?;
        Ok(result.map_or_else(|error| Returned::Err(error.text()), success))
    })
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_handle_message(
    store: *mut DoorsStore,
    message: &CMessage,
) -> Box<DoorsCall> {
    unsafe { call_with_message(store, message, Export::HandleMessage, Returned::Reply) }
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_handle_callback(
    store: *mut DoorsStore,
    message: &CMessage,
) -> Box<DoorsCall> {
    unsafe {
        call_with_message(store, message, Export::HandleCallback, |()| {
            Returned::Nothing
        })
    }
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_metadata(store: *mut DoorsStore) -> Box<DoorsCall> {
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let metadata: GetMetadata = unsafe { function(this, Export::Metadata) }?;
        let (metadata,) = metadata.call_async(&mut this.store, ()).await?;
        Ok(Returned::Metadata(CMetadata::new(metadata)))
    })
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_health(store: *mut DoorsStore) -> Box<DoorsCall> {
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let health: GetHealth = unsafe { function(this, Export::Health) }?;
        let (health,) = health.call_async(&mut this.store, ()).await?;
        Ok(Returned::Health(health as u32))
    })
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_shutdown(store: *mut DoorsStore) -> Box<DoorsCall> {
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let shutdown: Shutdown = unsafe { function(this, Export::Shutdown) }?;
        let (result,) = shutdown.call_async(&mut this.store, ()).await?;
        Ok(component_result(result))
    })
}

/// # Safety
/// See [`doors_call_instantiate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_call_run(store: *mut DoorsStore) -> Box<DoorsCall> {
    call(store, false, async move {
        let this = unsafe { &mut *store };
        let run: Run = unsafe { function(this, Export::Run) }?;
        let (result,) = run.call_async(&mut this.store, ()).await?;
        Ok(result.map_or_else(|()| Returned::Err(String::new()), |()| Returned::Nothing))
    })
}
