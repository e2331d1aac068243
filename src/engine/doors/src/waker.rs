//! Wakers: a parked call tells C that it can go on.
//!
//! A waker carries the id of an actor (slot and generation), never a pointer to it: it may be
//! called after the actor is gone. The id is the waker's whole data, so cloning, waking and
//! dropping allocate nothing. The function to call belongs to the engine; which engine it is
//! stands in the vtable, of which there is one for each engine that a process can have.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};

pub type WakeFunction = extern "C" fn(*mut c_void, u64);

/// `ENGINES_MAX`
const ENGINES_MAX: usize = 16;

struct Target {
    taken: AtomicBool,
    /// A `WakeFunction`, or 0. Stored before, cleared after all wakers of the engine.
    function: AtomicUsize,
    context: AtomicPtr<c_void>,
}

static TARGETS: [Target; ENGINES_MAX] = [const {
    Target {
        taken: AtomicBool::new(false),
        function: AtomicUsize::new(0),
        context: AtomicPtr::new(std::ptr::null_mut()),
    }
}; ENGINES_MAX];

/// Makes taking and giving back one step; wakers never lock it.
static TAKING: Mutex<()> = Mutex::new(());

static VTABLES: [RawWakerVTable; ENGINES_MAX] = [
    vtable::<0>(),
    vtable::<1>(),
    vtable::<2>(),
    vtable::<3>(),
    vtable::<4>(),
    vtable::<5>(),
    vtable::<6>(),
    vtable::<7>(),
    vtable::<8>(),
    vtable::<9>(),
    vtable::<10>(),
    vtable::<11>(),
    vtable::<12>(),
    vtable::<13>(),
    vtable::<14>(),
    vtable::<15>(),
];

const fn vtable<const N: usize>() -> RawWakerVTable {
    RawWakerVTable::new(clone::<N>, wake::<N>, wake::<N>, drop_nothing)
}

fn clone<const N: usize>(id: *const ()) -> RawWaker {
    RawWaker::new(id, &VTABLES[N])
}

fn wake<const N: usize>(id: *const ()) {
    let target = &TARGETS[N];
    let function = target.function.load(Ordering::Acquire);
    if function != 0 {
        // SAFETY: only `WakeSlot::take` stores here, a `WakeFunction`.
        let function = unsafe { std::mem::transmute::<usize, WakeFunction>(function) };
        function(target.context.load(Ordering::Relaxed), id.addr() as u64);
    }
}

fn drop_nothing(_: *const ()) {}

/// One engine's place in the table; given back when dropped, after the engine's I/O thread.
pub struct WakeSlot(usize);

impl WakeSlot {
    pub fn take(function: Option<WakeFunction>, context: *mut c_void) -> Option<WakeSlot> {
        let _taking = TAKING
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let index = TARGETS
            .iter()
            .position(|target| !target.taken.load(Ordering::Relaxed))?;
        let target = &TARGETS[index];
        target.taken.store(true, Ordering::Relaxed);
        target.context.store(context, Ordering::Relaxed);
        target
            .function
            .store(function.map_or(0, |f| f as usize), Ordering::Release);
        Some(WakeSlot(index))
    }

    pub fn waker(&self, id: u64) -> Waker {
        let data = std::ptr::without_provenance(id as usize);
        // SAFETY: the vtable's functions take any data and touch no memory through it.
        unsafe { Waker::from_raw(RawWaker::new(data, &VTABLES[self.0])) }
    }
}

impl Drop for WakeSlot {
    fn drop(&mut self) {
        let _taking = TAKING
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        TARGETS[self.0].function.store(0, Ordering::Release);
        TARGETS[self.0].taken.store(false, Ordering::Relaxed);
    }
}
