//! Networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A network: an address, and how many of its leading bits are the network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no network; 10.20.0.0/16 is one")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = text.split_once('/').ok_or(NoNetwork)?;
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let digits = prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix: u32 = prefix.parse().map_err(|_| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if !digits || prefix > most {
            return Err(NoNetwork);
        }
        // Addresses are looked at without the wrapping of IPv4 in IPv6, so the network is, too.
        let wrapped = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped(),
            IpAddr::V4(_) => None,
        };
        Ok(match (wrapped, prefix.checked_sub(96)) {
            (Some(v4), Some(prefix)) => Self {
                address: v4.into(),
                prefix,
            },
            _ => Self { address, prefix },
        })
    }
}

impl Network {
    /// Whether an address is in it; one of the other family is not.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (one, other, bits) = match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                (one.to_ipv6_mapped(), other.to_ipv6_mapped(), 96)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => (one, other, 0),
            _ => return false,
        };
        let prefix = bits + self.prefix;
        let differ = u128::from(one) ^ u128::from(other);
        // Shifting all bits out would be an overflow.
        prefix == 0 || differ.checked_shr(Ipv6Addr::BITS - prefix) == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (network, address, inside) in [
            ("10.20.0.0/16", "10.20.0.0", true),
            ("10.20.0.0/16", "10.20.255.255", true),
            ("10.20.0.0/16", "10.21.0.0", false),
            ("10.20.0.0/16", "10.19.255.255", false),
            // Bits beyond the prefix say nothing.
            ("10.20.7.9/16", "10.20.1.1", true),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.2", false),
            ("192.168.0.128/25", "192.168.0.127", false),
            ("0.0.0.0/0", "192.168.1.1", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("::/0", "fd00::1", true),
            ("::/0", "10.0.0.1", false),
            ("fd12:3456::/32", "fd12:3456:ffff::1", true),
            ("fd12:3456::/32", "fd12:3457::1", false),
            ("fd00::1/128", "fd00::1", true),
            ("fd00::1/128", "fd00::2", false),
            ("::ffff:10.20.0.0/112", "10.20.9.9", true),
            ("::ffff:10.20.0.0/112", "10.21.0.0", false),
        ] {
            let parsed: Network = network.parse().unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(parsed.contains(address), inside, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "a/8",
            "/8",
            " 10.0.0.0/8",
            "010.0.0.0/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }
}
