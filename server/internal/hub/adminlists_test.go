package hub

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// changedTopics gives the topics of each admin.changed frame in the inbox, as text.
func changedTopics(t *testing.T, box *inbox) (all []string) {
	t.Helper()
	for _, frame := range box.take() {
		text := payload(frame)
		var f protocol.Frame
		var changed protocol.AdminChanged
		if err := protocol.Decode(text, &f); err != nil || f.Event != protocol.EventAdminChanged ||
			f.Seq != 0 {
			t.Fatalf("an admin got %s (%v)", text, err)
		}
		if err := protocol.Decode(f.Payload, &changed); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(changed.Topics))
	}
	return all
}

func TestNotifyAdmins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := New(present.NewFormatter())
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		h.NotifyAdmins(protocol.TopicKeys) // there is no admin
		admin, user := &inbox{}, &inbox{}
		root := &Member{Sender: admin, UserID: "root", Role: protocol.Admin}
		h.Join(root)
		ann := &Member{Sender: user, UserID: "ann", Role: protocol.Operator}
		h.Join(ann)
		want := func(what string, topics ...string) {
			t.Helper()
			if got := changedTopics(t, admin); fmt.Sprint(got) != fmt.Sprint(topics) {
				t.Errorf("%s: got %v, want %v", what, got, topics)
			}
		}
		want("at once")
		pass(changedDelay)
		want("they came", "[clients]")
		// Many changes cause one event a second.
		for range 30 {
			h.NotifyAdmins(protocol.TopicAudit)
			h.NotifyAdmins(protocol.TopicKeys)
			pass(100 * time.Millisecond)
		}
		want("a flood", "[audit keys]", "[audit keys]", "[audit keys]")
		pass(time.Hour)
		want("after it")

		log := newLog("k", "ann")
		h.Publish(log.message(protocol.FromUser, "Hi"))
		pass(changedDelay)
		want("a message", "[sessions]")
		h.Publish(log.start("r"))
		pass(time.Minute)
		want("a run", "[sessions]")
		h.Publish(log.chunk("text"))
		pass(time.Minute)
		want("a piece")
		if got := user.take(); len(got) != 3 {
			t.Errorf("a user got %d frames", len(got))
		}

		h.Leave(ann)
		pass(time.Minute)
		want("somebody left", "[clients]")
		h.NotifyAdmins(protocol.TopicKeys)
		h.Leave(root)
		pass(time.Minute)
		want("with nobody there")
		h.Join(root)
		pass(time.Minute)
		want("back again", "[clients]")
	})
}
