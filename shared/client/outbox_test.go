//go:build !js

package client

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func outgoing(key, session string, at int64) *Outgoing {
	return &Outgoing{Key: key, SessionKey: session, Message: "text of " + key, At: protocol.Time(at)}
}

func keys(list []*Outgoing) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Key)
	}
	return strings.Join(all, " ")
}

// begin begins to send the messages that are next.
func (o *Outbox) begin(now clock.Time) []*Outgoing {
	next := o.Next(now)
	for _, m := range next {
		o.Begin(m)
	}
	return next
}

var noon = time.UnixMilli(1_700_000_000_000)

func TestOutboxSendsEachSessionInOrder(t *testing.T) {
	t.Parallel()
	var o Outbox
	for _, m := range []*Outgoing{outgoing("b2", "b", 4), outgoing("a2", "a", 3), outgoing("a1", "a", 1), outgoing("b1", "b", 2)} {
		if !o.Add(m) || o.Add(m) {
			t.Fatal("a key is taken in other than once")
		}
	}
	if got := keys(o.All()); got != "a1 b1 a2 b2" {
		t.Fatalf("the order is %s", got)
	}
	begun := o.begin(noon)
	if keys(begun) != "a1 b1" || len(o.begin(noon)) != 0 {
		t.Fatalf("begun %s", keys(begun))
	}
	o.Answered(begun[0], &protocol.ChatSendResult{MessageID: "m1"}, nil, noon)
	if got := keys(o.begin(noon)); got != "a2" {
		t.Errorf("after a's first is acknowledged %q begins", got)
	}
	if o.Unsent() != 3 || keys(o.Of("b")) != "b1 b2" {
		t.Errorf("%d unsent, b has %q", o.Unsent(), keys(o.Of("b")))
	}
	// One that was written before, in another place, waits for the one under way.
	o.Add(outgoing("b0", "b", 0))
	if got := keys(o.begin(noon)); got != "" {
		t.Errorf("%q begins while another message of its session is under way", got)
	}
}

func TestOutboxPausesOneSession(t *testing.T) {
	t.Parallel()
	var o Outbox
	o.Add(outgoing("a1", "a", 1))
	o.Add(outgoing("b1", "b", 2))
	now := noon
	full := protocol.Exhausted("10 messages wait", 5000)
	for _, wait := range []clock.Duration{5 * clock.Second, 5 * clock.Second, 5 * clock.Second, 8 * clock.Second} {
		for _, m := range o.begin(now) {
			if m.Key == "a1" {
				o.Answered(m, nil, full, now)
			}
		}
		if !o.Paused() || keys(o.begin(now.Add(wait-clock.Millisecond))) != "" {
			t.Errorf("it begins before %v have passed", wait)
		}
		now = now.Add(wait)
	}
	for range 10 {
		for _, m := range o.begin(now) {
			o.Answered(m, nil, &protocol.Error{Code: protocol.Unavailable}, now)
		}
		now = now.Add(maxWait)
	}
	if got := keys(o.begin(now)); got != "a1" {
		t.Errorf("after the longest wait %q begins", got)
	}
	o.Answered(o.Find("a1"), nil, full, now)
	o.Resume()
	if got := keys(o.begin(now)); got != "a1" || o.Paused() {
		t.Errorf("on a new connection %q begins", got)
	}
}

func TestOutboxRefusedStepsAside(t *testing.T) {
	t.Parallel()
	var o Outbox
	first := outgoing("a1", "a", 1)
	o.Add(first)
	o.Add(outgoing("a2", "a", 2))
	if !first.CanTakeBack() {
		t.Error("what was never sent cannot be taken back")
	}
	o.begin(noon)
	if first.CanTakeBack() || !first.Sending() {
		t.Error("what is being sent can be taken back")
	}
	o.Answered(first, nil, &protocol.Error{Code: protocol.Unavailable}, noon)
	if first.CanTakeBack() {
		t.Error("what the gateway may have can be taken back")
	}
	o.Resume()
	o.begin(noon)
	o.Answered(first, nil, protocol.Refuse(protocol.Forbidden, "no"), noon)
	if got := keys(o.begin(noon)); got != "a2" || !first.CanTakeBack() || o.Unsent() != 2 {
		t.Errorf("%q begins behind a refused message", got)
	}
	first.Refused = nil
	o.Answered(o.Find("a2"), &protocol.ChatSendResult{}, nil, noon)
	if got := keys(o.begin(noon)); got != "a1" {
		t.Errorf("%q begins when it is tried again", got)
	}
	o.Remove(first)
	o.Answered(first, &protocol.ChatSendResult{}, nil, noon) // the answer comes late
	if o.Find("a1") != nil || o.Unsent() != 0 {
		t.Error("a removed message is there")
	}
}

func TestOutgoingIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		m := Outgoing{
			Key: text.Draw(t, "key"), SessionKey: text.Draw(t, "session"), Message: text.Draw(t, "message"),
			At: protocol.Time(rapid.Int64().Draw(t, "at")), After: rapid.Int64().Draw(t, "after"), Tried: rapid.Bool().Draw(t, "tried"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "files") {
			m.Files = append(m.Files, protocol.Attachment{Key: text.Draw(t, "file"), Media: protocol.Media{
				Path: text.Draw(t, "path"), Filename: text.Draw(t, "filename"), MimeType: text.Draw(t, "type"), Size: rapid.Int64().Draw(t, "size"),
			}})
		}
		if rapid.Bool().Draw(t, "refused") {
			m.Refused = &protocol.Error{Code: protocol.Forbidden, Message: text.Draw(t, "why")}
		}
		var got Outgoing
		if err := jsontext.Read(m.AppendJSON(nil), got.DecodeJSON); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Fatalf("stored %+v, got %+v", m, got)
		}
	})
}

func TestFilesAreUploadedFirst(t *testing.T) {
	t.Parallel()
	var o Outbox
	with := &Outgoing{Key: "1", SessionKey: "s", At: 1, Files: []protocol.Attachment{{Key: "a"}, {Key: "b"}}}
	o.Add(with)
	o.Add(&Outgoing{Key: "2", SessionKey: "s", At: 2})
	o.Add(&Outgoing{Key: "3", SessionKey: "other", At: 3})
	for _, want := range []string{"3", "3", "1 3"} {
		var keys []string
		for _, m := range o.Next(clock.Now()) {
			keys = append(keys, m.Key)
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%+v: the next are %q, want %q", with.Files, got, want)
		}
		for i := range with.Files {
			if with.Files[i].Media.Path == "" {
				with.Files[i].Media.Path = protocol.MediaPath + with.Files[i].Key
				break
			}
		}
	}
}

func FuzzOutgoing(f *testing.F) {
	f.Add([]byte(`{"key":"k","sessionKey":"s","message":"m","at":1,"after":2,"tried":true,"refused":{"code":"X","message":"y"},"more":[1]}`))
	f.Add([]byte(`{"key":7}`))
	f.Add([]byte(`{"files":[{"key":"f","media":{"path":"/api/media/x","filename":"a.png","size":7}},{},7]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var m, again Outgoing
		if jsontext.Read(text, m.DecodeJSON) != nil {
			return
		}
		if err := jsontext.Read(m.AppendJSON(nil), again.DecodeJSON); err != nil || m.Key != again.Key || m.Message != again.Message {
			t.Errorf("%+v is read again as %+v: %v", m, again, err)
		}
	})
}

// Several outboxes share one storage and send over connections that lose answers. The gateway
// counts each key once, and gets each message once and in order.
func TestOutboxesShareWithoutLossOrDouble(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tabs := make([]Outbox, 2)
		stored := map[string]Outgoing{} // what all tabs read before they send
		log := map[string][]string{}    // keys by session, as the gateway has them
		var written []string
		now, clockAt := noon, int64(0)
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for range steps {
			o := &tabs[rapid.IntRange(0, 1).Draw(t, "tab")]
			if rapid.Bool().Draw(t, "write") {
				clockAt++
				session := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session")
				m := outgoing(fmt.Sprintf("%s%03d", session, clockAt), session, clockAt)
				o.Add(m)
				stored[m.Key] = *m
				written = append(written, m.Key)
				continue
			}
			deliver(t, o, stored, log, now)
			now = now.Add(clock.Minute)
		}
		for range 2 * (steps + 1) {
			for i := range tabs {
				deliver(nil, &tabs[i], stored, log, now)
				now = now.Add(clock.Minute)
			}
		}
		var got []string
		for _, session := range []string{"a", "b"} {
			if !slices.IsSorted(log[session]) {
				t.Fatalf("the log of %s is %v", session, log[session])
			}
			got = append(got, log[session]...)
		}
		slices.Sort(got)
		slices.Sort(written)
		if !slices.Equal(got, written) {
			t.Fatalf("written %v, in the log %v", written, got)
		}
		for i := range tabs {
			if n := tabs[i].Unsent(); n != 0 {
				t.Fatalf("%d messages are left", n)
			}
		}
	})
}

// deliver is one tab's turn: it reads the stored messages and sends those that are next.
// Random requests and answers are lost.
func deliver(dice *rapid.T, o *Outbox, stored map[string]Outgoing, log map[string][]string, now clock.Time) {
	lost := func(what string) bool { return dice != nil && rapid.IntRange(0, 2).Draw(dice, what) == 0 }
	for _, m := range stored {
		o.Add(&m)
	}
	for _, m := range append([]*Outgoing(nil), o.All()...) {
		if _, ok := stored[m.Key]; !ok {
			o.Remove(m)
		}
	}
	for _, m := range o.begin(now) {
		if lost("request") {
			o.Answered(m, nil, &protocol.Error{Code: protocol.Unavailable}, now)
			continue
		}
		if !slices.Contains(log[m.SessionKey], m.Key) {
			log[m.SessionKey] = append(log[m.SessionKey], m.Key)
		}
		if lost("answer") {
			o.Answered(m, nil, &protocol.Error{Code: protocol.Unavailable}, now)
			continue
		}
		o.Answered(m, &protocol.ChatSendResult{}, nil, now)
		delete(stored, m.Key)
		o.Remove(m)
	}
}
