//! Compiling: wasm bytes to code, core modules to components on the way; hashing for the cache.

use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR_ADAPTER,
};
use wasmtime_c_api::wasmtime::component::Component;
use wasmtime_c_api::wasmtime::{Engine, Error, ExternType, Module, Result};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_config_t};
use wit_component::ComponentEncoder;

use crate::config::config;
use crate::exit_code;
use crate::failure::{CError, c_error};
use crate::guard::{guarded, install_hook};
use crate::lifecycle::Exports;
use crate::span::Span;

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[13, 0, 1, 0];

/// A core module that exports `_start` is a command; any other must say in a section of its own,
/// as bindings write it, which component it is.
fn componentize(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>> {
    Module::validate(engine, bytes)?;
    let module = Module::new(engine, bytes)?;
    let is_command = module
        .get_export("_start")
        .is_some_and(|export| matches!(export, ExternType::Func(_)));
    let adapter = if is_command {
        COMMAND_ADAPTER
    } else {
        REACTOR_ADAPTER
    };
    let rewritten = exit_code::kept(bytes)?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(rewritten.as_deref().unwrap_or(bytes))
        .and_then(|encoder| encoder.adapter(ADAPTER, adapter))
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|e| {
        let imports: Vec<String> = module
            .imports()
            .map(|import| import.module().to_string())
            .filter(|name| name != ADAPTER)
            .collect();
        let other = imports
            .first()
            .map(|name| format!(" (it imports '{name}')"));
        Error::msg(format!(
            "core module for another system than {ADAPTER}{}: {e:#}",
            other.unwrap_or_default()
        ))
    })
}

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
