//! Sessions of others: seen and ended by who may.

use wk_authz::Role;

use crate::site::*;

async fn is_in(site: &Site, who: &Persona) -> bool {
    site.get(who, "/me").await.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_sees_and_ends_sessions_and_nobody_else() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Operator).await;
    let (one, two) = (site.session_of(olga).await, site.session_of(olga).await);
    let path = format!("/users/{olga}/sessions");
    let listed = site.get(&admin, &path).await;
    assert_eq!(listed.status, 200, "{:?}", listed.body);
    let items = listed.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    assert!(!String::from_utf8_lossy(&listed.body).contains("token"));
    for who in [site.as_viewer().await, site.as_operator().await] {
        assert_eq!(site.get(&who, &path).await.status, 403);
        assert_eq!(site.delete(&who, &path).await.status, 403);
    }
    let first = items[0]["id"].as_str().unwrap();
    let (ended, audit) = site.audited(site.delete(&admin, &format!("{path}?session={first}"))).await;
    assert_eq!(ended.status, 204, "{:?}", ended.body);
    assert!(audit.iter().any(|row| row.action == "session.end"), "{audit:?}");
    assert_eq!(usize::from(is_in(&site, &one).await) + usize::from(is_in(&site, &two).await), 1);
    let boris = site.person("boris", Role::Viewer).await;
    let foreign = site.delete(&admin, &format!("/users/{boris}/sessions?session={first}")).await;
    assert_eq!(foreign.status, 404, "another's session under this name");
    assert_eq!(site.delete(&admin, &path).await.status, 204);
    assert!(!is_in(&site, &one).await && !is_in(&site, &two).await);
    site.end().await;
}
