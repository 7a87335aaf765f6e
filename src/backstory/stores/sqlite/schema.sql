-- A Backstory store, format 1. Read it freely with the sqlite3 shell; write it with Backstory only.
--
-- One file holds many logs: `main` is log 0, and each branch has a log of its own. A row of log n at position p has the
-- key n * 2^40 + p, so that main's keys are its positions and each log is one contiguous range.

CREATE TABLE logs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- so that the number of a dropped log is not given again
    origin_position INTEGER NOT NULL,   -- the log's first event has the position after this
    origin_hash BLOB NOT NULL,          -- the parent of its first commit
    origin_time INTEGER NOT NULL,
    made_by TEXT NOT NULL,              -- the id under which it was made, so that making it again finds it
    digest BLOB NOT NULL,               -- of the columns above, which nothing else covers
    indexed INTEGER NOT NULL            -- the key of the last event that is in the indexes below
) STRICT;

CREATE TABLE commits (
    position INTEGER PRIMARY KEY,       -- the key of its last event
    size INTEGER NOT NULL,              -- how many events it has
    id TEXT NOT NULL,
    time INTEGER NOT NULL,              -- microseconds since 1970, UTC; never goes back within a log
    authored INTEGER NOT NULL,          -- the same by its author's clock
    author TEXT NOT NULL,
    message TEXT NOT NULL,
    command TEXT NOT NULL,              -- JSON, empty where no command made it
    metadata TEXT NOT NULL,             -- JSON object
    query TEXT,                         -- JSON: the events that it relied on; NULL if it was appended without a condition
    after INTEGER,                      -- the position that it was decided on
    secret BLOB NOT NULL,               -- the source of the salts of its parts: for copies of the history only
    content BLOB NOT NULL,              -- content hash
    hash BLOB NOT NULL,                 -- commit hash: it covers the parent's
    signature BLOB NOT NULL             -- of its content, by its author; no hash covers it
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    in_commit INTEGER NOT NULL,         -- commits.position
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    tags TEXT NOT NULL,                 -- JSON array of "key:value", sorted
    data TEXT NOT NULL                  -- JSON object, with the same bytes as were hashed
) STRICT;
-- The indexes are written in runs: up to 63 events at the end of a log wait for theirs, and readers scan them. So a small
-- commit touches two pages, and its indexes cost next to nothing.

CREATE TABLE type_index (
    type TEXT NOT NULL,
    position INTEGER NOT NULL,          -- events.position
    PRIMARY KEY (type, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE id_index (
    id TEXT NOT NULL,
    position INTEGER NOT NULL,          -- commits.position
    PRIMARY KEY (id, position)
) STRICT, WITHOUT ROWID;

-- For each event, a token of each of its tags: the first 12 hex digits of the tag's SHA-256. For each commit's last
-- event also `h` and the first 12 hex digits of the commit's hash, and `l` and 12 digits for each of its links: the ids of causes
-- and of reverted commits in its metadata. The index proposes rows; the rows decide.
CREATE VIRTUAL TABLE token_index USING fts5 (tokens, content = '', detail = none, columnsize = 0, tokenize = 'ascii');

CREATE TABLE refs (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    digest BLOB NOT NULL                -- of the columns above
) STRICT, WITHOUT ROWID;

-- Values that may be gone at any time, such as the snapshots of states.
CREATE TABLE caches (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW log AS
SELECT
    position >> 40 AS log,
    position & 0xFFFFFFFFFF AS position,
    substr(lower(hex(hash)), 1, 10) AS hash,
    id,
    strftime('%Y-%m-%d %H:%M:%f', time / 1e6, 'unixepoch') AS time,
    author,
    message,
    size AS events,
    command
FROM commits
ORDER BY commits.position DESC;

CREATE VIEW history AS
SELECT
    events.position >> 40 AS log,
    events.position & 0xFFFFFFFFFF AS position,
    strftime('%Y-%m-%d %H:%M:%f', commits.time / 1e6, 'unixepoch') AS time,
    commits.author,
    events.type,
    events.tags,
    events.data,
    commits.message
FROM events
JOIN commits ON commits.position = events.in_commit
ORDER BY events.position;

INSERT INTO logs VALUES (0, 0, zeroblob(32), 0, '', x'31d5404ca30ca3a33cf3c33eb98aeabe', 0);
INSERT INTO refs VALUES ('branch/main', '0', x'e370cd15c1c9b44dc148d40792e436dd');
