// A command in Rust: sleeps, prints, panics when told to.
use std::{env, thread, time::Duration};

fn main() {
    let args: Vec<String> = env::args().collect();
    for n in 1..=3 {
        println!("hello {} from Rust, MODE={}", n, env::var("MODE").unwrap_or_default());
        thread::sleep(Duration::from_millis(100));
    }
    if args.get(1).map(String::as_str) == Some("panic") {
        panic!("told to");
    }
}
