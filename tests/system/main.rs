//! The behaviour of the SDK, tested as its users meet it.

fn main() {}
