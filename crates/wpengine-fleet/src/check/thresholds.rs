//! From when on something is a finding.

/// From when on something is a finding.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Thresholds {
    /// The days before the end of a certificate; 30 by default.
    pub certificate_days: i64,
    /// The days since the last completed backup; 2 by default.
    pub backup_days: i64,
    /// The percentage of a limit from which on it is nearly reached; 80 by default.
    pub capacity_warning: f64,
    /// The percentage from which on that is critical; 95 by default.
    pub capacity_critical: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            certificate_days: 30,
            backup_days: 2,
            capacity_warning: 80.0,
            capacity_critical: 95.0,
        }
    }
}
