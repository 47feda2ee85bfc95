package httpd

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOutageIsLoggedOnce probes every second during an outage. The log must have one line
// when the outage starts, when its cause changes and when it ends, and a reminder every
// ten minutes.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		var r readiness
		probe := func(times int, cause string) {
			for range times {
				if cause == "" {
					r.restored(log)
				} else {
					r.failed(log, cause, errors.New(cause))
				}
				time.Sleep(time.Second)
			}
		}
		check := func(when string, failed, restored int) {
			t.Helper()
			if n := strings.Count(text.String(), `level=ERROR msg="not ready"`); n != failed {
				t.Errorf("%s: %d lines of an outage, want %d:\n%s", when, n, failed, &text)
			}
			if n := strings.Count(text.String(), `msg="ready again"`); n != restored {
				t.Errorf("%s: %d lines of its end, want %d:\n%s", when, n, restored, &text)
			}
		}
		probe(5, "")
		check("ready", 0, 0)
		probe(500, "the disk is full")
		check("full", 1, 0)
		probe(500, "the database is damaged")
		check("damaged", 2, 0)
		probe(5, "")
		check("ready again", 2, 1)
		probe(2, "the disk is full")
		check("full again", 3, 1)
		probe(1200, "the disk is full")
		check("full for twenty minutes", 5, 1)
		if !strings.Contains(text.String(), "problem=\"the database is damaged\" for=16m40s") {
			t.Errorf("the end does not say what it was the end of:\n%s", &text)
		}
	})
}
