-- +goose Up

-- Sessions. A deleted one keeps its row, so that its key stays its owner's.
-- Times are milliseconds since 1970; 0 is "not".
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    user_id    TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    label      TEXT NOT NULL,
    pinned     INTEGER NOT NULL,
    epoch      TEXT NOT NULL,
    last_seq   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id, pinned, updated_at, id) WHERE deleted_at = 0;
CREATE INDEX sessions_all ON sessions (pinned, updated_at, id) WHERE deleted_at = 0;

-- The logs: seq is gapless in a session, starting at 1. The rows lie in the order
-- of their coming and are found by a small index: with many sessions streaming at
-- once, that stores twice as many a second as rows in the order of the key.
CREATE TABLE events (
    session_id INTEGER NOT NULL REFERENCES sessions (id),
    seq        INTEGER NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    payload    BLOB NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;

-- The transcripts, which are the logs folded. While an answer streams, its text
-- is in its run's events.
CREATE TABLE messages (
    session_id  INTEGER NOT NULL REFERENCES sessions (id),
    anchor      INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    id          TEXT NOT NULL,
    role        TEXT NOT NULL,
    content     TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    run_id      TEXT NOT NULL,
    reply_to    TEXT NOT NULL,
    label       TEXT NOT NULL,
    author_user TEXT NOT NULL,
    author_role TEXT NOT NULL,
    thinking    TEXT NOT NULL,
    error       TEXT NOT NULL,
    PRIMARY KEY (session_id, anchor, seq)
) STRICT;

CREATE UNIQUE INDEX messages_id ON messages (session_id, id);
CREATE UNIQUE INDEX messages_seq ON messages (session_id, seq);

CREATE TABLE runs (
    id              TEXT PRIMARY KEY,
    session_id      INTEGER NOT NULL REFERENCES sessions (id),
    user_id         TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    user_message_id TEXT NOT NULL,
    answer_id       TEXT NOT NULL,
    status          TEXT NOT NULL,
    queue_seq       INTEGER NOT NULL,
    stream          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    error_code      TEXT NOT NULL,
    error           TEXT NOT NULL,
    input_tokens    INTEGER NOT NULL,
    output_tokens   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_active ON runs (session_id, queue_seq) WHERE status IN ('queued', 'running');
CREATE INDEX runs_session ON runs (session_id);

-- What each idempotency key made. It outlives the session.
CREATE TABLE sends (
    user_id         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    session_key     TEXT NOT NULL,
    digest          BLOB NOT NULL,
    run_id          TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    epoch           TEXT NOT NULL,
    PRIMARY KEY (user_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE sends;
DROP TABLE runs;
DROP TABLE messages;
DROP TABLE events;
DROP TABLE sessions;
