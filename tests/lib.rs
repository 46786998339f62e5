//! The tests live in `system/`. What is here are the examples of the README, which run as documentation tests.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
