//go:build unix

package session_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// These benchmarks compare two paths of the pieces of answers to the clients: through the
// store, and from memory directly to the hub. Each round measures both paths, one after
// the other. The hub, the connections and the sockets are real. The clients are in this
// process, and cost the same on both paths.

// rounds is how often each path is measured.
const rounds = 5

// benchServer has a hub and sessions that stream. Each session has its own user and some
// followers.
type benchServer struct {
	b        *testing.B
	service  *session.Service
	hub      *hub.Hub
	sessions []*streaming

	// toHub and toSocket are the times from the stamp of a piece until the hub, or the
	// client, had the piece.
	toHub, toSocket timings
}

// streaming is one of the sessions.
type streaming struct {
	caller  session.Caller
	arrived chan struct{} // gets an element for each piece that a follower has read
	run     session.StartedRun
	seq     int64 // the last seq on the path from memory
}

// newBenchServer returns a server with that many sessions. Each has a follower for each
// of forms, which says whether the follower gets formatted text.
func newBenchServer(b *testing.B, sessions int, formatted ...bool) *benchServer {
	b.Helper()
	s := &benchServer{b: b, hub: hub.New(present.NewFormatter())}
	s.service = session.New(openStore(b), s, noLimit)
	addr, accepted := s.listen()
	for i := range sessions {
		one := &streaming{caller: session.Caller{UserID: fmt.Sprint("user-", i), Role: protocol.Operator},
			arrived: make(chan struct{}, 16)}
		s.sessions = append(s.sessions, one)
		for _, html := range formatted {
			s.follow(addr, accepted, one, html)
		}
	}
	return s
}

// listen serves WebSockets until the benchmark ends.
func (s *benchServer) listen() (addr string, accepted <-chan *conn.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.b.Fatal(err)
	}
	set := conn.NewSet(conn.Limits{Hello: time.Hour, Read: time.Hour, Ping: time.Hour},
		slog.New(slog.DiscardHandler))
	joined := make(chan *conn.Conn, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := set.Accept(w, r,
			func(*conn.Conn) conn.Handler { return ignoreClient{} }); err == nil {
			joined <- c
		}
	})}
	go func() { _ = server.Serve(l) }() // until it is closed
	s.b.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = set.Shutdown(now, websocket.StatusGoingAway, "")
		_ = server.Close()
	})
	return l.Addr().String(), joined
}

// ignoreClient ignores what the client sends.
type ignoreClient struct{}

func (ignoreClient) Frame(*conn.Conn, []byte)        {}
func (ignoreClient) Binary(*conn.Conn)               {}
func (ignoreClient) Closed(*conn.Conn, conn.Closing) {}

// follower is a hub.Sender on a connection.
type follower struct {
	*conn.Conn
	b *testing.B
}

func (f follower) GiveUp(err error) { f.b.Error(err) }

// follow connects a client that reads until the benchmark ends.
func (s *benchServer) follow(addr string, accepted <-chan *conn.Conn, one *streaming, html bool) {
	nc, err := net.Dial("tcp", addr)
	if err == nil {
		_, err = io.WriteString(nc,
			"GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	}
	if err != nil {
		s.b.Fatal(err)
	}
	in := bufio.NewReader(nc)
	if answer, err := http.ReadResponse(in, nil); err != nil ||
		answer.StatusCode != http.StatusSwitchingProtocols {
		s.b.Fatalf("%v, %v", answer, err)
	}
	s.hub.Join(&hub.Member{Sender: follower{<-accepted, s.b}, UserID: one.caller.UserID,
		Role: protocol.Operator, HTML: html})
	var reading sync.WaitGroup
	reading.Go(func() { s.read(in, one) })
	s.b.Cleanup(func() {
		_ = nc.Close()
		reading.Wait()
	})
}

// read reads frames from the server and notes the time of each stamped piece.
func (s *benchServer) read(in *bufio.Reader, one *streaming) {
	var frame []byte
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := uint64(head[1])
		if size >= 126 { // RFC 6455 §5.2
			var long [8]byte
			n := 2
			if size == 127 {
				n = 8
			}
			if _, err := io.ReadFull(in, long[8-n:]); err != nil {
				return
			}
			size = binary.BigEndian.Uint64(long[:])
		}
		frame = slices.Grow(frame[:0], int(size))[:size]
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		if s.toSocket.note(frame) {
			one.arrived <- struct{}{}
		}
	}
}

// Publish passes an event to the hub, and notes the time of a piece.
func (s *benchServer) Publish(e session.Event) {
	if e.Kind == protocol.RunChunk {
		s.toHub.note(e.Payload)
	}
	s.hub.Publish(e)
}

// path is one of the two paths of a piece.
type path struct {
	name string
	// begin and end begin and end an answer in a session.
	begin, end func(*streaming) error
	// add adds a piece with that text to the answer.
	add func(*streaming, string) error
}

// paths returns the path through the store and the one from memory.
func (s *benchServer) paths() []path {
	ctx := context.Background()
	return []path{
		{"stored", func(one *streaming) error {
			sent, err := s.service.Send(ctx, one.caller.To(one.key()),
				session.SendRequest{DefaultAgent: "demo", Message: "Hi"})
			if err == nil {
				one.run, err = s.service.Begin(ctx, sent.SessionKey, holder)
			}
			return err
		}, func(one *streaming) error {
			return s.service.Finish(ctx, one.run, session.Outcome{Status: session.RunCompleted})
		}, func(one *streaming, text string) error {
			return s.service.Append(ctx, one.run, []session.Piece{{Text: text}})
		}},
		{"memory", func(one *streaming) error {
			one.run = session.StartedRun{Run: session.Run{ID: "run"}}
			return s.publishAgent(one, protocol.RunStarted,
				&protocol.RunStartedPayload{MessageID: "answer"})
		}, func(one *streaming) error {
			return s.publishAgent(one, protocol.RunCompleted,
				&protocol.RunCompletedPayload{MessageID: "answer"})
		}, func(one *streaming, text string) error {
			return s.publishAgent(one, protocol.RunChunk, &protocol.TextPayload{Content: text})
		}},
	}
}

func (one *streaming) key() string { return "session-of-" + one.caller.UserID }

// publishAgent publishes an agent event that was never stored.
func (s *benchServer) publishAgent(one *streaming, kind string, payload protocol.Payload) error {
	one.seq++
	e := protocol.AgentEvent{Type: kind, SessionKey: "memory-of-" + one.caller.UserID,
		AgentID: "demo", RunID: one.run.Run.ID,
		UserID: one.caller.UserID, Channel: protocol.ChannelWS, Payload: payload.AppendJSON(nil)}
	s.Publish(session.Event{SessionKey: e.SessionKey, UserID: one.caller.UserID, Epoch: "memory",
		Seq:  one.seq,
		Name: protocol.EventAgent, Kind: kind, RunID: one.run.Run.ID, Payload: e.AppendJSON(nil)})
	return nil
}

// each calls do for all sessions at the same time.
func (s *benchServer) each(do func(*streaming) error) {
	s.b.Helper()
	var all sync.WaitGroup
	for _, one := range s.sessions {
		all.Go(func() {
			if err := do(one); err != nil {
				s.b.Error(err)
			}
		})
	}
	all.Wait()
	if s.b.Failed() {
		s.b.FailNow()
	}
}

// stamp returns the n-th piece of an answer, which begins with the current time.
func stamp(n int) string {
	text := "@" + strconv.FormatInt(time.Now().UnixNano(), 10) +
		"@ some *words* of an answer with `code`"
	if n%10 == 9 {
		return text + ".\n\n"
	}
	return text + ", "
}

// timings collects durations from several goroutines.
type timings struct {
	// mu guards the following field.
	mu  sync.Mutex
	all []time.Duration
}

// note adds the time since the stamp of a piece. It reports whether the frame has a
// stamped piece.
func (t *timings) note(frame []byte) bool {
	_, rest, ok := bytes.Cut(frame, []byte(`"payload":{"content":"@`))
	if !ok {
		return false
	}
	at, err := strconv.ParseInt(string(rest[:bytes.IndexByte(rest, '@')]), 10, 64)
	if err != nil {
		return false
	}
	took := time.Duration(time.Now().UnixNano() - at)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, took)
	return true
}

// take returns quantiles of the collected durations in µs, and removes all durations.
func (t *timings) take(quantiles ...float64) (at []float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.all)
	for _, q := range quantiles {
		at = append(at, float64(t.all[int(q*float64(len(t.all)-1))].Microseconds()))
	}
	t.all = t.all[:0]
	return at
}

// figures are measured figures, by name.
type figures struct {
	all  map[string][]float64 // of all rounds
	last map[string]float64   // of the last round
}

// newFigures returns no figures.
func newFigures() figures { return figures{map[string][]float64{}, map[string]float64{}} }

func (f figures) add(name string, v float64) {
	f.all[name], f.last[name] = append(f.all[name], v), v
}

func (f figures) addTimes(name string, t *timings) {
	at := t.take(0.5, 0.99)
	f.add(name+"-p50-µs", at[0])
	f.add(name+"-p99-µs", at[1])
}

// report reports the median of each figure as a metric, and logs its smallest and largest
// value.
func (f figures) report(b *testing.B) {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f.all)) {
		slices.Sort(f.all[name])
		median := f.all[name][rounds/2]
		b.ReportMetric(median, name)
		fmt.Fprintf(&lines, "\n%24s %10.1f (%.1f–%.1f)", name, median, f.all[name][0],
			f.all[name][rounds-1])
	}
	b.Logf("medians of %d rounds (smallest–largest):%s", rounds, &lines)
}

// BenchmarkStoreBeforeSend measures the delay of a piece because it is stored before it
// is sent. Each session gets a piece every 40 ms, which is how often a run appends.
func BenchmarkStoreBeforeSend(b *testing.B) {
	const interval, pieces = 40 * time.Millisecond, 30
	for _, sessions := range []int{1, 500} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			s := newBenchServer(b, sessions, false)
			for b.Loop() {
				f := newFigures()
				for range rounds {
					for _, p := range s.paths() {
						s.each(p.begin)
						s.each(func(one *streaming) error {
							time.Sleep(rand.N(interval))
							for n := range pieces {
								if err := p.add(one, stamp(n)); err != nil {
									return err
								}
								time.Sleep(interval)
								<-one.arrived
							}
							return nil
						})
						s.each(p.end)
						f.addTimes(p.name+"-hub", &s.toHub)
						f.addTimes(p.name+"-socket", &s.toSocket)
					}
					for _, q := range []string{"p50-µs", "p99-µs"} {
						f.add("added-"+q, f.last["stored-socket-"+q]-f.last["memory-socket-"+q])
					}
				}
				f.report(b)
			}
		})
	}
}

// BenchmarkStreaming measures how many pieces 500 sessions can stream, in a second and in
// a second of processor time. Each session adds its next piece as soon as its followers
// have read the last one.
func BenchmarkStreaming(b *testing.B) {
	const sessions, pieces = 500, 20
	for _, procs := range []int{1, 2} {
		for _, forms := range []struct {
			name string
			html []bool
		}{{"none", nil}, {"plain", []bool{false}}, {"html", []bool{true}}} {
			b.Run(fmt.Sprintf("procs=%d/followers=%s", procs, forms.name), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				s := newBenchServer(b, sessions, forms.html...)
				for b.Loop() {
					f := newFigures()
					for range rounds {
						perCore := map[string]float64{}
						for _, p := range s.paths() {
							s.each(p.begin)
							begun, used := time.Now(), cpu()
							s.each(func(one *streaming) error {
								for n := range pieces {
									if err := p.add(one, stamp(n)); err != nil {
										return err
									}
									for range forms.html {
										<-one.arrived
									}
								}
								return nil
							})
							took, busy := time.Since(begun), cpu()-used
							s.each(p.end)
							s.toHub.take()
							s.toSocket.take()
							perCore[p.name] = sessions * pieces / busy.Seconds()
							f.add(p.name+"-events/s", sessions*pieces/took.Seconds())
							f.add(p.name+"-events/cpu-s", perCore[p.name])
						}
						f.add("stored/memory-cpu", perCore["memory"]/perCore["stored"])
					}
					f.report(b)
				}
			})
		}
	}
}

// cpu returns the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
