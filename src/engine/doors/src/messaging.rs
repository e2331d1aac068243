//! `airssys:core/host-messaging`: messages to other components.

use wasmtime_c_api::wasmtime::component::{ComponentType, Linker, Lower, WasmList};
use wasmtime_c_api::wasmtime::{self, Result};

use crate::answer::Answer;
use crate::core::{CId, ComponentId, Ctx, NOT_OFFERED};
use crate::span::Span;
use crate::store::Guest;

#[derive(ComponentType, Lower)]
#[component(variant)]
enum MessagingError {
    #[component(name = "delivery-failed")]
    DeliveryFailed(String),
    #[component(name = "correlation-timeout")]
    CorrelationTimeout(String),
    #[component(name = "invalid-message")]
    InvalidMessage(String),
    #[component(name = "queue-full")]
    QueueFull,
    #[component(name = "target-not-found")]
    TargetNotFound(ComponentId),
}

/// `enum messaging_error`; a function that is not there has failed to deliver.
fn messaging(code: Option<u32>, answer: &mut Answer, target: &ComponentId) -> MessagingError {
    match code {
        None => MessagingError::DeliveryFailed(NOT_OFFERED.into()),
        Some(2) => MessagingError::CorrelationTimeout(answer.text()),
        Some(3) => MessagingError::InvalidMessage(answer.text()),
        Some(4) => MessagingError::QueueFull,
        Some(5) => MessagingError::TargetNotFound(target.clone()),
        Some(_) => MessagingError::DeliveryFailed(answer.text()),
    }
}

pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    let mut host = linker.instance("airssys:core/host-messaging@1.0.0")?;
    host.func_wrap(
        "send",
        |ctx: Ctx<'_>, (target, payload): (ComponentId, WasmList<u8>)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let guest = ctx.data();
            let code = guest
                .functions
                .send
                .map(|f| f(guest.host, &target.to_c(), payload, &mut answer));
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(messaging(code, &mut answer, &target))
            },))
        },
    )?;
    host.func_wrap(
        "request",
        |ctx: Ctx<'_>, (target, payload, timeout): (ComponentId, WasmList<u8>, u64)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let guest = ctx.data();
            let request = guest.functions.request;
            let code =
                request.map(|f| f(guest.host, &target.to_c(), payload, timeout, &mut answer));
            Ok((match code {
                Some(0) => Ok(answer.text()),
                _ => Err(messaging(code, &mut answer, &target)),
            },))
        },
    )?;
    host.func_wrap("cancel-request", |ctx: Ctx<'_>, (id,): (String,)| {
        let mut answer = Answer::default();
        let guest = ctx.data();
        let id = Span::of(id.as_bytes());
        let code = guest
            .functions
            .cancel_request
            .map(|f| f(guest.host, id, &mut answer));
        let nobody = ComponentId::default();
        Ok((if code == Some(0) {
            Ok(())
        } else {
            Err(messaging(code, &mut answer, &nobody))
        },))
    })?;
    host.func_wrap(
        "broadcast",
        |ctx: Ctx<'_>, (targets, payload): (Vec<ComponentId>, WasmList<u8>)| {
            let mut answer = Answer::default();
            let payload = Span::of(payload.as_le_slice(&ctx));
            let ids: Vec<CId> = targets.iter().map(ComponentId::to_c).collect();
            let guest = ctx.data();
            let broadcast = guest.functions.broadcast;
            let code =
                broadcast.map(|f| f(guest.host, ids.as_ptr(), ids.len(), payload, &mut answer));
            let first = targets.into_iter().next().unwrap_or_default();
            Ok((if code == Some(0) {
                Ok(())
            } else {
                Err(messaging(code, &mut answer, &first))
            },))
        },
    )?;
    host.func_wrap("self-id", |ctx: Ctx<'_>, (): ()| {
        let mut answer = Answer::default();
        if let Some(self_id) = ctx.data().functions.self_id {
            self_id(ctx.data().host, &mut answer);
        }
        Ok((answer.ids.pop().unwrap_or_default(),))
    })
}
