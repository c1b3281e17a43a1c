//! The number of threads changes nothing but the time it takes: not the samples, not the report, not one byte of what
//! is stored, not the order of the observer's calls, not the error. And no thread outlives the call.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test may panic, and casts what it has made itself"
)]

mod decode_kit;

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use analysis_core::analyzer::{Frame, Observer, Progress, analyze};
use analysis_core::chunk::Chunk;
use analysis_core::decode::Decoder;
use analysis_core::{AnalysisType, Config, Error, Limits, Result};
use decode_kit::{fixture, fixtures};
use proptest::prelude::*;

const THREADS: [usize; 3] = [2, 3, 4];

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Everything that decoding says: each block, and how it ended.
fn blocks(bytes: &[u8], count: usize, limits: &Limits) -> String {
    let opened = Decoder::open(Cursor::new(bytes.to_vec()), None, limits);
    let mut decoder = match opened {
        Ok(decoder) => decoder.with_threads(threads(count)),
        Err(error) => return format!("{error:?}"),
    };
    let mut told = format!("{:?}", decoder.format());
    loop {
        match decoder.next_block() {
            Ok(Some(planes)) => {
                let bits = planes.iter().flatten().fold(planes[0].len() as u64, |hash, sample| {
                    (hash ^ u64::from(sample.to_bits())).wrapping_mul(0x0100_0000_01b3)
                });
                let report = decoder.report();
                told += &format!("\n{bits:x} {report:?}");
            }
            Ok(None) => return told + &format!("\n{:?}", decoder.report()),
            Err(error) => return told + &format!("\n{error:?}"),
        }
    }
}

#[track_caller]
fn check(what: &str, bytes: &[u8]) {
    let limits = Limits { max_duration_ms: 600_000, ..Limits::default() };
    let alone = blocks(bytes, 1, &limits);
    for count in THREADS {
        let together = blocks(bytes, count, &limits);
        let differs = alone.lines().zip(together.lines()).find(|(a, b)| a != b);
        assert!(alone == together, "{what} with {count} threads: {differs:?}");
    }
}

/// Ten copies of a fixture's packets one behind the other, where its container bears that: more than one batch.
fn long(name: &str) -> Vec<u8> {
    fixture(name).repeat(10)
}

fn demo(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    std::fs::read(path).unwrap()
}

const DEMOS: [&str; 4] = ["demo.mp3", "demo.flac", "demo.ogg", "demo.m4a"];

#[test]
fn every_fixture_decodes_to_the_same_blocks() {
    for name in fixtures() {
        check(&name, &fixture(&name));
    }
    for name in DEMOS {
        check(name, &demo(name));
    }
}

#[test]
fn streams_that_follow_one_another_decode_to_the_same_blocks() {
    for name in ["cbr.mp3", "vbr.mp3", "mpeg2.mp3", "mp2.mp2", "aac.adts.aac", "untagged.mp3", "cover.mp3"] {
        check(name, &long(name));
    }
    let (mut mixed, mut chained) = (long("cbr.mp3"), demo("demo.ogg"));
    mixed.extend([long("mpeg2.mp3"), long("lavc-stereo.mp3"), long("mp2.mp2"), long("vbr.mp3")].concat());
    check("mp3 of many kinds", &mixed);
    // Two channels behind one and one behind two: the decoder refuses what is not as its first packet, and so must
    // those that begin later, which have not seen that one.
    for (first, then) in [("cbr.mp3", "lavc-stereo.mp3"), ("lavc-stereo.mp3", "cbr.mp3")] {
        check(then, &[fixture(first), fixture(then).repeat(20)].concat());
    }
    chained.extend([fixture("vorbis.ogg"), demo("demo.ogg"), fixture("opus.ogg")].concat());
    check("a chain of Ogg streams", &chained);
}

/// Remainder of `bytes` by a polynomial, most significant bit first.
fn crc(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    let top = 1 << (bits - 1);
    let next = |crc: u32| if crc & top == 0 { crc << 1 } else { crc << 1 ^ polynomial };
    let crc = bytes
        .iter()
        .fold(0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), |crc, _| next(crc)));
    crc & (u32::MAX >> (32 - bits))
}

/// 256 frames of FLAC at 24 bits that hold one value in each channel (RFC 9639, 9).
fn flac_frame(number: u8, values: &[i32]) -> Vec<u8> {
    let mut frame = vec![0xff, 0xf8, 0x89, (values.len() as u8 - 1) << 4 | 0x0c, number];
    frame.push(crc(&frame, 8, 0x07) as u8);
    for value in values {
        frame.push(0);
        frame.extend(&value.to_be_bytes()[1..]);
    }
    let check = crc(&frame, 16, 0x8005) as u16;
    frame.extend(check.to_be_bytes());
    frame
}

/// A page of Ogg with one short packet (RFC 3533, 6).
fn ogg_page(serial: &[u8], sequence: u32, granule: u64, packet: &[u8]) -> Vec<u8> {
    let mut page = [b"OggS\0\0".as_slice(), &granule.to_le_bytes(), serial].concat();
    page.extend(sequence.to_le_bytes());
    page.extend([0, 0, 0, 0, 1, packet.len() as u8]);
    page.extend(packet);
    let check = crc(&page, 32, 0x04c1_1db7);
    page[22..26].copy_from_slice(&check.to_le_bytes());
    page
}

#[test]
fn flac_frames_of_too_few_channels_are_lost_with_any_number_of_threads() {
    // The headers of two channels.
    let mut bytes = fixture("exact-s16.ogg.flac.oga");
    bytes.truncate(146);
    let serial = bytes[14..18].to_vec();
    for index in 0..2_000_u32 {
        let (left, right) = (index as i32, 1 - index as i32);
        let values = if matches!(index % 8, 1 | 2) { &[left][..] } else { &[left, right] };
        let frame = flac_frame((index % 128) as u8, values);
        bytes.extend(ogg_page(&serial, 2 + index, 256 * (1 + u64::from(index)), &frame));
    }
    check("Ogg FLAC", &bytes);
    let alone = blocks(&bytes, 1, &Limits::default());
    assert!(alone.contains("frames: 512000") && alone.contains("decode_errors: 500"), "{alone}");
}

/// What happens to a file: bytes overwritten, dropped, doubled.
fn damage(bytes: &mut Vec<u8>, seed: u64, count: usize) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below
    };
    for _ in 0..count {
        let (at, length) = (next(bytes.len()).max(600), 1 + next(400));
        let end = (at + length).min(bytes.len());
        match next(4) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes[at..end].fill(0x55),
            2 => bytes.splice(at..at, vec![0xff; length]).for_each(drop),
            _ => bytes[at] ^= 1 << next(8),
        }
    }
}

#[test]
fn damaged_files_decode_to_the_same_blocks() {
    let files = ["cbr.mp3", "vbr.mp3", "mpeg2.mp3"].map(|name| (name, fixture(name).repeat(12)));
    let demos = DEMOS.map(|name| (name, demo(name)));
    for (name, whole) in files.iter().chain(&demos) {
        for seed in 1..=24 {
            let mut bytes = whole.clone();
            damage(&mut bytes, seed, 1 << (seed % 7));
            check(&format!("{name} with damage {seed}"), &bytes);
        }
        check(&format!("{name}, cut"), &whole[..whole.len() * 61 / 100]);
    }
}

#[test]
fn what_exceeds_a_limit_ends_at_the_same_block() {
    let limits = Limits { max_duration_ms: 9_000, ..Limits::default() };
    let bytes = long("untagged.mp3");
    let alone = blocks(&bytes, 1, &limits);
    assert!(alone.contains("TooLong"), "{alone}");
    THREADS.iter().for_each(|count| assert_eq!(blocks(&bytes, *count, &limits), alone));
}

/// Writes down all that it is told.
#[derive(Default)]
struct Scribe {
    calls: Vec<String>,
    /// The call at which to stop, and how.
    stop: Option<(usize, fn() -> Error)>,
}

impl Scribe {
    fn note(&mut self, call: String) -> Result<()> {
        self.calls.push(call);
        match self.stop {
            Some((at, error)) if self.calls.len() == at => Err(error()),
            _ => Ok(()),
        }
    }
}

fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Observer for Scribe {
    fn on_audio(&mut self, planes: &[Vec<f32>]) -> Result<()> {
        let bytes = planes.iter().flatten().flat_map(|sample| sample.to_le_bytes());
        self.note(format!("audio {} {:x}", planes[0].len(), hash(bytes)))
    }

    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<()> {
        self.note(format!("frame {} {:x}", frame.index, hash(frame.bytes.iter().copied())))
    }

    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.note(format!("chunk {:x}", hash(chunk.bytes.iter().copied())))
    }

    fn on_progress(&mut self, progress: Progress) -> Result<()> {
        self.note(format!("{progress:?}"))
    }
}

/// What the observer was told, and what came out of it.
fn told(bytes: &[u8], kind: AnalysisType, count: usize, stop: Option<(usize, fn() -> Error)>) -> Vec<String> {
    let config = Config { analysis_type: kind, threads: threads(count), ..Config::default() };
    let mut scribe = Scribe { stop, ..Scribe::default() };
    let analysis = analyze(Cursor::new(bytes.to_vec()), None, &config, &mut scribe);
    let outcome = match analysis {
        Ok(analysis) => serde_json::to_string(&analysis).unwrap(),
        Err(error) => format!("{error:?}"),
    };
    scribe.calls.push(outcome);
    scribe.calls
}

#[test]
fn the_observer_is_told_the_same_in_the_same_order() {
    use AnalysisType::{Full, Rhythm, Spectral, Structure, Tonal};
    let mut damaged = demo("demo.mp3");
    damage(&mut damaged, 5, 20);
    let names = ["exact-s16.wav", "opus.ogg", "cbr.mp3", "exact-s16.alac.m4a"];
    let mut files: Vec<Vec<u8>> = DEMOS.iter().map(|name| demo(name)).chain([damaged]).collect();
    files.extend(names.iter().map(|name| fixture(name)));
    for (index, bytes) in files.iter().enumerate() {
        for kind in [Full, Spectral, Rhythm, Tonal, Structure] {
            // All five on one file of each kind of decoding, the others in full.
            if kind != Full && index > 1 {
                continue;
            }
            let alone = told(bytes, kind, 1, None);
            for count in THREADS {
                assert!(told(bytes, kind, count, None) == alone, "file {index}, {kind:?}, {count} threads");
            }
        }
    }
}

/// Fails at a place, as a scratched disc does.
struct Scratched {
    bytes: Cursor<Vec<u8>>,
    fails_at: u64,
    /// The fingerprint reads the file to its end first.
    rewound: u32,
    _held: Arc<()>,
}

impl Read for Scratched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let position = self.bytes.position();
        if self.rewound > 1 && position >= self.fails_at && position < self.fails_at + 100_000 {
            return Err(io::Error::other("cable pulled"));
        }
        let most = buffer.len().min(4_096);
        self.bytes.read(&mut buffer[..most])
    }
}

impl Seek for Scratched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.rewound += u32::from(to == SeekFrom::Start(0));
        self.bytes.seek(to)
    }
}

fn reader(name: &str, fails_at: u64) -> (Scratched, Arc<()>) {
    let held = Arc::new(());
    let bytes = Cursor::new(demo(name));
    (Scratched { bytes, fails_at, rewound: 0, _held: held.clone() }, held)
}

/// How many still hold the reader: every thread that decodes holds what leads to it.
fn holders(held: &Arc<()>) -> usize {
    Arc::strong_count(held) - 1
}

#[test]
fn an_observers_error_ends_the_analysis_at_that_call_and_its_threads() {
    for name in DEMOS {
        let alone = told(&demo(name), AnalysisType::Full, 1, Some((700, || Error::Cancelled)));
        assert_eq!((alone.len(), alone.last().map(String::as_str)), (701, Some("Cancelled")));
        for count in THREADS {
            let cancelled = told(&demo(name), AnalysisType::Full, count, Some((700, || Error::Cancelled)));
            assert!(cancelled == alone, "{name}, {count} threads");
            let (file, held) = reader(name, u64::MAX);
            let config = Config { threads: threads(count), ..Config::default() };
            let mut scribe = Scribe { stop: Some((700, || Error::Cancelled)), ..Scribe::default() };
            assert!(matches!(analyze(file, None, &config, &mut scribe), Err(Error::Cancelled)));
            assert_eq!(holders(&held), 0, "{name}, {count} threads");
        }
    }
}

#[test]
fn a_reader_that_fails_is_an_error_with_any_number_of_threads() {
    for name in DEMOS {
        let length = demo(name).len() as u64;
        for count in [1, 2, 3, 4] {
            let (file, held) = reader(name, length / 2);
            let config = Config { threads: threads(count), ..Config::default() };
            let error = analyze(file, None, &config, &mut ()).err();
            assert!(matches!(error, Some(Error::Io(_))), "{name}, {count} threads: {error:?}");
            assert_eq!(holders(&held), 0);
        }
    }
}

/// Says where it is read once it is told to, and waits there for a word.
struct Gated {
    bytes: Cursor<Vec<u8>>,
    shut: Arc<AtomicBool>,
    reached: Sender<()>,
    opened: Mutex<Receiver<()>>,
    _held: Arc<()>,
}

impl Read for Gated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.shut.swap(false, Ordering::SeqCst) {
            self.reached.send(()).unwrap();
            self.opened.lock().unwrap().recv().unwrap();
        }
        // Little at a time: the batch that is being filled takes longer than it takes to hang up.
        let most = buffer.len().min(64);
        self.bytes.read(&mut buffer[..most])
    }
}

impl Seek for Gated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_decoder_dropped_while_its_batches_are_filled_lets_go_of_the_reader() {
    let files = [fixture("aac.adts.aac").repeat(40), demo("demo.mp3"), demo("demo.flac"), demo("demo.m4a")];
    for (index, bytes) in files.into_iter().enumerate() {
        let (held, shut) = (Arc::new(()), Arc::new(AtomicBool::new(false)));
        let ((reached, reads), (open, opened)) = (mpsc::channel(), mpsc::channel());
        let (bytes, opened) = (Cursor::new(bytes), Mutex::new(opened));
        let file = Gated { bytes, shut: shut.clone(), reached, opened, _held: held.clone() };
        let decoder = Decoder::open(file, None, &Limits::default()).unwrap();
        shut.store(true, Ordering::SeqCst);
        let decoder = decoder.with_threads(threads(4));
        reads.recv().unwrap();
        open.send(()).unwrap();
        drop(decoder);
        assert_eq!(holders(&held), 0, "file {index}");
    }
}

#[test]
fn an_analysis_that_ends_at_once_lets_go_of_the_reader() {
    let bytes = fixture("aac.adts.aac").repeat(40);
    for round in 0..20 {
        let (held, (reached, _), (_, opened)) = (Arc::new(()), mpsc::channel(), mpsc::channel());
        let (bytes, shut) = (Cursor::new(bytes.clone()), Arc::default());
        let file = Gated { bytes, shut, reached, opened: Mutex::new(opened), _held: held.clone() };
        let config = Config { threads: threads(4), ..Config::default() };
        let ended = analyze(
            file,
            None,
            &config,
            &mut Scribe { stop: Some((2, || Error::Cancelled)), ..Scribe::default() },
        );
        assert!(matches!(ended, Err(Error::Cancelled)));
        assert_eq!(holders(&held), 0, "round {round}");
    }
}

/// Panics after a while.
struct Panics(u32);

impl Observer for Panics {
    fn on_progress(&mut self, _: Progress) -> Result<()> {
        self.0 -= 1;
        assert!(self.0 > 0, "the observer panics");
        Ok(())
    }
}

#[test]
fn a_panic_of_the_observer_ends_the_threads_too() {
    for count in [1, 2, 4] {
        let (file, held) = reader("demo.flac", u64::MAX);
        let config = Config { threads: threads(count), ..Config::default() };
        let ended = catch_unwind(AssertUnwindSafe(|| analyze(file, None, &config, &mut Panics(9)).is_ok()));
        assert!(ended.is_err_and(|panic| panic.downcast_ref::<&str>() == Some(&"the observer panics")));
        assert_eq!(holders(&held), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn mangled_files_decode_to_the_same_blocks(which in 0_usize..1000, seed in any::<u64>(), count in 0_usize..12) {
        let names = fixtures();
        let mut bytes = fixture(&names[which % names.len()]).repeat(3);
        damage(&mut bytes, seed, count);
        check(&names[which % names.len()], &bytes);
    }
}
