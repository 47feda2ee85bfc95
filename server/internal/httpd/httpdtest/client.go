package httpdtest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Timeout bounds how long a Client waits for one frame.
const Timeout = 30 * time.Second

// Client is one connection to a gateway. Anything unexpected fails the test. It is for
// one goroutine.
type Client struct {
	t      testing.TB
	ws     *websocket.Conn
	lastID int64
	// Events are the events that came while an answer was awaited.
	Events []protocol.Frame
}

// Dial opens a connection to the gateway at url. It is closed when the test ends.
func Dial(t testing.TB, url string, header http.Header) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return NewClient(t, ws)
}

// NewClient makes a Client of an open socket, which the caller closes.
func NewClient(t testing.TB, ws *websocket.Conn) *Client {
	ws.SetReadLimit(-1)
	return &Client{t: t, ws: ws}
}

// Leave closes the socket without a close frame.
func (c *Client) Leave() { _ = c.ws.CloseNow() }

// Send sends a request, without params if they are empty, and gives its id.
func (c *Client) Send(method, params string) (id string) {
	c.t.Helper()
	c.lastID++
	id = strconv.FormatInt(c.lastID, 10)
	frame := `{"type":"req","id":"` + id + `","method":"` + method + `"`
	if params != "" {
		frame += `,"params":` + params
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), Timeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(frame+"}")); err != nil {
		c.t.Fatalf("write: %v", err)
	}
	return id
}

// Next gives the next frame. Its error says what has closed the connection.
func (c *Client) Next() (protocol.Frame, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), Timeout)
	defer cancel()
	_, text, err := c.ws.Read(ctx)
	if err != nil {
		return protocol.Frame{}, err
	}
	var f protocol.Frame
	return f, protocol.Decode(text, &f)
}

// Answer waits for the answer with the id, and keeps events.
func (c *Client) Answer(id string) protocol.Frame {
	c.t.Helper()
	for {
		f, err := c.Next()
		switch {
		case err != nil:
			c.t.Fatalf("read: %v", err)
		case f.Type == protocol.TypeEvent:
			c.Events = append(c.Events, f)
		case f.ID == id:
			return f
		default:
			c.t.Fatalf("an answer to %q, want one to %q", f.ID, id)
		}
	}
}

// Call makes a request and gives its answer.
func (c *Client) Call(method, params string) protocol.Frame {
	c.t.Helper()
	return c.Answer(c.Send(method, params))
}

// OK makes a request that has to succeed.
func (c *Client) OK(method, params string) protocol.Frame {
	c.t.Helper()
	f := c.Call(method, params)
	if !f.OK {
		c.t.Fatalf("%s: %v", method, f.Error)
	}
	return f
}

// Refused makes a request that has to be refused.
func (c *Client) Refused(code protocol.Code, words, method, params string) *protocol.Error {
	c.t.Helper()
	f := c.Call(method, params)
	if f.OK || f.Error.Code != code || !strings.Contains(f.Error.Message, words) {
		c.t.Fatalf("%s %.200s: ok %v, %v; want %s …%s…", method, params, f.OK, f.Error, code, words)
	}
	return f.Error
}

// Read decodes the payload of an answer.
func (c *Client) Read(f protocol.Frame, into protocol.Payload) {
	c.t.Helper()
	if err := protocol.Decode(f.Payload, into); err != nil {
		c.t.Fatal(err)
	}
}

// Event waits for an event of a name.
func (c *Client) Event(name string) protocol.Frame {
	c.t.Helper()
	for {
		for len(c.Events) > 0 {
			f := c.Events[0]
			c.Events = c.Events[1:]
			if f.Event == name {
				return f
			}
		}
		f, err := c.Next()
		if err != nil {
			c.t.Fatalf("read: %v", err)
		}
		c.Events = append(c.Events, f)
	}
}

// Closed waits for the close frame, and checks it.
func (c *Client) Closed(code websocket.StatusCode, reason string) {
	c.t.Helper()
	for {
		_, err := c.Next()
		if err == nil {
			continue
		}
		if e := (websocket.CloseError{}); websocket.CloseStatus(err) != code || !errors.As(err, &e) ||
			e.Reason != reason {
			c.t.Fatalf("closed with %v, want %d %q", err, code, reason)
		}
		return
	}
}

// Try makes a request and reports whether it succeeded. A closed connection does not
// fail the test.
func (c *Client) Try(method, params string) bool {
	c.lastID++
	id := strconv.FormatInt(c.lastID, 10)
	ctx, cancel := context.WithTimeout(c.t.Context(), Timeout)
	defer cancel()
	frame := `{"type":"req","id":"` + id + `","method":"` + method + `","params":` + params + `}`
	if c.ws.Write(ctx, websocket.MessageText, []byte(frame)) != nil {
		return false
	}
	for {
		f, err := c.Next()
		switch {
		case err != nil:
			return false
		case f.Type == protocol.TypeResponse && f.ID == id:
			return f.OK
		}
	}
}
