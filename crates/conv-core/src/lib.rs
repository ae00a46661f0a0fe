//! Convolutional networks.
