//! The program `wpengine`, as its users run it: processes, their output, their exit codes, and what they did at the simulator.

mod cases;
mod events;
mod exit_codes;
mod formats;
mod found;
mod gateway;
mod harness;
mod machine;
mod names;
mod operations;
mod profiles;
mod programs;
mod recipes;
mod safety;
mod terminal;
mod workflows;
