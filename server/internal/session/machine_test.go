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
	testCases := 0
	rapid.Check(t, func(t *rapid.T) {
		testCases++
		m := &machine{testService: newTestServiceOn(store), files: files, testCase: testCases,
			sessions: map[string]*modelSession{}, sends: map[string]storedSend{},
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
			"text":     m.answerText,
		})
	})
}

// machine is the model of all sessions, and the service that is compared with it.
type machine struct {
	testService
	testCase int                      // the number of the test case, for unique names
	sessions map[string]*modelSession // by key
	sends    map[string]storedSend
	waits    []*wait
	clients  []*client
	files    media.Store
	uploads  []*upload
	changed  map[*modelSession]bool // since they were checked
}

// modelSession is a session in the model.
type modelSession struct {
	key, owner string
	alive      bool // not deleted
	epoch      string
	floor      int64
	active     []*modelRun          // queued and running, in the order of the store
	ended      []*modelRun          // of the current log
	stale      []session.StartedRun // runs that were running and have ended, of all logs
}

// modelRun is a run in the model.
type modelRun struct {
	id, questionID string
	started        session.StartedRun
	running        bool
	retry          bool              // whether Retry created the run
	status         session.RunStatus // after the end
	withdrawn      bool              // whether its message was withdrawn with it
	expired        bool              // whether its lease has expired
	compacted      bool
}

// storedSend is the first send or retry with an idempotency key.
type storedSend struct {
	what string // content of a send, or retryOf and a run's id
	sent session.Sent
}

// retryOf marks a storedSend of a retry.
const retryOf = "\xffretry:"

// wait is a call of OnEnd.
type wait struct {
	run   string
	ended []session.Ended
	want  session.RunStatus // "" while the run is active
}

// caller draws a caller, mostly ann.
func (m *machine) caller(t *rapid.T) session.Caller {
	return rapid.SampledFrom([]session.Caller{ann, ann, ben, root}).Draw(t, "caller")
}

// sorted returns all sessions, in the order of their keys.
func (m *machine) sorted() []*modelSession {
	return slices.SortedFunc(maps.Values(m.sessions),
		func(a, b *modelSession) int { return cmp.Compare(a.key, b.key) })
}

// some draws a session, and marks it as changed. It returns nil if there is none.
func (m *machine) some(t *rapid.T) *modelSession {
	all := m.sorted()
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

// checkAccess checks the error of a change of a session by a caller, and reports whether
// the change was made.
func checkAccess(t *rapid.T, who session.Caller, s *modelSession, err error) bool {
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
		key = fmt.Sprintf("test-%d-%d", m.testCase, n/6)
	}
	r.IdempotencyKey, r.Media = m.idempotencyKey(t), m.drawUploads(t)
	before, ok := m.sends[who.UserID+r.IdempotencyKey]
	if ok && !strings.HasPrefix(before.what, retryOf) && rapid.Bool().Draw(t, "same text") {
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
		return fmt.Sprintf("test-%d-%d", m.testCase, n)
	}
	return ""
}

// checkRepeat checks the result of a send or retry whose idempotency key was used before.
// It reports whether the key was used.
func (m *machine) checkRepeat(t *rapid.T, who session.Caller, key, what string, sent session.Sent,
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

// sendOne sends a message and checks the result.
func (m *machine) sendOne(t *rapid.T, who session.Caller, key string, r session.SendRequest) {
	t.Helper()
	sent, err := m.Send(context.Background(), who.To(key), r)
	s := m.sessions[key]
	switch {
	case m.checkRepeat(t, who, r.IdempotencyKey, content(r), sent, err):
		return
	case s != nil && s.owner != who.UserID && who.Role != protocol.Admin:
		refused(t, "a send to somebody else's session", err, protocol.Forbidden)
		return
	case m.filesRefusal(who, s, r.Media) != "":
		refused(t, "a send with files that cannot be sent", err, m.filesRefusal(who, s, r.Media))
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
	m.addRun(t, who, s, &modelRun{id: sent.RunID, questionID: sent.MessageID}, r.IdempotencyKey,
		storedSend{content(r), sent})
	m.attach(t, s, sent.MessageID, r.Media)
	m.checkAuthor(t, who, s, sent.MessageID)
}

// addRun adds a new run and its idempotency key to the model.
func (m *machine) addRun(t *rapid.T, who session.Caller, s *modelSession, run *modelRun, key string,
	send storedSend) {
	t.Helper()
	s.active = append(s.active, run)
	if key != "" {
		m.sends[who.UserID+key] = send
	}
	m.wait(t, run.id, "")
}

// checkAuthor fails unless the message names its author if that is not the owner.
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

// flood sends messages until the queue is full, or nearly.
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
func (m *machine) end(s *modelSession, run *modelRun, status session.RunStatus) {
	for _, w := range m.waits {
		if w.run == run.id {
			w.want = status
		}
	}
	if run.running {
		s.stale = append(s.stale, run.started)
	}
	run.status = status
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
			t.Fatalf("no run is queued, and Begin returned %v", err)
		}
		return
	}
	run := s.active[0]
	if err != nil || b.Run.ID != run.id || b.Key != s.key || b.UserID != s.owner ||
		b.Run.Status != session.RunRunning ||
		b.Run.Holder != by || !b.Run.LeaseUntil.After(time.Now()) || b.Epoch != m.find(t, s).Epoch {
		t.Fatalf("begun %+v (%v), want run %s of %s", b, err, run.id, s.owner)
	}
	run.running, run.started = true, b
	m.checkPrompt(t, s, b, run)
}

// checkPrompt fails unless the run has the history before its message.
func (m *machine) checkPrompt(t *rapid.T, s *modelSession, b session.StartedRun, run *modelRun) {
	t.Helper()
	var want []protocol.Message
	all := m.history(t, s.key)
	rejected := map[string]bool{} // by the id of the question: its last answer was
	for _, msg := range all {
		if msg.ReplyTo != "" {
			rejected[msg.ReplyTo] = msg.Rejected
		}
	}
	for _, msg := range all {
		if msg.ID != run.questionID && (rejected[msg.ID] || rejected[msg.ReplyTo]) {
			continue
		}
		if msg.Status == protocol.StatusComplete || msg.Status == protocol.StatusAborted ||
			msg.Status == protocol.StatusFailed {
			want = append(want, msg)
		}
		if msg.ID == run.questionID {
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

// running draws the running run of a session, or one that has ended; then run is nil.
func (m *machine) running(t *rapid.T, s *modelSession) (b session.StartedRun, run *modelRun) {
	if len(s.active) > 0 && s.active[0].running &&
		(len(s.stale) == 0 || rapid.IntRange(0, 4).Draw(t, "late") > 0) {
		return s.active[0].started, s.active[0]
	}
	if len(s.stale) == 0 {
		t.Skip("no run")
	}
	return rapid.SampledFrom(s.stale).Draw(t, "ended run"), nil
}

func (m *machine) append(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	b, run := m.running(t, s)
	pieces := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) session.Piece {
		text := rapid.StringMatching(`[a-z"\n ü]{1,5}`).Draw(t, "text")
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return session.Piece{Thinking: text}
		case 1:
			return session.Piece{Activity: &protocol.Activity{Phase: "writing", Until: 1234}}
		case 2:
			return session.Piece{TextWasThinking: true}
		default:
			return session.Piece{Text: text}
		}
	}), 1, 4).Draw(t, "pieces")
	err := m.Append(context.Background(), b, pieces)
	if run == nil && !errors.Is(err, session.ErrRunEnded) || run != nil && err != nil {
		t.Fatalf("append to a run; running: %v: %v", run != nil, err)
	}
}

func (m *machine) finish(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	b, run := m.running(t, s)
	how := rapid.SampledFrom([]session.Outcome{
		{Status: session.RunCompleted, Usage: protocol.Usage{InputTokens: 3, OutputTokens: 4}},
		{Status: session.RunCompleted, Finish: protocol.FinishLength},
		{Status: session.RunFailed, Code: protocol.FailedPrecondition, Error: "No.", Rejected: true},
		{Status: session.RunCancelled},
		{Status: session.RunFailed, Code: protocol.Unavailable, Error: "The model is gone."},
	}).Draw(t, "how")
	err := m.Finish(context.Background(), b, how)
	if run == nil {
		if !errors.Is(err, session.ErrRunEnded) {
			t.Fatalf("a run ended twice: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	m.end(s, run, how.Status)
	m.wait(t, run.id, how.Status) // a waiter for an ended run is called at once
}

// answer begins and completes the next run of a session.
func (m *machine) answer(t *rapid.T) {
	s := m.some(t)
	if s == nil || len(s.active) == 0 {
		t.Skip("no run")
	}
	run := s.active[0]
	if !run.running {
		run.running, run.started = true, m.testService.begin(t, s.key)
	}
	m.say(t, run.started, "well", ", yes")
	m.testService.finish(t, run.started, session.RunCompleted)
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
	if !checkAccess(t, who, s, err) {
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
			run.withdrawn = !run.retry
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
	for _, other := range m.sorted() {
		if other == s || rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0 {
			all = append(append(all, other.ended...), other.active...)
		}
	}
	run := &modelRun{id: "run-never"}
	if len(all) > 0 {
		run = rapid.SampledFrom(all).Draw(t, "run")
	}
	r := session.RetryRequest{RunID: run.id, IdempotencyKey: m.idempotencyKey(t)}
	if before, ok := m.sends[who.UserID+r.IdempotencyKey]; ok &&
		strings.HasPrefix(before.what, retryOf) && rapid.Bool().Draw(t, "same run") {
		r.RunID = strings.TrimPrefix(before.what, retryOf)
	}
	sent, err := m.Retry(context.Background(), who.To(s.key), r)
	if m.checkRepeat(t, who, r.IdempotencyKey, retryOf+r.RunID, sent, err) ||
		!m.mayRetry(t, who, s, run, err) {
		return
	}
	if sent.SessionKey != s.key || sent.MessageID != run.questionID ||
		sent.Queued != (len(s.active) > 0) || sent.Duplicate || sent.RunID == run.id {
		t.Fatalf("the retry of %+v gave %+v", run, sent)
	}
	m.addRun(t, who, s, &modelRun{id: sent.RunID, questionID: run.questionID, retry: true},
		r.IdempotencyKey, storedSend{retryOf + r.RunID, sent})
	events := m.published.log(s.key)
	if last := events[len(events)-1]; last.Seq != sent.Seq || last.Name != protocol.EventChat {
		t.Fatalf("the retry returned %+v and was published as %+v", sent, last)
	}
}

// mayRetry checks the error of a retry, and reports whether the retry was made.
func (m *machine) mayRetry(t *rapid.T, who session.Caller, s *modelSession, run *modelRun,
	err error) bool {
	t.Helper()
	sameQuestion := func(r *modelRun) bool { return r.questionID == run.questionID }
	switch {
	case s.owner != who.UserID && who.Role != protocol.Admin || !s.alive:
		return checkAccess(t, who, s, err)
	case !slices.Contains(s.active, run) && !slices.Contains(s.ended, run):
		refused(t, "another session's run", err, protocol.NotFound)
	case slices.Contains(s.active, run), run.status == session.RunCompleted,
		slices.ContainsFunc(s.active, sameQuestion),
		slices.ContainsFunc(s.ended, func(r *modelRun) bool { return sameQuestion(r) && r.withdrawn }):
		refused(t, "a retry that is not allowed", err, protocol.FailedPrecondition)
	case len(s.active) > protocol.MaxQueuedRuns:
		refused(t, "a retry in a full queue", err, protocol.ResourceExhausted)
	default:
		return checkAccess(t, who, s, err)
	}
	return false
}

func (m *machine) inject(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	injected, err := m.Inject(context.Background(), who.To(s.key), "note", "label")
	if checkAccess(t, who, s, err) {
		m.checkAuthor(t, who, s, injected.MessageID)
	}
}

func (m *machine) patch(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	label := rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "label")
	pinned := rapid.Bool().Draw(t, "pinned")
	rec, err := m.Patch(context.Background(), who.To(s.key), &label, &pinned)
	if checkAccess(t, who, s, err) && (rec.Label != label || rec.Pinned != pinned) {
		t.Fatalf("patched to %+v", rec)
	}
}

func (m *machine) delete(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	if checkAccess(t, who, s, m.Delete(context.Background(), who.To(s.key))) {
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
	if !checkAccess(t, who, s, err) {
		return
	}
	m.clear(s)
	if now := m.checkLog(t, s.key); rec != now || rec.Epoch == s.epoch {
		t.Fatalf("reset of epoch %s gave %+v, and there is %+v", s.epoch, rec, now)
	}
}

// clear removes the log of a session from the model.
func (m *machine) clear(s *modelSession) {
	for _, run := range slices.Clone(s.active) {
		m.end(s, run, session.RunCancelled)
	}
	s.ended, s.floor = nil, 0
	for _, u := range m.uploads {
		u.deleted = u.deleted || u.session == s
	}
}

// holders are the holders of runs.
var holders = []string{holder, "h2"}

// someHolder draws a holder.
func someHolder(t *rapid.T) string { return rapid.SampledFrom(holders).Draw(t, "holder") }

// renew renews the leases of a holder, or lets them expire.
func (m *machine) renew(t *rapid.T) {
	who, expired := someHolder(t), rapid.Bool().Draw(t, "expired")
	until := time.Now().Add(time.Hour)
	if expired {
		until = time.Now().Add(-time.Second)
	}
	if err := m.Renew(context.Background(), who, until); err != nil {
		t.Fatalf("renew: %v", err)
	}
	for _, s := range m.sessions {
		if len(s.active) > 0 && s.active[0].running && s.active[0].started.Run.Holder == who {
			s.active[0].expired = expired
		}
	}
}

// recover calls Recover, as a process does when it starts, or as another process with the
// same store does.
func (m *machine) recover(t *rapid.T) {
	who := rapid.SampledFrom(append([]string{"new"}, holders...)).Draw(t, "holder")
	exclusive := rapid.Bool().Draw(t, "exclusive")
	interrupted, queued, err := m.Recover(context.Background(), who, exclusive)
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	wantInterrupted, wantQueued := 0, 0
	for _, s := range m.sessions {
		if len(s.active) > 0 && s.active[0].running {
			if run := s.active[0]; run.started.Run.Holder != who && (exclusive || run.expired) {
				wantInterrupted, m.changed[s] = wantInterrupted+1, true
				m.end(s, run, session.RunFailed)
			}
		}
		isQueued := len(s.active) > 0 && !s.active[0].running
		if slices.Contains(queued, s.key) != isQueued {
			t.Fatalf("%s has %d runs; queued are %v", s.key, len(s.active), queued)
		}
		if isQueued {
			wantQueued++
		}
	}
	if interrupted != wantInterrupted || len(queued) != wantQueued {
		t.Fatalf("%d runs were interrupted, want %d; queued are %v", interrupted,
			wantInterrupted, queued)
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
	for _, s := range m.sorted() {
		if !s.alive || before.Before(time.Now()) {
			continue
		}
		compacts := map[string]bool{}
		for _, run := range s.ended {
			compacts[run.id], run.compacted = !run.compacted, true
		}
		for _, e := range m.published.log(s.key) {
			if compacts[e.RunID] && piece(e) {
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
	want := 0
	for _, s := range m.sorted() {
		if s.alive && len(s.active) == 0 && since.After(time.Now()) {
			s.alive, m.changed[s], want = false, true, want+1
			m.clear(s)
		}
	}
	if deleted != want {
		t.Fatalf("%d sessions were deleted, want %d", deleted, want)
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

// span draws a limit on how much of a log is read.
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

// answerText checks the texts of all answers of a session at each seq of the log.
func (m *machine) answerText(t *rapid.T) {
	s := m.some(t)
	if s == nil || !s.alive {
		t.Skip("no session")
	}
	for _, run := range append(slices.Clone(s.ended), s.active...) {
		if run.started.Key != "" {
			m.checkAnswerText(t, s.key, run.id, 1)
		}
	}
}

// check compares the changed sessions and all waiters with the model.
func (m *machine) check(t *rapid.T) {
	m.checkUploads(t)
	for _, w := range m.waits {
		switch {
		case w.want == "" && len(w.ended) != 0, w.want != "" && len(w.ended) != 1:
			t.Fatalf("run %s is %q and its waiter was called %d times", w.run, w.want, len(w.ended))
		case w.want != "" && (w.ended[0].RunID != w.run || w.ended[0].Outcome.Status != w.want):
			t.Fatalf("run %s is %q and its waiter was called with %+v", w.run, w.want, w.ended[0])
		}
	}
	limit := rapid.IntRange(1, 5).Draw(t, "page")
	for _, s := range m.sorted() {
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

// checkPages fails unless the pages of a transcript make up the whole.
func (m *machine) checkPages(t *rapid.T, key string, limit int) {
	t.Helper()
	sameMessages(t, "the walk", m.walk(t, key, limit), m.history(t, key))
}

// checkStatus compares Status with the model.
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
