//! A client of the HTTP API: uploads a file, follows its analysis, fetches the result back and prints it.
//!
//! `cargo run --release -p client -- 'http://127.0.0.1:7070/?token=…' song.mp3`

use analysis_core::frame;
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use anyhow::{Context, Result, bail, ensure};
use reqwest::blocking::{Client, Response, multipart};
use reqwest::header::ACCEPT_ENCODING;
use serde_json::Value;
use std::io::{BufRead, BufReader};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file] = arguments.as_slice() else {
        bail!("usage: client 'http://HOST/?token=TOKEN' FILE")
    };
    let (base, token) = address.split_once("/?token=").context("the address holds no token")?;
    let server = Server { base: base.to_owned(), token: token.to_owned(), http: Client::new() };

    let form = multipart::Form::new().file("file", file).context("failed to read the file")?;
    let uploaded: Value = server.check(server.http.post(server.url("/v1/tracks")).multipart(form))?.json()?;
    let track = text(&uploaded["track"]["id"])?;
    let analysis = text(&uploaded["analysis"]["id"])?;
    println!("uploaded as track {track}, analysis {analysis}");

    let done = server.follow(&analysis)?;
    ensure!(done["status"] == "completed", "the analysis failed: {}", done["error_message"]);
    let track: Value = server.get(&format!("/v1/tracks/{track}"))?.json()?;
    println!(
        "{:.1} BPM, {}, {} ms",
        track["bpm"].as_f64().unwrap_or(f64::NAN),
        track["key_signature"],
        track["duration_ms"]
    );

    server.print_bars(&analysis)?;
    server.print_frames(&analysis)
}

struct Server {
    base: String,
    token: String,
    http: Client,
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn get(&self, path: &str) -> Result<Response> {
        self.check(self.http.get(self.url(path)))
    }

    /// Sends with the token; an answer that is no success becomes an error with its problem document.
    fn check(&self, request: reqwest::blocking::RequestBuilder) -> Result<Response> {
        let answer = request.bearer_auth(&self.token).send()?;
        let status = answer.status();
        ensure!(status.is_success(), "the server answered {status}: {}", answer.text()?);
        Ok(answer)
    }

    /// Reads progress events until the analysis has ended.
    fn follow(&self, analysis: &str) -> Result<Value> {
        let stream = self.get(&format!("/v1/analyses/{analysis}/progress"))?;
        for line in BufReader::new(stream).lines() {
            let Some(data) = line?.strip_prefix("data:").map(str::to_owned) else { continue };
            let state: Value = serde_json::from_str(&data)?;
            println!("  {} {}", text(&state["status"])?, state["progress"]);
            if matches!(state["status"].as_str(), Some("completed" | "error")) {
                return Ok(state);
            }
        }
        bail!("the progress ended before the analysis did")
    }

    /// The first bars, a line each.
    fn print_bars(&self, analysis: &str) -> Result<()> {
        let events: Value =
            self.get(&format!("/v1/analyses/{analysis}/events?type=beat&to_ms=10000"))?.json()?;
        let mut line = String::new();
        for beat in events["items"].as_array().context("the events are no list")? {
            if beat["event_data"]["position"] == 1 {
                println!("{line}");
                line = format!("bar {:>2}:", beat["event_data"]["bar"].to_string());
            }
            line += &format!(" {:>6} ms", beat["time_ms"]);
        }
        println!("{line}");
        Ok(())
    }

    /// Reads the whole track at a coarse level and shows its loudest bands.
    fn print_frames(&self, analysis: &str) -> Result<()> {
        let answer = self.get(&format!("/v1/analyses/{analysis}/manifest"))?;
        let version = answer.headers().get("arsis-results-version").context("the manifest has no version")?;
        let version = version.to_str()?.to_owned();
        let manifest: Manifest = answer.json()?;
        let (frames, duration) = (manifest.frame_count, manifest.duration_ms);
        println!("{frames} frames of {} bytes in {} chunks", manifest.bytes_per_frame, manifest.total_chunks);
        let layout = manifest.frame_layout.clone();
        let mut fetched = 0;
        let source = |level, index| {
            let url = self.url(&format!("/v1/analyses/{analysis}/chunks/{index}?level={level}&v={version}"));
            let request = self.http.get(url).header(ACCEPT_ENCODING, "zstd");
            let bytes = self.check(request).and_then(|answer| Ok(answer.bytes()?.to_vec()));
            bytes
                .inspect(|bytes| fetched += bytes.len())
                .map_err(|e| std::io::Error::other(e.to_string()).into())
        };
        let mut reader = FrameReader::new(manifest, source)?;
        let level = reader.level_for(0, duration, 80);
        let range = reader.read(level, 0, duration)?;
        let bands = range.field(&layout, frame::BANDS)?;
        let width = bands.len() / range.frame_count.max(1) as usize;
        for rows in [48..64, 32..48, 16..32, 0..16_usize] {
            let peak = |frame: &[f32]| frame[rows.clone()].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let levels: Vec<f32> = bands.chunks(width).map(peak).collect();
            let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            println!("  {}", levels.iter().map(|db| bar(db - loudest)).collect::<String>());
        }
        println!("drawn from {fetched} bytes of level {level}");
        Ok(())
    }
}

/// A bar that is an eighth lower for every 4 dB below the loudest.
fn bar(db: f32) -> char {
    const BARS: [char; 8] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇'];
    BARS[(1..BARS.len()).filter(|step| db > -4.0 * (BARS.len() - step) as f32).count()]
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("the answer lacks a text")
}
