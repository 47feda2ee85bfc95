-- +goose Up

-- API keys. Times are milliseconds since 1970; 0 is "never" or "not yet".
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE,      -- SHA-256 of the key, which itself is kept nowhere
    prefix       TEXT NOT NULL,             -- its first characters, to tell keys apart
    name         TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    role         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL,
    revoked_by   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE api_keys;
