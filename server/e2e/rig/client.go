package rig

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Frame is a frame from the gateway.
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

// Payload has the fields of all payloads that tests look at.
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
	Payload    struct{ Content, Thinking, Status, Error string }
	Resumed    []struct{ SessionKey, Status, Epoch string }
	Clients    []struct{ ID, UserID, Address string }
	Pending    []struct{ Code, Address string }
}

// Error says why a request was refused.
type Error struct {
	Code, Message string
	Retryable     bool
	RetryAfterMs  int64
}

// String returns code and message, as the troubleshooting page quotes errors.
func (e *Error) String() string {
	if e == nil {
		return "no error"
	}
	return e.Code + ": " + e.Message
}

// Client speaks the protocol over one WebSocket.
type Client struct {
	t      testing.TB
	socket Socket
	lastID int
	frames []Frame // received so far, in order
	closed *Event  // nil while the WebSocket is open
}

// NewClient waits until a socket is open.
func NewClient(t testing.TB, s Socket) *Client {
	t.Helper()
	c := &Client{t: t, socket: s}
	if e := c.nextEvent(WaitLimit); e.Kind != Opened {
		t.Fatalf("the WebSocket did not open: %+v", e)
	}
	t.Cleanup(s.Close)
	return c
}

// Connect waits until a socket is open, and authenticates. params are those of connect in
// JSON, such as {"token":"…"}.
func Connect(t testing.TB, s Socket, params string) *Client {
	t.Helper()
	c := NewClient(t, s)
	c.Must("connect", params)
	return c
}

// ClientOf returns a client for a socket that is open already, for another test.
func ClientOf(t testing.TB, s Socket) *Client { return &Client{t: t, socket: s} }

// AwaitRefusal waits for the end of a handshake that has to fail.
func AwaitRefusal(t testing.TB, s Socket) Event {
	t.Helper()
	e := ClientOf(t, s).nextEvent(WaitLimit)
	if e.Kind != Closed {
		t.Fatalf("the WebSocket opened: %+v", e)
	}
	return e
}

// AdminParams are params of connect: the gateway token, for a user.
func AdminParams(user string) string {
	return `{"token":"` + Token + `","user_id":"` + user + `","client":{"name":"rig"}}`
}

// nextEvent waits for the next event, for limit at most.
func (c *Client) nextEvent(limit time.Duration) Event {
	c.t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case e, ok := <-c.socket.Events():
		if ok {
			return e
		}
		c.t.Fatal("the WebSocket has ended")
	case <-timeout.C:
		c.t.Fatalf("nothing came within %v; received:\n%s", limit, c.summary())
	}
	return Event{}
}

// receive takes the next frame, or sets closed.
func (c *Client) receive(limit time.Duration) {
	c.t.Helper()
	switch e := c.nextEvent(limit); e.Kind {
	case Closed:
		c.closed = &e
	case Text:
		f := Frame{At: e.At}
		if err := json.Unmarshal([]byte(e.Text), &f); err != nil {
			c.t.Fatalf("%v: %s", err, e.Text)
		}
		c.frames = append(c.frames, f)
	}
}

// Await returns the first frame for which is returns true, among those received before
// and later ones.
func (c *Client) Await(what string, is func(Frame) bool) Frame {
	c.t.Helper()
	end := time.Now().Add(WaitLimit)
	for i := 0; ; i++ {
		for i == len(c.frames) {
			if c.closed != nil {
				c.t.Fatalf("closed instead of %s: %d %q %s", what, c.closed.Code,
					c.closed.Reason, c.closed.Text)
			}
			c.receive(time.Until(end))
		}
		if is(c.frames[i]) {
			return c.frames[i]
		}
	}
}

// Send sends a text message.
func (c *Client) Send(text string) { c.socket.Send(text) }

// Request sends a request and returns its id. params are JSON.
func (c *Client) Request(method, params string) string {
	c.lastID++
	id := strconv.Itoa(c.lastID)
	c.socket.Send(`{"type":"req","id":"` + id + `","method":"` + method +
		`","params":` + params + `}`)
	return id
}

// Answer waits for the answer to a request.
func (c *Client) Answer(id string) Frame {
	c.t.Helper()
	return c.Await("the answer to request "+id, func(f Frame) bool { return f.Type == "res" && f.ID == id })
}

// Call sends a request and waits for its answer.
func (c *Client) Call(method, params string) Frame {
	c.t.Helper()
	return c.Answer(c.Request(method, params))
}

// Must is Call for a request that has to succeed.
func (c *Client) Must(method, params string) Frame {
	c.t.Helper()
	f := c.Call(method, params)
	if !f.OK {
		c.t.Fatalf("%s %s: %v", method, params, f.Error)
	}
	return f
}

// Pieces returns the chunks of a run received so far, in order.
func (c *Client) Pieces(run string) []Frame {
	var pieces []Frame
	for _, f := range c.frames {
		if f.Event == "agent" && f.Payload.Type == "chunk" && f.Payload.RunID == run {
			pieces = append(pieces, f)
		}
	}
	return pieces
}

// Seqs returns the seqs of the session events received so far, in order.
func (c *Client) Seqs() []int64 {
	var seqs []int64
	for _, f := range c.frames {
		if f.Seq > 0 {
			seqs = append(seqs, f.Seq)
		}
	}
	return seqs
}

// AwaitClose waits until the gateway has closed the WebSocket, and returns how.
func (c *Client) AwaitClose(within time.Duration) Event {
	c.t.Helper()
	for end := time.Now().Add(within); c.closed == nil; {
		c.receive(time.Until(end))
	}
	return *c.closed
}

// Close closes the socket from this side and waits until it is closed.
func (c *Client) Close() {
	c.t.Helper()
	c.socket.Close()
	c.AwaitClose(WaitLimit)
}

func (c *Client) summary() string {
	var b strings.Builder
	for _, f := range c.frames {
		b.WriteString(f.Type + " " + f.ID + f.Event + " " + f.Payload.Type + " " +
			strconv.FormatInt(f.Seq, 10))
		if f.Error != nil {
			b.WriteString(" " + f.Error.String())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
