//! A real FreeRADIUS in a temporary folder, with plain RADIUS and RadSec.

use std::fs;
use std::process::Command;

use super::authority::{Authority, Leaf};
use super::process::{Process, free_port, program};

pub(crate) const SECRET: &str = "kJ8s0vQm3Z7pL1xTfWc9";

pub(crate) struct FreeRadius {
    pub(crate) udp: u16,
    /// Answers without a Message-Authenticator, as old servers do.
    pub(crate) old: u16,
    pub(crate) radsec: u16,
    pub(crate) authority: Authority,
    _dir: tempfile::TempDir,
    process: Process,
}

impl FreeRadius {
    pub(crate) fn start() -> Self {
        let freeradius = program("/usr/sbin/freeradius", "freeradius");
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        let authority = Authority::new();
        authority.write(at);
        let (udp, old, radsec) = (free_port(), free_port(), free_port());
        let text = at.display();
        let site = |name: &str, signed: bool| {
            let sign = if signed { "Message-Authenticator := 0x00" } else { "Tmp-String-1 := \"old\"" };
            format!(
                r#"server {name} {{
  authorize {{
    if (&User-Name == "ada") {{
      update control {{
        Cleartext-Password := "correct horse"
      }}
      update reply {{
        Filter-Id += "ops"
        Filter-Id += "staff"
        Class := "ou=engineers"
        Cisco-AVPair += "group=network"
      }}
    }}
    if (&User-Name == "long") {{
      update control {{
        Cleartext-Password := "{long}"
      }}
    }}
    if (&User-Name == "grace") {{
      if (!&State) {{
        update control {{
          Auth-Type := Step1
          Cleartext-Password := "first"
        }}
      }} else {{
        update control {{
          Auth-Type := Step2
          Cleartext-Password := &session-state:Tmp-String-0
        }}
      }}
    }}
    if (&User-Name == "endless") {{
      update control {{
        Auth-Type := Endless
      }}
    }}
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
    Auth-Type Step1 {{
      pap
      update session-state {{
        Tmp-String-0 := "424242"
      }}
      update reply {{
        Reply-Message := "Enter the code that was sent to you"
        {sign}
      }}
      challenge
    }}
    Auth-Type Step2 {{
      pap
    }}
    Auth-Type Endless {{
      update session-state {{
        Tmp-String-0 := "again"
      }}
      update reply {{
        Reply-Message := "And again"
        {sign}
      }}
      challenge
    }}
  }}
  post-auth {{
    update reply {{
      {sign}
    }}
    Post-Auth-Type REJECT {{
      update reply {{
        {sign}
      }}
    }}
  }}
}}
"#,
                long = "p".repeat(128),
            )
        };
        let config = format!(
            r#"prefix = /usr
libdir = /usr/lib/freeradius
logdir = {text}
raddbdir = {text}
run_dir = {text}
pidfile = {text}/pid
max_request_time = 30
cleanup_delay = 1
max_requests = 1024
hostname_lookups = no
proxy_requests = no
log {{
  destination = stdout
  auth = no
}}
security {{
  max_attributes = 200
  reject_delay = 0
  status_server = no
}}
thread pool {{
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 3
}}
modules {{
  pap {{ }}
  always reject {{
    rcode = reject
  }}
  always ok {{
    rcode = ok
  }}
  always handled {{
    rcode = handled
  }}
}}
policy {{
  challenge {{
    update control {{
      &Response-Packet-Type := Access-Challenge
    }}
    handled
  }}
}}
client here {{
  ipaddr = 127.0.0.1
  proto = udp
  secret = {SECRET}
  require_message_authenticator = yes
}}
clients radsec {{
  client here {{
    ipaddr = 127.0.0.1
    proto = tls
    secret = radsec
  }}
}}
listen {{
  type = auth
  ipaddr = 127.0.0.1
  port = {udp}
  virtual_server = new
}}
listen {{
  type = auth
  ipaddr = 127.0.0.1
  port = {old}
  virtual_server = old
}}
listen {{
  type = auth
  ipaddr = 127.0.0.1
  port = {radsec}
  proto = tcp
  virtual_server = new
  clients = radsec
  tls {{
    private_key_file = {text}/server.key
    certificate_file = {text}/server.pem
    ca_file = {text}/ca.pem
    tls_min_version = "1.2"
    tls_max_version = "1.3"
    require_client_cert = yes
    cache {{
      enable = no
    }}
  }}
}}
{new}
{old_site}
"#,
            new = site("new", true),
            old_site = site("old", false),
        );
        fs::write(at.join("radiusd.conf"), config).unwrap();
        fs::write(at.join("dictionary"), "").unwrap();
        let mut command = Command::new(freeradius);
        // Not -X: without threads it has no TLS.
        command.args(["-f", "-xx", "-l", "stdout", "-d"]).arg(at);
        let mut process = Process::start(&mut command, at);
        process.until("freeradius", |said| said.contains("Ready to process requests"));
        Self { udp, old, radsec, authority, _dir: dir, process }
    }

    pub(crate) fn said(&self) -> String {
        self.process.said()
    }

    pub(crate) fn client(&self) -> Leaf {
        self.authority.leaf(&["watchkeep.example"])
    }
}
