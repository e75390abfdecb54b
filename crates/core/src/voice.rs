//! In whose words the report speaks: a function names its variables, a command
//! line its options.

/// What can be set, wherever it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Bucket,
    Table,
    TableKey,
    Prefix,
    ObjectKey,
    TrainingJobName,
    PassedRole,
    ExpectedRole,
    DenyControl,
    Timeout,
    CertificateBundle,
    Proxy,
}

/// The faces of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The Lambda function, which checks its own role.
    Function,
    /// The command line, which checks the principal whose credentials it finds.
    CommandLine,
}

/// How a face of this program speaks.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    pub face: Face,
    /// The name under which a setting is set.
    pub name_of: fn(Setting) -> &'static str,
}
