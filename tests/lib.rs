//! The tests live in `system/`. What is here are the examples of the README, which run as documentation tests.
#![doc = include_str!("../README.md")]
