//! `airs:command/stop`: how a command learns that it is asked to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use wasmtime_c_api::wasmtime::component::{Linker, Resource};
use wasmtime_c_api::wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::guard::guarded;
use crate::store::Guest;

pub const INTERFACE: &str = "airs:command/stop@0.1.0";

/// A wish to stop: raised once, from any thread.
#[derive(Default)]
pub struct Signal {
    raised: AtomicBool,
    /// Who waits; emptied by `raise` after `raised` is set, filled only while it is not.
    waiting: Mutex<Vec<Waker>>,
}

impl Signal {
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    pub fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.lock());
        for waker in waiting {
            waker.wake();
        }
    }

    pub async fn raised(&self) {
        std::future::poll_fn(|context| {
            let mut waiting = self.lock();
            if self.is_raised() {
                return Poll::Ready(());
            }
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.waiting
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

struct Wish(Arc<Signal>);

#[async_trait]
impl Pollable for Wish {
    async fn ready(&mut self) {
        self.0.raised().await;
    }
}

fn wish_pollable(mut store: StoreContextMut<'_, Guest>) -> Result<Resource<DynPollable>> {
    let guest = store.data_mut();
    let wish = guest.table.push(Wish(guest.stop.clone()))?;
    subscribe(&mut guest.table, wish)
}

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    let mut stop = linker.instance(INTERFACE)?;
    stop.func_wrap("requested", |store, (): ()| {
        Ok((store.data().stop.is_raised(),))
    })?;
    stop.func_wrap("subscribe", |store, (): ()| Ok((wish_pollable(store)?,)))
}

/// C's share of a signal, so that it can be raised while the store is being polled.
pub struct DoorsSignal(pub Arc<Signal>);

#[unsafe(no_mangle)]
pub extern "C" fn doors_signal_raise(signal: &DoorsSignal) {
    let _ = guarded(|| signal.0.raise());
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_signal_delete(_signal: Box<DoorsSignal>) {}
