//! Address ranges as people write them: `192.0.2.0/24`, `2001:db8::/32`, or one address.
//!
//! Strict: host bits that are set are refused with the form that was probably meant, so that nobody believes to have
//! allowed one machine and has allowed a network, or the other way round. IPv4 addresses that come as IPv6 (`::ffff:…`)
//! are the IPv4 addresses they carry, in ranges as in what is compared with them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// Never IPv4-mapped; no bit set beyond `bits`.
    network: IpAddr,
    bits: u8,
}

/// Why a text is not a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Neither an address nor a range.
    #[error("write an address or a range, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")]
    Form,
    /// More bits than an address of the family has, or a length that is not a plain number.
    #[error("the length after the slash is a number from 0 to {max}")]
    Length { max: u8 },
    /// Bits beyond the length are set.
    #[error("bits beyond /{bits} are set: write {mended} for the network, or {address} for the one address")]
    HostBits { bits: u8, mended: Cidr, address: IpAddr },
    /// Addresses of both families under one length mean nothing.
    #[error("write the IPv4 range as IPv4: ::ffff:192.0.2.0/120 is 192.0.2.0/24")]
    Mapped,
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

impl Cidr {
    /// The range of one address.
    pub const fn one(address: IpAddr) -> Self {
        let network = address.to_canonical();
        Self { network, bits: width(network) }
    }

    /// Whether the address lies in it. An IPv4 address is the same however it comes.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.network) && masked(address, self.bits) == self.network
    }

    /// How many leading bits count.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether it holds every address of its family.
    pub const fn is_everything(&self) -> bool {
        self.bits == 0
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(raw: &str) -> Result<Self, CidrError> {
        let (text, length) = match raw.split_once('/') {
            Some((text, length)) => (text, Some(length)),
            None => (raw, None),
        };
        // The standard parser takes no leading zeros, no shortened IPv4 and no zone.
        let address: IpAddr = text.parse().map_err(|_| CidrError::Form)?;
        let Some(length) = length else { return Ok(Self::one(address)) };
        let max = width(address);
        let plain = !length.is_empty()
            && length.len() <= 3
            && length.bytes().all(|b| b.is_ascii_digit())
            && (length == "0" || !length.starts_with('0'));
        let bits: u8 = Some(length).filter(|_| plain).and_then(|raw| raw.parse().ok()).unwrap_or(u8::MAX);
        if bits > max {
            return Err(CidrError::Length { max });
        }
        if address.to_canonical() != address {
            return Err(CidrError::Mapped);
        }
        let network = masked(address, bits);
        if network != address {
            return Err(CidrError::HostBits { bits, mended: Self { network, bits }, address });
        }
        Ok(Self { network, bits })
    }
}

impl fmt::Display for Cidr {
    /// Canonical: one address without its length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == width(self.network) {
            write!(f, "{}", self.network)
        } else {
            write!(f, "{}/{}", self.network, self.bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(raw: &str) -> Cidr {
        raw.parse().unwrap()
    }

    fn ip(raw: &str) -> IpAddr {
        raw.parse().unwrap()
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        for (raw, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
        ] {
            assert!(range(raw).contains(ip(inside)), "{raw} {inside}");
            assert!(!range(raw).contains(ip(outside)), "{raw} {outside}");
        }
    }

    #[test]
    fn an_ipv4_address_is_the_same_however_it_comes() {
        assert!(range("192.0.2.0/24").contains(ip("::ffff:192.0.2.9")));
        assert!(range("::ffff:192.0.2.9").contains(ip("192.0.2.9")));
        // Everything of IPv6 is not everything of IPv4, also when it comes in its clothes.
        assert!(!range("::/0").contains(ip("::ffff:192.0.2.9")));
        assert_eq!("::ffff:192.0.2.0/120".parse::<Cidr>(), Err(CidrError::Mapped));
    }

    #[test]
    fn host_bits_are_refused_with_what_was_meant() {
        let error = "192.0.2.7/24".parse::<Cidr>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "bits beyond /24 are set: write 192.0.2.0/24 for the network, or 192.0.2.7 for the one address"
        );
        assert!("2001:db8::1/32".parse::<Cidr>().is_err());
    }

    #[test]
    fn what_other_parsers_guess_at_is_refused() {
        for raw in [
            "",
            "/",
            "/24",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/024",
            "192.0.2.0/+24",
            "192.0.2.0/-1",
            "192.0.2",
            "192.0.2.0 /24",
            " 192.0.2.0/24",
            "192.0.2.0/24 ",
            "0300.0.2.0",
            "1",
            "0x7f.1",
            "fe80::1%eth0",
            "[::1]",
            "192.0.2.0/255.255.255.0",
            "2001:db8::/129",
            "host.example",
            "192.0.2.0/24/24",
            "192.0.2.0-192.0.2.9",
        ] {
            assert!(raw.parse::<Cidr>().is_err(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn what_it_says_is_what_it_reads(bits: u128, length in 0u8..=128) {
            let address = masked(IpAddr::V6(Ipv6Addr::from_bits(bits)), length);
            prop_assume!(address.to_canonical() == address);
            let known: Cidr = format!("{address}/{length}").parse().unwrap();
            prop_assert_eq!(known.to_string().parse::<Cidr>().unwrap(), known);
            prop_assert!(known.contains(address));
            // The last bit inside the prefix, turned, is outside.
            if length > 0 {
                let turned = match address {
                    IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() ^ (1u128 << (128 - u32::from(length))))),
                    IpAddr::V4(_) => unreachable!(),
                };
                prop_assume!(turned.to_canonical() == turned);
                prop_assert!(!known.contains(turned));
            }
        }

        #[test]
        fn hostile_texts_never_panic(raw in "\\PC{0,60}") {
            let _ = raw.parse::<Cidr>();
        }
    }
}
