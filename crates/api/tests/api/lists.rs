//! Lists come in the order that was asked for, whole, a page at a time; what a bulk act made is named.

use serde_json::{Value, json};

use crate::site::*;

fn column(page: &Value, pointer: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_comes_in_the_order_asked_for_page_by_page() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    for (name, place) in [("web-10", "Paris"), ("web-9", "Lyon"), ("db-1", "Paris"), ("web-100", "")] {
        let body = json!({"name": name, "fields": {"location": place}});
        assert_eq!(site.post(&who, "/hosts", body).await.status, 200);
    }
    for (sort, expected) in [
        ("name", ["db-1", "web-9", "web-10", "web-100"]),
        ("-name", ["web-100", "web-10", "web-9", "db-1"]),
        ("field.location", ["web-100", "web-9", "db-1", "web-10"]),
        // Equal fields keep the order of names, from either end.
        ("-field.location", ["db-1", "web-10", "web-9", "web-100"]),
    ] {
        let first = site.get(&who, &format!("/hosts?sort={sort}&limit=3")).await.json();
        assert_eq!(first["total"], 4);
        let after = first["next"].as_str().unwrap();
        let second = site.get(&who, &format!("/hosts?sort={sort}&limit=3&after={after}")).await.json();
        let names: Vec<String> = [column(&first, "/name"), column(&second, "/name")].concat();
        assert_eq!(names, expected.map(str::to_owned), "{sort}");
    }
    let agent = site.rig.connected("app-1", &[]).await;
    for key in ["tcp:b", "tcp:a", "tcp:c"] {
        site.rig.probe(&agent, key).await;
    }
    let list = site.get(&who, "/checks?sort=-check&filter=kind:probe").await.json();
    let mut titles = column(&list, "/title");
    let given = titles.clone();
    titles.sort();
    titles.reverse();
    assert_eq!(given, titles);
    for sort in ["state", "-state", "host", "since", "handled", "checked", "attempt", "-kind"] {
        let list = site.get(&who, &format!("/checks?sort={sort}")).await;
        assert_eq!(list.status, 200, "{sort}");
        assert_eq!(
            list.json()["items"].as_array().unwrap().len() as u64,
            list.json()["total"].as_u64().unwrap()
        );
    }
    for sort in ["state", "problems", "-agent", "os", "seen"] {
        assert_eq!(site.get(&who, &format!("/hosts?sort={sort}")).await.status, 200, "{sort}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_act_names_what_it_made_so_that_it_can_be_taken_back() {
    let site = Site::new().await;
    let who = site.as_operator().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let check = site.rig.probe(&agent, "tcp:web").await;
    let at =
        |s: i64| jiff::Timestamp::from_millisecond(site.rig.now().as_ms() + s * 1000).unwrap().to_string();
    let plan = json!({
        "targets": [{"host": agent.host.to_string()}, {"host": agent.host.to_string(), "check": check.to_string()}],
        "start_at": at(0), "end_at": at(3600), "note": "disks",
    });
    let result = site.post(&who, "/downtimes", plan).await.json();
    assert_eq!(result["done"], 2, "{result}");
    let made: Vec<&str> = result["made"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(made.len(), 2);
    for id in made {
        assert_eq!(site.delete(&who, &format!("/downtimes/{id}")).await.status, 204);
    }
    assert_eq!(site.get(&who, "/downtimes").await.json()["items"], json!([]));
}
