package chaos

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// schema is the part of a gateway's schema that inspect reads, with a session whose first
// two of five events were compacted away.
const schema = `
CREATE TABLE sessions (id INTEGER PRIMARY KEY, key TEXT, last_seq INTEGER, floor INTEGER);
CREATE TABLE events (session_id INTEGER REFERENCES sessions (id), seq INTEGER, kind TEXT, run_id TEXT);
CREATE TABLE messages (session_id INTEGER, id TEXT, role TEXT, status TEXT, run_id TEXT);
CREATE TABLE runs (id TEXT, session_id INTEGER, status TEXT, error_code TEXT, ended_at INTEGER);
CREATE TABLE sends (user_id TEXT, idempotency_key TEXT, run_id TEXT);
INSERT INTO sessions VALUES (1, 's', 5, 2), (2, 'empty', 0, 0), (3, 'all compacted', 4, 4);
INSERT INTO events VALUES (1, 1, '', ''), (1, 3, 'chunk', 'r1'), (1, 4, 'run.completed', 'r1'), (1, 5, '', '');
INSERT INTO messages VALUES (1, 'm1', 'user', 'complete', 'r1'), (1, 'a1', 'assistant', 'complete', 'r1');
INSERT INTO runs VALUES ('r1', 1, 'completed', '', 7), ('r0', 1, 'failed', 'INTERRUPTED', 7);
INSERT INTO sends VALUES ('u0', 'k1', 'r1');
`

func TestInspect(t *testing.T) {
	t.Parallel()
	sends := []*sentMessage{{user: "u0", key: "k1", run: "r1", order: 1}, {user: "u0", key: "k2"}}
	for name, tt := range map[string]struct{ spoil, want string }{
		"sound": {"", ""},
		"a gap": {"DELETE FROM events WHERE seq = 4",
			"s: in the database: the log holds 2 events from 3 to 5 above 2, and its last seq is 5"},
		"a gap at the start": {"DELETE FROM events WHERE seq = 3",
			"the log holds 2 events from 4 to 5"},
		"a lost end": {"DELETE FROM events WHERE seq = 5",
			"the log holds 2 events from 3 to 4"},
		"nothing left": {"DELETE FROM events", "the log holds 0 events from 0 to 0"},
		"an event too many": {"INSERT INTO events VALUES (1, 6, '', '')",
			"the log holds 4 events from 3 to 6"},
		"an event of no log": {"INSERT INTO events VALUES (9, 1, '', '')",
			"a row of events refers to nothing"},
		"a run that goes on": {"UPDATE runs SET status = 'running', ended_at = 0 WHERE id = 'r1'",
			"run r1 is running"},
		"a message queued": {"UPDATE messages SET status = 'queued' WHERE id = 'm1'",
			"message m1 is queued"},
		"two answers": {"INSERT INTO messages VALUES (1, 'a2', 'assistant', 'complete', 'r1')", "run r1 has 2 answers"},
		"two ends": {"UPDATE events SET run_id = 'r1', kind = 'run.failed' WHERE seq = 5",
			"run r1 ended 2 times"},
		"a forgotten key": {"DELETE FROM sends", `made run "", and was acknowledged as "r1"`},
		"another run": {"UPDATE sends SET run_id = 'r2'",
			`made run "r2", and was acknowledged as "r1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "gatehouse.db")
			db, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), schema+tt.spoil); err != nil {
				t.Fatal(err)
			}
			findings, runs, err := inspect(t.Context(), file, sends)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, f := range findings {
				said = append(said, f.session+": "+f.what)
			}
			if all := strings.Join(said, "\n"); tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("found %q, want %q", all, tt.want)
			}
			if runs["interrupted"] != 1 || runs["completed"]+runs["running"] != 1 {
				t.Errorf("counted %v", runs)
			}
		})
	}
}
