package rig

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Frame is a frame of the gateway.
type Frame struct {
	Type    string
	ID      string
	OK      bool
	Payload Payload
	Error   *Error
	Event   string
	Seq     int64

	At time.Time `json:"-"`
}

// Payload holds what these tests look at in any payload.
type Payload struct {
	Type       string
	Protocol   int
	Role       string
	Status     string
	RunID      string
	SessionKey string
	Content    string
	Seq        int64
	LastSeq    int64
	Epoch      string
	SenderID   string `json:"sender_id"`
	Code       string `json:"pairing_code"`
	UserID     string `json:"user_id"`
	Key        string
	Paired     json.RawMessage
	Payload    struct{ Content, Status string }
	Resumed    []struct{ SessionKey, Status, Epoch string }
	Clients    []struct{ ID, UserID, Address string }
	Pending    []struct{ Code, Address string }
}

// Error is why a request was refused.
type Error struct {
	Code, Message string
	Retryable     bool
	RetryAfterMs  int64
}

// String is what the troubleshooting page calls an error: code and message.
func (e *Error) String() string {
	if e == nil {
		return "no error"
	}
	return e.Code + ": " + e.Message
}

// Talk is a conversation in the protocol over one WebSocket.
type Talk struct {
	t      testing.TB
	socket Socket
	lastID int
	heard  []Frame // in order
	end    *Event  // once it was closed
}

// Converse waits for a socket to open, and begins.
func Converse(t testing.TB, s Socket) *Talk {
	t.Helper()
	k := &Talk{t: t, socket: s}
	if e := k.next(Patience); e.Kind != Opened {
		t.Fatalf("the WebSocket does not open: %+v", e)
	}
	t.Cleanup(s.Close)
	return k
}

// Connected begins a conversation and authenticates; params are connect's in
// JSON, such as {"token":"…"}.
func Connected(t testing.TB, s Socket, params string) *Talk {
	t.Helper()
	k := Converse(t, s)
	k.Must("connect", params)
	return k
}

// Continue goes on with a socket that is open, in another test.
func Continue(t testing.TB, s Socket) *Talk { return &Talk{t: t, socket: s} }

// NotOpened waits for the end of a handshake that has to fail.
func NotOpened(t testing.TB, s Socket) Event {
	t.Helper()
	e := Continue(t, s).next(Patience)
	if e.Kind != Closed {
		t.Fatalf("the WebSocket opens: %+v", e)
	}
	return e
}

// Admin are connect's params with the gateway token for a user.
func Admin(user string) string {
	return `{"token":"` + Token + `","user_id":"` + user + `"}`
}

// next takes the next event, for so long.
func (k *Talk) next(limit time.Duration) Event {
	k.t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case e, ok := <-k.socket.Events():
		if ok {
			return e
		}
		k.t.Fatal("the WebSocket has ended")
	case <-timeout.C:
		k.t.Fatalf("nothing came within %v; heard:\n%s", limit, k.summary())
	}
	return Event{}
}

// hear takes the next frame, or sets end.
func (k *Talk) hear(limit time.Duration) {
	k.t.Helper()
	switch e := k.next(limit); e.Kind {
	case Closed:
		k.end = &e
	case Text:
		f := Frame{At: e.At}
		if err := json.Unmarshal([]byte(e.Text), &f); err != nil {
			k.t.Fatalf("%v: %s", err, e.Text)
		}
		k.heard = append(k.heard, f)
	}
}

// Await waits for a frame, also one that was heard before.
func (k *Talk) Await(what string, is func(Frame) bool) Frame {
	k.t.Helper()
	end := time.Now().Add(Patience)
	for i := 0; ; i++ {
		for i == len(k.heard) {
			if k.end != nil {
				k.t.Fatalf("closed instead of %s: %d %q %s", what, k.end.Code, k.end.Reason, k.end.Text)
			}
			k.hear(time.Until(end))
		}
		if is(k.heard[i]) {
			return k.heard[i]
		}
	}
}

// Send sends any text.
func (k *Talk) Send(text string) { k.socket.Send(text) }

// Request sends a request, whose params are JSON, and gives its id.
func (k *Talk) Request(method, params string) string {
	k.lastID++
	id := strconv.Itoa(k.lastID)
	k.socket.Send(`{"type":"req","id":"` + id + `","method":"` + method + `","params":` + params + `}`)
	return id
}

// Answer waits for the answer to the request.
func (k *Talk) Answer(id string) Frame {
	k.t.Helper()
	return k.Await("the answer to request "+id, func(f Frame) bool { return f.Type == "res" && f.ID == id })
}

// Call sends a request and waits for its answer.
func (k *Talk) Call(method, params string) Frame {
	k.t.Helper()
	return k.Answer(k.Request(method, params))
}

// Must is Call for a request that has to succeed.
func (k *Talk) Must(method, params string) Frame {
	k.t.Helper()
	f := k.Call(method, params)
	if !f.OK {
		k.t.Fatalf("%s %s: %v", method, params, f.Error)
	}
	return f
}

// Pieces are the chunks of a run that were heard, in order.
func (k *Talk) Pieces(run string) []Frame {
	var pieces []Frame
	for _, f := range k.heard {
		if f.Event == "agent" && f.Payload.Type == "chunk" && f.Payload.RunID == run {
			pieces = append(pieces, f)
		}
	}
	return pieces
}

// Seqs are those of the session events that were heard, in order.
func (k *Talk) Seqs() []int64 {
	var seqs []int64
	for _, f := range k.heard {
		if f.Seq > 0 {
			seqs = append(seqs, f.Seq)
		}
	}
	return seqs
}

// Ended waits so long for the end and tells how it came.
func (k *Talk) Ended(within time.Duration) Event {
	k.t.Helper()
	for end := time.Now().Add(within); k.end == nil; {
		k.hear(time.Until(end))
	}
	return *k.end
}

// Close closes the socket from this side and waits for that.
func (k *Talk) Close() {
	k.t.Helper()
	k.socket.Close()
	k.Ended(Patience)
}

func (k *Talk) summary() string {
	var b strings.Builder
	for _, f := range k.heard {
		b.WriteString(f.Type + " " + f.ID + f.Event + " " + f.Payload.Type + " " + strconv.FormatInt(f.Seq, 10))
		if f.Error != nil {
			b.WriteString(" " + f.Error.String())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
