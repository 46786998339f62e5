//! Tests of what runs over the SSH gateway: against sshd, rsync, git and PHP of this machine.

mod deploy;
mod faults;
mod gateway;
mod interrupted;
mod logs;
mod rig;
