//! The part of crates.io's `crc-fast` that the SDK calls, on the crate `crc`.
//!
//! `crc-fast` carries 664 KB of tables for some thirty algorithms, which do not
//! compress: they were a tenth of the package that is deployed
//! (docs/performance.md). The SDK computes three of them, for bodies that a
//! caller wants to have checked by Amazon S3. The requests of the checks have no
//! such body, or a few bytes of one, so that the speed of a checksum is nothing.
//!
//! Once aws-smithy-checksums calls more of `crc-fast`, this no longer compiles.
//! Then add what it calls, or remove `[patch.crates-io]` and this crate.

use std::fmt;

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};

static CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC64_NVME: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

/// The checksums that Amazon S3 knows (Amazon S3 User Guide, "Checking object integrity"), as far as they are CRCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// `x-amz-checksum-crc32`
    Crc32IsoHdlc,
    /// `x-amz-checksum-crc32c`
    Crc32Iscsi,
    /// `x-amz-checksum-crc64nvme`
    Crc64Nvme,
}

/// A checksum of bytes that come one after the other.
pub struct Digest(Kind);

enum Kind {
    Of32(crc::Digest<'static, u32>),
    Of64(crc::Digest<'static, u64>),
}

impl Digest {
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => Kind::Of32(CRC32.digest()),
            CrcAlgorithm::Crc32Iscsi => Kind::Of32(CRC32C.digest()),
            CrcAlgorithm::Crc64Nvme => Kind::Of64(CRC64_NVME.digest()),
        })
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Kind::Of32(digest) => digest.update(bytes),
            Kind::Of64(digest) => digest.update(bytes),
        }
    }

    /// The checksum; one of 32 bits is in the lower half.
    pub fn finalize(self) -> u64 {
        match self.0 {
            Kind::Of32(digest) => digest.finalize().into(),
            Kind::Of64(digest) => digest.finalize(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::{CrcAlgorithm, Digest};

    /// The check values of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io), of the bytes `123456789`.
    #[test]
    fn checksums_have_the_values_of_the_catalogue() {
        let of = |algorithm| {
            let mut digest = Digest::new(algorithm);
            digest.update(b"1234");
            digest.update(b"56789");
            digest.finalize()
        };
        assert_eq!(of(CrcAlgorithm::Crc32IsoHdlc), 0xcbf4_3926);
        assert_eq!(of(CrcAlgorithm::Crc32Iscsi), 0xe306_9283);
        assert_eq!(of(CrcAlgorithm::Crc64Nvme), 0xae8b_1486_0a79_9888);
    }
}
