//! `airssys:core/host-services`: the log, the time, sleeping, and who else is there.

use std::time::Duration;

use wasmtime_c_api::wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime_c_api::wasmtime::{self, Result};

use crate::answer::Answer;
use crate::core::{ComponentError, ComponentId, Ctx, NOT_OFFERED, Timestamp};
use crate::span::{Span, SpanPair};
use crate::store::Guest;

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by lifting alone")]
enum LogLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct ComponentInfo {
    id: ComponentId,
    name: String,
    version: String,
    health: String,
}

/// `enum component_error`
fn component(code: Option<u32>, answer: &mut Answer) -> ComponentError {
    match code {
        None => ComponentError::InvalidState(NOT_OFFERED.into()),
        Some(1) => ComponentError::InitializationFailed(answer.text()),
        Some(2) => ComponentError::AlreadyInitialized,
        Some(3) => ComponentError::NotInitialized,
        Some(4) => ComponentError::ShutdownFailed(answer.text()),
        Some(_) => ComponentError::InvalidState(answer.text()),
    }
}

type LogContext = Option<Vec<(String, String)>>;

fn log(ctx: &Ctx<'_>, level: LogLevel, message: &str, context: &LogContext) {
    let Some(log) = ctx.data().functions.log else {
        return;
    };
    let pairs: Vec<SpanPair> = context
        .iter()
        .flatten()
        .map(|(name, value)| SpanPair {
            name: Span::of(name.as_bytes()),
            value: Span::of(value.as_bytes()),
        })
        .collect();
    log(
        ctx.data().host,
        level as u32,
        Span::of(message.as_bytes()),
        pairs.as_ptr(),
        pairs.len(),
    );
}

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    let mut services = linker.instance("airssys:core/host-services@1.0.0")?;
    services.func_wrap(
        "log",
        |ctx: Ctx<'_>, (level, message, context): (LogLevel, String, LogContext)| {
            log(&ctx, level, &message, &context);
            Ok(())
        },
    )?;
    services.func_wrap("current-time", |ctx: Ctx<'_>, (): ()| {
        let mut time = Timestamp::default();
        if let Some(current_time) = ctx.data().functions.current_time {
            current_time(ctx.data().host, &mut time);
        }
        Ok((time,))
    })?;
    services.func_wrap("current-time-millis", |ctx: Ctx<'_>, (): ()| {
        Ok((ctx
            .data()
            .functions
            .current_time_millis
            .map_or(0, |f| f(ctx.data().host)),))
    })?;
    services.func_wrap_async("sleep-millis", |_: Ctx<'_>, (duration_ms,): (u64,)| {
        Box::new(async move {
            tokio::time::sleep(Duration::from_millis(duration_ms)).await;
            Ok(())
        })
    })?;
    services.func_wrap("list-components", |ctx: Ctx<'_>, (): ()| {
        let mut answer = Answer::default();
        if let Some(list_components) = ctx.data().functions.list_components {
            list_components(ctx.data().host, &mut answer);
        }
        Ok((answer.ids,))
    })?;
    services.func_wrap(
        "get-component-metadata",
        |ctx: Ctx<'_>, (id,): (ComponentId,)| Ok((component_info(&ctx, id),)),
    )
}

fn component_info(ctx: &Ctx<'_>, id: ComponentId) -> Result<ComponentInfo, ComponentError> {
    let mut answer = Answer::default();
    let guest = ctx.data();
    let code = guest
        .functions
        .get_component_metadata
        .map(|f| f(guest.host, &id.to_c(), &mut answer));
    match (code, answer.info.take()) {
        (Some(0), Some([name, version, health])) => {
            let id = answer.ids.pop().unwrap_or(id);
            Ok(ComponentInfo {
                id,
                name,
                version,
                health,
            })
        }
        _ => Err(component(code, &mut answer)),
    }
}
