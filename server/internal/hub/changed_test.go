package hub

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// told gives the topics of the admin.changed frames that came, each as text.
func told(t *testing.T, box *inbox) (all []string) {
	t.Helper()
	for _, frame := range box.take() {
		text := payload(frame)
		var f protocol.Frame
		var changed protocol.AdminChanged
		if err := protocol.Decode(text, &f); err != nil || f.Event != protocol.EventAdminChanged || f.Seq != 0 {
			t.Fatalf("an admin is told %s (%v)", text, err)
		}
		if err := protocol.Decode(f.Payload, &changed); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(changed.Topics))
	}
	return all
}

func TestChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := New()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		h.Changed(protocol.TopicKeys) // nobody to tell
		admin, user := &inbox{}, &inbox{}
		root := &Member{Sender: admin, UserID: "root", Role: protocol.Admin}
		h.Join(root)
		ann := &Member{Sender: user, UserID: "ann", Role: protocol.Operator}
		h.Join(ann)
		want := func(what string, topics ...string) {
			t.Helper()
			if got := told(t, admin); fmt.Sprint(got) != fmt.Sprint(topics) {
				t.Errorf("%s: told %v, want %v", what, got, topics)
			}
		}
		want("at once")
		pass(changedDelay)
		want("they came", "[clients]")
		// A flood is told of once a second.
		for range 30 {
			h.Changed(protocol.TopicAudit)
			h.Changed(protocol.TopicKeys)
			pass(100 * time.Millisecond)
		}
		want("a flood", "[audit keys]", "[audit keys]", "[audit keys]")
		pass(time.Hour)
		want("after it")

		log := newLog("k", "ann")
		h.Publish(log.said(protocol.FromUser, "Hi"))
		pass(changedDelay)
		want("a message", "[sessions]")
		h.Publish(log.start("r"))
		pass(time.Minute)
		want("a run", "[sessions]")
		h.Publish(log.chunk("text"))
		pass(time.Minute)
		want("a piece")
		if got := user.take(); len(got) != 3 {
			t.Errorf("a user is told %d times", len(got))
		}

		h.Leave(ann)
		pass(time.Minute)
		want("somebody left", "[clients]")
		h.Changed(protocol.TopicKeys)
		h.Leave(root)
		pass(time.Minute)
		want("with nobody there")
		h.Join(root)
		pass(time.Minute)
		want("back again", "[clients]")
	})
}
