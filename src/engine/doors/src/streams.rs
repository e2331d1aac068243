//! A guest's standard streams, on the thread that polls it.
//!
//! Output goes straight to C, in the pieces in which the guest writes it. Where C has no room,
//! the guest waits and asks again. Input never has bytes: it is at its end, or open until asked
//! to stop.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, empty, sink};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamResult};

use crate::command::Signal;

/// `INSTANCE_OUTPUT_RETRY_MS`
const OUTPUT_RETRY: Duration = Duration::from_millis(10);
/// The most a guest may write at once; WASI allocates up to this much for it.
const OUTPUT_PIECE_MAX: usize = 64 << 10;

pub type OutputFunction = extern "C" fn(*mut c_void, u32, *const u8, usize);
pub type RoomFunction = extern "C" fn(*mut c_void, u32) -> usize;

#[derive(Clone)]
pub struct Output {
    pub host: *mut c_void,
    pub stream: u32,
    pub function: OutputFunction,
    pub room: Option<RoomFunction>,
}

// SAFETY: C takes its own pointer on whichever thread polls the guest, one at a time.
unsafe impl Send for Output {}

impl Output {
    fn room(&self) -> usize {
        self.room.map_or(OUTPUT_PIECE_MAX, |room| {
            room(self.host, self.stream).min(OUTPUT_PIECE_MAX)
        })
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        while self.room() == 0 {
            tokio::time::sleep(OUTPUT_RETRY).await;
        }
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        (self.function)(self.host, self.stream, bytes.as_ptr(), bytes.len());
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.room())
    }
}

/// Open until the signal is raised, then at its end.
#[derive(Clone)]
pub struct Input(pub Arc<Signal>);

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        self.0.raised().await;
    }
}

impl InputStream for Input {
    fn read(&mut self, _size: usize) -> StreamResult<Bytes> {
        if self.0.is_raised() {
            Err(wasmtime_wasi::p2::StreamError::Closed)
        } else {
            Ok(Bytes::new())
        }
    }
}
