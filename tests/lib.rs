//! The tests live in `system/`; there is nothing to import from here.
