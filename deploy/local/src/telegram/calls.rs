//! The record of every call that the bot made, newest last.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::clock::now_ms;

/// Older calls are forgotten.
const KEPT: usize = 20_000;

/// One call, as it arrived and as it ended.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Counts from 1.
    pub n: u64,
    #[serde(rename = "at_ms")]
    pub at: u64,
    /// As the client wrote it; `file` for a download.
    pub method: String,
    pub chat_id: Option<i64>,
    /// Uploaded files are `{"bytes": N, "file_name": …}`.
    pub params: Value,
    /// 0: not answered yet, or the connection was broken.
    #[serde(rename = "http_status")]
    pub status: u16,
    /// The call was carried out, whatever the client heard of it.
    pub effect: bool,
}

#[derive(Default)]
pub(crate) struct Calls {
    calls: VecDeque<Call>,
    last_n: u64,
}

impl Calls {
    pub(crate) fn arrive(&mut self, method: &str, chat_id: Option<i64>, params: Value) -> u64 {
        self.last_n += 1;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        let method = method.to_owned();
        self.calls.push_back(Call { n: self.last_n, at: now_ms(), method, chat_id, params, status: 0, effect: false });
        self.last_n
    }

    pub(crate) fn update(&mut self, n: u64, note: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.n == n) {
            note(call);
        }
    }

    pub(crate) fn list(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }
}
