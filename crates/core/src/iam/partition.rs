//! The parts of AWS with accounts of their own.

/// A part of AWS with accounts of its own.
#[derive(Debug)]
pub struct Partition {
    pub name: &'static str,
    /// What the codes of its Regions start with; nothing, for all others.
    regions: &'static str,
    /// What the names of its hosts end with.
    pub dns_suffix: &'static str,
}

/// The partitions, the one of all other Regions last (AWS General Reference,
/// "Amazon Resource Names (ARNs)"; the SDKs' partitions.json).
pub const PARTITIONS: &[Partition] = &[
    Partition { name: "aws-cn", regions: "cn-", dns_suffix: "amazonaws.com.cn" },
    Partition { name: "aws-us-gov", regions: "us-gov-", dns_suffix: "amazonaws.com" },
    Partition { name: "aws-iso", regions: "us-iso-", dns_suffix: "c2s.ic.gov" },
    Partition { name: "aws-iso-b", regions: "us-isob-", dns_suffix: "sc2s.sgov.gov" },
    Partition { name: "aws-iso-e", regions: "eu-isoe-", dns_suffix: "cloud.adc-e.uk" },
    Partition { name: "aws-iso-f", regions: "us-isof-", dns_suffix: "csp.hci.ic.gov" },
    Partition { name: "aws-eusc", regions: "eusc-", dns_suffix: "amazonaws.eu" },
    Partition { name: "aws", regions: "", dns_suffix: "amazonaws.com" },
];

/// The partition that a Region belongs to.
pub fn partition_of(region: &str) -> &'static Partition {
    let known = PARTITIONS.iter().find(|partition| region.starts_with(partition.regions));
    known.expect("every Region starts with nothing, which the last one asks for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_belongs_to_the_partition_that_its_code_starts_with() {
        for (region, name, suffix) in [
            ("us-east-1", "aws", "amazonaws.com"),
            ("ap-southeast-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            assert_eq!((partition_of(region).name, partition_of(region).dns_suffix), (name, suffix), "{region}");
        }
    }
}
