package hub

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

var (
	ann  = session.Caller{UserID: "ann", Role: protocol.Operator}
	ben  = session.Caller{UserID: "ben", Role: protocol.Operator}
	root = session.Caller{UserID: "root", Role: protocol.Admin}
)

const holder = "this process"

func openStore(t testing.TB) session.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s.Sessions()
}

// harness is a Hub and its sessions, in a real store.
type harness struct {
	*Hub
	*session.Service
	compacted atomic.Bool // a replay may find that events are gone
}

func newHarness(t testing.TB) *harness { return harnessOn(openStore(t)) }

func harnessOn(store session.Store) *harness {
	h := &harness{Hub: New(present.NewFormatter())}
	h.Service = session.New(store, h.Hub, setting.Fixed(session.Settings{}))
	return h
}

func must[T any](t failer, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

func (h *harness) send(t failer, who session.Caller, key, text string) {
	t.Helper()
	sent, err := h.Send(context.Background(), who.To(key),
		session.SendRequest{DefaultAgent: "demo", Message: text})
	must(t, sent, err)
}

func (h *harness) begin(t failer, key string) session.StartedRun {
	t.Helper()
	b, err := h.Begin(context.Background(), key, holder)
	return must(t, b, err)
}

func (h *harness) say(t failer, b session.StartedRun, texts ...string) {
	t.Helper()
	pieces := make([]session.Piece, len(texts))
	for i, text := range texts {
		pieces[i].Text = text
	}
	if err := h.Append(context.Background(), b, pieces); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func (h *harness) finish(t failer, b session.StartedRun, status session.RunStatus) {
	t.Helper()
	if err := h.Finish(context.Background(), b,
		session.Outcome{Status: status, Code: protocol.Internal, Error: "It failed."}); err != nil {
		t.Fatalf("finish: %v", err)
	}
}

// answered sends a message and writes the whole answer.
func (h *harness) answered(t failer, who session.Caller, key string, answer ...string) {
	t.Helper()
	h.send(t, who, key, "question")
	b := h.begin(t, key)
	h.say(t, b, answer...)
	h.finish(t, b, session.RunCompleted)
}

func (h *harness) reset(t failer, key string) {
	t.Helper()
	rec, err := h.Reset(context.Background(), root.To(key))
	must(t, rec, err)
}

func (h *harness) delete(t failer, key string) {
	t.Helper()
	must(t, 0, h.Delete(context.Background(), root.To(key)))
}

// compact replaces the chunks of all answers that have ended.
func (h *harness) compact(t failer) {
	t.Helper()
	h.compacted.Store(true)
	n, err := h.Compact(context.Background(), time.Now().Add(time.Hour))
	must(t, n, err)
}

// transcript is the result of chat.history.
func (h *harness) transcript(t failer, key string, html bool) protocol.ChatHistoryResult {
	t.Helper()
	p, err := h.History(context.Background(), root.To(key), 0, protocol.MaxHistoryLimit)
	must(t, p, err)
	if html {
		must(t, 0, present.NewFormatter().Messages(context.Background(), "ann", p.Messages))
	}
	return protocol.ChatHistoryResult{SessionKey: key, Messages: p.Messages, Epoch: p.Session.Epoch,
		LastSeq: p.Session.LastSeq}
}

// socket is a connection whose peer reads when the test calls read.
type socket struct {
	mu      sync.Mutex
	changed sync.Cond
	queued  [][]byte
	sent    int // frames since the beginning
	counted int // the same, without admin.changed
	bytes   int // that are queued
	most    int // the largest that bytes was
	broken  bool
	gaveUp  error
}

func newSocket() *socket {
	s := &socket{}
	s.changed.L = &s.mu
	return s
}

func (s *socket) Send(p conn.Prepared) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return false
	}
	frame := reflect.ValueOf(p).Field(0).Bytes()
	s.queued = append(s.queued, frame)
	s.sent++
	if !bytes.Contains(frame, []byte(`"event":"`+protocol.EventAdminChanged+`"`)) {
		s.counted++
	}
	s.bytes += len(frame)
	s.most = max(s.most, s.bytes)
	s.changed.Broadcast()
	return true
}

func (s *socket) Flushed(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for until := s.sent; s.sent-len(s.queued) < until; s.changed.Wait() {
		if s.broken || ctx.Err() != nil {
			return errors.New("the frames will not be written")
		}
	}
	return nil
}

func (s *socket) GiveUp(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaveUp = err
}

// read takes up to n frames from the queue.
func (s *socket) read(n int) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.queued))
	frames := s.queued[:n:n]
	s.queued = s.queued[n:]
	for _, frame := range frames {
		s.bytes -= len(frame)
	}
	s.changed.Broadcast()
	return frames
}

// cut breaks the connection: frames that were not read are lost.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.queued, s.bytes = true, nil, 0
	s.changed.Broadcast()
}

// browser is a client that resumes the sessions it knows when it connects again.
type browser struct {
	h     *harness
	who   session.Caller
	html  bool
	known map[string]*timeline.Timeline
	tick  protocol.Tick // the last one

	// Of this connection; nil: there is none.
	socket *socket
	member *Member
	last   map[string]position // the last event of each session
}

func (h *harness) browser(who session.Caller, html bool) *browser {
	return &browser{h: h, who: who, html: html, known: map[string]*timeline.Timeline{}}
}

func (b *browser) newMember() {
	b.socket, b.last = newSocket(), map[string]position{}
	b.member = &Member{Sender: b.socket, UserID: b.who.UserID, Role: b.who.Role, HTML: b.html}
}

// connect resumes, as the gateway does, and applies the result.
func (b *browser) connect(t failer) []protocol.ResumedCursor {
	t.Helper()
	return b.connectBy(t, b.h, func() {})
}

// connectBy connects with another log. between runs before the answer is there.
func (b *browser) connectBy(t failer, log Log, between func()) []protocol.ResumedCursor {
	t.Helper()
	b.newMember()
	var cursors []protocol.Cursor
	for _, shown := range b.known {
		cursors = append(cursors, shown.Cursor())
	}
	resumed, open, err := b.h.Resume(context.Background(), log, b.member, cursors)
	must(t, resumed, err)
	between()
	if n := b.socket.count(); n > 0 {
		t.Fatalf("%d frames came before the answer", n)
	}
	for i, at := range resumed {
		c := cursors[i]
		switch {
		case at.SessionKey != c.SessionKey:
			t.Fatalf("%s is resumed as %s", c.SessionKey, at.SessionKey)
		case at.Status == protocol.ResumeLive && at.Epoch != c.Epoch && c.Epoch != "":
			t.Fatalf("a cursor of %s is live in %s", c.Epoch, at.Epoch)
		case at.Status == protocol.ResumeLive:
			b.last[c.SessionKey] = position{at.Epoch, c.AfterSeq}
		case at.Status == protocol.ResumeGone:
			delete(b.known, c.SessionKey)
			b.last[c.SessionKey] = position{}
		}
	}
	open()
	for _, at := range resumed {
		if at.Status == protocol.ResumeReset {
			delete(b.known, at.SessionKey)
			b.load(t, at.SessionKey)
		}
	}
	return resumed
}

// load reads a session's history.
func (b *browser) load(t failer, key string) {
	t.Helper()
	if b.known[key] == nil {
		b.known[key] = timeline.New(key)
	}
	b.known[key].Load(b.h.transcript(t, key, b.html))
}

// lose breaks the connection.
func (b *browser) lose() {
	if b.member != nil {
		b.socket.cut()
		b.h.Leave(b.member)
		b.socket, b.member = nil, nil
	}
}

// read applies up to n frames and gives how many there were.
func (b *browser) read(t failer, n int) int {
	t.Helper()
	if b.socket == nil {
		return 0
	}
	frames := b.socket.read(n)
	for _, frame := range frames {
		if n := len(payload(frame)); n > protocol.MaxFrameBytes {
			t.Fatalf("a frame has %d bytes", n)
		}
		b.apply(t, decodeFrame(t, frame))
	}
	return len(frames)
}

func (b *browser) apply(t failer, f protocol.Frame) {
	t.Helper()
	if f.Event == protocol.EventTick {
		b.tick = protocol.Tick{}
		must(t, 0, protocol.Decode(f.Payload, &b.tick))
		for key, seq := range b.tick.Sessions {
			if shown := b.known[key]; shown != nil {
				shown.Tick(seq)
			}
			if last, followed := b.last[key]; followed && seq > last.seq {
				if !b.h.compacted.Load() {
					t.Fatalf("%s: a tick has event %d, after %d", key, seq, last.seq)
				}
				delete(b.last, key) // the events after this tick leave a gap
			}
		}
		return
	}
	if f.Event == protocol.EventAdminChanged {
		return // of no session
	}
	var of protocol.SessionUpdated // every payload has the key under the same name
	must(t, 0, protocol.Decode(f.Payload, &of))
	key := of.SessionKey
	last, followed := b.last[key]
	switch {
	case f.Seq > 1 && followed && f.Seq != last.seq+1:
		t.Fatalf("%s: event %d comes after %d", key, f.Seq, last.seq)
	case f.Seq == 0 && followed && last.seq == 0:
		t.Fatalf("%s: the log ends twice", key)
	case f.Seq == 1 && last.seq > 0 && of.Session.Epoch == last.epoch: // or another log begins
		t.Fatalf("%s: the log begins twice", key)
	case f.Seq == 1:
		last.epoch = of.Session.Epoch
	}
	b.last[key] = position{last.epoch, f.Seq}
	if f.Seq == 0 {
		delete(b.known, key)
		return
	}
	if b.known[key] == nil {
		if f.Seq > 1 {
			return // a session that is not shown
		}
		b.known[key] = timeline.New(key)
	}
	b.known[key].Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload})
}

func (b *browser) replaying() bool {
	b.member.mu.Lock()
	defer b.member.mu.Unlock()
	return b.member.replayerActive
}

// catchUp reads until nothing is queued or being replayed.
func (b *browser) catchUp(t failer) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		replaying := b.replaying()
		if b.read(t, 1<<30) == 0 && !replaying && b.socket.err() == nil {
			return
		}
		if err := b.socket.err(); err != nil || time.Now().After(end) {
			t.Fatalf("the replay does not end: %v", err)
		}
	}
}

// count is how many frames were sent, without admin.changed.
func (s *socket) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted
}

// peak is the largest number of bytes that were queued.
func (s *socket) peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *socket) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaveUp
}

// mend fills gaps as a client does.
func (b *browser) mend(t failer) {
	t.Helper()
	for key, shown := range b.known {
		for n := 0; ; n++ {
			after, open := shown.Gap()
			if shown.Stale() {
				b.load(t, key)
				break
			}
			if !open {
				break
			}
			page, err := b.h.Hub.ReadPage(context.Background(), b.h, b.member, key, shown.Cursor().Epoch, after,
				100)
			must(t, page, err)
			if page.Reset {
				delete(b.known, key)
				b.load(t, key)
				break
			}
			for _, f := range page.Events {
				shown.Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload})
			}
			if n > 1000 {
				t.Fatalf("%s: the gap after %d does not end: %+v, %+v", key, after, shown, page)
			}
		}
	}
}

// same fails unless the browser shows what the history has.
func (b *browser) same(t failer, key string) {
	t.Helper()
	want := b.h.transcript(t, key, b.html)
	shown := b.known[key]
	if shown == nil {
		t.Fatalf("%s is not shown", key)
	}
	if c := shown.Cursor(); c.Epoch != want.Epoch || c.AfterSeq != want.LastSeq || shown.Stale() {
		t.Fatalf("%s is shown at %+v, stale %v, and stands at %s, %d", key, c, shown.Stale(), want.Epoch,
			want.LastSeq)
	}
	got := shown.Messages()
	if len(got) != len(want.Messages) {
		t.Fatalf("%s: %d messages are shown, there are %d", key, len(got), len(want.Messages))
	}
	for i, m := range want.Messages {
		sameBlocks(t, got[i], m)
		g, w := got[i].Message, m
		g.HTML, w.HTML = nil, nil
		if a, b := string(g.AppendJSON(nil)), string(w.AppendJSON(nil)); a != b {
			t.Fatalf("%s: message %d is shown as\n%s\nand is\n%s", key, i, a, b)
		}
	}
}

// sameBlocks fails unless the message is shown as the whole text is formatted. An
// answer that streams may look a little different.
func sameBlocks(t failer, shown *timeline.Message, m protocol.Message) {
	t.Helper()
	if !m.Status.Ended() || m.HTML == nil {
		return
	}
	var got []string
	for _, b := range shown.Blocks {
		got = append(got, b.HTML+b.Text)
	}
	if !sameButColours(got, m.HTML.Blocks) {
		t.Fatalf("%.99q is shown as\n%.2000q\nand not as\n%.2000q", m.Content, got, m.HTML.Blocks)
	}
}
