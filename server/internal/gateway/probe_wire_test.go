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

// wire is a connection that remembers all it is sent that answers nothing.
type wire struct {
	ws     *websocket.Conn
	lastID int

	mu    sync.Mutex
	heard []string // as it came; a close is its code and reason
	came  chan struct{}
	wants map[string]chan string
	over  chan struct{}
}

// wire opens a connection and connects.
func (h *testGateway) wire(t testing.TB, header http.Header, connect string) *wire {
	t.Helper()
	w := h.open(t, header)
	w.ok(t, protocol.MethodConnect, connect)
	return w
}

// open opens a connection.
func (h *testGateway) open(t testing.TB, header http.Header) *wire {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	w := &wire{ws: ws, came: make(chan struct{}, 1), wants: map[string]chan string{},
		over: make(chan struct{})}
	go w.listen()
	t.Cleanup(func() { _ = ws.CloseNow(); <-w.over })
	return w
}

func (w *wire) listen() {
	defer close(w.over)
	for {
		_, text, err := w.ws.Read(context.Background())
		if err != nil {
			var e websocket.CloseError
			if errors.As(err, &e) {
				w.hear(strconv.Itoa(int(e.Code)) + " " + e.Reason)
			}
			return
		}
		var f protocol.Frame
		if protocol.Decode(text, &f) == nil && f.Type == protocol.TypeResponse {
			w.mu.Lock()
			to := w.wants[f.ID]
			delete(w.wants, f.ID)
			w.mu.Unlock()
			if to != nil {
				to <- string(text)
				continue
			}
		}
		w.hear(string(text))
	}
}

func (w *wire) hear(text string) {
	w.mu.Lock()
	w.heard = append(w.heard, text)
	w.mu.Unlock()
	select {
	case w.came <- struct{}{}:
	default:
	}
}

// take gives what was heard since the last take.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	heard := w.heard
	w.heard = nil
	return heard
}

// event waits until something with these words in it has been heard.
func (w *wire) event(t testing.TB, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	for seen := 0; ; {
		w.mu.Lock()
		for ; seen < len(w.heard); seen++ {
			if strings.Contains(w.heard[seen], words) {
				w.mu.Unlock()
				return
			}
		}
		w.mu.Unlock()
		select {
		case <-w.came:
		case <-w.over:
			t.Fatalf("closed without %s: %q", words, w.take())
		case <-ctx.Done():
			t.Fatalf("nothing with %s came: %.2000q", words, w.take())
		}
	}
}

// raw makes a request and gives the answer as it came; "" if the connection was
// closed instead.
func (w *wire) raw(t testing.TB, method, params string) string {
	t.Helper()
	w.lastID++
	id, answer := strconv.Itoa(w.lastID), make(chan string, 1)
	w.mu.Lock()
	w.wants[id] = answer
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
	case <-w.over:
		return ""
	case <-ctx.Done():
		t.Fatalf("%s %s got no answer", method, params)
		return ""
	}
}

func (w *wire) call(t testing.TB, method, params string) protocol.Frame {
	t.Helper()
	var f protocol.Frame
	if text := w.raw(t, method, params); protocol.Decode([]byte(text), &f) != nil {
		t.Fatalf("%s %s was answered %q", method, params, text)
	}
	return f
}

func (w *wire) ok(t testing.TB, method, params string) protocol.Frame {
	t.Helper()
	f := w.call(t, method, params)
	if !f.OK {
		t.Fatalf("%s %s: %v", method, params, f.Error)
	}
	return f
}

func (w *wire) read(t testing.TB, f protocol.Frame, into protocol.Payload) {
	t.Helper()
	if err := protocol.Decode(f.Payload, into); err != nil {
		t.Fatal(err)
	}
}

// cookie is a device's credential as a browser has it.
func (h *testGateway) cookie(secret string) string {
	return "gatehouse_" + h.Store.InstanceID() + "=" + secret
}

// fetch makes an HTTP request; redirects are not followed.
func (h *testGateway) fetch(t testing.TB, method, path string, header http.Header,
	body string) (int, http.Header, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
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
