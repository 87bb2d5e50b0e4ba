//! The table of addresses and hosts.

use std::collections::VecDeque;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

fn egress(listed: &[&str]) -> Egress {
    Egress::new(listed.iter().map(|network| network.parse().unwrap()).collect())
}

/// `+` public, `s` a site's own, `-` never.
const ADDRESSES: &[(&str, char)] = &[
    ("1.1.1.1", '+'),
    ("8.8.8.8", '+'),
    ("9.255.255.255", '+'),
    ("11.0.0.0", '+'),
    ("100.63.255.255", '+'),
    ("100.128.0.0", '+'),
    ("126.255.255.255", '+'),
    ("128.0.0.0", '+'),
    ("169.253.255.255", '+'),
    ("172.15.255.255", '+'),
    ("172.32.0.0", '+'),
    ("192.167.255.255", '+'),
    ("192.169.0.0", '+'),
    ("223.255.255.255", '+'),
    ("0.0.0.0", '-'),
    ("0.1.2.3", '-'),
    ("10.0.0.1", 's'),
    ("10.255.255.255", 's'),
    ("100.64.0.1", 's'),
    ("100.127.255.255", 's'),
    ("100.100.100.200", '-'),
    ("127.0.0.1", 's'),
    ("127.255.255.254", 's'),
    ("168.63.129.16", '-'),
    ("169.254.0.1", '-'),
    ("169.254.169.254", '-'),
    ("172.16.0.1", 's'),
    ("172.31.255.255", 's'),
    ("192.0.0.1", 's'),
    ("192.0.0.192", '-'),
    ("192.0.2.1", 's'),
    ("192.88.99.1", 's'),
    ("192.168.0.1", 's'),
    ("198.18.0.1", 's'),
    ("198.19.255.255", 's'),
    ("198.51.100.1", 's'),
    ("203.0.113.1", 's'),
    ("224.0.0.1", '-'),
    ("239.255.255.255", '-'),
    ("240.0.0.1", '-'),
    ("255.255.255.255", '-'),
    ("2606:4700::1111", '+'),
    ("2a00:1450:4001::1", '+'),
    ("2001:200::1", '+'),
    ("2001:4860:4860::8888", '+'),
    ("::", '-'),
    ("::1", 's'),
    ("::127.0.0.1", 's'),
    ("::8.8.8.8", 's'),
    ("::169.254.169.254", '-'),
    ("::ffff:127.0.0.1", 's'),
    ("::ffff:8.8.8.8", 's'),
    ("::ffff:10.0.0.1", 's'),
    ("::ffff:169.254.169.254", '-'),
    ("::ffff:0.0.0.0", '-'),
    ("::ffff:0:127.0.0.1", 's'),
    ("64:ff9b::8.8.8.8", 's'),
    ("64:ff9b::10.0.0.1", 's'),
    ("64:ff9b::169.254.169.254", '-'),
    ("64:ff9b:1::1", 's'),
    ("100::1", 's'),
    ("2001::1", '-'),                              // Teredo that carries 255.255.255.254
    ("2001:0:4136:e378:8000:63bf:f5ff:fffe", 's'), // Teredo that carries 10.0.0.1
    ("2001:0:4136:e378:8000:63bf:5601:5601", '-'), // Teredo that carries 169.254.169.254
    ("2001:10::1", 's'),
    ("2001:20::1", 's'),
    ("2001:db8::1", 's'),
    ("2002:7f00:1::", 's'),
    ("2002:a9fe:a9fe::", '-'),
    ("2002:808:808::1", 's'),
    ("2a00::5efe:7f00:1", 's'),
    ("2a00::200:5efe:a9fe:a9fe", '-'),
    ("3fff::1", 's'),
    ("4000::1", 's'),
    ("5f00::1", 's'),
    ("fc00::1", 's'),
    ("fd00:ec2::254", '-'),
    ("fd12:3456::1", 's'),
    ("fe80::1", '-'),
    ("febf::1", '-'),
    ("fec0::1", 's'),
    ("ff02::1", '-'),
    ("ff0e::1", '-'),
];

#[test]
fn addresses_are_told_apart() {
    for (raw, wanted) in ADDRESSES {
        let class = classify(raw.parse().unwrap());
        let got = match class {
            Class::Public => '+',
            Class::Site(_) => 's',
            Class::Never(_) => '-',
        };
        assert_eq!(got, *wanted, "{raw} is {class:?}");
        let host = RemoteHost::Name("x.example".into());
        let may = |egress: &Egress, reach| egress.permit(&host, raw.parse().unwrap(), reach).is_ok();
        assert_eq!(may(&egress(&[]), Reach::Listed), *wanted == '+', "{raw}");
        assert_eq!(may(&egress(&["0.0.0.0/0", "::/0"]), Reach::Listed), *wanted != '-', "{raw}");
        if *wanted == '-' {
            assert!(!may(&egress(&[]), Reach::Site), "{raw}");
        }
    }
}

#[test]
fn a_listed_network_opens_itself_and_nothing_else() {
    let listed = egress(&["10.1.0.0/16", "64:ff9b::/96", "fd12::/16"]);
    let host = RemoteHost::Name("hooks.example".into());
    let may = |raw: &str| listed.permit(&host, raw.parse().unwrap(), Reach::Listed).is_ok();
    for open in ["10.1.0.1", "10.1.255.255", "64:ff9b::8.8.8.8", "64:ff9b::10.1.0.1", "fd12::1", "8.8.8.8"] {
        assert!(may(open), "{open}");
    }
    for closed in ["10.2.0.1", "127.0.0.1", "64:ff9b::10.2.0.1", "::ffff:10.1.0.1", "2002:a01:1::", "fd13::1"]
    {
        assert!(!may(closed), "{closed}");
    }
    let error = listed.permit(&host, "10.2.0.1".parse().unwrap(), Reach::Listed).unwrap_err().to_string();
    assert_eq!(
        error,
        "hooks.example is at 10.2.0.1, which is private; webhooks go there only if `webhook_private_networks` in the \
         server's configuration lists the network"
    );
}

#[test]
fn a_mail_server_may_stand_in_the_sites_own_network_but_in_no_disguise() {
    let host = RemoteHost::Name("mail.example".into());
    let may = |raw: &str| egress(&[]).permit(&host, raw.parse().unwrap(), Reach::Site).is_ok();
    assert!(may("10.0.0.25") && may("127.0.0.1") && may("fd12::25") && may("192.0.2.1"));
    assert!(!may("::ffff:10.0.0.25") && !may("169.254.169.254") && !may("2002:a00:19::"));
}

#[test]
fn hosts_are_read_strictly() {
    for good in [
        "hooks.example",
        "HOOKS.Example.",
        "localhost",
        "a-1.b2.example",
        "xn--bcher-kva.example",
        "1.2.3.4",
        "[::1]",
        "[2001:db8::1]",
        "3com.example",
        "mail",
    ] {
        good.parse::<RemoteHost>().unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "",
        ".",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "bücher.example",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "127.0.0.01",
        "1.2.3.4.5",
        "1.2.3.256",
        "::1",
        "[::1",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[127.0.0.1]",
        "[v1.x]",
        "a b.example",
        "a\r\nb.example",
        "a@b.example",
        "a/b",
        "a:80",
        "①②⑦.example",
        "127.0.0.1%00.example",
        "example.0x1",
        "example.1",
    ] {
        assert!(bad.parse::<RemoteHost>().is_err(), "{bad}");
    }
    assert_eq!("HOOKS.Example.".parse::<RemoteHost>().unwrap().to_string(), "hooks.example");
}

#[test]
fn networks_are_read_strictly() {
    for bad in [
        "",
        "10",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/ 8",
        "::/129",
        "10.0.0.0/8/8",
        "ten/8",
    ] {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
    let error = "10.1.2.3/16".parse::<Network>().unwrap_err();
    assert_eq!(error, "`10.1.2.3/16` has bits beyond its prefix; is 10.1.0.0/16 meant?");
    assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("203.0.113.9".parse().unwrap()));
    assert!("10.0.0.7".parse::<Network>().unwrap().contains("10.0.0.7".parse().unwrap()));
}

/// Answers once with each of what it was given: a name that changes between look-ups.
#[derive(Debug)]
struct Rebinding(Mutex<VecDeque<Vec<IpAddr>>>);

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.lock().pop_front().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_name_that_points_inward_is_not_dialled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let name: RemoteHost = "rebind.example".parse().unwrap();
    // The second answer would be loopback: there is no second look-up, and the first is refused by itself.
    let inward: IpAddr = [127, 0, 0, 1].into();
    let answers = Rebinding(Mutex::new([vec![inward], vec![inward]].into()));
    let egress = Egress::with_resolver(vec![], Arc::new(answers));
    let error = egress.connect(&name, port, Reach::Listed).await.unwrap_err();
    assert!(error.is_rule(), "{error}");
    assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err(), "nobody came");

    // Good and bad in one answer: only the good one is dialled.
    let answers = Rebinding(Mutex::new([vec![[169, 254, 169, 254].into(), inward]].into()));
    let egress = Egress::with_resolver(vec!["127.0.0.0/8".parse().unwrap()], Arc::new(answers));
    let stream = egress.connect(&name, port, Reach::Listed).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip(), inward);
    let error = egress.connect(&name, port, Reach::Listed).await.unwrap_err();
    assert_eq!(error, EgressError::NoAddress { host: "rebind.example".into() });
}

#[test]
fn families_take_turns() {
    let raw = ["2606::1", "2606::2", "2606::3", "2606::4", "1.1.1.1"];
    let order = alternate(raw.iter().map(|a| a.parse().unwrap()).collect());
    let order: Vec<String> = order.iter().map(ToString::to_string).collect();
    assert_eq!(order, ["2606::1", "1.1.1.1", "2606::2", "2606::3"]);
}

proptest! {
    /// No form of a never-dialled or private IPv4 address passes without being listed.
    #[test]
    fn no_disguise_passes(bits: u32) {
        let inner = Ipv4Addr::from(bits);
        let [a, b, c, d] = inner.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let host = RemoteHost::Name("x.example".into());
        for form in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 1, 2, 3, 4, !high, !low),
            Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0x5efe, high, low),
        ] {
            prop_assert!(egress(&[]).permit(&host, form.into(), Reach::Listed).is_err(), "{}", form);
        }
    }

    #[test]
    fn parsing_hosts_and_networks_is_total(raw in "\\PC{0,60}") {
        if let Ok(host) = raw.parse::<RemoteHost>() {
            prop_assert_eq!(host.to_string().parse::<RemoteHost>(), Ok(host));
        }
        let _ = raw.parse::<Network>();
    }
}
