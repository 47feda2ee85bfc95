package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// childDir is the environment variable with the data directory into which this test
// program, run as a child process, writes until it is killed.
const childDir = "GATEHOUSE_TEST_CHILD_DIR"

const childWriters = 8

// writeForever inserts increasing numbers for several writers, each in an Update that
// also increments the writer's counter, and prints what was acknowledged.
func writeForever(dir string) int {
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("open")
	var wg sync.WaitGroup
	for w := range childWriters {
		wg.Go(func() {
			for {
				var n int64
				err := s.Update(context.Background(), func(tx *Tx) error {
					if err := tx.QueryRow(`UPDATE counters SET n = n + 1 WHERE writer = ? RETURNING n`, w).Scan(&n); err != nil {
						return err
					}
					_, err := tx.Exec(`INSERT INTO numbers (writer, n, padding) VALUES (?, ?, zeroblob(?))`, w, n, n%3000)
					return err
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Printf("%d %d\n", w, n) // one write: the line is printed completely or not at all
			}
		})
	}
	wg.Wait()
	return 1
}

func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, dir)
	put(t, s, `CREATE TABLE numbers (writer INTEGER, n INTEGER, padding BLOB, PRIMARY KEY (writer, n)) STRICT, WITHOUT ROWID`)
	put(t, s, `CREATE TABLE counters (writer INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT`)
	for w := range childWriters {
		put(t, s, `INSERT INTO counters VALUES (?, 0)`, w)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	var acknowledged [childWriters]int64
	for range rounds {
		lines := 1 + rand.IntN(2000) // enough for a checkpoint now and then
		killAfter(t, dir, lines, &acknowledged)
		checkNumbers(t, dir, acknowledged)
		if t.Failed() {
			t.Fatalf("after a kill at line %d", lines)
		}
	}
}

// killAfter runs a child and kills it after that many lines. It reads all lines that the
// child printed before it ended.
func killAfter(t *testing.T, dir string, lines int, acknowledged *[childWriters]int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	read := -1
	untilKilled(t, cmd, func(line string, kill func()) {
		if read++; read == 0 {
			if line != "open" {
				t.Errorf("the child says %q", line)
			}
			refusesSecond(t, dir)
			return
		}
		if read == lines {
			kill()
		}
		var w, n int64
		if _, err := fmt.Sscan(line, &w, &n); err != nil {
			t.Errorf("the child says %q: %v", line, err)
			return
		}
		acknowledged[w] = n
	})
}

// untilKilled runs a process and calls onLine for each line that the process prints. It
// fails unless the process is ended by kill.
func untilKilled(t *testing.T, cmd *exec.Cmd, onLine func(line string, kill func())) {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	for scan := bufio.NewScanner(out); scan.Scan(); {
		onLine(scan.Text(), kill)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Errorf("the process ended with %v, not by the kill", err)
	}
}

// refusesSecond fails unless Open refuses a directory that another process has open.
func refusesSecond(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{})
	if err == nil {
		t.Error("a directory was opened that another process has open", s.Close())
		return
	}
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another process uses the data directory "+dir) {
		t.Errorf("refused with %q", err)
	}
}

// checkNumbers fails unless each writer's numbers have no gaps, contain every
// acknowledged number and at most one more, and end at the writer's counter.
func checkNumbers(t *testing.T, dir string, acknowledged [childWriters]int64) {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for w, acked := range acknowledged {
		count := number(t, s, `SELECT count(*) FROM numbers WHERE writer = ?`, w)
		last := number(t, s, `SELECT coalesce(max(n), 0) FROM numbers WHERE writer = ?`, w)
		counter := number(t, s, `SELECT n FROM counters WHERE writer = ?`, w)
		if count != last || counter != last || last < acked || last > acked+1 {
			t.Errorf("writer %d: %d numbers up to %d, counter at %d, acknowledged up to %d", w, count, last, counter, acked)
		}
	}
	var verdict string
	if err := s.View(context.Background(), func(tx *Tx) error { return tx.QueryRow(`PRAGMA integrity_check`).Scan(&verdict) }); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
