//! What the program has and a library has not: lines on stdout, a bar, Ctrl-C, and threads.

pub(crate) mod interrupts;
pub(crate) mod output;
pub(crate) mod pool;
pub(crate) mod screen;
