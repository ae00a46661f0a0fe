//! Fetching from servers on loopback: every fault, every way to be interrupted.

mod faults;
mod headway;
mod keeping;
mod processes;
mod resume;
mod server;
mod small;
mod tls;
