//! Doors: Wasmtime's C API, and the few typed functions that it lacks.
//!
//! A door is mechanism only: no policy, no state machine, no thread of its own but Tokio's.
//! Configuration and error messages go through the plain C API; what is here is what that API
//! cannot do: an engine from a configuration without ending the process, pre-linked components,
//! typed calls (bytes cross as bytes), a waker that calls C, streams of our own, limits over the
//! sum of memories, refused HTTP, core modules as components.
//!
//! Stores are our own type, not `wasmtime_store_t`, because that one's data is closed: it can
//! neither sum memories nor refuse outgoing HTTP.
//!
//! Whatever can run guest or compiler code goes through [`guard::guarded`], so that a panic is a
//! value. Declarations for C, with the rules of ownership and threads: `engine/doors.h`.

#![deny(unsafe_op_in_unsafe_fn)]

pub use wasmtime_c_api::*;

mod answer;
mod calls;
mod command;
mod compile;
mod component;
mod config;
mod core;
mod core_module;
mod engine;
mod exit_code;
mod exports;
mod failure;
mod guard;
mod lifecycle;
mod messaging;
mod metadata;
mod services;
mod span;
mod storage;
mod store;
mod streams;
mod waker;
