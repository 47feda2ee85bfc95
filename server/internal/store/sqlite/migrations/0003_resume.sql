-- +goose Up

-- The highest seq that was removed from a log: what is above is all there.
ALTER TABLE sessions ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;

-- Who answers a running run, and until when it is known to be at it.
ALTER TABLE runs ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;

-- Where in its log a run ended, and whether its pieces were removed since.
ALTER TABLE runs ADD COLUMN end_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;

UPDATE runs SET end_seq = ended.seq
FROM (SELECT session_id, run_id, MAX(seq) AS seq FROM events
    WHERE name = 'agent' AND kind IN ('run.completed', 'run.failed', 'run.cancelled')
    GROUP BY session_id, run_id) AS ended
WHERE ended.session_id = runs.session_id AND ended.run_id = runs.id;

CREATE INDEX runs_unfolded ON runs (ended_at) WHERE folded = 0 AND ended_at > 0;

-- +goose Down
DROP INDEX runs_unfolded;
ALTER TABLE runs DROP COLUMN folded;
ALTER TABLE runs DROP COLUMN end_seq;
ALTER TABLE runs DROP COLUMN lease_until;
ALTER TABLE runs DROP COLUMN holder;
ALTER TABLE sessions DROP COLUMN floor;
