//! Exit codes of core modules. Preview 1 has one in `proc_exit`, but its adapter calls
//! `wasi:cli/exit#exit`, which tells success from failure and no more. So that import of the
//! module is turned into `exit-with-code` before the adapter is asked.

use wasmtime_c_api::wasmtime::{Error, Result};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = "
    package airs:exit-code;
    world exit-code { import wasi:cli/exit@0.2.12; }
    package wasi:cli@0.2.12 {
        interface exit {
            exit: func(status: result);
            exit-with-code: func(status-code: u8);
        }
    }";

const IMPORT_SECTION: u8 = 2;
const HEADER_BYTES: usize = 8;
/// As they stand in an import section: two names with their sizes, then "a function".
const FROM: &[u8] = b"\x16wasi_snapshot_preview1\x09proc_exit\x00";
const TO: &[u8] = b"\x14wasi:cli/exit@0.2.12\x0eexit-with-code\x00";

/// A LEB128 number at `at` and where it ends.
fn number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

fn push_number(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// `module` with its import renamed; None when it has none.
fn renamed(module: &[u8]) -> Option<Vec<u8>> {
    let mut at = HEADER_BYTES;
    loop {
        let id = *module.get(at)?;
        let (size, begin) = number(module, at + 1)?;
        let section = module.get(begin..begin.checked_add(size)?)?;
        if id != IMPORT_SECTION {
            at = begin + size;
            continue;
        }
        let place = section.windows(FROM.len()).position(|part| part == FROM)?;
        let mut out = module[..=at].to_vec();
        push_number(&mut out, size - FROM.len() + TO.len());
        out.extend_from_slice(&section[..place]);
        out.extend_from_slice(TO);
        out.extend_from_slice(&section[place + FROM.len()..]);
        out.extend_from_slice(&module[begin + size..]);
        return Some(out);
    }
}

/// `module`, valid, with exit codes that arrive; None when it cannot exit.
pub fn kept(module: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(mut module) = renamed(module) else {
        return Ok(None);
    };
    let failed = |e| Error::msg(format!("exit codes: {e:#}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit-code.wit", WIT).map_err(failed)?;
    let world = resolve.select_world(&[package], None).map_err(failed)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(failed)?;
    Ok(Some(module))
}
