//! Which addresses are delivered to. A name is checked where it is resolved for the connection, so that a name that changes its
//! address between a check and the connection leads nowhere.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::Error;

/// A network that is allowed although it is private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    first: IpAddr,
    bits: u8,
}

impl std::str::FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::settings(format!(
                "`{text}` is no address or network such as 127.0.0.1 or 10.0.0.0/8"
            ))
        };
        let (first, bits) = text.split_once('/').unwrap_or((text, ""));
        let first: IpAddr = first.parse().map_err(|_| wrong())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() {
            most
        } else {
            bits.parse().map_err(|_| wrong())?
        };
        if bits > most {
            Err(wrong())
        } else {
            Ok(Self { first, bits })
        }
    }
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let rest = 32 - u32::from(self.bits);
                u32::from(first).checked_shr(rest) == u32::from(address).checked_shr(rest)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let rest = 128 - u32::from(self.bits);
                u128::from(first).checked_shr(rest) == u128::from(address).checked_shr(rest)
            }
            _ => false,
        }
    }
}

/// An IPv4 address in the clothes of IPv6 is that IPv4 address: mapped, compatible, of NAT64 or of 6to4.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let parts = v6.segments();
    let tail =
        |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if (high, low) > (0, 1) => tail(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => tail(high, low),
        _ => address,
    }
}

/// Whether an address is of the public internet.
fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19)))
        }
        // Only what is given out for the internet is: 2000::/3, without what is for documentation and other uses in it.
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            parts[0] & 0xe000 == 0x2000
                && parts[..2] != [0x2001, 0xdb8]
                && !(parts[0] == 0x2001 && parts[1] < 0x200)
                && parts[0] != 0x3fff
        }
    }
}

/// Whether a connection may be made.
pub(crate) fn is_allowed(address: IpAddr, private: &[Network]) -> bool {
    is_public(address)
        || private
            .iter()
            .any(|network| network.has(address) || network.has(plain(address)))
}

/// Reads the address of a receiver.
pub(crate) fn check(text: &str, private: &[Network]) -> Result<Url, Error> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Err(error) if text.starts_with("http") => {
            return Err(Error::settings(format!(
                "the address cannot be read: {error}"
            )));
        }
        // The rest of it may be secret.
        _ => {
            return Err(Error::settings(
                "an address of a receiver begins with https://, or with http:// if it is private and named",
            ));
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::settings(
            "the address of the endpoint has a user or a password in it: deliveries are signed, so it needs none",
        ));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) => None,
        None => return Err(Error::settings("the address of the endpoint has no host")),
    };
    if let Some(address) = literal.filter(|address| !is_allowed(*address, private)) {
        return Err(Error::settings(format!(
            "{address} is a private address; allow it by name if it is meant: private = [\"{address}\"]"
        )));
    }
    let is_named = literal.is_none_or(|address| !is_public(address)) && !private.is_empty();
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_named => Ok(url),
        _ => Err(Error::settings(
            "the address of an endpoint begins with https://; http:// is for private addresses that are named",
        )),
    }
}

/// Whether a host that is an address may be connected to. Names are checked by [`Guard`].
pub(crate) fn is_literal_allowed(url: &Url, private: &[Network]) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_allowed(address.into(), private),
        Some(Host::Ipv6(address)) => is_allowed(Ipv6Addr::from(address.octets()).into(), private),
        _ => true,
    }
}

/// Looks names up. Replaced in tests.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Resolving + Send + Sync>;

/// The resolver that the connection is made with. It hides every address that is not allowed, and without any other there is none.
pub(crate) struct Guard {
    pub(crate) private: Vec<Network>,
    /// Whether addresses must be among the named ones, because it is HTTP without TLS.
    pub(crate) named_only: bool,
    pub(crate) lookup: Lookup,
}

/// The operating system's.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    })
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (looked_up, private, named_only) = (
            (self.lookup)(name.as_str().to_owned()),
            self.private.clone(),
            self.named_only,
        );
        Box::pin(async move {
            let all: Vec<SocketAddr> = looked_up.await?.collect();
            let is_fit = |address: &SocketAddr| {
                is_allowed(address.ip(), &private) && !(named_only && is_public(address.ip()))
            };
            // One bad address among several makes the name suspicious.
            if all.iter().all(is_fit) && !all.is_empty() {
                return Ok(Box::new(all.into_iter()) as Addrs);
            }
            let why = match all.iter().find(|address| !is_fit(address)) {
                Some(bad) if is_public(bad.ip()) => format!(
                    "{} leads to the public address {}; use https://",
                    name.as_str(),
                    bad.ip()
                ),
                Some(bad) => format!(
                    "{} leads to the private address {}, which the endpoint does not name",
                    name.as_str(),
                    bad.ip()
                ),
                None => format!("{} has no address", name.as_str()),
            };
            Err(why.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Network, check, is_allowed};

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::7f00:1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(!is_allowed(address(private), &[]), "{private}");
        }
        for public in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_allowed(address(public), &[]), "{public}");
        }
        for url in [
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::ffff:7f00:1]/",
            "https://[::1]/",
        ] {
            assert!(check(url, &[]).is_err(), "{url}");
        }
    }

    #[test]
    fn a_named_network_allows_its_addresses_and_no_others() {
        let network = |text: &str| -> Network { text.parse().expect("a network") };
        let ten = [network("10.0.0.0/8")];
        assert!(
            is_allowed(address("10.255.0.1"), &ten)
                && is_allowed(address("::ffff:10.255.0.1"), &ten)
        );
        assert!(
            !is_allowed(address("127.0.0.1"), &ten)
                && !is_allowed(address("11.0.0.1"), &[network("10.0.0.1")])
                || is_allowed(address("11.0.0.1"), &[])
        );
        assert!(
            is_allowed(address("::1"), &[network("::1")])
                && is_allowed(address("fd00::7"), &[network("fd00::/8")])
        );
        assert!(is_allowed(address("127.0.0.1"), &[network("0.0.0.0/0")]));
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "home".parse::<Network>().is_err());
    }

    #[test]
    fn what_is_no_https_is_refused_but_to_named_addresses() {
        let named = ["127.0.0.1".parse().expect("a network")];
        assert!(
            check("http://127.0.0.1:9000/", &named).is_ok()
                && check("https://example.com/", &[]).is_ok()
        );
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "example.com",
            "https:///",
        ] {
            assert!(check(url, &[]).is_err(), "{url}");
        }
    }
}
