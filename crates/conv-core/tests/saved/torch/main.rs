//! Layers, networks and training steps against PyTorch.
#![forbid(unsafe_code)]

mod layers;
mod loading;
mod networks;
mod training;
