//! Every view answers, by REST, now and at a record of the past, bumped and not; what-if changes nothing.

use crate::client::{Answer, get, request};
use crate::desk::Desk;
use serde_json::{Value, json};

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn views(desk: &Desk) -> Vec<String> {
    let session = ok(&get(desk.server.address, "/v1/session"));
    session["views"].as_array().unwrap().iter().map(|view| view.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_view_answers_now_and_in_the_past() {
    let desk = Desk::open();
    let last = ok(&get(desk.server.address, "/v1/session"))["last_record"].as_u64().unwrap();
    for view in views(&desk) {
        let now = ok(&get(desk.server.address, &format!("/v1/{view}")));
        // The timeline by GET is no view of a state: it pages back.
        if view != "alerts" {
            assert_eq!(now["view"], view.as_str());
            assert_eq!(now["record"], last, "{view}");
            let past = ok(&get(desk.server.address, &format!("/v1/{view}?at={}", last - 500)));
            assert_eq!(past["is_live"], false, "{view}");
            assert_eq!(past["record"], last - 500, "{view}");
        }
    }
    let beyond = get(desk.server.address, &format!("/v1/overview?at={}", last + 1));
    assert_eq!((beyond.status, beyond.code().as_str()), (404, "no_record"));
}

/// The state of the past is the one that was shown then: the figures of the newest frame and of its replay are the same.
#[test]
fn a_replayed_state_gives_the_figures_of_the_live_one() {
    let desk = Desk::open();
    let last = ok(&get(desk.server.address, "/v1/session"))["last_record"].as_u64().unwrap();
    for view in views(&desk).into_iter().filter(|view| view != "alerts") {
        let mut live = ok(&get(desk.server.address, &format!("/v1/{view}")));
        let replayed = ok(&get(desk.server.address, &format!("/v1/{view}?at={last}")));
        if view == "proposals" {
            // What was closed is no part of a state: it is what was said on the way, as alerts are.
            assert!(live["data"]["closed"].take().is_array() && replayed["data"]["closed"].is_null());
        }
        assert_eq!(live["data"], replayed["data"], "{view}");
    }
}

#[test]
fn what_if_changes_its_answer_and_nothing_else() {
    let desk = Desk::open();
    let address = desk.server.address;
    let before = ok(&get(address, "/v1/exposure"))["data"].clone();
    let body = json!({
        "orders": [{"account": "desk", "venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": "-100000"},
                   {"account": "desk", "venue": "deribit", "instrument": "NOTHING", "quantity": "1"}],
        "transfers": [{"account": "desk", "venue": "okx", "to_account": "desk", "to_venue": "derive", "to_chain": "derive", "asset": "USDT", "amount": "1000"}],
        "bump": {"spot_percent": -10.0, "vol_points": 5.0},
    });
    let answer = ok(&request(address, ("POST", "/v1/whatif"), &[], Some(&body.to_string())));
    let data = &answer["data"];
    assert_ne!(data["before"]["headline"]["delta_cash_usd"], data["after"]["headline"]["delta_cash_usd"]);
    assert_eq!(data["refused"].as_array().unwrap().len(), 1, "{data}");
    assert!(data["sentence"].as_str().unwrap().contains("spot -10 %"), "{data}");
    assert_eq!(ok(&get(address, "/v1/exposure"))["data"], before);
    let bumped = ok(&get(address, "/v1/exposure?bump_spot_percent=-10"));
    assert_ne!(bumped["data"]["total"], before["total"]);
    assert_eq!(bumped["bump"]["spot_percent"], -10.0);
    assert_eq!(ok(&get(address, "/v1/exposure"))["data"], before);
}

/// The value of the book on a bumped market less its value now is the ladder's cell at the same shifts: two ways to one figure.
#[test]
fn a_bump_is_the_cell_of_the_ladder() {
    let desk = Desk::open();
    let address = desk.server.address;
    let value_of = |path: &str| -> f64 {
        let groups = ok(&get(address, path))["data"]["groups"].as_array().unwrap().clone();
        let btc = groups.iter().find(|group| group["key"][0] == "BTC").unwrap();
        btc["usd"]["value_usd"].as_str().unwrap().parse().unwrap()
    };
    let ladder = ok(&get(address, "/v1/ladder?underlying=BTC"));
    let now = value_of("/v1/exposure");
    let axis = |name: &str| -> Vec<f64> {
        ladder["data"][name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let (spots, vols) = (axis("spot_returns"), axis("vol_points"));
    for (row, points) in vols.iter().enumerate() {
        for (column, spot) in spots.iter().enumerate() {
            let path = format!("/v1/exposure?bump_spot_percent={}&bump_vol_points={points}", spot * 100.0);
            let cell: f64 = ladder["data"]["cells"][row][column].as_str().unwrap().parse().unwrap();
            let moved = value_of(&path) - now;
            // A forward times its spot move is rounded once more on the way: parts in 1e9 of a book of millions.
            assert!((moved - cell).abs() < 0.01, "spot {spot}, vol {points}: {moved} against {cell}");
        }
    }
}

#[test]
fn words_that_a_view_does_not_know_are_refused_with_those_it_knows() {
    let desk = Desk::open();
    for (path, status) in [
        ("/v1/exposure?groupby=venue", 422),
        ("/v1/exposure?group_by=colour", 422),
        ("/v1/exposure?group_by=venue,venue", 422),
        ("/v1/ladder?underlying=DOGE", 404),
        ("/v1/ladder?days=-1", 422),
        ("/v1/ladder?days=NaN", 422),
        ("/v1/ladder?measure=joy", 422),
        ("/v1/overview?at=minus", 422),
        ("/v1/overview?bump_spot_percent=-99", 422),
        ("/v1/overview?bump_days=1e9", 422),
        ("/v1/nothing", 404),
        ("/v1/records/0", 404),
        ("/v1/records/x", 422),
        ("/v1/history?from=yesterday", 422),
        ("/v1/alerts?since=1", 422),
    ] {
        let answer = get(desk.server.address, path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(!answer.json()["error"]["message"].as_str().unwrap().is_empty());
    }
    let answer = get(desk.server.address, "/v1/exposure?groupby=venue");
    assert!(answer.body.contains("group_by"), "{answer:?}");
}

#[test]
fn the_timeline_leads_to_records_and_their_proofs() {
    let desk = Desk::open();
    let address = desk.server.address;
    let alerts = ok(&get(address, "/v1/alerts?kind=proposed&limit=1"));
    let record = alerts["entries"][0]["record"].as_u64().unwrap();
    let told = ok(&get(address, &format!("/v1/records/{record}")));
    assert!(told["outputs"].to_string().contains("proposed"), "{told}");
    let proof = ok(&get(address, &format!("/v1/records/{record}/proof")));
    assert_eq!(proof["head"], ok(&get(address, "/v1/overview"))["head"]);
    let head = proof["head"].as_str().unwrap().parse().unwrap();
    let checked = journal::check_proof(proof["proof"].as_str().unwrap(), head).unwrap();
    assert_eq!(checked.record().stamp.seq.get(), record);
}

/// What a rule has sent by itself asks nobody for an answer; what waits for a person does.
#[test]
fn only_what_waits_for_a_person_asks_for_one() {
    let desk = Desk::open();
    let alerts = ok(&get(desk.server.address, "/v1/alerts?kind=proposed,proposal_closed&limit=2000"));
    let entries = alerts["entries"].as_array().unwrap();
    let sent_by_its_rule = |record: &Value| {
        let of_record = entries.iter().filter(|entry| entry["record"] == *record);
        of_record.into_iter().any(|entry| entry["text"].as_str().unwrap().ends_with("sent by its rule"))
    };
    let proposed = entries.iter().filter(|entry| entry["kind"] == "proposed");
    let (sent, waiting): (Vec<&Value>, Vec<&Value>) =
        proposed.partition(|entry| sent_by_its_rule(&entry["record"]));
    assert!(!sent.is_empty() && !waiting.is_empty(), "the demo has both");
    assert!(sent.iter().all(|entry| entry["severity"] == "info"), "{sent:?}");
    assert!(waiting.iter().all(|entry| entry["severity"] == "act"), "{waiting:?}");
}

#[test]
fn history_has_the_headline_figures_and_the_records_behind_them() {
    let desk = Desk::open();
    let wait = std::time::Instant::now();
    let mut history = Value::Null;
    while wait.elapsed() < std::time::Duration::from_secs(20) {
        history = ok(&get(desk.server.address, "/v1/history?series=value_usd,limit_use"));
        if !history["times"].as_array().unwrap().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(history["series"]["value_usd"]["unit"], "USD");
    assert_eq!(history["values"].as_object().unwrap().len(), 2, "{history}");
}

#[test]
fn the_document_names_every_path_and_is_of_the_code() {
    let desk = Desk::open();
    let document = ok(&get(desk.server.address, "/v1/openapi.json"));
    for view in views(&desk) {
        assert!(document["paths"][format!("/v1/{view}")]["get"].is_object(), "{view}");
    }
    // Whatever is referred to is there.
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        assert!(document["components"]["schemas"][&name].is_object(), "{name}");
    }
}

#[test]
fn health_readiness_and_metrics_tell_of_the_state() {
    let desk = Desk::open();
    assert_eq!(get(desk.server.address, "/health").body, "ok\n");
    assert_eq!(get(desk.server.address, "/ready").status, 200);
    ok(&get(desk.server.address, "/v1/overview"));
    let metrics = get(desk.server.address, "/metrics");
    for name in [
        "plimsoll_record ",
        "plimsoll_limit_use ",
        "plimsoll_view_seconds_count{view=\"overview\"} 1",
        "plimsoll_proposals_open 1",
    ] {
        assert!(metrics.body.contains(name), "{name}: {}", metrics.body);
    }
}
