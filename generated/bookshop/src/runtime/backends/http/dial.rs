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

use super::network::Network;

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

/// Who named a host, and so where it may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reach<'n> {
    /// The owner: anywhere.
    Owner,
    /// A document: at public addresses, and in these networks.
    Document(&'n [Network]),
}

/// Decides on one address.
pub(super) fn check(address: IpAddr, reach: Reach<'_>) -> Result<(), Refused> {
    let address = unmapped(address);
    if METADATA.contains(&address) {
        return Err(Refused::Metadata);
    }
    let private = match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    };
    let allowed = match reach {
        Reach::Owner => true,
        Reach::Document(networks) => networks.iter().any(|network| network.contains(address)),
    };
    if private && !allowed {
        Err(Refused::Private)
    } else {
        Ok(())
    }
}

/// Decides on the host of a URL as it is written. A name may still resolve to what is refused: the
/// resolver decides on that.
pub(super) fn check_url(url: &Url, reach: Reach<'_>) -> Result<(), Refused> {
    match url.host() {
        Some(url::Host::Ipv4(v4)) => check(v4.into(), reach),
        Some(url::Host::Ipv6(v6)) => check(v6.into(), reach),
        Some(url::Host::Domain(name)) => {
            let name = bare(name);
            if METADATA_NAMES.contains(&name.as_str()) {
                return Err(Refused::Metadata);
            }
            let local = name == "localhost" || name.ends_with(".localhost");
            let home: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            match local {
                true => home
                    .iter()
                    .map(|address| check(*address, reach))
                    .reduce(Result::or)
                    .unwrap_or(Ok(())),
                false => Ok(()),
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
    check_url(url, Reach::Document(&[])).is_err()
}

/// The same for a server that may dial hosts in some private networks.
pub fn is_private_beyond(url: &Url, networks: &[Network]) -> bool {
    check_url(url, Reach::Document(networks)).is_err()
}

/// Resolves names to addresses that may be dialled.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    /// Hosts that the owner named.
    trusted: Arc<BTreeSet<String>>,
    /// Where others may be, besides public addresses.
    networks: Arc<[Network]>,
}

impl Resolver {
    /// A resolver that trusts these hosts; others may be in these networks.
    pub(super) fn trusting<'a>(hosts: impl Iterator<Item = &'a str>, networks: &[Network]) -> Self {
        Self {
            trusted: Arc::new(hosts.map(bare).collect()),
            networks: networks.into(),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusted.contains(&bare(name.as_str()));
        let networks = self.networks.clone();
        Box::pin(async move {
            let reach = match trusted {
                true => Reach::Owner,
                false => Reach::Document(&networks),
            };
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut good = Vec::new();
            for address in found {
                match check(address.ip(), reach) {
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
            let of_document = check(ip, Reach::Document(&[]));
            assert_eq!(of_document.is_ok(), untrusted, "{address} untrusted");
            assert_eq!(
                check(ip, Reach::Owner).is_ok(),
                trusted,
                "{address} trusted"
            );
        }
    }

    #[test]
    fn networks_of_the_owner() {
        let all = ["0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap());
        let some = ["10.20.0.0/16", "127.0.0.0/8"].map(|network| network.parse().unwrap());
        for (url, in_some, in_all) in [
            ("http://10.20.0.1", true, true),
            ("http://[::ffff:10.20.0.1]", true, true),
            ("http://[64:ff9b::0a14:1]", true, true),
            ("http://10.21.0.1", false, true),
            ("http://[::ffff:10.21.0.1]", false, true),
            ("http://[fd00::1]", false, true),
            ("http://localhost", true, true),
            ("http://93.184.216.34", true, true),
            ("http://api.example", true, true),
            // Never these, whatever network they are in.
            ("http://169.254.169.254", false, false),
            ("http://[::ffff:169.254.169.254]", false, false),
            ("http://[64:ff9b::a9fe:a9fe]", false, false),
            ("http://100.100.100.200", false, false),
            ("http://[fd00:ec2::254]", false, false),
            ("http://metadata.google.internal", false, false),
            ("http://METADATA.google.internal.", false, false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(!is_private_beyond(&url, &some), in_some, "{url}");
            assert_eq!(!is_private_beyond(&url, &all), in_all, "{url}");
        }
        let url = Url::parse("http://localhost").unwrap();
        assert!(is_private_beyond(&url, &some[..1]));
    }
}
