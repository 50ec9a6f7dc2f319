CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE screens (
  screen_id     TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  groups        TEXT NOT NULL DEFAULT '[]',   -- JSON array of line names
  display_index INTEGER NOT NULL DEFAULT 0,
  user          TEXT,
  permission    TEXT NOT NULL DEFAULT 'operator',
  created_at    INTEGER NOT NULL,
  paired_at     INTEGER,                      -- null: no PC has its key
  revoked_at    INTEGER,
  last_seen_at  INTEGER,
  displays      TEXT NOT NULL DEFAULT '[]',   -- what the screen last declared
  client        TEXT                          -- {"name","version","address"} of its last session
) WITHOUT ROWID;

CREATE TABLE triggers (
  pk            INTEGER PRIMARY KEY,
  id            TEXT NOT NULL COLLATE NOCASE UNIQUE,
  sender        TEXT NOT NULL,
  order_id      TEXT,                         -- null: an address was sent instead
  target        TEXT NOT NULL,
  display_index INTEGER,                      -- as asked for; null: each screen's own
  url           TEXT,
  title         TEXT,
  mode          TEXT NOT NULL,
  ttl_ms        INTEGER NOT NULL,
  nonce         TEXT,
  accepted_at   INTEGER NOT NULL
);
CREATE INDEX triggers_nonce ON triggers (nonce) WHERE nonce IS NOT NULL;

CREATE TABLE deliveries (
  pk            INTEGER PRIMARY KEY,
  trigger_pk    INTEGER NOT NULL REFERENCES triggers (pk) ON DELETE CASCADE,
  screen_id     TEXT NOT NULL,
  display_index INTEGER NOT NULL,
  seq           INTEGER NOT NULL,
  state         TEXT NOT NULL,
  final         INTEGER NOT NULL DEFAULT 0,
  listed        INTEGER NOT NULL DEFAULT 0,   -- 1: in the dead-letter list
  round         INTEGER NOT NULL DEFAULT 1,
  attempt       INTEGER NOT NULL DEFAULT 1,
  losses        INTEGER NOT NULL DEFAULT 0,   -- sessions lost in this round
  auto_rounds   INTEGER NOT NULL DEFAULT 0,
  ref           TEXT,
  title         TEXT,
  content_type  TEXT,
  code          TEXT,
  cause         TEXT,
  evidence      TEXT,                         -- JSON of the ack that proved it shown
  expires_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  history       BLOB NOT NULL                 -- packed list of entries, oldest first
);
CREATE INDEX deliveries_lane ON deliveries (screen_id, display_index, seq);
CREATE INDEX deliveries_trigger ON deliveries (trigger_pk);
CREATE INDEX deliveries_open ON deliveries (seq) WHERE final = 0;
CREATE INDEX deliveries_listed ON deliveries (updated_at) WHERE listed = 1;

-- The document each lane shows now, for "restore" after a reconnect.
CREATE TABLE current_documents (
  screen_id     TEXT NOT NULL,
  display_index INTEGER NOT NULL,
  delivery_pk   INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  PRIMARY KEY (screen_id, display_index)
) WITHOUT ROWID;

CREATE TABLE audit (
  pk     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  actor  TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT,
  detail TEXT
);
