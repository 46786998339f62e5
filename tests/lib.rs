//! The tests are in `system/`. This file contains only the examples of the README, which run as documentation tests.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
