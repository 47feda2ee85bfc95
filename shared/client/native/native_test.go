package native_test

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the handshake of RFC 6455 §4.2.2
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, fault := range map[string]string{
		"ws://localhost:8080":        "",
		"wss://chat.example.com/ws":  "",
		"https://chat.example.com/x": "",
		"localhost:8080":             "must begin with ws:// or wss://",
		"ftp://user:hush@host/":      "must begin with ws:// or wss://",
		"ws:///ws":                   "must name a host",
		"ws://a b:hush@/%zz":         "not a URL",
	} {
		_, err := native.NewTransport(address, native.Options{})
		if fault == "" && err != nil || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a password is shown: %v", err)
		}
	}
}

// TestRefusedUpgradeNamesItsCause includes a proxy that refuses the upgrade by itself.
func TestRefusedUpgradeNamesItsCause(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"code":"INVALID_REQUEST","message":"pass the Upgrade header on"}}`: "426 Upgrade Required: pass the Upgrade header on",
		"<html>502</html>": "426 Upgrade Required",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUpgradeRequired)
			_, _ = w.Write([]byte(body))
		}))
		defer s.Close()
		ctx, cancel := context.WithCancel(testContext(t))
		defer cancel()
		_, err := native.Dial(ctx, strings.Replace(s.URL, "http", "ws", 1), native.Options{
			OnState: func(s client.State) {
				if s.Err != nil { // the first try has failed
					cancel()
				}
			},
		})
		if err == nil || !strings.Contains(err.Error(), want+")") {
			t.Errorf("Dial: %v, want %q", err, want)
		}
	}
}

func TestWrongTokenIsRefused(t *testing.T) {
	t.Parallel()
	g := newGateway()
	defer g.server.Close()
	_, err := native.Dial(testContext(t), g.address(), native.Options{Hello: protocol.ConnectParams{Token: "wrong"}})
	var refusal *protocol.Error
	if !errors.As(err, &refusal) || refusal.Code != protocol.Unauthorized {
		t.Fatalf("Dial: %v", err)
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	g := newGateway()
	defer g.server.Close()
	closed := newGateway()
	closed.server.Close()
	for name, tt := range map[string]struct{ address, says string }{
		"nobody listens":  {closed.address() + "/ws?key=hush", "connection refused"},
		"upgrade refused": {g.address() + "/elsewhere", "HTTP 403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, err := native.Dial(ctx, tt.address, native.Options{OnState: func(s client.State) {
				if s.Phase == client.Waiting {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hush") {
				t.Fatalf("Dial: %v", err)
			}
		})
	}
}

func TestUpgradeCarriesCredentials(t *testing.T) {
	t.Parallel()
	g := newGateway()
	defer g.server.Close()
	seen := make(chan http.Header, 1)
	g.upward = func(r *http.Request) { seen <- r.Header }
	c, err := native.Dial(testContext(t), g.address(), native.Options{
		Bearer:  "open-sesame",
		Cookies: []*http.Cookie{{Name: "gatehouse_1", Value: "s-1"}, {Name: "b", Value: "c"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	h := <-seen
	if h.Get("Authorization") != "Bearer open-sesame" || h.Get("Cookie") != "gatehouse_1=s-1; b=c" {
		t.Fatalf("upgrade with %v", h)
	}
}

// A program changes only what belongs to its user, unless it says otherwise.
func TestHelloAsksForOwn(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		g := newGateway()
		seen := make(chan protocol.ConnectParams, 1)
		g.hail = func(p protocol.ConnectParams) { seen <- p }
		c, err := native.Dial(testContext(t), g.address(), native.Options{
			Hello: protocol.ConnectParams{Token: "open-sesame", UserID: "ann"}, WriteForeign: foreign,
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := <-seen; p.Own == foreign || p.UserID != "ann" || p.Client == nil {
			t.Errorf("WriteForeign %v: hello %+v", foreign, p)
		}
		c.Stop()
		g.server.Close()
	}
}

func TestComesBackAfterEveryLoss(t *testing.T) {
	t.Parallel()
	g := newGateway()
	defer g.server.Close()
	g.after = func(_ context.Context, conn *websocket.Conn, hellos int32) {
		switch hellos {
		case 1:
			_ = conn.Close(protocol.CloseTooSlow, protocol.ReasonTooSlow)
		case 2:
			_ = conn.CloseNow()
		}
	}
	reported := make(chan client.State, 100)
	c, err := native.Dial(testContext(t), g.address(), native.Options{OnState: func(s client.State) { reported <- s }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	var reasons []string
	for ready := 0; ready < 3; {
		switch s := <-reported; s.Phase {
		case client.Ready:
			ready++
		case client.Waiting:
			reasons = append(reasons, s.Err.Message)
			c.TryNow()
		}
	}
	if got := strings.Join(reasons, ", "); got != "too slow, the connection was cut" {
		t.Fatalf("lost for: %s", got)
	}
}

func TestLongFramesAndPings(t *testing.T) {
	t.Parallel()
	g := newGateway()
	defer g.server.Close()
	const room = `{"type":"event","event":"big","payload":""}`
	big := strings.Repeat("x", protocol.MaxFrameBytes-len(room))
	pinged := make(chan error, 1)
	g.after = func(ctx context.Context, conn *websocket.Conn, _ int32) {
		_ = conn.Write(ctx, websocket.MessageBinary, []byte("not for us"))
		_ = write(ctx, conn, protocol.AppendEvent(nil, "big", []byte(`"`+big+`"`), 0))
		go func() { pinged <- conn.Ping(ctx) }()
	}
	got := make(chan int, 1)
	c, err := native.Dial(testContext(t), g.address(), native.Options{OnEvent: func(f protocol.Frame) { got <- len(f.Payload) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	if n := <-got; n != len(big)+2 {
		t.Fatalf("%d bytes came", n)
	}
	if err := <-pinged; err != nil {
		t.Fatalf("a ping went unanswered: %v", err)
	}
}

// recorder is a SocketHandler that counts calls.
type recorder struct {
	opened, closed atomic.Int32
	code           int
	reason         string
	done           chan struct{}
}

func newRecorder() *recorder { return &recorder{done: make(chan struct{})} }

func (r *recorder) Opened()        { r.opened.Add(1) }
func (r *recorder) Message([]byte) {}
func (r *recorder) Closed(code int, reason string) {
	r.closed.Add(1)
	r.code, r.reason = code, reason
	close(r.done) // panics the second time
}

// rawGateway returns a Transport to a gateway at the other end of a pipe. The gateway accepts
// the upgrade and then calls then, which reads and writes raw bytes.
func rawGateway(t *testing.T, then func(net.Conn, *bufio.Reader)) *native.Transport {
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			br := bufio.NewReader(far)
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
			_, _ = far.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"))
			then(far, br)
		}()
		return near, nil
	}}
	n, err := native.NewTransport("ws://gateway", native.Options{HTTPClient: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever the peer does, Closed is called once, soon, and with a reason.
func TestStubbornPeers(t *testing.T) {
	t.Parallel()
	discard := func(_ net.Conn, br *bufio.Reader) {
		for {
			if _, err := br.ReadByte(); err != nil {
				return
			}
		}
	}
	deaf := func(c net.Conn, _ *bufio.Reader) { time.Sleep(time.Hour) }
	tests := []struct {
		name   string
		peer   func(net.Conn, *bufio.Reader)
		act    func(client.Socket)
		within time.Duration
		code   int
		says   string
	}{
		{"takes no frame", deaf, func(s client.Socket) { s.Send([]byte("hello")) }, 10 * time.Second, 1006, "did not take a frame within 10s"},
		{"takes no goodbye", deaf, func(s client.Socket) { s.Close(1000, "") }, 5 * time.Second, 1006, ""},
		{"does not answer the goodbye", discard, func(s client.Socket) { s.Close(4000, "silent") }, 5 * time.Second, 1006, ""},
		{"takes nothing while much is sent", deaf, func(s client.Socket) {
			for range 10 {
				s.Send(make([]byte, 512<<10))
			}
		}, 0, 1006, "more than 4 MiB are queued"},
		{"hangs up", func(net.Conn, *bufio.Reader) {}, func(client.Socket) {}, 0, 1006, "the connection was cut"},
		{"breaks the protocol", func(c net.Conn, br *bufio.Reader) {
			_, _ = c.Write([]byte{0xf1, 0})
			discard(c, br)
		}, func(client.Socket) {}, 10 * time.Second, 1006, "rsv bits"},
		{"sends too much", func(c net.Conn, br *bufio.Reader) {
			go discard(c, br)
			_, _ = c.Write([]byte{0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0}) // a text of 1 GiB
			for piece := make([]byte, 64<<10); ; {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
		}, func(client.Socket) {}, 10 * time.Second, 1006, "over 1048576 bytes"},
		{"says why", func(c net.Conn, br *bufio.Reader) {
			go discard(c, br)
			_, _ = c.Write(append([]byte{0x88, 17, 0x03, 0xf0}, "pairing revoked"...))
			time.Sleep(time.Second)
		}, func(client.Socket) {}, time.Second, 1008, "pairing revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				s := rawGateway(t, tt.peer).Dial(r)
				for r.opened.Load() == 0 {
					time.Sleep(time.Millisecond)
				}
				began := time.Now()
				tt.act(s)
				<-r.done
				if d := time.Since(began); d > tt.within+time.Second {
					t.Errorf("ended after %v", d)
				}
				if r.code != tt.code || !strings.Contains(r.reason, tt.says) || r.reason == "" {
					t.Errorf("ended with %d %q", r.code, r.reason)
				}
				s.Send([]byte("late"))
				s.Close(1000, "")
				time.Sleep(2 * time.Hour)
				if r.opened.Load() != 1 || r.closed.Load() != 1 {
					t.Errorf("opened %d times, closed %d times", r.opened.Load(), r.closed.Load())
				}
			})
		})
	}
}

func TestCloseWhileDialing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// net/http goes on dialling for a request that was given up.
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(30 * time.Second)
			return nil, errors.New("no route to host")
		}}
		n, err := native.NewTransport("ws://gateway", native.Options{HTTPClient: &http.Client{Transport: tr}})
		if err != nil {
			t.Fatal(err)
		}
		r := newRecorder()
		s := n.Dial(r)
		synctest.Wait()
		s.Close(1000, "")
		s.Close(1000, "")
		<-r.done
		if r.opened.Load() != 0 || r.code != 1006 || r.reason != "closed by this side" {
			t.Fatalf("opened %d times, ended with %d %q", r.opened.Load(), r.code, r.reason)
		}
		time.Sleep(time.Minute)
	})
}
