//! Settings that the C API cannot make, and the configuration behind its types.

use wasmtime_c_api::wasmtime::{Config, Enabled, PoolingAllocationConfig};
use wasmtime_c_api::{wasm_config_t, wasmtime_pooling_allocation_config_t};

// SAFETY of both: the types are `repr(C)` with the Rust value as their only field.

pub fn config(c: &wasm_config_t) -> &Config {
    unsafe { &*(&raw const *c).cast::<Config>() }
}

fn config_mut(c: &mut wasm_config_t) -> &mut Config {
    unsafe { &mut *(&raw mut *c).cast::<Config>() }
}

fn pool_mut(c: &mut wasmtime_pooling_allocation_config_t) -> &mut PoolingAllocationConfig {
    unsafe { &mut *(&raw mut *c).cast::<PoolingAllocationConfig>() }
}

/// Resets only the pages a guest touched, where the kernel (6.7 or newer) can tell them.
#[unsafe(no_mangle)]
pub extern "C" fn doors_pool_pagemap_scan_auto(c: &mut wasmtime_pooling_allocation_config_t) {
    pool_mut(c).pagemap_scan(Enabled::Auto);
}

/// Clears a stack before its next guest gets it.
#[unsafe(no_mangle)]
pub extern "C" fn doors_config_stack_zeroing(c: &mut wasm_config_t, size: usize) {
    config_mut(c)
        .async_stack_zeroing(true)
        .async_stack_size(size);
}
