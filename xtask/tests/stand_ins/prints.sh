#!/bin/sh
# Stands in for a program of Rust's toolchain, whatever it is asked.
printf '%s' "$PRINTED"
