-- A Backstory store, format 1. Read it freely with psql; write it with Backstory only.
--
-- One schema holds many logs: `main` is log 0, and each branch has a log of its own. A row of log n at position p has the
-- key n * 2^40 + p, so that main's keys are its positions and each log is one contiguous range.
--
-- Text is compared byte by byte (COLLATE "C"): an id or a tag is equal to itself only, in every locale.

CREATE TABLE {schema}.meta (
    format integer NOT NULL,            -- the format of this schema; a newer Backstory migrates it
    made integer NOT NULL               -- how many logs were made; the next one gets this number, also where some were dropped
);

CREATE TABLE {schema}.logs (
    number integer PRIMARY KEY CHECK (number BETWEEN 0 AND (1 << 23) - 2), -- more would not fit into a key
    origin_position bigint NOT NULL     -- the log's first event has the position after this
        CHECK (origin_position BETWEEN 0 AND (1::bigint << 40) - 1),
    origin_hash bytea NOT NULL          -- the parent of its first commit
        CHECK (octet_length(origin_hash) = 32),
    origin_time bigint NOT NULL
        CHECK (origin_time BETWEEN -62135596800000000 AND 253402300799999999),
    made_by text COLLATE "C" NOT NULL,  -- the id that it was made under, so that a retry does not make another
    UNIQUE (made_by, origin_position, origin_hash)
);

CREATE TABLE {schema}.commits (
    key bigint PRIMARY KEY,             -- that of its last event
    size integer NOT NULL,              -- how many events it has
    id text COLLATE "C" NOT NULL,
    time bigint NOT NULL,               -- microseconds since 1970, UTC; never goes back within a log
    authored bigint NOT NULL,           -- the same by its author's clock
    author text NOT NULL,
    message text NOT NULL,
    command text NOT NULL,              -- JSON, empty where no command made it
    metadata text NOT NULL,             -- JSON object
    query text,                         -- JSON: the events that it relied on; NULL if it was appended without a condition
    after bigint,                       -- the position that it was decided on
    secret bytea NOT NULL,              -- the source of the salts of its parts: for copies of the history only
    content bytea NOT NULL,             -- content hash
    hash bytea NOT NULL,                -- commit hash: it covers the parent's
    signature bytea NOT NULL,           -- of its content, by its author; no hash covers it
    CHECK (size > 0 AND key & ((1::bigint << 40) - 1) >= size), -- or it would stand in two logs
    CHECK (least(time, authored) >= -62135596800000000 AND greatest(time, authored) <= 253402300799999999), -- years 1 to 9999
    CHECK ((query IS NULL) = (after IS NULL) AND (query IS NULL OR jsonb_typeof(query::jsonb) = 'array')),
    CHECK (octet_length(secret) >= 16 AND octet_length(content) = 32)
);
CREATE UNIQUE INDEX commits_id ON {schema}.commits (id, (key >> 40));
CREATE INDEX commits_hash ON {schema}.commits (hash);

CREATE TABLE {schema}.events (
    key bigint PRIMARY KEY,
    in_commit bigint NOT NULL,          -- commits.key
    type text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    tags text NOT NULL                  -- JSON array of "key:value", sorted
        CHECK (jsonb_typeof(tags::jsonb) = 'array'),
    data text NOT NULL                  -- JSON object, with the same bytes as were hashed; empty if it is withheld
);
CREATE INDEX events_type ON {schema}.events (hashtext(type), key);

-- The index over events by tag: a row for each tag of each event. Numbers stand for the texts, which may be long, and are
-- compared more quickly: those of `tag_key('account:a-7')` and `type_key('Deposited')`. The last event of a commit also has a row
-- for each link in the commit's metadata, as `tag_key(',causation:pay-1')`: by it the commits are found that name another.
CREATE TABLE {schema}.tags (
    tag bigint NOT NULL,                -- the first 8 bytes of its SHA-256
    key bigint NOT NULL,                -- events.key
    type integer NOT NULL,              -- the first 4 bytes of the SHA-256 of events.type
    PRIMARY KEY (tag, key) INCLUDE (type)
);

CREATE TABLE {schema}.refs (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Values that may be gone at any time, such as snapshots of states. Withholding a part of a commit empties it.
CREATE TABLE {schema}.caches (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

CREATE VIEW {schema}.log AS
SELECT
    key >> 40 AS log,
    key & 1099511627775 AS position,
    substr(encode(hash, 'hex'), 1, 10) AS hash,
    id,
    to_timestamp(time / 1e6) AS time,
    author,
    message,
    size AS events,
    command
FROM {schema}.commits
ORDER BY key DESC;

CREATE VIEW {schema}.history AS
SELECT
    e.key >> 40 AS log,
    e.key & 1099511627775 AS position,
    to_timestamp(c.time / 1e6) AS time,
    c.author,
    e.type,
    e.tags,
    e.data,
    c.message
FROM {schema}.events e
JOIN {schema}.commits c ON c.key = e.in_commit
ORDER BY e.key;

-- History is only ever added to, but for the functions that withhold parts and drop logs. The owner of the tables may do
-- anything: this is against accidents, the roles are for the rest.
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('backstory.forgets', true) = 'on' THEN
        RETURN NULL; -- of a trigger for a statement it stops nothing
    END IF;
    RAISE EXCEPTION '% is history: rows are added, and never changed or deleted', tg_table_name
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.logs EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.commits EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.events EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.tags EXECUTE FUNCTION {schema}.refuse();

INSERT INTO {schema}.meta VALUES (1, 1);
INSERT INTO {schema}.logs VALUES (0, 0, decode(repeat('00', 32), 'hex'), 0, '');
INSERT INTO {schema}.refs VALUES ('branch/main', '0');
