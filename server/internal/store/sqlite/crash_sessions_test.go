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

// killDir names the environment variable that makes TestKillSessions talk in a
// data directory until it is killed.
const killDir = "GATEHOUSE_TEST_KILL_DIR"

const talkers = 6

// teller prints what is published.
type teller struct{}

func (teller) Publish(e session.Event) {
	fmt.Printf("told %s %s %d %08x\n", e.SessionKey, e.Epoch, e.Seq, crc32.ChecksumIEEE(e.Payload))
}

// talkOn sends and answers in some sessions at once, and prints what was
// acknowledged.
func talkOn(t *testing.T, dir string) {
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, service := context.Background(), session.New(s.Sessions(), teller{}, setting.Fixed(session.Settings{}))
	process := fmt.Sprint(os.Getpid())
	interrupted, _, err := service.Recover(ctx, process, true)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open", interrupted)
	var all sync.WaitGroup
	for n := range talkers {
		key := fmt.Sprint("session-", n)
		all.Go(func() {
			for i := 0; ; i++ {
				mark := fmt.Sprintf("%s-%s-%d", key, process, i)
				sent, err := service.Send(ctx, keeper.To(key), session.SendRequest{DefaultAgent: "demo", Message: mark, IdempotencyKey: mark})
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

// heard is what a process that was killed has told and acknowledged.
type heard struct {
	told map[string]string // by session, epoch and seq: the payload's sum
	sent map[string]string // by session and idempotency key: the message's id and seq
}

// However often the process is killed, what anybody was told is in the log, what
// was acknowledged is in the transcript once, and the next process makes one
// story of it.
func TestKillSessions(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killDir); dir != "" {
		talkOn(t, dir)
		return
	}
	dir := t.TempDir()
	h := heard{map[string]string{}, map[string]string{}}
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		h.listen(t, dir, 1+rand.IntN(1000))
		h.check(t, dir)
		if t.Failed() {
			return
		}
	}
}

// listen runs a process that talks and kills it after so many lines. What was
// printed before the kill reached it counts.
func (h heard) listen(t *testing.T, dir string, lines int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillSessions$", "-test.v")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	said, other := 0, ""
	untilKilled(t, cmd, func(line string, kill func()) {
		f := strings.Fields(line)
		switch {
		case len(f) == 5 && f[0] == "told":
			h.told[strings.Join(f[1:4], " ")] = f[4]
		case len(f) == 5 && f[0] == "sent":
			h.sent[f[1]+" "+f[2]] = f[3] + " " + f[4]
		default:
			other += line + "\n"
			return
		}
		if said++; said == lines {
			kill()
		}
	})
	if t.Failed() {
		t.Fatalf("it said\n%s", other)
	}
}

func (h heard) check(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	store := s.Sessions()
	storetest.CheckConsistency(t, store)
	service := session.New(store, silent{}, setting.Fixed(session.Settings{}))
	if _, _, err := service.Recover(context.Background(), "the next", true); err != nil {
		t.Fatal(err)
	}
	storetest.CheckConsistency(t, store)
	told, sent := map[string]string{}, map[string]string{}
	for n := range talkers {
		rec, err := service.Find(context.Background(), keeper.To(fmt.Sprint("session-", n)))
		if err != nil {
			continue // it was not come to
		}
		for _, e := range storetest.Log(t, store, rec) {
			told[fmt.Sprintf("%s %s %d", rec.Key, rec.Epoch, e.Seq)] = fmt.Sprintf("%08x", crc32.ChecksumIEEE(e.Payload))
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
	for what, sum := range h.told {
		if told[what] != sum {
			t.Errorf("event %s was told with the sum %s and is stored with %q", what, sum, told[what])
		}
	}
	for what, where := range h.sent {
		if sent[what] != where {
			t.Errorf("%s was acknowledged as %s and is %q", what, where, sent[what])
		}
	}
}
