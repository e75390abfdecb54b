//! The modules of permissions-probe that read what others write.

#[path = "../../src/config.rs"]
pub mod config;
#[path = "../../src/denial.rs"]
pub mod denial;
#[path = "../../src/pattern.rs"]
pub mod pattern;
#[path = "../../src/redact.rs"]
pub mod redact;
#[path = "../../src/request.rs"]
pub mod request;
#[path = "../../src/roots.rs"]
pub mod roots;
