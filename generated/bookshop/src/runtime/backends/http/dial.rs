//! Which addresses may be dialled.
//!
//! A host that a document or a redirect names must be public; only the owner may name a private one.
//! The address that is dialled is the one that was checked, so a name that changes its answer between
//! check and use gains nothing. Cloud metadata services are refused always.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

/// Addresses of cloud metadata services: AWS, GCP and Azure; ECS and EKS; Alibaba; Azure's wire
/// server; Oracle; and AWS over IPv6.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// Names of such services.
const METADATA_NAMES: [&str; 3] = [
    "metadata.google.internal",
    "metadata.goog",
    "instance-data.ec2.internal",
];

/// Why an address is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// A cloud metadata service.
    #[error("it is the address of a cloud metadata service")]
    Metadata,
    /// A private, local or reserved address that the owner did not name.
    #[error("it is a private or local address that only the owner may name")]
    Private,
}

/// Decides on one address. `trusted`: the owner named the host.
pub(super) fn check(address: IpAddr, trusted: bool) -> Result<(), Refused> {
    let address = unmapped(address);
    if METADATA.contains(&address) {
        return Err(Refused::Metadata);
    }
    let private = match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    };
    if private && !trusted {
        Err(Refused::Private)
    } else {
        Ok(())
    }
}

/// Decides on the host of a URL as it is written. A name may still resolve to what is refused: the
/// resolver decides on that.
pub(super) fn check_url(url: &Url, trusted: bool) -> Result<(), Refused> {
    match url.host() {
        Some(url::Host::Ipv4(v4)) => check(v4.into(), trusted),
        Some(url::Host::Ipv6(v6)) => check(v6.into(), trusted),
        Some(url::Host::Domain(name)) => {
            let name = bare(name);
            if METADATA_NAMES.contains(&name.as_str()) {
                return Err(Refused::Metadata);
            }
            let local = name == "localhost" || name.ends_with(".localhost");
            if local && !trusted {
                Err(Refused::Private)
            } else {
                Ok(())
            }
        }
        None => Ok(()),
    }
}

/// A host name without the dot at its end, in lower case.
fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The IPv4 address inside an IPv6 one: mapped, translated (RFC 2765), compatible, NAT64 (RFC 6052) or
/// 6to4 (RFC 3056).
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let [first, second, third, .., high, low] = v6.segments();
    let tail = Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    let middle = Ipv4Addr::from((u32::from(second) << 16) | u32::from(third));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => IpAddr::V4(tail),
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => {
            IpAddr::V4(tail)
        }
        _ if first == 0x2002 => IpAddr::V4(middle),
        _ => address,
    }
}

/// Not globally reachable (IANA IPv4 Special-Purpose Address Registry).
fn is_private_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || v4.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
}

/// Not globally reachable (IANA IPv6 Special-Purpose Address Registry).
fn is_private_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    v6.is_loopback()
        || v6.is_unspecified()
        || v6.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
        || (first & 0xffc0) == 0xfec0
        || (first == 0x2001 && (second == 0xdb8 || second < 0x200))
        || (first & 0xfff0) == 0x3ff0
        || (first == 0x64 && second == 0xff9b)
        || first == 0x100
}

/// Whether a URL names a private or local host as such. A name may still resolve to one: the check at
/// the time of the call is the one that counts.
pub fn is_private(url: &Url) -> bool {
    check_url(url, false).is_err()
}

/// Resolves names to addresses that may be dialled.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    /// Hosts that the owner named.
    trusted: Arc<BTreeSet<String>>,
}

impl Resolver {
    /// A resolver that trusts these hosts.
    pub(super) fn trusting<'a>(hosts: impl Iterator<Item = &'a str>) -> Self {
        Self {
            trusted: Arc::new(hosts.map(bare).collect()),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusted.contains(&bare(name.as_str()));
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut good = Vec::new();
            for address in found {
                match check(address.ip(), trusted) {
                    Ok(()) => good.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                // One bad address among good ones is an attempt at rebinding, or will be one.
                Some(why) => Err(why.into()),
                None => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, untrusted, trusted) in [
            ("93.184.216.34", true, true),
            ("2606:4700::1111", true, true),
            ("127.0.0.1", false, true),
            ("10.1.2.3", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("100.64.0.1", false, true),
            ("0.0.0.0", false, true),
            ("198.18.0.1", false, true),
            ("255.255.255.255", false, true),
            ("::1", false, true),
            ("::", false, true),
            ("fe80::1", false, true),
            ("fc00::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("::ffff:10.0.0.1", false, true),
            ("64:ff9b::7f00:1", false, true),
            ("2002:7f00:1::", false, true),
            ("::ffff:0:127.0.0.1", false, true),
            ("64:ff9b:1::7f00:1", false, true),
            ("2001::1", false, true),
            ("3fff::1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("100.100.100.200", false, false),
            ("fd00:ec2::254", false, false),
        ] {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!(check(ip, false).is_ok(), untrusted, "{address} untrusted");
            assert_eq!(check(ip, true).is_ok(), trusted, "{address} trusted");
        }
    }
}
