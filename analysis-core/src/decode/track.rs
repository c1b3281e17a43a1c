//! Which track of a container to decode, with which decoder, and what of it is to be heard.

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{self as id, profiles};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::flac::FlacDecoder;
use super::guarded;
use super::mpeg;
use super::opus::{Head, OpusDecoder};
use super::sniff::Sniff;
use super::trim::Trim;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// Playing time a one-track Matroska file may fall short of its header: it is rounded and counts the video.
const MATROSKA_SLACK_MS: u64 = 250;

/// Most frames a packet may claim to hold; FLAC's longest blocks have 65,535.
const MAX_PACKET_FRAMES: u64 = 1 << 16;
/// Frames in a packet of ALAC, the longest packets that CAF files usually hold.
const CAF_PACKET_FRAMES: u64 = 4_096;

/// One stream of audio packets.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// The demuxer's name for the track.
    pub(super) track_id: u32,
    /// Codec, e.g. `mp3`, `pcm_s16le`.
    pub(super) codec: String,
    /// Container, e.g. `mp4`, `ogg`.
    pub(super) container: String,
    /// Sample rate the header states, in Hz.
    pub(super) sample_rate_hz: u32,
    /// Channels the header states; 0 where only the first packet tells.
    pub(super) channels: usize,
    /// Frames there should be after trimming, as far as is known or guessed.
    pub(super) expected_frames: Option<u64>,
    /// Frames there must at least be after trimming, or the source was cut.
    pub(super) least_frames: u64,
    /// Whether time stamps count sample frames and a jump in them means loss.
    pub(super) stamps_count_frames: bool,
    /// What to cut off the whole, beyond what each packet says of itself.
    pub(super) trim: Trim,
    /// What decoders are made by.
    pub(super) params: AudioCodecParameters,
    cuts: Cuts,
    time_base: Option<TimeBase>,
}

/// Who cuts delay and padding out of single packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cuts {
    /// The decoder does (Vorbis).
    Decoder,
    /// We do, as the packet says.
    Packet,
    /// We do (MPEG audio). Where the length is only a guess the end is not cut.
    Mpeg {
        /// Whether the length is known.
        end_known: bool,
    },
}

/// What to cut off one packet's frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Decoded frames to drop at the start.
    pub(super) start: usize,
    /// Decoded frames to drop at the end.
    pub(super) end: usize,
    /// Frames counted as delay, whoever drops them.
    pub(super) counted_start: u64,
    /// Frames counted as padding, whoever drops them.
    pub(super) counted_end: u64,
    /// Frames to be heard if the packet cannot be decoded.
    pub(super) lost: u64,
}

impl Link {
    /// What to cut off `packet`.
    pub(super) fn cut(&self, packet: &Packet) -> Cut {
        let (start, end) = (packet.trim_start.get(), packet.trim_end.get());
        let index = |frames: u64| usize::try_from(frames).unwrap_or(usize::MAX);
        let duration = self.in_frames(packet.dur.get());
        if self.cuts == Cuts::Decoder {
            return Cut { counted_start: start, counted_end: end, lost: duration, ..Cut::default() };
        }
        let end = if self.cuts == (Cuts::Mpeg { end_known: false }) { 0 } else { end };
        // The MPEG demuxer leaves what is trimmed inside the duration.
        let trimmed = if matches!(self.cuts, Cuts::Mpeg { .. }) { start.saturating_add(end) } else { 0 };
        Cut {
            start: index(start),
            end: index(end),
            counted_start: start,
            counted_end: end,
            lost: duration.saturating_sub(trimmed),
        }
    }

    /// Samples over all channels that `packet` says it holds.
    pub(super) fn samples(&self, packet: &Packet) -> u64 {
        let channels = if self.channels == 0 { 2 } else { self.channels };
        self.in_frames(packet.block_dur().get()).saturating_mul(channels as u64)
    }

    /// Ticks of the track's time base in sample frames.
    fn in_frames(&self, ticks: u64) -> u64 {
        self.time_base.map_or(ticks, |base| ticks_to_frames(ticks, base, self.sample_rate_hz))
    }
}

fn ticks_to_frames(ticks: u64, base: TimeBase, sample_rate_hz: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(base.numer.get()) * u128::from(sample_rate_hz);
    let denominator = u128::from(base.denom.get());
    u64::try_from((scaled + denominator / 2) / denominator).unwrap_or(u64::MAX)
}

/// The default audio track if it can be decoded, else the first that can.
///
/// # Errors
/// [`Error::NoAudioTrack`]; the default track's [`Error::UnsupportedCodec`] or reason for refusal by the limits
/// where none can be decoded.
pub(super) fn choose(
    demuxer: &dyn FormatReader,
    sniff: &Sniff,
    limits: &Limits,
) -> Result<(Link, Box<dyn AudioDecoder>)> {
    let container = container_name(demuxer.format_info().short_name);
    let default = demuxer.default_track(TrackType::Audio);
    let mut refusal = None;
    for track in default.into_iter().chain(demuxer.tracks()) {
        let Some(CodecParameters::Audio(params)) = &track.codec_params else { continue };
        match open_decoder(params, limits) {
            Ok(decoder) => return Ok((link(demuxer, track, params, container, sniff), decoder)),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let foreign = sniff.foreign_codec.map(|codec| Error::UnsupportedCodec { codec: codec.into() });
    Err(refusal.or(foreign).unwrap_or(Error::NoAudioTrack { container }))
}

/// A decoder that has decoded nothing yet.
///
/// # Errors
/// [`Error::UnsupportedCodec`], [`Error::Corrupt`], and what the limits refuse.
pub(super) fn open_decoder(params: &AudioCodecParameters, limits: &Limits) -> Result<Box<dyn AudioDecoder>> {
    // Decoders size their buffers by these before they see a packet.
    if let Some((rate_hz, channels)) = params.sample_rate.zip(params.channels.as_ref()) {
        limits.check_format(rate_hz, channels.count())?;
    }
    if params.max_frames_per_packet.is_some_and(|frames| frames > MAX_PACKET_FRAMES) {
        return Err(Error::Corrupt { detail: "impossible packet length".into() });
    }
    // Only Vorbis needs its decoder's own trimming: its first packet primes the overlap and is no audio. The
    // others' is off, because it also cuts MP3 at a length that is merely guessed from the bit rate.
    let options = AudioDecoderOptions::default().gapless(params.codec == id::CODEC_ID_VORBIS);
    let known = || symphonia::default::get_codecs().make_audio_decoder(params, &options);
    let make = || match params.codec {
        id::CODEC_ID_OPUS => Ok(Box::new(OpusDecoder::new(params)?) as Box<dyn AudioDecoder>),
        id::CODEC_ID_FLAC => Ok(Box::new(FlacDecoder(known()?)) as Box<dyn AudioDecoder>),
        _ => known(),
    };
    guarded(make).map_err(|fault| match fault {
        Fault::Unsupported(_) => Error::UnsupportedCodec { codec: codec_name(params) },
        fault => Error::Corrupt { detail: fault.to_string() },
    })
}

fn link(
    demuxer: &dyn FormatReader,
    track: &Track,
    params: &AudioCodecParameters,
    container: String,
    sniff: &Sniff,
) -> Link {
    let sample_rate_hz = params.sample_rate.unwrap_or(0);
    let counts_frames =
        track.time_base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == sample_rate_hz);
    let mut link = Link {
        track_id: track.id,
        codec: codec_name(params),
        sample_rate_hz,
        channels: params.channels.as_ref().map_or(0, |channels| channels.count()),
        expected_frames: track.num_frames.filter(|frames| *frames > 0),
        least_frames: 0,
        stamps_count_frames: counts_frames && matches!(container.as_str(), "ogg" | "flac"),
        trim: Trim::default(),
        params: params.clone(),
        cuts: match params.codec {
            id::CODEC_ID_VORBIS => Cuts::Decoder,
            id::CODEC_ID_MP1 | id::CODEC_ID_MP2 | id::CODEC_ID_MP3 => {
                Cuts::Mpeg { end_known: !sniff.length_is_a_guess }
            }
            _ => Cuts::Packet,
        },
        time_base: track.time_base,
        container,
    };
    link.fit(demuxer, track, sniff);
    if params.codec == id::CODEC_ID_OPUS {
        link.fit_opus(params.extra_data.as_deref().unwrap_or_default());
    }
    link
}

impl Link {
    /// Settles delay, padding and length by what the container leaves us to do.
    fn fit(&mut self, demuxer: &dyn FormatReader, track: &Track, sniff: &Sniff) {
        match self.container.as_str() {
            "mp4" => {
                let edit =
                    sniff.edits.iter().find(|edit| edit.track_id == track.id).copied().unwrap_or_default();
                (self.trim.skip, self.trim.keep) = edit.frames(self.sample_rate_hz, self.expected_frames);
                self.expected_frames = self.trim.keep;
                self.least_frames = self.trim.keep.unwrap_or(0);
            }
            "caf" => {
                self.trim.skip = track.delay.map_or(0, u64::from);
                self.trim.keep = self.expected_frames;
                // ffmpeg counts the last packet as full here, whatever it holds.
                let slack = if self.codec.starts_with("pcm") { 0 } else { CAF_PACKET_FRAMES };
                self.least_frames = self.expected_frames.unwrap_or(0).saturating_sub(slack);
            }
            "ogg" => {
                let late = u64::try_from(track.start_ts.get()).unwrap_or(0);
                self.expected_frames = sniff.last_granule.map(|frames| frames.saturating_sub(late));
            }
            "matroska" => self.fit_matroska(demuxer),
            "mp1" | "mp2" | "mp3" => {
                if track.delay.unwrap_or(0) == 0 && sniff.begins_an_encoding {
                    self.trim.skip = mpeg::USUAL_DELAY_FRAMES;
                    self.expected_frames =
                        self.expected_frames.map(|frames| frames.saturating_sub(self.trim.skip));
                }
                if !sniff.length_is_a_guess {
                    // Some encoders count the tag's own frame.
                    self.least_frames = self.expected_frames.unwrap_or(0).saturating_sub(2 * 1152);
                }
            }
            "wav" | "aiff" | "flac" => self.least_frames = self.expected_frames.unwrap_or(0),
            _ => {}
        }
    }

    /// Ogg counts the pre-skip as part of its length; an MP4 edit list says the same as the header.
    fn fit_opus(&mut self, header: &[u8]) {
        let pre_skip = Head::parse(header).map_or(0, |head| u64::from(head.pre_skip));
        if self.trim.skip == 0 {
            self.trim.skip = pre_skip;
            for frames in [&mut self.expected_frames, &mut self.trim.keep].into_iter().flatten() {
                *frames = frames.saturating_sub(pre_skip);
            }
            self.least_frames = self.least_frames.saturating_sub(pre_skip);
        }
    }

    fn fit_matroska(&mut self, demuxer: &dyn FormatReader) {
        let info = demuxer.media_info();
        let Some((ticks, base)) = info.duration.zip(info.time_base) else { return };
        let frames = ticks_to_frames(ticks.get(), base, self.sample_rate_hz);
        self.expected_frames = self.expected_frames.or(Some(frames).filter(|frames| *frames > 0));
        if demuxer.tracks().len() == 1 {
            let slack = MATROSKA_SLACK_MS * u64::from(self.sample_rate_hz) / 1000;
            self.least_frames = frames.saturating_sub(slack);
        }
    }
}

fn container_name(short: &str) -> String {
    match short {
        "isomp4" => "mp4",
        "wave" => "wav",
        other => other,
    }
    .to_owned()
}

/// The registry's name of a codec, or ours for those it has no decoder for.
fn codec_name(params: &AudioCodecParameters) -> String {
    if params.codec == id::CODEC_ID_AAC {
        return match params.profile {
            Some(profiles::CODEC_PROFILE_AAC_HE) => "he-aac",
            Some(profiles::CODEC_PROFILE_AAC_HE_V2) => "he-aac v2",
            Some(profiles::CODEC_PROFILE_AAC_USAC) => "xhe-aac",
            Some(profiles::CODEC_PROFILE_AAC_MAIN) => "aac main",
            Some(profiles::CODEC_PROFILE_AAC_LTP) => "aac ltp",
            Some(profiles::CODEC_PROFILE_AAC_SSR) => "aac ssr",
            _ => "aac",
        }
        .to_owned();
    }
    let registered = symphonia::default::get_codecs().get_audio_decoder(params.codec);
    registered
        .map_or_else(|| undecodable_name(params.codec), |decoder| decoder.codec.info.short_name.to_owned())
}

fn undecodable_name(codec: AudioCodecId) -> String {
    let known = [
        (id::CODEC_ID_OPUS, "opus"),
        (id::CODEC_ID_SPEEX, "speex"),
        (id::CODEC_ID_AC3, "ac3"),
        (id::CODEC_ID_EAC3, "eac3"),
        (id::CODEC_ID_AC4, "ac4"),
        (id::CODEC_ID_DCA, "dts"),
        (id::CODEC_ID_TRUEHD, "truehd"),
        (id::CODEC_ID_TTA, "tta"),
        (id::CODEC_ID_WAVPACK, "wavpack"),
        (id::CODEC_ID_WMA, "wma"),
        (id::CODEC_ID_ADPCM_G722, "adpcm_g722"),
        (id::CODEC_ID_ADPCM_G726, "adpcm_g726"),
        (id::CODEC_ID_ADPCM_IMA_QT, "adpcm_ima_qt"),
    ];
    known
        .iter()
        .find(|(id, _)| *id == codec)
        .map_or_else(|| codec.to_string(), |(_, name)| (*name).to_owned())
}
