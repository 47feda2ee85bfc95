-- +goose Up

-- Facts about this data directory as a whole.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices from the moment they ask: a pairing is a device whose status is
-- pending. Times are milliseconds since 1970; 0 is "not yet".
CREATE TABLE devices (
    id           TEXT PRIMARY KEY,
    secret       BLOB NOT NULL UNIQUE,      -- SHA-256 of the credential, which itself is kept nowhere
    kind         TEXT NOT NULL,             -- pairing | signin
    status       TEXT NOT NULL,             -- pending | approved | denied | expired | revoked
    code         TEXT NOT NULL,
    binding      TEXT NOT NULL,             -- signin: fingerprint of the token it rests on
    user_id      TEXT NOT NULL,
    role         TEXT NOT NULL,
    label        TEXT NOT NULL,
    name         TEXT NOT NULL,
    address      TEXT NOT NULL,
    network      TEXT NOT NULL,             -- what of the address is counted: IPv4 address or IPv6 /64
    user_agent   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    resolved_at  INTEGER NOT NULL,
    resolved_by  TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX devices_pending_code ON devices (code) WHERE status = 'pending';
CREATE INDEX devices_code ON devices (code) WHERE code <> '';
CREATE INDEX devices_created ON devices (status, created_at);
CREATE INDEX devices_expires ON devices (status, expires_at);
CREATE INDEX devices_resolved ON devices (status, resolved_at);
CREATE INDEX devices_history ON devices (resolved_at) WHERE resolved_at > 0;
CREATE INDEX devices_network ON devices (network, status, resolved_at);
CREATE INDEX devices_kind ON devices (kind, status);
CREATE INDEX devices_user ON devices (user_id) WHERE user_id <> '';
