//! What the kernel says of a process: its status, its sockets, who else has a word in the command line.

use std::collections::{BTreeSet, HashMap};
use std::fs;

/// Processes whose command line has `word` in it.
pub fn with_word(word: &str) -> Vec<u32> {
    let own = std::process::id();
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            // A process that has ended and waits for its parent has no command line.
            String::from_utf8_lossy(&line).contains(word)
        })
        .collect()
}

/// A field of `/proc/<pid>/status`, without its name.
pub fn status(pid: u32, field: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Inodes of the sockets a process has open; `None` when it may not be looked at.
pub fn sockets(pid: u32) -> Option<BTreeSet<u64>> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let inode = |link: std::path::PathBuf| {
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
    };
    Some(fds.flatten().filter_map(|fd| inode(fs::read_link(fd.path()).ok()?)).collect())
}

/// Every socket of the machine that takes connections or datagrams from anybody: inode to address.
/// TCP as `tcp 127.0.0.1:80`, UDP as `udp ...`, Unix sockets as `unix /path`.
pub fn listeners() -> HashMap<u64, String> {
    let mut found = HashMap::new();
    // State 0A of TCP listens; 07 of UDP is bound and not connected.
    for (table, name, state) in
        [("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")]
    {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(at), Some(inode)) = (fields.get(1), fields.get(3), fields.get(9)) else {
                continue;
            };
            if *at == state
                && let Ok(inode) = inode.parse()
            {
                found.insert(inode, format!("{name} {}", address(local).unwrap_or_default()));
            }
        }
    }
    let text = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Flag 0x10000: it accepts connections.
        if fields.get(3) == Some(&"00010000")
            && let Some(Ok(inode)) = fields.get(6).map(|inode| inode.parse())
        {
            found.insert(inode, format!("unix {}", fields.get(7).unwrap_or(&"")));
        }
    }
    found
}

/// What `pid` listens on; `None` when it may not be looked at.
pub fn listening(pid: u32) -> Option<BTreeSet<String>> {
    let own = sockets(pid)?;
    Some(listeners().into_iter().filter(|(inode, _)| own.contains(inode)).map(|(_, at)| at).collect())
}

/// `0100007F:1F90` as `127.0.0.1:8080`.
fn address(raw: &str) -> Option<String> {
    let (ip, port) = raw.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Vec<u32> = (0..ip.len() / 8)
        .filter_map(|n| u32::from_str_radix(&ip[n * 8..n * 8 + 8], 16).ok())
        .map(u32::swap_bytes)
        .collect();
    match words[..] {
        [four] => Some(format!("{}:{port}", std::net::Ipv4Addr::from(four))),
        [a, b, c, d] => {
            let six = u128::from(a) << 96 | u128::from(b) << 64 | u128::from(c) << 32 | u128::from(d);
            Some(format!("[{}]:{port}", std::net::Ipv6Addr::from(six)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_listener_is_found_and_goes() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let line = format!("tcp {}", listener.local_addr().unwrap());
        assert!(listening(std::process::id()).unwrap().contains(&line));
        drop(listener);
        assert!(!listening(std::process::id()).unwrap().contains(&line));
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        assert_eq!(address("0100007F:1F90").unwrap(), "127.0.0.1:8080");
        assert_eq!(address("00000000000000000000000001000000:0050").unwrap(), "[::1]:80");
    }
}
