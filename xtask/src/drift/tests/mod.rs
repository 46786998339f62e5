//! Tests of the comparison: each kind of difference on a small document, then the whole document.
