//! Macros for what many types have alike.

/// Defines methods that set a field: `name(argument: type) field = value`.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $of:ty),*) $($field:tt).+ = $value:expr;)+) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $($argument: $of),*) -> Self {
            self.$($field).+ = $value;
            self
        }
    )+};
}

/// Implements `Debug` with some of the fields of a type, or with a part of them: the rest is secret, too long, or not
/// printable.
macro_rules! debug_fields {
    ($type:ident $(<$($parameter:tt),+>)? as $this:ident: $($name:ident = $value:expr),*) => {
        impl $(<$($parameter),+>)? std::fmt::Debug for $type $(<$($parameter),+>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($name), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
}
