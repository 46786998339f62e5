//! What is sent again, how often and when: with a wire in memory and paused time, and over real sockets.

mod broken_off;
mod deadline;
mod decisions;
mod limits;
mod sockets;
mod timing;
