//! Compiling: wasm bytes to code; hashing for the cache.

use sha2::{Digest, Sha256};
use wasmtime_c_api::wasmtime::component::Component;
use wasmtime_c_api::wasmtime::{Engine, Error, Result};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_config_t};

use crate::config::config;
use crate::core_module::componentize;
use crate::exports::Exports;
use crate::failure::{CError, c_error};
use crate::guard::{guarded, install_hook};
use crate::span::Span;

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[13, 0, 1, 0];

fn compile(c: &wasm_config_t, bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.len() < 8 || !bytes.starts_with(MAGIC) {
        return Err(Error::msg("not a WebAssembly file"));
    }
    let engine = Engine::new(config(c))?;
    let encoded;
    let bytes = match &bytes[4..8] {
        COMPONENT => bytes,
        MODULE => {
            encoded = componentize(&engine, bytes)?;
            &encoded
        }
        _ => return Err(Error::msg("a version of WebAssembly that is not known")),
    };
    let component = Component::from_binary(&engine, bytes)?;
    Exports::find(&component)?;
    component.serialize()
}

/// # Safety
/// `wasm` has good bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_compile(
    c: &wasm_config_t,
    wasm: Span,
    out: &mut wasm_byte_vec_t,
) -> CError {
    install_hook();
    let bytes = unsafe { wasm.bytes() };
    c_error(guarded(|| compile(c, bytes)), |code| out.set_buffer(code))
}

/// SHA-256 over all `count` parts.
///
/// # Safety
/// `parts` has `count` items with good bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_hash(parts: *const Span, count: usize, out: &mut [u8; 32]) {
    let mut hasher = Sha256::new();
    for part in unsafe { crate::span::slice(parts, count) } {
        hasher.update(unsafe { part.bytes() });
    }
    *out = hasher.finalize().into();
}
