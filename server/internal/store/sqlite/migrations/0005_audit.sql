-- +goose Up

-- The audit log. Lines are added, and nothing changes or removes them but
-- retention; ids are gapless. at is milliseconds since 1970.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    role    TEXT NOT NULL,
    via     TEXT NOT NULL,
    address TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;

-- The lines whose act failed after they were written.
CREATE TABLE audit_failures (
    entry_id INTEGER PRIMARY KEY REFERENCES audit (id),
    reason   TEXT NOT NULL
) STRICT;

-- Lines from before the time that stands here may be removed. It is empty but
-- within the transaction that does so.
CREATE TABLE audit_retention (
    before INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_retention WHERE before > OLD.at)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- A replacement deletes without the trigger for deletions.
-- +goose StatementBegin
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_failures_stay BEFORE DELETE ON audit_failures
WHEN NOT EXISTS (SELECT 1 FROM audit_retention JOIN audit ON audit.id = OLD.entry_id WHERE before > audit.at)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_failures_are_fixed BEFORE UPDATE ON audit_failures
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_failures_are_not_replaced BEFORE INSERT ON audit_failures
WHEN EXISTS (SELECT 1 FROM audit_failures WHERE entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit_retention;
DROP TABLE audit_failures;
DROP TABLE audit;
