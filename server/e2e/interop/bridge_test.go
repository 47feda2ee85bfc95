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
	Origin string `json:"origin,omitempty"` // "": what the client sends by itself
	Bearer string `json:"bearer,omitempty"` // for an Authorization header
	Mute   bool   `json:"mute,omitempty"`   // do not answer pings
}

// command is a line for a program that opens WebSockets.
type command struct {
	Do     string `json:"do"` // open, send or close
	Socket int    `json:"socket"`
	Text   string `json:"text,omitempty"`
	dial
}

// report is a line from such a program.
type report struct {
	Socket int `json:"socket"`
	rig.Event
}

// bridge opens WebSockets in another program, which gets commands and sends reports.
type bridge struct {
	t    testing.TB
	send func(line []byte) error

	// mu guards the following fields.
	mu      sync.Mutex
	sockets []*bridgedSocket
}

// bridgedSocket is a WebSocket in the other program.
type bridgedSocket struct {
	bridge *bridge
	number int
	events chan rig.Event
}

func (b *bridge) open(d dial) rig.Socket {
	b.mu.Lock()
	s := &bridgedSocket{b, len(b.sockets), make(chan rig.Event, 1<<16)}
	b.sockets = append(b.sockets, s)
	b.mu.Unlock()
	s.send(command{Do: "open", dial: d})
	return s
}

// Events returns what happens.
func (s *bridgedSocket) Events() <-chan rig.Event { return s.events }

// Send sends a text message.
func (s *bridgedSocket) Send(text string) { s.send(command{Do: "send", Text: text}) }

// Close closes with code 1000.
func (s *bridgedSocket) Close() { s.send(command{Do: "close"}) }

func (s *bridgedSocket) send(o command) {
	o.Socket = s.number
	line, err := json.Marshal(o)
	if err == nil {
		err = s.bridge.send(line)
	}
	if err != nil {
		s.bridge.t.Errorf("%s: %v", o.Do, err)
	}
}

// decodeJSON decodes what was received.
func decodeJSON(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// receive takes a report.
func (b *bridge) receive(line []byte) {
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

// startBridge starts a program that reads commands from its standard input and writes
// reports to its standard output.
func startBridge(t testing.TB, c rig.Command) func(dial) rig.Socket {
	t.Helper()
	in, commands := io.Pipe()
	reports, out := io.Pipe()
	var mu sync.Mutex
	b := &bridge{t: t, send: func(line []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := commands.Write(append(line, '\n'))
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
			b.receive(line)
		}
	}()
	t.Cleanup(func() { // after the program has ended
		_ = out.Close()
		<-read
	})
	c.Stdin, c.Stdout = in, out
	rig.Start(t, c)
	t.Cleanup(func() { _ = commands.Close() })
	return b.open
}
