//! Core modules for `wasi_snapshot_preview1`, turned into components by WASI's adapter.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR_ADAPTER,
};
use wasmtime_c_api::wasmtime::{Engine, Error, ExternType, Module, Result};
use wit_component::ComponentEncoder;

use crate::exit_code;

fn encode(wasm: &[u8], adapter: &[u8]) -> Result<Vec<u8>> {
    let renamed = exit_code::kept(wasm)?;
    ComponentEncoder::default()
        .validate(true)
        .module(renamed.as_deref().unwrap_or(wasm))
        .and_then(|encoder| encoder.adapter(ADAPTER, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|e| Error::msg(format!("{e:#}")))
}

/// A core module that exports `_start` is a command; any other must say in a section of its own,
/// as bindings write it, which component it is.
pub fn componentize(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>> {
    let module = Module::new(engine, wasm)?;
    let is_command = matches!(module.get_export("_start"), Some(ExternType::Func(_)));
    let adapter = if is_command {
        COMMAND_ADAPTER
    } else {
        REACTOR_ADAPTER
    };
    encode(wasm, adapter).map_err(|e| {
        let other = module.imports().find(|import| import.module() != ADAPTER);
        let other = other.map(|import| format!(" (it imports '{}')", import.module()));
        let other = other.unwrap_or_default();
        Error::msg(format!(
            "core module for another system than {ADAPTER}{other}: {e}"
        ))
    })
}
