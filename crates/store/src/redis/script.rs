//! The scripts that run in the server, each with one key.

use std::fmt;

use redis::Script;

/// A script in Lua for [`RedisStorage::run_script`](crate::RedisStorage::run_script), with one key, which returns a table
/// of integers. Times of the server's clock are `redis.call('TIME')`: the clocks of clients differ.
///
/// ```
/// use mainstay_store::RedisScript;
///
/// let count = RedisScript::new("
///     local n = redis.call('INCR', KEYS[1])
///     if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
///     return {n, redis.call('PTTL', KEYS[1])}
/// ");
/// # drop(count);
/// ```
pub struct RedisScript(pub(super) Script);

/// The scripts of the storage.
pub(super) struct Scripts {
    pub(super) get: Script,
    pub(super) compare_and_set: Script,
    pub(super) append: Script,
    pub(super) read: Script,
}

/// The most bytes. Returns the value, or its length if it is longer.
const GET: &str = "
local bytes = redis.call('STRLEN', KEYS[1])
if bytes > tonumber(ARGV[1]) then return bytes end
return redis.call('GET', KEYS[1])
";

/// The value, its milliseconds, and the expected value unless the key is expected to be absent.
const COMPARE_AND_SET: &str = "
local current = redis.call('GET', KEYS[1])
if current ~= (ARGV[3] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

/// The entry, the most entries, and the milliseconds.
const APPEND: &str = "
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], '-' .. ARGV[2], -1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.status_reply('OK')
";

/// The number of entries, and the most bytes of one.
const READ: &str = "
local found = {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], '-' .. ARGV[1], -1)) do
    if #entry <= tonumber(ARGV[2]) then found[#found + 1] = entry end
end
return found
";

// === impl RedisScript ===

impl RedisScript {
    /// Creates a script. It is sent to the server with its first run.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(Script::new(code))
    }
}

impl fmt::Debug for RedisScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisScript").field(&self.0.get_hash()).finish()
    }
}

// === impl Scripts ===

impl Scripts {
    pub(super) fn new() -> Self {
        let [get, compare_and_set, append, read] = [GET, COMPARE_AND_SET, APPEND, READ].map(Script::new);
        Self { get, compare_and_set, append, read }
    }
}
