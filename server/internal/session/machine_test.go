package session_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The log, what was published, the transcript and the answers to callers stay
// one story through any sequence of changes, on a real store.
func TestAnyLifeOfSessions(t *testing.T) {
	store := openStore(t)
	lives := 0
	rapid.Check(t, func(t *rapid.T) {
		lives++
		m := &machine{house: houseOn(store), life: lives, sessions: map[string]*life{}, sends: map[string]madeSend{}, changed: map[*life]bool{}}
		defer m.bury()
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"send":     m.send,
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
			"recover":  m.recover,
		})
	})
}

// machine is what sessions should be like.
type machine struct {
	house
	life     int
	sessions map[string]*life // by key
	sends    map[string]madeSend
	waits    []*wait
	changed  map[*life]bool // since they were checked
}

type life struct {
	key, owner string
	alive      bool
	epoch      string
	active     []*runLife // running first, then queued, in order
	ended      []*runLife
	dead       []session.Begun // runs that ended, by whatever
}

type runLife struct {
	id, asked string
	begun     session.Begun
	running   bool
}

type madeSend struct {
	text string
	sent session.Sent
}

// wait is an OnEnd under way.
type wait struct {
	run   string
	ended []session.Ended
	want  session.RunStatus // "" while the run is active
}

func (m *machine) caller(t *rapid.T) session.Caller {
	return rapid.SampledFrom([]session.Caller{ann, ann, ben, root}).Draw(t, "caller")
}

// some is a session that was made, or nil.
func (m *machine) some(t *rapid.T) *life {
	var all []*life
	for _, s := range m.sessions {
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b *life) int { return cmp.Compare(a.key, b.key) })
	s := rapid.SampledFrom(all).Draw(t, "session")
	m.changed[s] = true
	return s
}

// may checks how a change of a session was answered, and reports whether it was
// made.
func may(t *rapid.T, who session.Caller, s *life, err error) bool {
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
	if n := rapid.IntRange(0, 9).Draw(t, "key"); n > 0 {
		r.SessionKey = fmt.Sprintf("life-%d-%d", m.life, n/6)
	}
	if n := rapid.IntRange(0, 4).Draw(t, "idempotency"); n > 2 {
		r.IdempotencyKey = fmt.Sprintf("life-%d-%d", m.life, n)
		if before, ok := m.sends[who.UserID+r.IdempotencyKey]; ok && rapid.Bool().Draw(t, "same text") {
			r.Message = before.text
		}
	}
	m.sendOne(t, who, r)
}

func (m *machine) sendOne(t *rapid.T, who session.Caller, r session.SendRequest) {
	t.Helper()
	sent, err := m.Send(context.Background(), who, r)
	before, used := m.sends[who.UserID+r.IdempotencyKey]
	s := m.sessions[r.SessionKey]
	switch {
	case r.IdempotencyKey != "" && used && before.text != r.Message:
		refused(t, "another message under a used key", err, protocol.AlreadyExists)
		return
	case r.IdempotencyKey != "" && used:
		want := before.sent
		want.Duplicate, want.Queued = true, false
		if err != nil || sent != want {
			t.Fatalf("a repeat gave %+v (%v), want %+v", sent, err, want)
		}
		return
	case s != nil && s.owner != who.UserID && who.Role != protocol.Admin:
		refused(t, "a send to somebody else's session", err, protocol.Forbidden)
		return
	case s != nil && len(s.active) > protocol.MaxQueuedRuns:
		refused(t, "a send to a full queue", err, protocol.ResourceExhausted)
		return
	case err != nil:
		t.Fatalf("send: %v", err)
	}
	if s == nil {
		s = &life{key: sent.SessionKey, owner: who.UserID}
		m.sessions[s.key] = s
	}
	if want := (len(s.active) > 0); r.SessionKey != "" && sent.SessionKey != r.SessionKey || sent.Queued != want || sent.Duplicate {
		t.Fatalf("sent %+v, queued should be %v", sent, want)
	}
	s.alive, m.changed[s] = true, true
	s.active = append(s.active, &runLife{id: sent.RunID, asked: sent.MessageID})
	if r.IdempotencyKey != "" {
		m.sends[who.UserID+r.IdempotencyKey] = madeSend{r.Message, sent}
	}
	m.wait(t, sent.RunID, "")
	m.checkAuthor(t, who, s, sent.MessageID)
}

func (m *machine) checkAuthor(t *rapid.T, who session.Caller, s *life, id string) {
	t.Helper()
	for _, msg := range m.history(t, s.key) {
		if msg.ID != id {
			continue
		}
		if by := msg.Author; (by != nil) != (who.UserID != s.owner) || by != nil && *by != (protocol.Author{UserID: who.UserID, Role: who.Role}) {
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
		m.sendOne(t, who, session.SendRequest{SessionKey: s.key, DefaultAgent: "demo", Message: "flood"})
	}
}

// wait waits for a run that is active, or has ended as want.
func (m *machine) wait(t *rapid.T, run string, want session.RunStatus) {
	t.Helper()
	w := &wait{run: run, want: want}
	m.waits = append(m.waits, w)
	if err := m.OnEnd(context.Background(), run, func(e session.Ended) { w.ended = append(w.ended, e) }); err != nil {
		t.Fatalf("wait: %v", err)
	}
}

// end notes that a run has ended.
func (m *machine) end(s *life, run *runLife, how session.RunStatus) {
	for _, w := range m.waits {
		if w.run == run.id {
			w.want = how
		}
	}
	if run.running {
		s.dead = append(s.dead, run.begun)
	}
	s.active = slices.DeleteFunc(s.active, func(r *runLife) bool { return r == run })
	s.ended = append(s.ended, run)
}

func (m *machine) begin(t *rapid.T) {
	s := m.some(t)
	if s == nil {
		t.Skip("no session")
	}
	b, err := m.Begin(context.Background(), s.key)
	if len(s.active) == 0 || s.active[0].running {
		if !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("nothing waits, and Begin gave %v", err)
		}
		return
	}
	run := s.active[0]
	if err != nil || b.Run.ID != run.id || b.Key != s.key || b.UserID != s.owner || b.Run.Status != session.RunRunning {
		t.Fatalf("begun %+v (%v), want run %s of %s", b, err, run.id, s.owner)
	}
	run.running, run.begun = true, b
	m.checkPrompt(t, s, b, run)
}

// checkPrompt fails unless the run was given what stands before its question.
func (m *machine) checkPrompt(t *rapid.T, s *life, b session.Begun, run *runLife) {
	t.Helper()
	var want []protocol.Message
	for _, msg := range m.history(t, s.key) {
		if msg.Status == protocol.StatusComplete || msg.Status == protocol.StatusAborted || msg.Status == protocol.StatusFailed {
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

// running is a session's run under way, or one that is over.
func (m *machine) running(t *rapid.T, s *life) (b session.Begun, alive *runLife) {
	if len(s.active) > 0 && s.active[0].running && (len(s.dead) == 0 || rapid.IntRange(0, 4).Draw(t, "late") > 0) {
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
		switch text := rapid.StringMatching(`[a-z"\n ü]{1,5}`).Draw(t, "text"); rapid.IntRange(0, 3).Draw(t, "kind") {
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

// answer brings a session's next run to a good end.
func (m *machine) answer(t *rapid.T) {
	s := m.some(t)
	if s == nil || len(s.active) == 0 {
		t.Skip("nothing waits")
	}
	run := s.active[0]
	if !run.running {
		run.running, run.begun = true, m.house.begin(t, s.key)
	}
	m.say(t, run.begun, "well", ", yes")
	m.house.finish(t, run.begun, session.RunCompleted)
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
	withdrawn, running, err := m.Withdraw(context.Background(), who, s.key, only)
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
			m.end(s, run, session.RunCancelled)
		}
	}
	if !slices.Equal(withdrawn, want) || running != wantRunning {
		t.Fatalf("withdrawn are %v, running is %q; want %v, %q", withdrawn, running, want, wantRunning)
	}
}

// retry queues a new run on a message that was answered, as chat.retry is to do.
func (m *machine) retry(t *rapid.T) {
	s := m.some(t)
	if s == nil || !s.alive || len(s.ended) == 0 || len(s.active) > protocol.MaxQueuedRuns {
		t.Skip("nothing to retry")
	}
	old := rapid.SampledFrom(s.ended).Draw(t, "run")
	// It needs a seq of its own for its place in the queue.
	_, err := m.Patch(context.Background(), root, s.key, nil, nil)
	try(t, s, err)
	run := session.Run{ID: fmt.Sprintf("retry-%d-%s-%d", m.life, s.key, len(s.ended)+len(s.active)), AgentID: "demo",
		UserMessageID: old.asked, Status: session.RunQueued}
	err = m.store.Update(context.Background(), func(tx session.Tx) error {
		rec, err := tx.Session(s.key)
		if err != nil {
			return err
		}
		asked, err := tx.Message(rec.ID, old.asked)
		if err != nil {
			return err
		}
		if asked.Status == protocol.StatusWithdrawn {
			return session.ErrNotFound
		}
		run.SessionID, run.Order = rec.ID, rec.LastSeq
		return tx.SaveRun(run)
	})
	if errors.Is(err, session.ErrNotFound) {
		t.Skip("it was taken back")
	}
	if err != nil {
		t.Fatalf("retry: %v", err)
	}
	s.active = append(s.active, &runLife{id: run.ID, asked: old.asked})
}

func (m *machine) inject(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	id, err := m.Inject(context.Background(), who, s.key, "note", "label")
	if may(t, who, s, err) {
		m.checkAuthor(t, who, s, id)
	}
}

func (m *machine) patch(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	label, pinned := rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "label"), rapid.Bool().Draw(t, "pinned")
	rec, err := m.Patch(context.Background(), who, s.key, &label, &pinned)
	if may(t, who, s, err) && (rec.Label != label || rec.Pinned != pinned) {
		t.Fatalf("patched to %+v", rec)
	}
}

func (m *machine) delete(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	if may(t, who, s, m.Delete(context.Background(), who, s.key)) {
		s.alive = false
		m.clear(s)
	}
}

func (m *machine) reset(t *rapid.T) {
	s, who := m.some(t), m.caller(t)
	if s == nil {
		t.Skip("no session")
	}
	rec, err := m.Reset(context.Background(), who, s.key)
	if !may(t, who, s, err) {
		return
	}
	m.clear(s)
	if now := m.checkLog(t, s.key); rec != now || rec.Epoch == s.epoch {
		t.Fatalf("reset of epoch %s gave %+v, and there is %+v", s.epoch, rec, now)
	}
}

func (m *machine) clear(s *life) {
	for _, run := range slices.Clone(s.active) {
		m.end(s, run, session.RunCancelled)
	}
	s.ended = nil
}

// recover is what a new process does.
func (m *machine) recover(t *rapid.T) {
	interrupted, waiting, err := m.Recover(context.Background())
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	were := 0
	for _, s := range m.sessions {
		m.changed[s] = true
		if len(s.active) > 0 && s.active[0].running {
			were++
			m.end(s, s.active[0], session.RunFailed)
		}
		if slices.Contains(waiting, s.key) != (len(s.active) > 0) {
			t.Fatalf("%s has %d runs; waiting are %v", s.key, len(s.active), waiting)
		}
	}
	if interrupted != were {
		t.Fatalf("%d runs were interrupted, want %d", interrupted, were)
	}
}

func (m *machine) check(t *rapid.T) {
	for _, w := range m.waits {
		switch {
		case w.want == "" && len(w.ended) != 0, w.want != "" && len(w.ended) != 1:
			t.Fatalf("run %s is %q and was told of %d times", w.run, w.want, len(w.ended))
		case w.want != "" && (w.ended[0].RunID != w.run || w.ended[0].Outcome.Status != w.want):
			t.Fatalf("run %s is %q and was told of as %+v", w.run, w.want, w.ended[0])
		}
	}
	limit := rapid.IntRange(1, 5).Draw(t, "page")
	for s := range m.changed {
		if !s.alive {
			_, err := m.Find(context.Background(), session.Caller{UserID: s.owner}, s.key)
			refused(t, "a deleted session", err, protocol.NotFound)
			continue
		}
		rec := m.checkLog(t, s.key)
		s.epoch = rec.Epoch
		if rec.UserID != s.owner || rec.Running != (len(s.active) > 0) {
			t.Fatalf("%+v should be %s's, with %d runs", rec, s.owner, len(s.active))
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

func (m *machine) checkStatus(t *rapid.T, s *life) {
	t.Helper()
	a, err := m.Status(context.Background(), root, s.key)
	try(t, a, err)
	running, queued := "", len(s.active)
	if queued > 0 && s.active[0].running {
		running, queued = s.active[0].id, queued-1
	}
	if a.RunID != running || a.Queued != queued || (a.Phase != nil) != (running != "") {
		t.Fatalf("the status is %+v, want running %q, queued %d", a, running, queued)
	}
}

// bury leaves no run behind for the next life.
func (m *machine) bury() {
	for key := range m.sessions {
		_ = m.Delete(context.Background(), root, key) // it may be deleted already
	}
}
