//! A real OpenLDAP server in a temporary folder.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::authority::Authority;
use super::process::{Process, answers, free_port, program};

pub(crate) const SERVICE: &str = "cn=watchkeep,dc=corp,dc=example";
pub(crate) const SERVICE_PASSWORD: &str = "service account's password";
const ROOT: &str = "cn=root,dc=corp,dc=example";

pub(crate) struct Slapd {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    pub(crate) authority: Authority,
    dir: tempfile::TempDir,
    _process: Process,
}

impl Slapd {
    /// Started, with people and groups. `extra`: lines of configuration for the database.
    pub(crate) fn start(extra: &str) -> Self {
        let slapd = program("/usr/sbin/slapd", "slapd");
        program("/usr/bin/ldapadd", "ldap-utils");
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        let authority = Authority::new();
        authority.write(at);
        fs::create_dir(at.join("db")).unwrap();
        // A copy: AppArmor, where it is, binds the installed program to the folders of the system's own server.
        fs::copy(slapd, at.join("slapd")).unwrap();
        let dir_text = at.display();
        let config = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             include /etc/ldap/schema/nis.schema\n\
             pidfile {dir_text}/pid\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             moduleload memberof\n\
             moduleload ppolicy\n\
             TLSCACertificateFile {dir_text}/ca.pem\n\
             TLSCertificateFile {dir_text}/server.pem\n\
             TLSCertificateKeyFile {dir_text}/server.key\n\
             sizelimit unlimited\n\
             database mdb\n\
             suffix dc=corp,dc=example\n\
             rootdn {ROOT}\n\
             rootpw root\n\
             directory {dir_text}/db\n\
             maxsize 33554432\n\
             index objectClass,uid,member,memberUid,uniqueMember,entryUUID eq\n\
             overlay memberof\n\
             memberof-refint TRUE\n\
             overlay ppolicy\n\
             ppolicy_default cn=policy,dc=corp,dc=example\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"{SERVICE}\" read by self read by * none\n\
             {extra}\n"
        );
        fs::write(at.join("slapd.conf"), config).unwrap();
        let (plain, tls) = (free_port(), free_port());
        let mut command = Command::new(at.join("slapd"));
        command.arg("-f").arg(at.join("slapd.conf")).args(["-d", "0", "-h"]);
        command.arg(format!("ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"));
        let mut process = Process::start(&mut command, at);
        process.until("slapd", |_| answers(plain) && answers(tls));
        let server = Self { plain, tls, authority, dir, _process: process };
        server.add(&people());
        server
    }

    /// Changes entries, in LDIF.
    pub(crate) fn add(&self, ldif: &str) {
        self.run("ldapadd", ldif);
    }

    pub(crate) fn modify(&self, ldif: &str) {
        self.run("ldapmodify", ldif);
    }

    fn run(&self, tool: &str, ldif: &str) {
        let file = self.dir.path().join("ldif");
        fs::write(&file, ldif).unwrap();
        let url = format!("ldap://127.0.0.1:{}", self.plain);
        let done = Command::new(tool)
            .args(["-M", "-x", "-H", &url, "-D", ROOT, "-w", "root", "-f"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// What the directory itself keeps of somebody.
    pub(crate) fn attribute(&self, dn: &str, name: &str) -> Vec<String> {
        let url = format!("ldap://127.0.0.1:{}", self.plain);
        let done = Command::new("ldapsearch")
            .args(["-LLL", "-x", "-H", &url, "-D", ROOT, "-w", "root", "-s", "base", "-b", dn, name])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let line = |line: &str| line.strip_prefix(&format!("{name}: ")).map(str::to_owned);
        text.lines().filter_map(line).collect()
    }

    /// A provider's configuration that finds these people, with `more` on top.
    pub(crate) fn config(&self, more: Value) -> Value {
        let mut config = json!({
            "servers": [format!("127.0.0.1:{}", self.tls)],
            "ca_pem": self.authority.pem,
            "find": {
                "by": "search",
                "bind_dn": SERVICE,
                "base": "dc=corp,dc=example",
                "filter": "(&(objectClass=inetOrgPerson)(uid={name}))"
            },
            "attributes": {"display_name": "displayName"}
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    }
}

fn person(out: &mut String, uid: &str, place: &str, password: &str) {
    let _ = write!(
        out,
        "dn: uid={uid},ou={place},dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         displayName: The {uid}\nmail: {uid}@corp.example\nuserPassword: {password}\n\n"
    );
}

fn people() -> String {
    let mut out = String::from(
        "dn: dc=corp,dc=example\nobjectClass: domain\ndc: corp\n\n\
         dn: cn=policy,dc=corp,dc=example\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\n\
         pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 5\npwdLockoutDuration: 0\npwdMustChange: TRUE\n\n",
    );
    for place in ["people", "contractors", "groups", "elsewhere"] {
        let _ = write!(
            out,
            "dn: ou={place},dc=corp,dc=example\nobjectClass: organizationalUnit\nou: {place}\n\n"
        );
    }
    let _ = write!(
        out,
        "dn: {SERVICE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: watchkeep\n\
         userPassword: {SERVICE_PASSWORD}\n\n"
    );
    person(&mut out, "ada", "people", "correct horse");
    person(&mut out, "grace", "people", "battery staple");
    person(&mut out, "twin", "people", "same name");
    person(&mut out, "twin", "contractors", "same name");
    person(&mut out, "fresh", "people", "must be changed");
    let group = |out: &mut String, cn: &str, place: &str, class: &str, members: &str| {
        let _ = write!(
            out,
            "dn: cn={cn},ou={place},dc=corp,dc=example\nobjectClass: {class}\ncn: {cn}\n{members}\n"
        );
    };
    let dn = |cn: &str| format!("cn={cn},ou=groups,dc=corp,dc=example");
    let ada = "uid=ada,ou=people,dc=corp,dc=example";
    // ops names all, which names it again: a loop.
    let members = format!("member: {ada}\nmember: {}\n", dn("all"));
    group(&mut out, "ops", "groups", "groupOfNames", &members);
    group(&mut out, "staff", "groups", "groupOfNames", &format!("member: {}\n", dn("ops")));
    group(&mut out, "all", "groups", "groupOfNames", &format!("member: {}\n", dn("staff")));
    group(&mut out, "uniq", "groups", "groupOfUniqueNames", &format!("uniqueMember: {ada}\n"));
    group(&mut out, "unix", "groups", "posixGroup", "gidNumber: 1000\nmemberUid: ada\n");
    group(&mut out, "admins", "elsewhere", "groupOfNames", &format!("member: {ada}\n"));
    out
}
