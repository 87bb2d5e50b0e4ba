//! Interfaces and all their addresses: `/sys/class/net`, and addresses from the kernel's routing socket.
//!
//! The routing socket (netlink) is asked on a live system only; a fixture tree gives its IPv6 addresses through
//! `/proc/net/if_inet6`. No other file tells which IPv4 addresses an interface has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink};

use super::section::Writer;
use super::{dir_entries, shown};
use crate::host::net::is_skipped;
use crate::note::Notes;
use crate::parse::{fields, hex, lines, number, trim};
use crate::source::read_small;
use crate::text::FIELD_BYTES_MAX;

/// Most interfaces and addresses told.
const INTERFACES_MAX: usize = 1_024;
const ADDRESSES_MAX: usize = 8_192;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    index: u32,
    address: IpAddr,
    prefix: u8,
}

pub(crate) fn interfaces(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let live = root == Path::new("/");
    let addresses = if live { addresses_by_netlink() } else { None }.or_else(|| addresses_by_proc(root));
    let complete = addresses.is_some();
    let mut addresses = addresses.unwrap_or_default();
    addresses.sort_unstable();
    addresses.dedup();
    for dir in dir_entries(&root.join("sys/class/net")).into_iter().take(INTERFACES_MAX) {
        let Some(name) = dir.file_name().and_then(|n| n.to_str()) else { continue };
        // The folder also holds files of drivers, such as `bonding_masters`.
        if is_skipped(name.as_bytes()) || !dir.is_dir() {
            continue;
        }
        let word =
            |file: &str| read_small(&dir.join(file), 256).map(|t| trim(&t).to_vec()).unwrap_or_default();
        let index = number(&word("ifindex")).and_then(|n| u32::try_from(n).ok());
        // A field is cut where its bound is, and half an address is another address: what does not fit goes into further
        // items of the same interface.
        let mut lists = vec![String::new()];
        for address in addresses.iter().filter(|a| Some(a.index) == index) {
            let text = format!("{}/{}", address.address, address.prefix);
            match lists.last_mut() {
                Some(last) if last.is_empty() => *last = text,
                Some(last) if last.len() + 1 + text.len() <= FIELD_BYTES_MAX => {
                    *last = format!("{last} {text}")
                }
                _ => lists.push(text),
            }
        }
        let mac = word("address");
        let mac: &[u8] = if mac == b"00:00:00:00:00:00" { b"" } else { &mac };
        let driver = std::fs::read_link(dir.join("device/driver"))
            .ok()
            .and_then(|l| {
                l.file_name().map(|n| shown(Path::new("/"), Path::new(n)).trim_start_matches('/').to_owned())
            })
            .unwrap_or_default();
        out.item(
            name.as_bytes(),
            &[
                ("mac", mac),
                ("mtu", &word("mtu")),
                ("state", &word("operstate")),
                ("driver", driver.as_bytes()),
                ("addresses", lists[0].as_bytes()),
            ],
            notes,
        );
        for (more, list) in lists.iter().enumerate().skip(1) {
            out.item(format!("{name} ({})", more + 1).as_bytes(), &[("addresses", list.as_bytes())], notes);
        }
    }
    out.finish(complete, notes);
}

/// Lines such as `fe80…0001 04 40 20 80 eth0`: address, index, prefix, scope, flags, name.
fn addresses_by_proc(root: &Path) -> Option<Vec<Address>> {
    let text = read_small(&root.join("proc/net/if_inet6"), 1 << 20)?;
    Some(lines(&text).filter_map(inet6_line).take(ADDRESSES_MAX).collect())
}

fn inet6_line(line: &[u8]) -> Option<Address> {
    let mut words = fields(line);
    let text = words.next().filter(|t| t.len() == 32)?;
    let high = u128::from(hex(&text[..16])?);
    let address = IpAddr::V6(Ipv6Addr::from(high << 64 | u128::from(hex(&text[16..])?)));
    let index = u32::try_from(hex(words.next()?)?).ok()?;
    let prefix = u8::try_from(hex(words.next()?)?).ok()?;
    Some(Address { index, address, prefix })
}

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Asks the kernel for all addresses; see rtnetlink(7).
fn addresses_by_netlink() -> Option<Vec<Address>> {
    // Without a protocol it is the routing protocol.
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None).ok()?;
    let mut request = Vec::with_capacity(24);
    request.extend(24u32.to_ne_bytes());
    request.extend(RTM_GETADDR.to_ne_bytes());
    // Request and dump.
    request.extend(0x301u16.to_ne_bytes());
    request.extend(1u32.to_ne_bytes());
    request.extend([0; 12]);
    rustix::net::sendto(&socket, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).ok()?;
    let mut found = Vec::new();
    let mut buffer = vec![0u8; 32 << 10];
    // The kernel answers from its memory at once, in messages of up to 32 KiB.
    for _ in 0..1_024 {
        let (len, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty()).ok()?;
        if netlink_messages(buffer.get(..len)?, &mut found)? {
            return Some(found);
        }
    }
    None
}

/// Adds the addresses of one datagram. True when it was the last, `None` on an error.
fn netlink_messages(mut text: &[u8], found: &mut Vec<Address>) -> Option<bool> {
    while text.len() >= 16 {
        let len = u32::from_ne_bytes(text[..4].try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(text[4..6].try_into().ok()?);
        let body = text.get(16..len)?;
        match kind {
            NLMSG_DONE => return Some(true),
            NLMSG_ERROR => return None,
            RTM_NEWADDR if found.len() < ADDRESSES_MAX => found.extend(address_message(body)),
            _ => {}
        }
        text = text.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(false)
}

fn address_message(body: &[u8]) -> Option<Address> {
    let prefix = *body.get(1)?;
    let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    let mut rest = body.get(8..)?;
    let (mut address, mut local) = (None, None);
    while rest.len() >= 4 {
        let len = usize::from(u16::from_ne_bytes(rest[..2].try_into().ok()?));
        let kind = u16::from_ne_bytes(rest[2..4].try_into().ok()?);
        let value = rest.get(4..len)?;
        let parsed = match value.len() {
            4 => <[u8; 4]>::try_from(value).ok().map(|b| IpAddr::V4(Ipv4Addr::from(b))),
            16 => <[u8; 16]>::try_from(value).ok().map(|b| IpAddr::V6(Ipv6Addr::from(b))),
            _ => None,
        };
        match kind {
            IFA_ADDRESS => address = parsed,
            IFA_LOCAL => local = parsed,
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    // On a point-to-point link IFA_ADDRESS is the other end.
    Some(Address { index, address: local.or(address)?, prefix })
}

/// For the fuzz target.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = (inet6_line(bytes), netlink_messages(bytes, &mut Vec::new()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn if_inet6_is_read() {
        let got = inet6_line(b"fe8000000000000000fc00fffe000001 04 40 20 80     eth0").unwrap();
        assert_eq!((got.address.to_string().as_str(), got.index, got.prefix), ("fe80::fc:ff:fe00:1", 4, 64));
    }

    #[test]
    fn the_local_end_of_a_link_counts() {
        let mut body = vec![2, 32, 0, 0];
        body.extend(7u32.to_ne_bytes());
        for (kind, ip) in [(IFA_ADDRESS, [10, 0, 0, 2]), (IFA_LOCAL, [10, 0, 0, 1])] {
            body.extend(8u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(ip);
        }
        let got = address_message(&body).unwrap();
        assert_eq!((got.address.to_string().as_str(), got.index, got.prefix), ("10.0.0.1", 7, 32));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (inet6_line(&bytes), address_message(&bytes), netlink_messages(&bytes, &mut Vec::new()));
        }
    }
}
