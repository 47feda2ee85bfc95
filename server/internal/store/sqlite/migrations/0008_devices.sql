-- +goose Up

-- Whether the device's credential lies in a browser's cookie and must be changed: it was
-- given to a stranger, and counts for little until the browser has a new one.
ALTER TABLE devices ADD COLUMN renew INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE devices DROP COLUMN renew;
