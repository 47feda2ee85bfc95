-- +goose Up

-- Whether models get only the name of a file, since it has no text. It is not known of
-- files from before.
ALTER TABLE media ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE media DROP COLUMN unreadable;
