package session_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// After any sequence of changes on a real store, the log, the published events, the
// transcript and the results of calls match a model.
func TestRandomSteps(t *testing.T) {
	store, files := openStores(t)
	lives := 0
	rapid.Check(t, func(t *rapid.T) {
		lives++
		m := &machine{testService: newTestServiceOn(store), files: files, life: lives,
			sessions: map[string]*modelSession{}, sends: map[string]madeSend{},
			changed: map[*modelSession]bool{}}
		defer m.endRuns()
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"send":     m.send,
			"upload":   m.upload,
			"flood":    m.flood,
			"begin":    m.begin,
			"append":   m.append,
			"finish":   m.finish,
			"answer":   m.answer,
			"withdraw": m.withdraw,
			"retry":    m.retry,
			"retry 2":  m.retry, // more often
			"inject":   m.inject,
			"patch":    m.patch,
			"delete":   m.delete,
			"reset":    m.reset,
			"renew":    m.renew,
			"recover":  m.recover,
			"compact":  m.compact,
			"retain":   m.retain,
			"connect":  m.connect,
			"resume":   m.resume,
			"resume 2": m.resume, // more often
			"replay":   m.replay,
			"said":     m.said,
		})
	})
}

// machine is the model of all sessions, and the service that is compared with it.
type machine struct {
	testService
	life     int
	sessions map[string]*modelSession // by key
	sends    map[string]madeSend
	waits    []*wait
	clients  []*client
	files    media.Store
	uploads  []*upload
	changed  map[*modelSession]bool // since they were checked
}

type modelSession struct {
	key, owner string
	alive      bool
	epoch      string
	active     []*modelRun // running first, then queued, in order
	floor      int64
	ended      []*modelRun
	dead       []session.StartedRun // runs that ended, by whatever
}

type modelRun struct {
	id, asked string
	begun     session.StartedRun
	running   bool
	retry     bool // of a message that another run was to answer
	how       session.RunStatus
	taken     bool // back, with its message
	expired   bool // its holder has not been heard of
	folded    bool
}

// madeSend is what was sent with an idempotency key.
type madeSend struct {
	what string // the text, or again and a run's id
	sent session.Sent
}

const again = "\xffagain:"

// wait is a call of OnEnd.
type wait struct {
	run   string
	ended []session.Ended
	want  session.RunStatus // "" while the run is active
}

func (m *machine) caller(t *rapid.T) session.Caller {
	return rapid.SampledFrom([]session.Caller{ann, ann, ben, root}).Draw(t, "caller")
}

// lives returns all sessions, in the order of their keys.
func (m *machine) lives() []*modelSession {
	return slices.SortedFunc(maps.Values(m.sessions),
		func(a, b *modelSession) int { return cmp.Compare(a.key, b.key) })
}

// some draws a session, or returns nil.
func (m *machine) some(t *rapid.T) *modelSession {
	all := m.lives()
	if len(all) == 0 {
		return nil
	}
	s := rapid.SampledFrom(all).Draw(t, "session")
	m.changed[s] = true
	return s
}

// find returns a session from the store.
func (m *machine) find(t *rapid.T, s *modelSession) session.Record {
	t.Helper()
	rec, err := m.Find(context.Background(), root.To(s.key))
	return try(t, rec, err)
}

// may checks the error of a change of a session, and reports whether the change was made.
func may(t *rapid.T, who session.Caller, s *modelSession, err error) bool {
	t.Helper()
	switch {
	case s.owner != who.UserID && who.Role != protocol.Admin:
		refused(t, "somebody else's session", err, protocol.Forbidden)
	case !s.alive:
		refused(t, "a deleted session", err, protocol.NotFound)
	case err != nil:
		t.Fatalf("%s of %s: %v", s.key, s.owner, err)
	default:
		return true
	}
	return false
}

func (m *machine) send(t *rapid.T) {
	who := m.caller(t)
	r := session.SendRequest{
		DefaultAgent: "demo",
		Message:      rapid.StringMatching(`[a-zé<>& ]{1,8}`).Draw(t, "text"),
	}
	key := ""
	if n := rapid.IntRange(0, 9).Draw(t, "key"); n > 0 {
		key = fmt.Sprintf("life-%d-%d", m.life, n/6)
	}
	r.IdempotencyKey, r.Media = m.idempotencyKey(t), m.drawUploads(t)
	before, ok := m.sends[who.UserID+r.IdempotencyKey]
	if ok && !strings.HasPrefix(before.what, again) && rapid.Bool().Draw(t, "same text") {
		parts := strings.Split(before.what, "\xff")
		r.Message, r.Media = parts[0], parts[1:]
	}
	m.sendOne(t, who, key, r)
}

// content identifies what is sent with an idempotency key.
func content(r session.SendRequest) string {
	return strings.Join(append([]string{r.Message}, r.Media...), "\xff")
}

// idempotencyKey draws one of a few keys, or none.
func (m *machine) idempotencyKey(t *rapid.T) string {
	if n := rapid.IntRange(0, 4).Draw(t, "idempotency"); n > 2 {
		return fmt.Sprintf("life-%d-%d", m.life, n)
	}
	return ""
}

// repeated checks the result of a send or retry with a used idempotency key. It reports
// whether the key was used.
func (m *machine) repeated(t *rapid.T, who session.Caller, key, what string, sent session.Sent,
	err error) bool {
	t.Helper()
	before, used := m.sends[who.UserID+key]
	switch {
	case key == "" || !used:
		return false
	case before.what != what:
		refused(t, "something else under a used key", err, protocol.AlreadyExists)
	default:
		want := before.sent
		want.Duplicate, want.Queued = true, false
		if err != nil || sent != want {
			t.Fatalf("a repeat gave %+v (%v), want %+v", sent, err, want)
		}
	}
	return true
}

func (m *machine) sendOne(t *rapid.T, who session.Caller, key string, r session.SendRequest) {
	t.Helper()
	sent, err := m.Send(context.Background(), who.To(key), r)
	s := m.sessions[key]
	switch {
	case m.repeated(t, who, r.IdempotencyKey, content(r), sent, err):
		return
	case s != nil && s.owner != who.UserID && who.Role != protocol.Admin:
		refused(t, "a send to somebody else's session", err, protocol.Forbidden)
		return
	case m.unfit(who, s, r.Media) != "":
		refused(t, "a send with files that cannot be sent", err, m.unfit(who, s, r.Media))
		return
	case s != nil && len(s.active) > protocol.MaxQueuedRuns:
		refused(t, "a send to a full queue", err, protocol.ResourceExhausted)
		return
	case err != nil:
		t.Fatalf("send: %v", err)
	}
	if s == nil {
		s = &modelSession{key: sent.SessionKey, owner: who.UserID}
		m.sessions[s.key] = s
	}
	if want := (len(s.active) > 0); key != "" && sent.SessionKey != key || sent.Queued != want ||
		sent.Duplicate {
		t.Fatalf("sent %+v, queued should be %v", sent, want)
	}
	s.alive, m.changed[s] = true, true
	m.made(t, who, s, &modelRun{id: sent.RunID, asked: sent.MessageID}, r.IdempotencyKey,
		madeSend{content(r), sent})
	m.attached(t, s, sent.MessageID, r.Media)
	m.checkAuthor(t, who, s, sent.MessageID)
}

// made adds a new run and its idempotency key to the model.
func (m *machine) made(t *rapid.T, who session.Caller, s *modelSession, run *modelRun, key string,
	by madeSend) {
	t.Helper()
	s.active = append(s.active, run)
	if key != "" {
		m.sends[who.UserID+key] = by
	}
	m.wait(t, run.id, "")
}

func (m *machine) checkAuthor(t *rapid.T, who session.Caller, s *modelSession, id string) {
	t.Helper()
	for _, msg := range m.history(t, s.key) {
		if msg.ID != id {
			continue
		}
		if by := msg.Author; (by != nil) != (who.UserID != s.owner) || by != nil &&
			*by != (protocol.Author{UserID: who.UserID, Role: who.Role}) {
			t.Fatalf("%s wrote into the session of %s; the author is %+v", who.UserID, s.owner, by)
		}
		return
	}
	t.Fatalf("message %s is not in the transcript", id)
}

func (m *machine) flood(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	who := session.Caller{UserID: s.owner, Role: protocol.Operator}
	for range rapid.IntRange(2, protocol.MaxQueuedRuns+2).Draw(t, "sends") {
		m.sendOne(t, who, s.key, session.SendRequest{DefaultAgent: "demo", Message: "flood"})
	}
}

// wait calls OnEnd for a run that is active or has ended with that status.
func (m *machine) wait(t *rapid.T, run string, want session.RunStatus) {
	t.Helper()
	w := &wait{run: run, want: want}
	m.waits = append(m.waits, w)
	if err := m.OnEnd(context.Background(), run,
		func(e session.Ended) { w.ended = append(w.ended, e) }); err != nil {
		t.Fatalf("wait: %v", err)
	}
}

// end ends a run in the model.
func (m *machine) end(s *modelSession, run *modelRun, how session.RunStatus) {
	for _, w := range m.waits {
		if w.run == run.id {
			w.want = how
		}
	}
	if run.running {
		s.dead = append(s.dead, run.begun)
	}
	run.how = how
	s.active = slices.DeleteFunc(s.active, func(r *modelRun) bool { return r == run })
	s.ended = append(s.ended, run)
}

func (m *machine) begin(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	by := someHolder(t)
	b, err := m.Begin(context.Background(), s.key, by)
	if len(s.active) == 0 || s.active[0].running {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("nothing waits, and Begin gave %v", err)
		}
		return
	}
	run := s.active[0]
	if err != nil || b.Run.ID != run.id || b.Key != s.key || b.UserID != s.owner ||
		b.Run.Status != session.RunRunning ||
		b.Run.Holder != by || !b.Run.LeaseUntil.After(time.Now()) || b.Epoch != m.find(t, s).Epoch {
		t.Fatalf("begun %+v (%v), want run %s of %s", b, err, run.id, s.owner)
	}
	run.running, run.begun = true, b
	m.checkPrompt(t, s, b, run)
}

// checkPrompt fails unless the run has the history before its message.
func (m *machine) checkPrompt(t *rapid.T, s *modelSession, b session.StartedRun, run *modelRun) {
	t.Helper()
	var want []protocol.Message
	for _, msg := range m.history(t, s.key) {
		if msg.Status == protocol.StatusComplete || msg.Status == protocol.StatusAborted ||
			msg.Status == protocol.StatusFailed {
			want = append(want, msg)
		}
		if msg.ID == run.asked {
			break
		}
	}
	var got []protocol.Message
	for i, msg := range b.History {
		got = append(got, msg.Message)
		if i == len(b.History)-1 {
			got[i].Status = protocol.StatusComplete // from now on
		}
	}
	sameMessages(t, "the prompt", got, want)
}

// running draws the running run of a session, or one that has ended.
func (m *machine) running(t *rapid.T, s *modelSession) (b session.StartedRun, alive *modelRun) {
	if len(s.active) > 0 && s.active[0].running &&
		(len(s.dead) == 0 || rapid.IntRange(0, 4).Draw(t, "late") > 0) {
		return s.active[0].begun, s.active[0]
	}
	if len(s.dead) == 0 {
		t.Skip("no run")
	}
	return rapid.SampledFrom(s.dead).Draw(t, "dead run"), nil
}

func (m *machine) append(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	b, alive := m.running(t, s)
	pieces := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) session.Piece {
		switch text := rapid.StringMatching(`[a-z"\n ü]{1,5}`).Draw(t, "text"); rapid.IntRange(0,
			3).Draw(t, "kind") {
		case 0:
			return session.Piece{Thinking: text}
		case 1:
			return session.Piece{Activity: &protocol.Activity{Phase: "writing"}}
		default:
			return session.Piece{Text: text}
		}
	}), 1, 4).Draw(t, "pieces")
	err := m.Append(context.Background(), b, pieces)
	if alive == nil && !errors.Is(err, session.ErrRunEnded) || alive != nil && err != nil {
		t.Fatalf("append to a run that is alive: %v: %v", alive != nil, err)
	}
}

func (m *machine) finish(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	b, alive := m.running(t, s)
	how := rapid.SampledFrom([]session.Outcome{
		{Status: session.RunCompleted, Usage: protocol.Usage{InputTokens: 3, OutputTokens: 4}},
		{Status: session.RunCancelled},
		{Status: session.RunFailed, Code: protocol.Unavailable, Error: "The model is gone."},
	}).Draw(t, "how")
	err := m.Finish(context.Background(), b, how)
	if alive == nil {
		if !errors.Is(err, session.ErrRunEnded) {
			t.Fatalf("a run ended twice: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	m.end(s, alive, how.Status)
	m.wait(t, alive.id, how.Status) // is told at once
}

// answer begins and completes the next run of a session.
func (m *machine) answer(t *rapid.T) {
	s := m.some(t)
	if s == nil || len(s.active) == 0 {
		t.Skip("nothing waits")
	}
	run := s.active[0]
	if !run.running {
		run.running, run.begun = true, m.testService.begin(t, s.key)
	}
	m.say(t, run.begun, "well", ", yes")
	m.testService.finish(t, run.begun, session.RunCompleted)
	m.end(s, run, session.RunCompleted)
}

func (m *machine) withdraw(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	who, only := m.caller(t), ""
	if len(s.active) > 0 && rapid.Bool().Draw(t, "one") {
		only = rapid.SampledFrom(s.active).Draw(t, "run").id
	}
	withdrawn, running, err := m.Withdraw(context.Background(), who.To(s.key), only)
	if !may(t, who, s, err) {
		return
	}
	var want []string
	wantRunning := ""
	for _, run := range slices.Clone(s.active) {
		switch {
		case only != "" && run.id != only:
		case run.running:
			wantRunning = run.id
		default:
			want = append(want, run.id)
			run.taken = !run.retry
			m.end(s, run, session.RunCancelled)
		}
	}
	if !slices.Equal(withdrawn, want) || running != wantRunning {
		t.Fatalf("withdrawn are %v, running is %q; want %v, %q", withdrawn, running, want,
			wantRunning)
	}
}

// retry retries any run, even one that was removed.
func (m *machine) retry(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	var all []*modelRun
	for _, life := range m.lives() {
		if life == s || rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0 {
			all = append(append(all, life.ended...), life.active...)
		}
	}
	run := &modelRun{id: "run-never"}
	if len(all) > 0 {
		run = rapid.SampledFrom(all).Draw(t, "run")
	}
	r := session.RetryRequest{RunID: run.id, IdempotencyKey: m.idempotencyKey(t)}
	if before, ok := m.sends[who.UserID+r.IdempotencyKey]; ok &&
		strings.HasPrefix(before.what, again) && rapid.Bool().Draw(t, "same run") {
		r.RunID = strings.TrimPrefix(before.what, again)
	}
	sent, err := m.Retry(context.Background(), who.To(s.key), r)
	if m.repeated(t, who, r.IdempotencyKey, again+r.RunID, sent, err) ||
		!m.mayRetry(t, who, s, run, err) {
		return
	}
	if sent.SessionKey != s.key || sent.MessageID != run.asked ||
		sent.Queued != (len(s.active) > 0) || sent.Duplicate || sent.RunID == run.id {
		t.Fatalf("the retry of %+v gave %+v", run, sent)
	}
	m.made(t, who, s, &modelRun{id: sent.RunID, asked: run.asked, retry: true}, r.IdempotencyKey,
		madeSend{again + r.RunID, sent})
	told := m.published.log(s.key)
	if last := told[len(told)-1]; last.Seq != sent.Seq || last.Name != protocol.EventChat {
		t.Fatalf("the retry gave %+v and was told as %+v", sent, last)
	}
}

// mayRetry checks the error of a retry, and reports whether the retry was made.
func (m *machine) mayRetry(t *rapid.T, who session.Caller, s *modelSession, run *modelRun,
	err error) bool {
	t.Helper()
	asked := func(r *modelRun) bool { return r.asked == run.asked }
	switch {
	case s.owner != who.UserID && who.Role != protocol.Admin || !s.alive:
		return may(t, who, s, err)
	case !slices.Contains(s.active, run) && !slices.Contains(s.ended, run):
		refused(t, "another session's run", err, protocol.NotFound)
	case slices.Contains(s.active,
		run), run.how == session.RunCompleted, slices.ContainsFunc(s.active, asked),
		slices.ContainsFunc(s.ended, func(r *modelRun) bool { return asked(r) && r.taken }):
		refused(t, "the retry of what is not to be retried", err, protocol.FailedPrecondition)
	case len(s.active) > protocol.MaxQueuedRuns:
		refused(t, "a retry in a full queue", err, protocol.ResourceExhausted)
	default:
		return may(t, who, s, err)
	}
	return false
}

func (m *machine) inject(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	id, err := m.Inject(context.Background(), who.To(s.key), "note", "label")
	if may(t, who, s, err) {
		m.checkAuthor(t, who, s, id)
	}
}

func (m *machine) patch(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	label, pinned := rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "label"), rapid.Bool().Draw(t,
		"pinned")
	rec, err := m.Patch(context.Background(), who.To(s.key), &label, &pinned)
	if may(t, who, s, err) && (rec.Label != label || rec.Pinned != pinned) {
		t.Fatalf("patched to %+v", rec)
	}
}

func (m *machine) delete(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	if may(t, who, s, m.Delete(context.Background(), who.To(s.key))) {
		s.alive = false
		m.clear(s)
	}
}

func (m *machine) reset(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	rec, err := m.Reset(context.Background(), who.To(s.key))
	if !may(t, who, s, err) {
		return
	}
	m.clear(s)
	if now := m.checkLog(t, s.key); rec != now || rec.Epoch == s.epoch {
		t.Fatalf("reset of epoch %s gave %+v, and there is %+v", s.epoch, rec, now)
	}
}

func (m *machine) clear(s *modelSession) {
	for _, run := range slices.Clone(s.active) {
		m.end(s, run, session.RunCancelled)
	}
	s.ended, s.floor = nil, 0
	for _, u := range m.uploads {
		u.gone = u.gone || u.in == s
	}
}

// holders are the holders of runs.
var holders = []string{holder, "h2"}

func someHolder(t *rapid.T) string { return rapid.SampledFrom(holders).Draw(t, "holder") }

// renew renews the leases of a holder, or lets them expire.
func (m *machine) renew(t *rapid.T) {
	who, over := someHolder(t), rapid.Bool().Draw(t, "over")
	until := time.Now().Add(time.Hour)
	if over {
		until = time.Now().Add(-time.Second)
	}
	if err := m.Renew(context.Background(), who, until); err != nil {
		t.Fatalf("renew: %v", err)
	}
	for _, s := range m.sessions {
		if len(s.active) > 0 && s.active[0].running && s.active[0].begun.Run.Holder == who {
			s.active[0].expired = over
		}
	}
}

// recover calls Recover, as a process does when it starts, or as another process with the
// same store does.
func (m *machine) recover(t *rapid.T) {
	who, exclusive := rapid.SampledFrom(append([]string{"new"}, holders...)).Draw(t,
		"holder"), rapid.Bool().Draw(t, "exclusive")
	interrupted, waiting, err := m.Recover(context.Background(), who, exclusive)
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	were, wait := 0, 0
	for _, s := range m.sessions {
		if len(s.active) > 0 && s.active[0].running {
			if run := s.active[0]; run.begun.Run.Holder != who && (exclusive || run.expired) {
				were, m.changed[s] = were+1, true
				m.end(s, run, session.RunFailed)
			}
		}
		waits := len(s.active) > 0 && !s.active[0].running
		if slices.Contains(waiting, s.key) != waits {
			t.Fatalf("%s has %d runs; waiting are %v", s.key, len(s.active), waiting)
		}
		if waits {
			wait++
		}
	}
	if interrupted != were || len(waiting) != wait {
		t.Fatalf("%d runs were interrupted, want %d; waiting are %v", interrupted, were, waiting)
	}
}

// compact compacts the answers of all ended runs, or of none.
func (m *machine) compact(t *rapid.T) {
	before := time.Now().Add(time.Hour)
	if rapid.IntRange(0, 3).Draw(t, "too early") == 0 {
		before = time.Now().Add(-time.Hour)
	}
	removed, err := m.Compact(context.Background(), before)
	if err != nil {
		t.Fatalf("compact: %v", err)
	}
	pieces := 0
	for _, s := range m.lives() {
		if !s.alive || before.Before(time.Now()) {
			continue
		}
		fold := map[string]bool{}
		for _, run := range s.ended {
			fold[run.id], run.folded = !run.folded, true
		}
		for _, e := range m.published.log(s.key) {
			if fold[e.RunID] && piece(e) {
				pieces, s.floor, m.changed[s] = pieces+1, e.Seq, true
			}
		}
	}
	if removed != pieces {
		t.Fatalf("%d pieces were removed, want %d", removed, pieces)
	}
}

// retain deletes all idle sessions, or none.
func (m *machine) retain(t *rapid.T) {
	since := time.Now().Add(time.Hour)
	if rapid.IntRange(0, 5).Draw(t, "too early") > 0 {
		since = time.Now().Add(-time.Hour)
	}
	deleted, err := m.Retain(context.Background(), since)
	if err != nil {
		t.Fatalf("retain: %v", err)
	}
	were := 0
	for _, s := range m.lives() {
		if s.alive && len(s.active) == 0 && since.After(time.Now()) {
			s.alive, m.changed[s], were = false, true, were+1
			m.clear(s)
		}
	}
	if deleted != were {
		t.Fatalf("%d sessions were deleted, want %d", deleted, were)
	}
}

// connect adds a client that has loaded nothing, or the history.
func (m *machine) connect(t *rapid.T) {
	s := m.some(t)
	if s == nil || !s.alive || len(m.clients) > 8 {
		t.Skip("no session, or enough clients")
	}
	c := newClient(s.key)
	if rapid.Bool().Draw(t, "with the history") {
		c.load(t, m.testService)
	}
	m.clients = append(m.clients, c)
}

func span(t *rapid.T) session.Span {
	return session.Span{Events: rapid.IntRange(1, 12).Draw(t, "events"),
		Bytes: rapid.IntRange(0, 3000).Draw(t, "bytes")}
}

// resume lets the clients of a session read a part of the log, or all. Then they must
// show the transcript.
func (m *machine) resume(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	for _, c := range m.clients {
		switch {
		case c.key != s.key:
		case !s.alive:
			at := c.shown.Cursor()
			_, err := m.Replay(context.Background(), root.To(c.key), at.Epoch, at.AfterSeq, span(t))
			refused(t, "a replay of a deleted session", err, protocol.NotFound)
		case rapid.Bool().Draw(t, "one step"):
			c.step(t, m.testService, span(t))
		default:
			c.catchUp(t, m.testService, span(t))
			sameMessages(t, "a client", transcript(c.shown), m.history(t, s.key))
		}
	}
}

// replay replays from any cursor.
func (m *machine) replay(t *rapid.T) {
	s := m.some(t)
	if s == nil || !s.alive {
		t.Skip("no session")
	}
	rec := m.find(t, s)
	epoch := rapid.SampledFrom([]string{"", rec.Epoch, rec.Epoch, "0123456789abcdef"}).Draw(t,
		"epoch")
	m.checkReplay(t, s.key, epoch, rapid.Int64Range(-1, rec.LastSeq+1).Draw(t, "after"), span(t))
}

// said checks the text of an answer at each seq of the log.
func (m *machine) said(t *rapid.T) {
	s := m.some(t)
	if s == nil || !s.alive {
		t.Skip("no session")
	}
	for _, run := range append(slices.Clone(s.ended), s.active...) {
		if run.begun.Key != "" {
			m.checkAnswerText(t, s.key, run.id, 1)
		}
	}
}

func (m *machine) check(t *rapid.T) {
	m.checkUploads(t)
	for _, w := range m.waits {
		switch {
		case w.want == "" && len(w.ended) != 0, w.want != "" && len(w.ended) != 1:
			t.Fatalf("run %s is %q and was told of %d times", w.run, w.want, len(w.ended))
		case w.want != "" && (w.ended[0].RunID != w.run || w.ended[0].Outcome.Status != w.want):
			t.Fatalf("run %s is %q and was told of as %+v", w.run, w.want, w.ended[0])
		}
	}
	limit := rapid.IntRange(1, 5).Draw(t, "page")
	for _, s := range m.lives() {
		if !m.changed[s] {
			continue
		}
		if !s.alive {
			_, err := m.Find(context.Background(), session.Caller{UserID: s.owner}.To(s.key))
			refused(t, "a deleted session", err, protocol.NotFound)
			continue
		}
		rec := m.checkLog(t, s.key)
		s.epoch = rec.Epoch
		if rec.UserID != s.owner || rec.Running != (len(s.active) > 0) || rec.Floor != s.floor {
			t.Fatalf("%+v should be %s's, with %d runs and the floor at %d", rec, s.owner,
				len(s.active), s.floor)
		}
		m.checkPages(t, s.key, limit)
		m.checkStatus(t, s)
	}
	clear(m.changed)
}

func (m *machine) checkPages(t *rapid.T, key string, limit int) {
	t.Helper()
	sameMessages(t, "the walk", m.walk(t, key, limit), m.history(t, key))
}

func (m *machine) checkStatus(t *rapid.T, s *modelSession) {
	t.Helper()
	a, err := m.Status(context.Background(), root.To(s.key))
	try(t, a, err)
	running, queued := "", len(s.active)
	if queued > 0 && s.active[0].running {
		running, queued = s.active[0].id, queued-1
	}
	if a.RunID != running || a.Queued != queued || (a.Phase != nil) != (running != "") {
		t.Fatalf("the status is %+v, want running %q, queued %d", a, running, queued)
	}
}

// endRuns ends all runs, so that none is left for the next test case.
func (m *machine) endRuns() {
	for key := range m.sessions {
		_ = m.Delete(context.Background(), root.To(key)) // it may be deleted already
	}
}
