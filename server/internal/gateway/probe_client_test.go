package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// probeClient is a connection that keeps every message that is no answer to a request.
type probeClient struct {
	ws     *websocket.Conn
	lastID int

	mu       sync.Mutex // guards received and answers
	received []string   // messages, and the close as its code and reason
	arrived  chan struct{}
	answers  map[string]chan string
	closed   chan struct{}
}

// probeClient opens a connection and connects.
func (gw *testGateway) probeClient(t testing.TB, header http.Header, connect string) *probeClient {
	t.Helper()
	w := gw.openProbe(t, header)
	w.ok(t, protocol.MethodConnect, connect)
	return w
}

// openProbe opens a connection without connect.
func (gw *testGateway) openProbe(t testing.TB, header http.Header) *probeClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, gw.url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	w := &probeClient{ws: ws, arrived: make(chan struct{}, 1), answers: map[string]chan string{},
		closed: make(chan struct{})}
	go w.readAll()
	t.Cleanup(func() { _ = ws.CloseNow(); <-w.closed })
	return w
}

func (w *probeClient) readAll() {
	defer close(w.closed)
	for {
		_, text, err := w.ws.Read(context.Background())
		if err != nil {
			var e websocket.CloseError
			if errors.As(err, &e) {
				w.keep(strconv.Itoa(int(e.Code)) + " " + e.Reason)
			}
			return
		}
		var f protocol.Frame
		if protocol.Decode(text, &f) == nil && f.Type == protocol.TypeResponse {
			w.mu.Lock()
			to := w.answers[f.ID]
			delete(w.answers, f.ID)
			w.mu.Unlock()
			if to != nil {
				to <- string(text)
				continue
			}
		}
		w.keep(string(text))
	}
}

func (w *probeClient) keep(text string) {
	w.mu.Lock()
	w.received = append(w.received, text)
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// takeReceived gives the messages since the last takeReceived.
func (w *probeClient) takeReceived() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	received := w.received
	w.received = nil
	return received
}

// event waits until a message that contains the words was received.
func (w *probeClient) event(t testing.TB, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	for seen := 0; ; {
		w.mu.Lock()
		for ; seen < len(w.received); seen++ {
			if strings.Contains(w.received[seen], words) {
				w.mu.Unlock()
				return
			}
		}
		w.mu.Unlock()
		select {
		case <-w.arrived:
		case <-w.closed:
			t.Fatalf("closed without %s: %q", words, w.takeReceived())
		case <-ctx.Done():
			t.Fatalf("nothing with %s came: %.2000q", words, w.takeReceived())
		}
	}
}

// raw makes a request and gives the text of the answer; "" if the connection was closed
// instead.
func (w *probeClient) raw(t testing.TB, method, params string) string {
	t.Helper()
	w.lastID++
	id, answer := strconv.Itoa(w.lastID), make(chan string, 1)
	w.mu.Lock()
	w.answers[id] = answer
	w.mu.Unlock()
	frame := `{"type":"req","id":"` + id + `","method":"` + method + `"`
	if params != "" {
		frame += `,"params":` + params
	}
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	if err := w.ws.Write(ctx, websocket.MessageText, []byte(frame+"}")); err != nil {
		return ""
	}
	select {
	case text := <-answer:
		return text
	case <-w.closed:
		return ""
	case <-ctx.Done():
		t.Fatalf("%s %s got no answer", method, params)
		return ""
	}
}

func (w *probeClient) call(t testing.TB, method, params string) protocol.Frame {
	t.Helper()
	var f protocol.Frame
	if text := w.raw(t, method, params); protocol.Decode([]byte(text), &f) != nil {
		t.Fatalf("%s %s was answered %q", method, params, text)
	}
	return f
}

func (w *probeClient) ok(t testing.TB, method, params string) protocol.Frame {
	t.Helper()
	f := w.call(t, method, params)
	if !f.OK {
		t.Fatalf("%s %s: %v", method, params, f.Error)
	}
	return f
}

func (w *probeClient) read(t testing.TB, f protocol.Frame, into protocol.Payload) {
	t.Helper()
	if err := protocol.Decode(f.Payload, into); err != nil {
		t.Fatal(err)
	}
}

// cookie is the Cookie header of a browser with a device's credential.
func (gw *testGateway) cookie(secret string) string {
	return "gatehouse_" + gw.Store.InstanceID() + "=" + secret
}

// fetch makes an HTTP request; redirects are not followed.
func (gw *testGateway) fetch(t testing.TB, method, path string, header http.Header,
	body string) (int, http.Header, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, gw.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		q.Header = header.Clone()
	}
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(text)
}
