//! The audio of a job: the stored file itself, or a copy of what lies in a bucket.

use crate::Context;
use crate::failure::Failure;
use crate::temp::{Room, TempFile};
use std::fs::File;
use store::objects::{Body, ObjectKey, Opened};
use store::queue::Claim;

/// Audio to be analysed. Drop it when nobody reads it any more.
pub(crate) struct Audio {
    pub(crate) file: File,
    /// Where it is kept meanwhile, if it does not lie on this machine anyway.
    pub(crate) copy: Option<TempFile>,
}

/// Opens the audio, or copies it as soon as there is room for the copy. Cancel safe: what was copied is removed.
pub(crate) async fn fetch(context: &Context, claim: &Claim) -> Result<Audio, Failure> {
    let key = ObjectKey::parse(&claim.r2_key)?;
    let mut waited_for: Option<Room> = None;
    loop {
        let body = match context.objects.open_file(&key, context.config.max_file_bytes).await? {
            Opened::File(file) => return Ok(Audio { file, copy: None }),
            Opened::Body(body) => body,
        };
        let size_bytes = body.size_bytes;
        // The object may have been replaced by a larger one meanwhile.
        let room = match waited_for.take().filter(|room| size_bytes <= room.bytes()) {
            Some(room) => Some(room),
            None => context.temp.try_room(size_bytes)?,
        };
        if let Some(room) = room {
            return copy(context, &key, body, room).await;
        }
        // No storage keeps a connection open for as long as this may take.
        drop(body);
        tracing::info!(size_bytes, "waiting for room for a copy of the audio");
        waited_for = Some(context.temp.room(size_bytes).await?);
    }
}

async fn copy(context: &Context, key: &ObjectKey, body: Body, room: Room) -> Result<Audio, Failure> {
    let copy = context.temp.file(room);
    let file = body.save(key, copy.path()).await?;
    Ok(Audio { file, copy: Some(copy) })
}
