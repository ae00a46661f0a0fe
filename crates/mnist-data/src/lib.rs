//! MNIST.
#![forbid(unsafe_code)]
