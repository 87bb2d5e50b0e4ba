//! Sign-in by a real OpenLDAP.

use serde_json::json;
use wk_identity::outside::{Outside, Why};

use super::slapd::{SERVICE_PASSWORD, Slapd};
use super::{Asker, lines};

fn groups(person: &Outside) -> Vec<&str> {
    person.groups.iter().map(String::as_str).collect()
}

const SEARCHED: &str = "ou=groups,dc=corp,dc=example";

#[tokio::test]
async fn a_person_of_the_directory_gets_in_by_the_own_password_alone() {
    let slapd = Slapd::start("");
    let asker = Asker::ldap(slapd.config(json!({})), SERVICE_PASSWORD);
    let ada = asker.person("ada", "correct horse").await;
    assert_eq!([&*ada.name, &*ada.display_name, &*ada.mail], ["ada", "The ada", "ada@corp.example"]);
    let uuid = slapd.attribute("uid=ada,ou=people,dc=corp,dc=example", "entryUUID");
    assert_eq!(uuid, [ada.subject.as_str()], "known by what never changes");
    assert!(!ada.second_factor && ada.groups.is_empty());
    // However it is typed, it is the same person.
    assert_eq!(asker.person(" ADA ", "correct horse").await.subject, ada.subject);
    for (name, password) in [
        ("ada", "wrong"),
        ("ada", "battery staple"),
        ("ada", "correct horse "),
        ("nobody", "correct horse"),
        ("grace", "correct horse"),
    ] {
        let refusal = asker.refused(name, password).await;
        assert_eq!(refusal.why, Why::Wrong, "{name}: {refusal}");
    }
}

#[tokio::test]
async fn starttls_serves_as_well_and_nothing_without_a_verified_name() {
    let slapd = Slapd::start("");
    let starttls = json!({"security": "starttls", "servers": [format!("localhost:{}", slapd.plain)]});
    let asker = Asker::ldap(slapd.config(starttls), SERVICE_PASSWORD);
    asker.person("ada", "correct horse").await;
    let (steps, _) = asker.test_as("ada", None).await;
    assert!(
        steps[0].ok && steps[0].detail.starts_with("StartTLS, TLSv1_3, certificate for localhost"),
        "{}",
        lines(&steps)
    );

    let other = super::authority::Authority::new();
    for (config, why) in [
        (json!({"ca_pem": other.pem}), "authority is not trusted"),
        (json!({"servers": [format!("127.0.0.2:{}", slapd.tls)]}), "cannot connect"),
        (json!({"servers": [format!("127.0.0.1:{}", slapd.plain)]}), "no TLS"),
    ] {
        let asker = Asker::ldap(slapd.config(config), SERVICE_PASSWORD);
        let refusal = asker.refused("ada", "correct horse").await;
        assert_eq!(refusal.why, Why::Unreachable);
        assert!(refusal.detail.contains(why), "{refusal}");
    }
}

#[tokio::test]
async fn a_template_needs_no_service_account() {
    let slapd = Slapd::start("");
    let find = json!({"find": {"by": "template", "dn": "uid={name},ou=people,dc=corp,dc=example"}});
    let asker = Asker::ldap(slapd.config(find), "");
    assert_eq!(asker.person("ada", "correct horse").await.mail, "ada@corp.example");
    assert_eq!(asker.refused("ada", "wrong").await.why, Why::Wrong);
    for name in
        ["ada,ou=people", "ada,ou=people,dc=corp,dc=example", "grace+uid=ada", "*", "ada)(", "#", "\\"]
    {
        assert_eq!(asker.refused(name, "correct horse").await.why, Why::Wrong, "{name}");
    }
}

#[tokio::test]
async fn names_that_break_out_of_filters_elsewhere_match_nobody() {
    let slapd = Slapd::start("");
    let asker = Asker::ldap(slapd.config(json!({})), SERVICE_PASSWORD);
    for name in [
        "*",
        "a*",
        "*)(uid=*",
        "*)(|(uid=*",
        "ada)(&",
        "ada)(|(objectClass=*)",
        "x)(uid=ada",
        "\\61da",
        "\\2a",
        "ada\\00",
        "ada\\",
        "(",
        ")",
        "{name}",
        "uid=ada",
        "ada)(!(&(1=0",
    ] {
        let refusal = asker.refused(name, "correct horse").await;
        assert_eq!(refusal.why, Why::Wrong, "{name}: {refusal}");
    }
    // Unpaired and overlong bytes are no text at all, and these are no names.
    for name in ["ada\0", "\0", "ad\u{200b}a", "ada\u{fffd}"] {
        assert_eq!(asker.refused(name, "correct horse").await.why, Why::Wrong, "{name:?}");
    }
    // The other spelling that the directory takes for the same is the same person.
    asker.person("ａｄａ", "correct horse").await;
}

#[tokio::test]
async fn two_entries_of_one_name_let_nobody_in() {
    let slapd = Slapd::start("");
    let asker = Asker::ldap(slapd.config(json!({})), SERVICE_PASSWORD);
    let refusal = asker.refused("twin", "same name").await;
    assert_eq!(refusal.why, Why::Wrong);
    let (steps, _) = asker.test_as("twin", None).await;
    assert!(lines(&steps).contains("matches 2"), "{}", lines(&steps));
}

#[tokio::test]
async fn groups_are_read_in_every_form_and_loops_end() {
    let slapd = Slapd::start("");
    let of = |groups| slapd.config(json!({"groups": groups}));
    let searched = of(json!({"from": "search", "base": SEARCHED, "named_by": "name"}));
    let ada = Asker::ldap(searched, SERVICE_PASSWORD).person("ada", "correct horse").await;
    assert_eq!(groups(&ada), ["ops", "uniq", "unix"], "member, uniqueMember and memberUid");

    let nested = of(json!({"from": "search", "base": SEARCHED, "named_by": "name", "nested": "walk"}));
    let asker = Asker::ldap(nested, SERVICE_PASSWORD);
    let ada = asker.person("ada", "correct horse").await;
    assert_eq!(groups(&ada), ["all", "ops", "staff", "uniq", "unix"]);
    assert!(asker.person("grace", "battery staple").await.groups.is_empty());

    let listed = of(json!({"from": "member_of"}));
    let ada = Asker::ldap(listed, SERVICE_PASSWORD).person("ada", "correct horse").await;
    assert_eq!(
        groups(&ada),
        ["cn=admins,ou=elsewhere,dc=corp,dc=example", "cn=ops,ou=groups,dc=corp,dc=example"]
    );

    let within = of(json!({"from": "member_of", "base": SEARCHED, "named_by": "name", "nested": "walk"}));
    let ada = Asker::ldap(within, SERVICE_PASSWORD).person("ada", "correct horse").await;
    assert_eq!(groups(&ada), ["all", "ops", "staff"], "groups from elsewhere do not count");
}

#[tokio::test]
async fn what_cannot_be_read_to_its_end_lets_nobody_in() {
    let slapd = Slapd::start("limits dn.exact=\"cn=watchkeep,dc=corp,dc=example\" size=2");
    let groups = json!({"groups": {"from": "search", "base": SEARCHED}});
    let asker = Asker::ldap(slapd.config(groups), SERVICE_PASSWORD);
    let refusal = asker.refused("ada", "correct horse").await;
    assert_eq!(refusal.why, Why::Refused);
    assert!(refusal.detail.contains("size limit exceeded (4)"), "{refusal}");

    let few = json!({"groups": {"from": "member_of", "count_max": 1}});
    let refusal = Asker::ldap(slapd.config(few), SERVICE_PASSWORD).refused("ada", "correct horse").await;
    assert!(refusal.detail.contains("more than 1 groups"), "{refusal}");
    let flat = json!({"groups": {"from": "member_of", "nested": "walk", "depth_max": 1}});
    let refusal = Asker::ldap(slapd.config(flat), SERVICE_PASSWORD).refused("ada", "correct horse").await;
    assert!(refusal.detail.contains("deeper than 1"), "{refusal}");
}

#[tokio::test]
async fn hundreds_of_groups_come_in_pages() {
    let slapd = Slapd::start("");
    let mut ldif = String::new();
    for number in 0..450 {
        ldif.push_str(&format!(
            "dn: cn=g{number},ou=groups,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: g{number}\n\
             member: uid=grace,ou=people,dc=corp,dc=example\n\n"
        ));
    }
    slapd.add(&ldif);
    let config = slapd.config(json!({"groups": {"from": "search", "base": SEARCHED}}));
    let asker = Asker::ldap(config, SERVICE_PASSWORD);
    assert_eq!(asker.person("grace", "battery staple").await.groups.len(), 450);
    let (steps, _) = asker.test_as("grace", None).await;
    assert!(lines(&steps).contains("by 3 searches"), "{}", lines(&steps));
}

#[tokio::test]
async fn referrals_are_followed_only_to_named_hosts() {
    let near = Slapd::start("");
    let far = Slapd::start("");
    far.add(
        "dn: uid=hopper,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: hopper\ncn: hopper\nsn: hopper\n\
         userPassword: over there\n\n",
    );
    near.add(&format!(
        "dn: ou=far,dc=corp,dc=example\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\n\
         ref: ldap://localhost:{}/ou=people,dc=corp,dc=example\n\n",
        far.plain
    ));
    let both = format!("{}{}", near.authority.pem, far.authority.pem);
    let alone = Asker::ldap(near.config(json!({"ca_pem": both})), SERVICE_PASSWORD);
    assert_eq!(alone.refused("hopper", "over there").await.why, Why::Wrong);
    let (steps, _) = alone.test_as("hopper", None).await;
    assert!(lines(&steps).contains("1 reference(s) to other servers not followed"), "{}", lines(&steps));
    // People who are here are found all the same.
    alone.person("grace", "battery staple").await;

    let follow = near.config(json!({"ca_pem": both, "follow_referrals_to": ["localhost"]}));
    let asker = Asker::ldap(follow, SERVICE_PASSWORD);
    assert_eq!(asker.person("hopper", "over there").await.name, "hopper");
    assert_eq!(asker.refused("hopper", "wrong").await.why, Why::Wrong);
    // ada is on both: two entries are not one.
    assert_eq!(asker.refused("ada", "correct horse").await.why, Why::Wrong);
}

#[tokio::test]
async fn a_server_that_is_down_is_passed_by() {
    let slapd = Slapd::start("");
    let servers = json!({"servers": ["127.0.0.1:1", format!("127.0.0.1:{}", slapd.tls)]});
    let asker = Asker::ldap(slapd.config(servers), SERVICE_PASSWORD);
    asker.person("ada", "correct horse").await;
    let (steps, _) = asker.test_as("ada", Some("correct horse")).await;
    assert!(
        steps.iter().all(|step| step.ok),
        "the one that is down is not asked first any more:\n{}",
        lines(&steps)
    );
}

#[tokio::test]
async fn the_directory_never_locks_an_account_because_of_us() {
    let slapd = Slapd::start("");
    let asker = Asker::ldap(slapd.config(json!({})), SERVICE_PASSWORD);
    let ada = "uid=ada,ou=people,dc=corp,dc=example";
    let mut told = Vec::new();
    // The directory would lock at five. The spelling does not matter.
    for name in ["ada", "ADA", "Ada", "ａda", "aDa", "adA", "ada"] {
        told.push(asker.refused(name, "guess").await.detail);
    }
    assert_eq!(slapd.attribute(ada, "pwdFailureTime").len(), 2, "{told:?}");
    assert!(told.last().unwrap().contains("the directory was not asked"), "{told:?}");
    assert_eq!(asker.refused("ada", "correct horse").await.why, Why::Wrong, "strangers have to wait");
    // The owner's own browser is let through, and begins anew for all.
    assert!(asker.known("ada", "correct horse").await.is_ok());
    assert!(slapd.attribute(ada, "pwdAccountLockedTime").is_empty());
    asker.person("ada", "correct horse").await;
}

#[tokio::test]
async fn a_password_that_must_be_changed_opens_nothing() {
    let slapd = Slapd::start("");
    slapd.modify(
        "dn: uid=fresh,ou=people,dc=corp,dc=example\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n\n",
    );
    let asker = Asker::ldap(slapd.config(json!({})), SERVICE_PASSWORD);
    let refusal = asker.refused("fresh", "must be changed").await;
    assert_eq!(refusal.why, Why::Wrong, "whoever stands outside learns nothing");
    assert!(refusal.detail.contains("must be changed in the directory first"), "{refusal}");
}

#[tokio::test]
async fn the_walk_explains_each_step_and_shows_no_password() {
    let slapd = Slapd::start("");
    let config = slapd.config(json!({"groups": {"from": "search", "base": SEARCHED, "nested": "walk"}}));
    let asker = Asker::ldap(config.clone(), SERVICE_PASSWORD);
    let steps = asker.test().await;
    assert!(steps.iter().all(|step| step.ok), "{}", lines(&steps));
    for title in [
        "Connect to",
        "Sign the service account in",
        "Look at where people are",
        "Look at where groups are",
        "Try a name",
    ] {
        assert!(steps.iter().any(|step| step.title.starts_with(title)), "{title}:\n{}", lines(&steps));
    }
    let (steps, ada) = asker.test_as("ada", Some("correct horse")).await;
    let text = lines(&steps);
    assert_eq!(ada.unwrap().groups.len(), 5, "{text}");
    for part in ["matches 1", "it is right", "5 of 5 groups count", "cn=staff,ou=groups,dc=corp,dc=example"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("correct horse") && !text.contains(SERVICE_PASSWORD));

    // What is wrong is told where it is wrong.
    let mut wrong = config.clone();
    wrong["groups"]["base"] = json!("ou=nowhere,dc=corp,dc=example");
    let text = lines(&Asker::ldap(wrong, SERVICE_PASSWORD).test().await);
    assert!(text.contains("FAIL Look at where groups are"), "{text}");
    let text = lines(&Asker::ldap(config.clone(), "another password").test().await);
    assert!(
        text.contains("FAIL Sign the service account in: the directory refuses the service account"),
        "{text}"
    );
    let mut wrong = config;
    wrong["attributes"]["subject"] = json!("objectGUID");
    let (steps, _) = Asker::ldap(wrong, SERVICE_PASSWORD).test_as("ada", None).await;
    assert!(lines(&steps).contains("has 0 values of objectGUID"), "{}", lines(&steps));
}
