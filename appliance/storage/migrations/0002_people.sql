CREATE TABLE users (
  name         TEXT PRIMARY KEY,              -- as it was typed, NFC; also the id
  folded       TEXT NOT NULL UNIQUE,          -- case-folded: what a sign-in is compared with
  role         TEXT NOT NULL,
  groups       TEXT,                          -- JSON array; null: every line
  password     TEXT NOT NULL,                 -- argon2id, in its own encoded form
  created_at   INTEGER NOT NULL,
  signed_in_at INTEGER
) WITHOUT ROWID;

-- Browser sessions. Every credential below is kept as the SHA-256 of 256 random bits.
CREATE TABLE cookie_sessions (
  hash       BLOB PRIMARY KEY,
  user       TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX cookie_sessions_user ON cookie_sessions (user);

CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE,
  name         TEXT NOT NULL UNIQUE,
  role         TEXT NOT NULL,
  screens      TEXT,                          -- JSON array; null: not limited by screen
  groups       TEXT,                          -- JSON array; null: not limited by line
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  expires_at   INTEGER
) WITHOUT ROWID;

-- A grant is one sign-in of a program or one pairing of a screen: the family its refresh tokens belong to.
CREATE TABLE grants (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,                   -- user or screen
  subject    TEXT NOT NULL,                   -- user name or screen id
  secret     BLOB,                            -- hash of the device secret it came with
  created_at INTEGER NOT NULL,
  used_at    INTEGER,                         -- null: nobody has used its tokens yet
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX grants_subject ON grants (kind, subject);

CREATE TABLE refresh_tokens (
  hash       BLOB PRIMARY KEY,
  grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
  used_at    INTEGER,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_end ON refresh_tokens (expires_at);

CREATE TABLE device_secrets (
  hash         BLOB PRIMARY KEY,
  screen_id    TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  confirmed_at INTEGER,                       -- null: nobody has used it or its pairing yet
  retired_at   INTEGER                        -- since then its use betrays a copy
) WITHOUT ROWID;
CREATE INDEX device_secrets_screen ON device_secrets (screen_id);

CREATE TABLE pairing_offers (
  hash       BLOB PRIMARY KEY,
  screen_id  TEXT NOT NULL,
  replaces   INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
