//! Files of both sides: uploads, getFile, and the bytes, which live beside the state file.

use std::path::PathBuf;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::clock::random;
use super::params::{Params, Upload};
use super::photo;
use super::refusal::Refusal;
use super::server::Shared;
use super::world::{File, World};

/// Bots download no more than this.
const MAX_DOWNLOAD_BYTES: u64 = 20 << 20;
const MAX_PHOTO_BYTES: usize = 10 << 20;
const MAX_UPLOAD_BYTES: usize = 50 << 20;

/// A file as a method names it.
pub(crate) enum Source<'a> {
    Upload(&'a Upload),
    Known(String),
}

/// Finds the file parameter: an upload of that name, `attach://` another, or the id of a known file.
pub(crate) fn source<'a>(world: &World, params: &'a Params, name: &str) -> Result<Source<'a>, Refusal> {
    if let Some(upload) = params.upload(name) {
        return Ok(Source::Upload(upload));
    }
    let value = params.text(name);
    if value.is_empty() {
        return Err(Refusal::bad_request(format!("there is no {name} in the request")));
    }
    if let Some(part) = value.strip_prefix("attach://") {
        let missing = || Refusal::bad_request(format!("there is no {name} in the request"));
        return params.upload(part).map(Source::Upload).ok_or_else(missing);
    }
    if value.starts_with("http://") || value.starts_with("https://") {
        // The simulation reaches no other machine.
        return Err(Refusal::bad_request("failed to get HTTP URL content"));
    }
    if world.files.contains_key(value) {
        return Ok(Source::Known(value.to_owned()));
    }
    Err(Refusal::bad_request("wrong file identifier/HTTP URL specified"))
}

/// Takes a photo in, with Telegram's limits; returns its sizes, the largest last.
pub(crate) fn photo(shared: &Shared, world: &mut World, source: Source<'_>) -> Result<Vec<String>, Refusal> {
    let upload = match source {
        Source::Known(file_id) if world.files.get(&file_id).is_some_and(|file| file.width > 0) => {
            return Ok(vec![file_id]);
        }
        Source::Known(_) => return Err(Refusal::bad_request("can't use file of type Document as Photo")),
        Source::Upload(upload) => upload,
    };
    take_photo(shared, world, &upload.bytes)
}

pub(crate) fn take_photo(shared: &Shared, world: &mut World, bytes: &Bytes) -> Result<Vec<String>, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::bad_request("file must be non-empty"));
    }
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(Refusal::bad_request(format!(
            "file of size {} bytes is too big for a photo; the maximum size is {MAX_PHOTO_BYTES} bytes",
            bytes.len()
        )));
    }
    let (width, height) = photo::size(bytes).ok_or_else(|| Refusal::bad_request("IMAGE_PROCESS_FAILED"))?;
    let (short, long) = (width.min(height), width.max(height));
    if short == 0 || u64::from(width) + u64::from(height) > 10_000 || u64::from(long) > 20 * u64::from(short) {
        return Err(Refusal::bad_request("PHOTO_INVALID_DIMENSIONS"));
    }
    let kind = photo::content_type(bytes);
    let mut file = new_file("photos", kind, bytes.len(), kind.trim_start_matches("image/"));
    (file.width, file.height) = (width, height);
    let mut sizes = Vec::new();
    // A bot that takes the first size instead of the largest gets a grey thumbnail.
    if let Some((small, width, height)) = photo::thumbnail(width, height) {
        let mut file = new_file("thumbnails", "image/png", small.len(), "png");
        (file.width, file.height) = (width, height);
        sizes.push(shared.keep(world, file, &small.into()));
    }
    sizes.push(shared.keep(world, file, bytes));
    Ok(sizes)
}

pub(crate) fn document(shared: &Shared, world: &mut World, source: Source<'_>) -> Result<String, Refusal> {
    let upload = match source {
        Source::Known(file_id) => return Ok(file_id),
        Source::Upload(upload) => upload,
    };
    if upload.bytes.is_empty() {
        return Err(Refusal::bad_request("file must be non-empty"));
    }
    if upload.bytes.len() > MAX_UPLOAD_BYTES {
        return Err(Refusal::new(413, "Request Entity Too Large"));
    }
    let kind = upload.content_type.as_deref().unwrap_or("application/octet-stream");
    let extension = upload.file_name.rsplit_once('.').map_or("bin", |(_, extension)| extension);
    let mut file = new_file("documents", kind, upload.bytes.len(), extension);
    file.file_name = Some(upload.file_name.clone());
    Ok(shared.keep(world, file, &upload.bytes))
}

/// A file that is known by a given id from now on, as if a user had sent it.
pub(crate) fn give(shared: &Shared, world: &mut World, file_id: &str, content_type: &str, bytes: &Bytes) {
    let mut file = new_file("documents", content_type, bytes.len(), "bin");
    file.file_id = file_id.to_owned();
    if let Some((width, height)) = photo::size(bytes) {
        (file.width, file.height) = (width, height);
    }
    shared.keep(world, file, bytes);
}

fn new_file(folder: &str, content_type: &str, size: usize, extension: &str) -> File {
    let unique = random();
    File {
        file_id: format!("AgACAgIAAx0C{unique:016x}"),
        file_unique_id: format!("AQAD{:08x}", unique >> 32),
        file_size: u64::try_from(size).unwrap_or(u64::MAX),
        file_path: format!("{folder}/file_{:08x}.{extension}", unique & 0xffff_ffff),
        content_type: content_type.to_owned(),
        file_name: None,
        width: 0,
        height: 0,
    }
}

pub(crate) fn get(world: &World, params: &Params) -> Result<Value, Refusal> {
    let file_id = params.text("file_id");
    if file_id.is_empty() {
        return Err(Refusal::bad_request("file_id not specified"));
    }
    let unknown = || Refusal::bad_request("wrong file_id or the file is temporarily unavailable");
    let file = world.files.get(file_id).ok_or_else(unknown)?;
    if file.file_size > MAX_DOWNLOAD_BYTES {
        return Err(Refusal::bad_request("file is too big"));
    }
    Ok(json!({ "file_id": file.file_id, "file_unique_id": file.file_unique_id, "file_size": file.file_size,
        "file_path": file.file_path }))
}

impl Shared {
    fn keep(&self, world: &mut World, file: File, bytes: &Bytes) -> String {
        let file_id = file.file_id.clone();
        if let Some(path) = self.path_of(&file) {
            let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            if let Err(error) = folder.and_then(|()| std::fs::write(&path, bytes)) {
                eprintln!("The simulated Telegram could not keep {}: {error}", path.display());
            }
        }
        self.bytes().insert(file_id.clone(), bytes.clone());
        world.files.insert(file_id.clone(), file);
        file_id
    }

    /// From memory, or after a restart from the folder.
    pub(crate) fn bytes_of(&self, file_id: &str) -> Option<Bytes> {
        if let Some(bytes) = self.bytes().get(file_id) {
            return Some(bytes.clone());
        }
        let path = self.with(|world| world.files.get(file_id).and_then(|file| self.path_of(file)))?;
        std::fs::read(path).ok().map(Bytes::from)
    }

    /// `<state file>.files/<unique id>`: names of the simulation's own making only.
    fn path_of(&self, file: &File) -> Option<PathBuf> {
        let mut folder = self.state_file.clone()?.into_os_string();
        folder.push(".files");
        Some(PathBuf::from(folder).join(&file.file_unique_id))
    }
}
