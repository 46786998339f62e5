//! Retries: which requests, how often and when. With a transport in memory and paused time, and with real sockets.

mod broken_off;
mod deadline;
mod decisions;
mod limits;
mod sockets;
mod timing;
