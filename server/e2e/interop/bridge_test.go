package interop

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// dial says which WebSocket to open.
type dial struct {
	URL    string `json:"url"`
	Origin string `json:"origin,omitempty"` // empty: what the client sends by itself
	Bearer string `json:"bearer,omitempty"` // of an Authorization header
	Mute   bool   `json:"mute,omitempty"`   // answer no ping
}

// order is a line for a program that opens WebSockets.
type order struct {
	Do     string `json:"do"` // open, send or close
	Socket int    `json:"socket"`
	Text   string `json:"text,omitempty"`
	dial
}

// report is a line of such a program.
type report struct {
	Socket int `json:"socket"`
	rig.Event
}

// bridge opens WebSockets in another program.
type bridge struct {
	t     testing.TB
	order func(line []byte) error

	mu      sync.Mutex
	sockets []*bridged
}

// bridged is one of them.
type bridged struct {
	bridge *bridge
	number int
	events chan rig.Event
}

func (b *bridge) open(d dial) rig.Socket {
	b.mu.Lock()
	s := &bridged{b, len(b.sockets), make(chan rig.Event, 1<<16)}
	b.sockets = append(b.sockets, s)
	b.mu.Unlock()
	s.do(order{Do: "open", dial: d})
	return s
}

// Events gives what happens.
func (s *bridged) Events() <-chan rig.Event { return s.events }

// Send sends a text message.
func (s *bridged) Send(text string) { s.do(order{Do: "send", Text: text}) }

// Close closes with 1000.
func (s *bridged) Close() { s.do(order{Do: "close"}) }

func (s *bridged) do(o order) {
	o.Socket = s.number
	line, err := json.Marshal(o)
	if err == nil {
		err = s.bridge.order(line)
	}
	if err != nil {
		s.bridge.t.Errorf("%s: %v", o.Do, err)
	}
}

// decode decodes what was received.
func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// take takes a report.
func (b *bridge) take(line []byte) {
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		b.t.Errorf("%v: %s", err, line)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Socket >= len(b.sockets) {
		b.t.Errorf("there is no such socket: %s", line)
		return
	}
	r.At = time.Now()
	s := b.sockets[r.Socket]
	s.events <- r.Event
	if r.Kind == rig.Closed {
		close(s.events)
	}
}

// throughPipes starts a program that takes orders on its standard input and
// reports on its standard output.
func throughPipes(t testing.TB, c rig.Command) func(dial) rig.Socket {
	t.Helper()
	in, orders := io.Pipe()
	reports, out := io.Pipe()
	var mu sync.Mutex
	b := &bridge{t: t, order: func(line []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := orders.Write(append(line, '\n'))
		return err
	}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewReader(reports); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			b.take(line)
		}
	}()
	t.Cleanup(func() { // after the program has ended
		_ = out.Close()
		<-read
	})
	c.Input, c.Lines = in, out
	rig.Start(t, c)
	t.Cleanup(func() { _ = orders.Close() })
	return b.open
}
