CREATE TABLE IF NOT EXISTS backstory_outbox (
    id INTEGER PRIMARY KEY,
    tx TEXT,
    at TEXT NOT NULL,
    layout INTEGER NOT NULL,
    op TEXT NOT NULL,
    old BLOB,
    new BLOB,
    author TEXT,
    message TEXT,
    metadata TEXT,
    salt INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS backstory_layouts (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    captured TEXT NOT NULL,
    copied TEXT,
    upto INTEGER
);

CREATE TABLE IF NOT EXISTS backstory_capture (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    id TEXT NOT NULL,
    seat TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS backstory_said (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    tx TEXT NOT NULL,
    author TEXT,
    message TEXT,
    metadata TEXT
);
