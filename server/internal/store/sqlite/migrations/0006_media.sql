-- +goose Up

-- Files that were uploaded. Their contents lie beside the database, named by
-- their SHA-256. A freed one is no more, and its row goes with its content.
-- Times are milliseconds since 1970.
CREATE TABLE media (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    session_id INTEGER NOT NULL,       -- whose messages have it; 0: nobody's yet
    filename   TEXT NOT NULL,
    mime       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    thumbnail  TEXT NOT NULL,          -- MIME type of its small picture
    sha256     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    freed      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX media_user ON media (user_id, size) WHERE freed = 0;
CREATE INDEX media_session ON media (session_id) WHERE freed = 0 AND session_id <> 0;
CREATE INDEX media_orphans ON media (created_at) WHERE freed = 0 AND session_id = 0;
CREATE INDEX media_content ON media (sha256) WHERE freed = 0;
CREATE INDEX media_freed ON media (id) WHERE freed = 1;

-- What messages carry of files, as JSON; empty: none.
ALTER TABLE messages ADD COLUMN media TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE messages DROP COLUMN media;
DROP TABLE media;
