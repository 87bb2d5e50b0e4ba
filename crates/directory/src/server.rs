//! Where a server is.

use std::fmt;
use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use wk_egress::{Egress, Reach, RemoteHost};

use crate::ConfigError;

/// Servers of one provider.
const SERVERS_MAX: usize = 8;

/// A host by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) host: RemoteHost,
    pub(crate) port: u16,
}

impl Server {
    /// `dc1.corp.example`, `10.1.2.3:1636`, `[fd00::1]`; `port` is the usual one.
    pub(crate) fn parse(raw: &str, port: u16) -> Result<Self, String> {
        let raw = raw.trim();
        if raw.contains("//") {
            return Err("write only the host, with :port if needed".to_owned());
        }
        let after_brackets = raw.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match raw[after_brackets..].rfind(':') {
            None => (raw, port),
            Some(at) => {
                let digits = &raw[after_brackets + at + 1..];
                let port = Some(digits)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .filter(|port| *port > 0)
                    .ok_or_else(|| format!("`{digits}` is not a port"))?;
                (&raw[..after_brackets + at], port)
            }
        };
        Ok(Self { host: host.parse()?, port })
    }

    /// The name that its certificate must have.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, String> {
        match &self.host {
            RemoteHost::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| format!("{name} is no name that a certificate could have")),
            RemoteHost::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        }
    }

    /// Addresses that may be dialled.
    pub(crate) async fn addresses(&self, egress: &Egress) -> Result<Vec<SocketAddr>, String> {
        let found = egress.addresses(&self.host, Reach::Site).await.map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect())
    }

    pub(crate) async fn connect(&self, egress: &Egress) -> Result<TcpStream, String> {
        egress.connect(&self.host, self.port, Reach::Site).await.map_err(|error| error.to_string())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Parses the servers of a provider.
pub(crate) fn servers(raw: &[String], port: u16) -> Result<Vec<Server>, ConfigError> {
    if raw.is_empty() || raw.len() > SERVERS_MAX {
        return Err(ConfigError::at("/servers", format!("name 1 to {SERVERS_MAX} servers")));
    }
    let parse = |(at, raw): (usize, &String)| {
        Server::parse(raw, port).map_err(|detail| ConfigError::at(format!("/servers/{at}"), detail))
    };
    raw.iter().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_strictly() {
        let read = |raw| Server::parse(raw, 636).map(|server| server.to_string());
        assert_eq!(read("DC1.Corp.Example."), Ok("dc1.corp.example:636".to_owned()));
        assert_eq!(read("dc1:3269"), Ok("dc1:3269".to_owned()));
        assert_eq!(read("[::1]:1636"), Ok("[::1]:1636".to_owned()));
        assert_eq!(read("[fd00::1]"), Ok("[fd00::1]:636".to_owned()));
        assert_eq!(read("10.1.2.3"), Ok("10.1.2.3:636".to_owned()));
        for bad in [
            "",
            "ldaps://dc1",
            "dc1:0",
            "dc1:+5",
            "dc1:99999",
            "dc 1",
            "::1",
            "0x7f.1",
            "127.1",
            "a..b",
            "-a",
            "dc1:",
            "user@dc1",
            "dc1/x",
        ] {
            assert!(Server::parse(bad, 636).is_err(), "{bad}");
        }
    }
}
