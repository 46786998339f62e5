//! What the poller says, and what it does not say.
