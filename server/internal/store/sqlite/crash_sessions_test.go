package sqlite

import (
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// killDir is the environment variable with the data directory in which TestKillSessions,
// run as a child process, changes sessions until it is killed.
const killDir = "GATEHOUSE_TEST_KILL_DIR"

// writers is the number of sessions that change at the same time.
const writers = 6

// eventPrinter is a Publisher that prints every event.
type eventPrinter struct{}

func (eventPrinter) Publish(e session.Event) {
	fmt.Printf("published %s %s %d %08x\n", e.SessionKey, e.Epoch, e.Seq, crc32.ChecksumIEEE(e.Payload))
}

// changeSessions sends messages and answers them in several sessions, forever, and prints
// what was acknowledged.
func changeSessions(t *testing.T, dir string) {
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, service := context.Background(), session.New(s.Sessions(), eventPrinter{}, setting.Fixed(session.Settings{}))
	process := fmt.Sprint(os.Getpid())
	interrupted, _, err := service.Recover(ctx, process, true)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open", interrupted)
	var all sync.WaitGroup
	for n := range writers {
		key := fmt.Sprint("session-", n)
		all.Go(func() {
			for i := 0; ; i++ {
				mark := fmt.Sprintf("%s-%s-%d", key, process, i)
				sent, err := service.Send(ctx, owner.To(key), session.SendRequest{DefaultAgent: "demo", Message: mark, IdempotencyKey: mark})
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Printf("sent %s %s %s %d\n", key, mark, sent.MessageID, sent.Seq)
				b, err := service.Begin(ctx, key, process)
				for piece := 0; piece < i%20 && err == nil; piece++ {
					err = service.Append(ctx, b, []session.Piece{{Text: strings.Repeat(mark, piece+1)}, {Thinking: "so"}})
				}
				if err == nil {
					err = service.Finish(ctx, b, session.Outcome{Status: session.RunCompleted})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// printed is what killed processes have published and acknowledged.
type printed struct {
	published map[string]string // by session, epoch and seq: the payload's sum
	sent      map[string]string // by session and idempotency key: the message's id and seq
}

// However often the process is killed, published events are in the log, acknowledged
// messages are in the transcript once, and the store is consistent after the next start.
func TestKillSessions(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killDir); dir != "" {
		changeSessions(t, dir)
		return
	}
	dir := t.TempDir()
	h := printed{map[string]string{}, map[string]string{}}
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		h.runAndKill(t, dir, 1+rand.IntN(1000))
		h.check(t, dir)
		if t.Failed() {
			return
		}
	}
}

// runAndKill runs a process that changes sessions, and kills it after that many lines. It
// reads all lines that the process printed before it ended.
func (h printed) runAndKill(t *testing.T, dir string, lines int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillSessions$", "-test.v")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	read, other := 0, ""
	untilKilled(t, cmd, func(line string, kill func()) {
		f := strings.Fields(line)
		switch {
		case len(f) == 5 && f[0] == "published":
			h.published[strings.Join(f[1:4], " ")] = f[4]
		case len(f) == 5 && f[0] == "sent":
			h.sent[f[1]+" "+f[2]] = f[3] + " " + f[4]
		default:
			other += line + "\n"
			return
		}
		if read++; read == lines {
			kill()
		}
	})
	if t.Failed() {
		t.Fatalf("it printed\n%s", other)
	}
}

// check fails unless the store in dir is consistent and has everything that was printed.
func (h printed) check(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	store := s.Sessions()
	storetest.CheckConsistency(t, store)
	service := session.New(store, storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
	if _, _, err := service.Recover(context.Background(), "the next", true); err != nil {
		t.Fatal(err)
	}
	storetest.CheckConsistency(t, store)
	stored, sent := map[string]string{}, map[string]string{}
	for n := range writers {
		rec, err := service.Find(context.Background(), owner.To(fmt.Sprint("session-", n)))
		if err != nil {
			continue // the processes were killed before they created it
		}
		for _, e := range storetest.Log(t, store, rec) {
			stored[fmt.Sprintf("%s %s %d", rec.Key, rec.Epoch, e.Seq)] = fmt.Sprintf("%08x", crc32.ChecksumIEEE(e.Payload))
		}
		for _, m := range storetest.Transcript(t, service, rec.Key) {
			if m.Role != protocol.FromUser {
				continue
			}
			if id := rec.Key + " " + m.Content; sent[id] != "" {
				t.Errorf("%s is there twice", id)
			} else {
				sent[id] = fmt.Sprintf("%s %d", m.ID, m.Seq)
			}
		}
	}
	for what, sum := range h.published {
		if stored[what] != sum {
			t.Errorf("event %s was published with the sum %s and is stored with %q", what, sum,
				stored[what])
		}
	}
	for what, where := range h.sent {
		if sent[what] != where {
			t.Errorf("%s was acknowledged as %s and is %q", what, where, sent[what])
		}
	}
}
