//! `airssys:core/storage`: keys and values.

use wasmtime_c_api::wasmtime::component::{ComponentType, Linker, Lower, WasmList};
use wasmtime_c_api::wasmtime::{self, Result};

use crate::answer::Answer;
use crate::core::{Ctx, NOT_OFFERED};
use crate::span::Span;
use crate::store::Guest;

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StorageError {
    #[component(name = "not-found")]
    NotFound(String),
    #[component(name = "already-exists")]
    AlreadyExists(String),
    #[component(name = "quota-exceeded")]
    QuotaExceeded,
    #[component(name = "invalid-key")]
    InvalidKey(String),
    #[component(name = "io-error")]
    IoError(String),
}

/// `struct storage_usage`
#[repr(C)]
#[derive(ComponentType, Lower, Clone, Copy, Default)]
#[component(record)]
pub struct StorageUsage {
    #[component(name = "used-bytes")]
    used_bytes: u64,
    #[component(name = "quota-bytes")]
    quota_bytes: u64,
    #[component(name = "key-count")]
    key_count: u64,
}

/// `enum storage_error`
fn storage(code: Option<u32>, answer: &mut Answer) -> StorageError {
    match code {
        None => StorageError::IoError(NOT_OFFERED.into()),
        Some(1) => StorageError::NotFound(answer.text()),
        Some(2) => StorageError::AlreadyExists(answer.text()),
        Some(3) => StorageError::QuotaExceeded,
        Some(4) => StorageError::InvalidKey(answer.text()),
        Some(_) => StorageError::IoError(answer.text()),
    }
}

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    let mut host = linker.instance("airssys:core/storage@1.0.0")?;
    host.func_wrap("get", |ctx: Ctx<'_>, (key,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_get
            .map(|f| f(guest.host, key, &mut answer));
        Ok((if code == Some(0) {
            Ok(answer.bytes)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap(
        "set",
        |ctx: Ctx<'_>, (key, value): (String, WasmList<u8>)| {
            let mut answer = Answer::default();
            let value = Span::of(value.as_le_slice(&ctx));
            let guest = ctx.data();
            let key = Span::of(key.as_bytes());
            let code = guest
                .functions
                .storage_set
                .map(|f| f(guest.host, key, value, &mut answer));
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(storage(code, &mut answer))
            },))
        },
    )?;
    host.func_wrap("delete", |ctx: Ctx<'_>, (key,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_delete
            .map(|f| f(guest.host, key, &mut answer));
        Ok((if code == Some(0) {
            Ok(())
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("exists", |ctx: Ctx<'_>, (key,): (String,)| {
        let (mut answer, mut exists) = (Answer::default(), false);
        let guest = ctx.data();
        let key = Span::of(key.as_bytes());
        let code = guest
            .functions
            .storage_exists
            .map(|f| f(guest.host, key, &mut exists, &mut answer));
        Ok((if code == Some(0) {
            Ok(exists)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("list-keys", |ctx: Ctx<'_>, (prefix,): (Option<String>,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let prefix = prefix
            .as_ref()
            .map_or(Span::ABSENT, |prefix| Span::of(prefix.as_bytes()));
        let code = guest
            .functions
            .storage_list_keys
            .map(|f| f(guest.host, prefix, &mut answer));
        Ok((if code == Some(0) {
            Ok(answer.texts)
        } else {
            Err(storage(code, &mut answer))
        },))
    })?;
    host.func_wrap("usage", |ctx: Ctx<'_>, (): ()| {
        let (mut answer, mut usage) = (Answer::default(), StorageUsage::default());
        let guest = ctx.data();
        let code = guest
            .functions
            .storage_usage
            .map(|f| f(guest.host, &mut usage, &mut answer));
        Ok((if code == Some(0) {
            Ok(usage)
        } else {
            Err(storage(code, &mut answer))
        },))
    })
}
