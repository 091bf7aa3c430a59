//! `inspect`: what it counts, and its page in a real browser. The browser is asked with a proxy of ours that hears every request, and with pages
//! beside ours that do what ours must not, so that each question is known to be one that can fail.

use super::support::tool::run;
use serde_json::{Value, json};
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

const HOSTILE: [&str; 9] = [
    "<script src=http://evil.invalid/a.js></script>",
    "\"><img src=http://evil.invalid/b.png onerror=alert(1)>",
    "</style><link rel=stylesheet href=http://evil.invalid/c.css>",
    "url(http://evil.invalid/d) & 'quotes' \"here\"",
    "שלום עולם",
    "\u{202e}gnp.exe",
    "a\nb\u{0}\u{1b}[31m",
    "日本語のとても長いラベル名前です",
    "",
];

fn hostile() -> String {
    let mut text = String::new();
    let long = "long".repeat(60);
    for (id, name) in HOSTILE.iter().enumerate() {
        let node = json!({ "node": id, "labels": [name], "properties": { *name: name, &long: id } });
        text += &format!("{node}\n");
    }
    for (id, name) in HOSTILE.iter().enumerate() {
        let end = (id * 2 + 1) % HOSTILE.len();
        let relationship =
            json!({ "relationship": id, "type": name, "start": id, "end": end, "properties": { *name: id } });
        text += &format!("{relationship}\n");
    }
    let index = json!({ "name": HOSTILE[0], "kind": "range", "on": "node", "labels": [HOSTILE[1]], "properties": [HOSTILE[2]] });
    text + &json!({ "schema": { "index": index } }).to_string()
}

#[test]
fn what_is_counted_is_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for id in 0..100 {
        let labels = if id < 60 { json!(["A"]) } else { json!(["A", "B"]) };
        let mut properties = json!({ "n": id, "t": "x".repeat(id % 7) });
        if id % 4 == 0 {
            properties["n"] = json!(id as f64 + 0.5);
            properties["d"] = json!({ "$date": format!("2024-01-{:02}", id % 28 + 1) });
        }
        text += &format!("{}\n", json!({ "node": id, "labels": labels, "properties": properties }));
    }
    // A star: node 0 to 1 … 40, and back from each tenth.
    for id in 1..=40 {
        text += &format!("{}\n", json!({ "relationship": id, "type": "R", "start": 0, "end": id, "properties": {} }));
    }
    for id in 1..=4 {
        text += &format!(
            "{}\n",
            json!({ "relationship": 100 + id, "type": "S", "start": id * 10, "end": 0, "properties": {} })
        );
    }
    std::fs::write(folder.path().join("a.jsonl"), text).unwrap();
    let told = run(folder.path(), ["inspect", "a.jsonl", "--json"]).expect(0);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["label_sets"], json!([{ "labels": ["A"], "count": 60 }, { "labels": ["A", "B"], "count": 40 }]));
    let group = |at: usize| &told["labels"][at];
    assert_eq!((&group(0)["name"], &group(0)["count"]), (&json!("A"), &json!(100)));
    assert_eq!((&group(1)["name"], &group(1)["count"]), (&json!("B"), &json!(40)));
    let property = |name: &str| group(0)["properties"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap();
    let types = |name: &str| property(name)["types"].clone();
    assert_eq!(property("d")["fill"], json!(0.25));
    assert_eq!((&property("t")["distinct"], &property("t")["is_distinct_exact"]), (&json!(7), &json!(true)));
    assert_eq!(
        types("n"),
        json!([
            { "name": "integer", "count": 75, "of": "value", "min": "1", "max": "99" },
            { "name": "float", "count": 25, "of": "value", "min": "0.5", "max": "96.5" },
        ])
    );
    assert_eq!(types("t"), json!([{ "name": "string", "count": 100, "of": "length", "min": "0", "max": "6" }]));
    assert_eq!(
        types("d"),
        json!([{ "name": "date", "count": 25, "of": "value", "min": "2024-01-01", "max": "2024-01-25" }])
    );
    // Out: 95 have none, 4 one, one has 40. In: 59 have none, 40 one, node 0 four.
    assert_eq!(told["degrees"]["out"], json!({ "buckets": [95, 4, 0, 0, 0, 0, 1], "max": 40 }));
    assert_eq!(told["degrees"]["in"], json!({ "buckets": [59, 40, 0, 1], "max": 4 }));
    assert_eq!(told["degrees"]["isolated"], json!(59));
    assert_eq!(told["degrees"]["busiest"][0], json!({ "id": 0, "labels": ["A"], "out": 40, "in": 4 }));
    assert_eq!(told["ways"][0], json!({ "from": 0, "type": "R", "to": 0, "count": 40 }));
    let text = run(folder.path(), ["inspect", "a.jsonl"]).expect(0).text();
    assert!(text.contains(":B  40 (40%)") && text.contains("(:A)-[R]->(:A)  40"), "{text}");
    assert!(text.contains("the embedded store: nothing would be lost"), "{text}");
    // The store tells the same of itself.
    run(folder.path(), ["restore", "a.jsonl", "a.db"]).expect(0);
    let stored = run(folder.path(), ["inspect", "a.db", "--json"]).expect(0);
    let stored: Value = serde_json::from_slice(&stored.stdout).unwrap();
    for field in ["label_sets", "labels", "types", "ways", "losses"] {
        assert_eq!(stored[field], told[field], "{field}");
    }
    // An existing page is not replaced unasked.
    run(folder.path(), ["inspect", "a.jsonl", "--html", "a.html"]).expect(0);
    run(folder.path(), ["inspect", "a.jsonl", "--html", "a.html"]).expect(4);
    run(folder.path(), ["inspect", "a.jsonl", "--html", "a.html", "--force"]).expect(0);
}

/// A proxy that serves nothing and remembers what it was asked for.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<String>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut first = [0; 1024];
                let size = (&stream).read(&mut first).unwrap_or(0);
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&first[..size]));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

/// Opens a page; gives what it became and what the browser said.
fn browse(page: &Path, proxy: &Proxy, more: &[&str]) -> Option<(String, String)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/browser");
    let output = Command::new(script)
        .args(["run", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--proxy-server=127.0.0.1:{}", proxy.port))
        .args(more)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let (dom, said) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    if output.status.code() == Some(3) {
        assert!(std::env::var_os("GRAPHFERRY_WITNESSES").is_none(), "scripts/browser fetch was not run");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some((dom, said))
}

/// A page of ours with a script that measures it; the page itself forbids scripts.
fn measured(page: &Path) -> PathBuf {
    let text = std::fs::read_to_string(page).unwrap();
    let start = text.find("<meta http-equiv").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    let script = "<script id=probe>onload=()=>{const d=document,e=d.documentElement,p=d.createElement('pre');p.id='measured';\
        const g=[...d.querySelectorAll('svg.graph text')].map(t=>t.getBoundingClientRect().height);\
        p.textContent=JSON.stringify({wide:e.scrollWidth,view:innerWidth,svg:d.querySelectorAll('svg').length,\
        bars:d.querySelectorAll('rect.bar').length,\
        active:d.querySelectorAll('script:not(#probe),img,link,iframe,object,embed,form,base,[onerror],[onload],[src],[href]').length,small:Math.min(...g),names:[...d.querySelectorAll('svg.graph title')].map(t=>t.textContent),\
        cells:[...d.querySelectorAll('dt')].map(t=>t.textContent),back:getComputedStyle(d.body).backgroundColor});d.body.append(p)}</script>";
    let changed = format!("{}{}", &text[..start], &text[end..]).replace("</body>", &format!("{script}</body>"));
    let path = page.with_extension("measured.html");
    std::fs::write(&path, changed).unwrap();
    path
}

fn figures(dom: &str) -> Value {
    let text = dom.split("<pre id=\"measured\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_page_stands_alone_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hostile.jsonl"), hostile()).unwrap();
    run(folder.path(), ["inspect", "hostile.jsonl", "--html", "hostile.html"]).expect(0);
    let page = folder.path().join("hostile.html");
    let proxy = Proxy::start();
    let Some((dom, said)) = browse(&page, &proxy, &[]) else { return };
    assert!(dom.contains("&lt;script src=http://evil.invalid/a.js&gt;"), "the name is shown as text");
    assert!(!said.contains("CONSOLE"), "{said}");
    assert!(!proxy.asked().contains("evil.invalid"), "{}", proxy.asked());

    // Nothing in it acts or asks, as the browser itself understood the page.
    let probed = measured(&page);
    let (dom, _) = browse(&probed, &proxy, &[]).unwrap();
    assert_eq!(figures(&dom)["active"], 0);

    // The questions can fail: an element that asks is counted, a page that asks for a picture is heard, and one whose script is broken is told of.
    let text = std::fs::read_to_string(&probed).unwrap();
    std::fs::write(&probed, text.replace("<main>", "<main><a href=\"#\">x</a>")).unwrap();
    let (dom, _) = browse(&probed, &proxy, &[]).unwrap();
    assert_eq!(figures(&dom)["active"], 1);
    let bad = folder.path().join("bad.html");
    std::fs::write(&bad, "<img src=http://evil.invalid/b.png><script>nothing.there()</script>").unwrap();
    let (_, said) = browse(&bad, &proxy, &[]).unwrap();
    assert!(said.contains("CONSOLE"), "{said}");
    assert!(proxy.asked().contains("evil.invalid"), "{}", proxy.asked());
}

#[test]
fn the_page_fits_a_phone_and_the_dark() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hostile.jsonl"), hostile()).unwrap();
    run(folder.path(), ["inspect", "hostile.jsonl", "--html", "hostile.html"]).expect(0);
    let page = measured(&folder.path().join("hostile.html"));
    let proxy = Proxy::start();
    let mut backs = Vec::new();
    for (size, scheme) in [("1200,900", "1"), ("500,900", "1"), ("500,900", "0")] {
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        let Some((dom, said)) = browse(&page, &proxy, &[&format!("--window-size={size}"), &scheme]) else { return };
        assert!(!said.contains("CONSOLE"), "{said}");
        let found = figures(&dom);
        assert!(found["wide"].as_u64() <= found["view"].as_u64(), "{size}: the page is wider than the screen: {found}");
        assert_eq!(found["svg"], 3);
        assert!(found["bars"].as_u64().unwrap() >= 4, "{found}");
        assert!(found["small"].as_f64().unwrap() >= 9.0, "{size}: text that nobody can read: {found}");
        // Every name is there, escaped as everywhere where it is not harmless.
        let names = found["names"].to_string() + &found["cells"].to_string();
        for part in [
            "evil.invalid/a.js></script>",
            "שלום עולם",
            "日本語のとても長いラベル名前です",
            "u{202e}gnp.exe",
            "u{1b}[31m",
        ] {
            assert!(names.contains(part), "{part} is not in {names}");
        }
        backs.push(found["back"].as_str().unwrap().to_owned());
    }
    assert_eq!(backs[0], backs[1]);
    assert_ne!(backs[1], backs[2], "dark is not light");
}
