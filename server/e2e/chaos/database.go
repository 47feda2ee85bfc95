package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver
)

// inspect reads a stopped gateway's database. It returns what is wrong, and how many runs
// ended how: completed, cancelled, failed or interrupted.
func inspect(ctx context.Context, file string, sends []*sentMessage) (
	findings []finding, runs map[string]int, err error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: file,
		RawQuery: "mode=ro"}).String())
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", file, err)
	}
	defer db.Close()
	for _, look := range []string{
		`SELECT '', 'the database: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
		`SELECT '', 'a row of ' || "table" || ' refers to nothing' FROM pragma_foreign_key_check`,
		// Above the floor no event is missing, and none comes after the last seq.
		`SELECT key, 'the log holds ' || n || ' events from ' || coalesce(low, 0) || ' to ' || coalesce(high, 0) || ' above ' || floor || ', and its last seq is ' || last_seq
		FROM (SELECT key, floor, last_seq, count(e.seq) AS n, min(e.seq) AS low, max(e.seq) AS high
			FROM sessions s LEFT JOIN events e ON e.session_id = s.id AND e.seq > s.floor GROUP BY s.id)
		WHERE n <> last_seq - floor OR n > 0 AND (low <> floor + 1 OR high <> last_seq)`,
		`SELECT s.key, 'run ' || r.id || ' is ' || r.status FROM runs r JOIN sessions s ON s.id = r.session_id WHERE r.ended_at = 0 OR r.status IN ('queued', 'running')`,
		`SELECT s.key, 'message ' || m.id || ' is ' || m.status FROM messages m JOIN sessions s ON s.id = m.session_id WHERE m.status IN ('queued', 'streaming')`,
		`SELECT s.key, 'run ' || m.run_id || ' has ' || count(*) || ' answers' FROM messages m JOIN sessions s ON s.id = m.session_id
		WHERE m.role = 'assistant' GROUP BY m.session_id, m.run_id HAVING count(*) > 1`,
		`SELECT s.key, 'run ' || e.run_id || ' ended ' || count(*) || ' times' FROM events e JOIN sessions s ON s.id = e.session_id
		WHERE e.kind IN ('run.completed', 'run.failed', 'run.cancelled') GROUP BY e.session_id, e.run_id HAVING count(*) > 1`,
	} {
		if findings, err = findRows(ctx, db, look, findings); err != nil {
			return nil, nil, err
		}
	}
	if findings, err = checkKeys(ctx, db, sends, findings); err != nil {
		return nil, nil, err
	}
	runs, err = countRuns(ctx, db)
	return findings, runs, err
}

// findRows adds the findings that a query returns as pairs of session and fault.
func findRows(ctx context.Context, db *sql.DB, look string, findings []finding) ([]finding, error) {
	rows, err := db.QueryContext(ctx, look)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", look, err)
	}
	defer rows.Close()
	for rows.Next() {
		f := finding{}
		if err := rows.Scan(&f.session, &f.what); err != nil {
			return nil, fmt.Errorf("%s: %w", look, err)
		}
		f.what = "in the database: " + f.what
		findings = append(findings, f)
	}
	return findings, rows.Err()
}

// checkKeys checks that the idempotency key of every acknowledged send is stored with its
// run.
func checkKeys(ctx context.Context, db *sql.DB, sends []*sentMessage,
	findings []finding) ([]finding, error) {
	for _, s := range sends {
		if s.order == 0 {
			continue
		}
		var run string
		err := db.QueryRowContext(ctx, `SELECT coalesce(max(run_id), '') FROM sends WHERE user_id = ? AND idempotency_key = ?`, s.user, s.key).Scan(&run)
		if err != nil {
			return nil, fmt.Errorf("look for a key: %w", err)
		}
		if run != s.run {
			findings = append(findings, finding{session: s.in,
				what: fmt.Sprintf("in the database: the key of %q made run %q, and was acknowledged as %q", shorten(s.text), run, s.run)})
		}
	}
	return findings, nil
}

// countRuns counts runs by how they ended.
func countRuns(ctx context.Context, db *sql.DB) (map[string]int, error) {
	rows, err := db.QueryContext(ctx, `SELECT CASE error_code WHEN 'INTERRUPTED' THEN 'interrupted' ELSE status END, count(*) FROM runs GROUP BY 1`)
	if err != nil {
		return nil, fmt.Errorf("count runs: %w", err)
	}
	defer rows.Close()
	runs := map[string]int{}
	for rows.Next() {
		var status string
		var n int
		if err := rows.Scan(&status, &n); err != nil {
			return nil, fmt.Errorf("count runs: %w", err)
		}
		runs[status] = n
	}
	return runs, rows.Err()
}
