//! Whose certificates are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustStore {
    /// Amazon's alone, which spares the start the reading of all others.
    Amazon,
    /// Those of the operating system.
    #[default]
    System,
    /// Those of a file, in PEM: behind a proxy that looks into TLS.
    Bundle(Vec<u8>),
}

impl TrustStore {
    /// The certificates of a file; none, where it holds none, as one of more than a few megabytes or a device.
    pub fn from_file(path: &str) -> Option<Self> {
        let file = std::fs::metadata(path).ok().filter(|file| file.is_file() && file.len() < 4 << 20);
        file.and_then(|_| std::fs::read(path).ok()).and_then(Self::bundle)
    }

    /// The certificates of a file in PEM; none, where it holds none that can be read.
    pub fn bundle(pem: Vec<u8>) -> Option<Self> {
        let mut certificates = CertificateDer::pem_slice_iter(&pem).peekable();
        let mut store = RootCertStore::empty();
        let readable = certificates.peek().is_some()
            && certificates.all(|certificate| certificate.is_ok_and(|certificate| store.add(certificate).is_ok()));
        readable.then_some(Self::Bundle(pem))
    }
}
