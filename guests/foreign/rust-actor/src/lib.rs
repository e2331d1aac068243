// An actor in Rust:
//   cargo build --release --target wasm32-wasip1
// makes target/wasm32-wasip1/release/greeter.wasm, which airs loads as it is.
use std::cell::Cell;

wit_bindgen::generate!({ world: "runtime-host", path: "../../../wit/airssys-core.wit" });

use airssys::core::errors::{ComponentError, WasmError};
use airssys::core::host_services::log;
use airssys::core::types::{
    ComponentConfig, ComponentMessage, HealthStatus, LogLevel, MessagePayload,
};
use exports::airssys::core::component_lifecycle::{ComponentMetadata, Guest};

thread_local!(static MESSAGES: Cell<u32> = const { Cell::new(0) });

struct Greeter;

impl Guest for Greeter {
    fn initialize(_config: ComponentConfig) -> Result<(), ComponentError> {
        log(LogLevel::Info, "greeter is up", None);
        Ok(())
    }

    fn handle_message(message: ComponentMessage) -> Result<Option<MessagePayload>, WasmError> {
        let text = String::from_utf8_lossy(&message.payload);
        if text == "crash" {
            panic!("greeter was told to crash");
        }
        let count = MESSAGES.get() + 1;
        MESSAGES.set(count);
        Ok(Some(format!("{count} hello, {text}").into_bytes()))
    }

    fn handle_callback(_message: ComponentMessage) -> Result<(), WasmError> {
        Ok(())
    }

    fn metadata() -> ComponentMetadata {
        ComponentMetadata {
            name: "greeter".into(),
            version: "1.0.0".into(),
            description: "greets".into(),
            author: "airs".into(),
            license: "MIT".into(),
            supported_operations: vec![],
            stateful: true,
        }
    }

    fn health() -> HealthStatus {
        HealthStatus::Healthy
    }

    fn shutdown() -> Result<(), ComponentError> {
        Ok(())
    }
}

export!(Greeter);
