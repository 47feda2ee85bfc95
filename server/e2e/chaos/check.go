package chaos

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// evidence is what is left of a user's sessions when everything has settled, and what the
// user's clients did.
type evidence struct {
	sessions []session
	sends    []*sentMessage
	retries  []*retriedRun
	aborted  map[string]bool          // sessions in which runs may have been aborted
	codes    map[string]protocol.Code // why runs failed, as far as clients saw it
}

// session is a session as the gateway and several clients have it.
type session struct {
	key, epoch string
	lastSeq    int64
	history    []protocol.Message
	copies     []transcript
	log        []protocol.Frame // from the first event on; nil when events were compacted away
}

// transcript is a session's messages as one client has them.
type transcript struct {
	who      string
	messages []protocol.Message
}

// finding is a broken promise.
type finding struct {
	session, what   string
	losses, doubles int
}

// check returns every broken promise.
func (e *evidence) check() []finding {
	findings := e.checkOnce()
	for i := range e.sessions {
		s := &e.sessions[i]
		for _, what := range slices.Concat(e.checkOrder(s), e.checkAnswers(s), s.checkCopies(), s.checkLog()) {
			findings = append(findings, finding{session: s.key, what: what})
		}
	}
	return findings
}

// foundMessage is a user's message in the session where it was found.
type foundMessage struct {
	in *session
	protocol.Message
}

// checkOnce checks that each acknowledged message is there exactly once, as it was
// acknowledged, that no other message is there twice, and that nobody else's message is
// there.
func (e *evidence) checkOnce() (findings []finding) {
	places := map[string][]foundMessage{}
	logs := map[string]string{} // epochs by session
	for i := range e.sessions {
		s := &e.sessions[i]
		logs[s.key] = s.epoch
		for _, m := range s.history {
			if m.Role == protocol.FromUser {
				places[m.Content] = append(places[m.Content], foundMessage{s, m})
			}
		}
	}
	for _, s := range e.sends {
		found := places[s.text]
		delete(places, s.text)
		// A reset or a deletion removes a log's messages.
		due := s.order > 0 && (!isScratch(s.in) || s.epoch != "" && s.epoch == logs[s.in])
		findings = append(findings, s.checkOnce(found, due)...)
	}
	for text, found := range places {
		findings = append(findings, finding{session: found[0].in.key,
			what: fmt.Sprintf("a message that nobody sent: %q", shorten(text))})
	}
	return findings
}

func (s *sentMessage) checkOnce(found []foundMessage, due bool) []finding {
	session := cmp.Or(s.in, s.session)
	switch {
	case len(found) > 1:
		return []finding{{session: session, doubles: len(found) - 1,
			what: fmt.Sprintf("%q is there %d times", shorten(s.text), len(found))}}
	case len(found) == 0 && due:
		return []finding{{session: session, losses: 1,
			what: fmt.Sprintf("%q was acknowledged as seq %d and is not there",
				shorten(s.text), s.seq)}}
	case len(found) == 0 || s.order == 0:
		return nil
	}
	m := found[0]
	if m.in.key != s.in || m.RunID != s.run || s.message != "" && (m.ID != s.message || m.Seq != s.seq || m.in.epoch != s.epoch) {
		return []finding{{session: session, what: fmt.Sprintf("%q was acknowledged as %s of run %s at %d of %s in %s, and is %s of run %s at %d of %s in %s",
			shorten(s.text), s.message, s.run, s.seq, s.epoch, s.in, m.ID, m.RunID, m.Seq, m.in.epoch, m.in.key)}}
	}
	return nil
}

// checkOrder checks that a sender's messages stand in the order in which they were
// acknowledged.
func (e *evidence) checkOrder(s *session) (faults []string) {
	order := map[string]*sentMessage{}
	for _, m := range e.sends {
		if m.order > 0 && m.in == s.key {
			order[m.text] = m
		}
	}
	last := map[string]*sentMessage{} // by sender
	for _, m := range s.history {
		is := order[m.Content]
		if is == nil || m.Role != protocol.FromUser {
			continue
		}
		if before := last[is.sender]; before != nil && before.order > is.order {
			faults = append(faults, fmt.Sprintf("%q stands before %q, which was acknowledged earlier", shorten(before.text), shorten(is.text)))
		}
		last[is.sender] = is
	}
	return faults
}

// checkAnswers checks that every message has its answer, that every run has ended, and
// that nobody else's run is there.
func (e *evidence) checkAnswers(s *session) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	replies := map[string]*sentMessage{}
	for _, m := range e.sends {
		replies[m.text] = m
	}
	known := map[string]bool{} // runs
	spare := 0                 // retries whose runs were not acknowledged
	for _, r := range e.retries {
		if r.session == s.key && r.run == "" {
			spare++
		}
		known[r.run] = true
	}
	questions, answers := map[string]protocol.Message{}, map[string]int{}
	for _, m := range s.history {
		switch m.Role {
		case protocol.FromUser:
			questions[m.ID] = m
			known[m.RunID] = true
			if !m.Status.Ended() {
				fault("message %s is still %s", m.ID, m.Status)
			}
			if m.Status == protocol.StatusWithdrawn && !e.aborted[s.key] {
				fault("message %s was withdrawn, though nobody asked for that", m.ID)
			}
		case protocol.FromAssistant:
			answers[m.ReplyTo]++
			if !known[m.RunID] {
				spare--
			}
			if spare < 0 {
				fault("answer %s is of run %s, which nobody asked for", m.ID, m.RunID)
				spare = 0
			}
			known[m.RunID] = false // a second answer of that run is one too many
			question, ok := questions[m.ReplyTo]
			if !ok {
				fault("answer %s stands before what it answers", m.ID)
				continue
			}
			faults = append(faults, e.checkAnswer(s, m, replies[question.Content])...)
		}
	}
	for id, m := range questions {
		if answers[id] == 0 && m.Status != protocol.StatusWithdrawn {
			fault("message %s has no answer", id)
		}
	}
	return faults
}

// checkAnswer checks that an answer is what the question asked for.
func (e *evidence) checkAnswer(s *session, m protocol.Message, question *sentMessage) []string {
	code := e.codes[m.RunID]
	ask := question != nil && wantsError(question.text)
	switch {
	case !m.Status.Ended():
		return []string{fmt.Sprintf("answer %s is still %s", m.ID, m.Status)}
	case m.Status == protocol.StatusAborted && !e.aborted[s.key]:
		return []string{fmt.Sprintf("answer %s was aborted, though nobody asked for that", m.ID)}
	case m.Status == protocol.StatusFailed && code != "" && code != protocol.Interrupted &&
		!(ask && code == protocol.Unavailable):
		return []string{fmt.Sprintf("answer %s failed: %s: %s", m.ID, code, m.Error)}
	case m.Status == protocol.StatusComplete && ask:
		return []string{fmt.Sprintf("answer %s is complete, which had to fail", m.ID)}
	case question == nil || question.reply == "":
		return nil
	case m.Status == protocol.StatusComplete && m.Content != question.reply,
		!strings.HasPrefix(question.reply, m.Content):
		return []string{fmt.Sprintf("answer %s (%s) is %q, which had to be %q", m.ID, m.Status,
			m.Content, question.reply)}
	}
	return nil
}

// checkCopies checks that every client has the gateway's transcript.
func (s *session) checkCopies() (faults []string) {
	want := encodeMessages(s.history)
	for _, c := range s.copies {
		got := encodeMessages(c.messages)
		for i := range max(len(want), len(got)) {
			a, b := "nothing", "nothing"
			if i < len(want) {
				a = want[i]
			}
			if i < len(got) {
				b = got[i]
			}
			if a != b {
				faults = append(faults, fmt.Sprintf("%s differs from chat.history at message %d of %d:\n  %s\n  history has\n  %s", c.who, i, len(want), shorten(b), shorten(a)))
				break
			}
		}
		if fault := c.checkFormatted(s.history); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// highlights matches the markup that colours code.
var highlights = regexp.MustCompile(`<span class="[a-z0-9]+">|</span>`)

// checkFormatted checks that formatted text, where a client has some, is the history's.
// Code may lack its colours: a busy gateway leaves them out.
func (c *transcript) checkFormatted(history []protocol.Message) string {
	want := map[string]*protocol.HTML{}
	for _, m := range history {
		want[m.ID] = m.HTML
	}
	for _, m := range c.messages {
		h := want[m.ID]
		if m.HTML == nil || h == nil {
			continue
		}
		for i := range max(len(m.HTML.Blocks), len(h.Blocks)) {
			a, b := block(h, i), block(m.HTML, i)
			if a != b {
				return fmt.Sprintf("%s shows block %d of message %s as %q, history as %q",
					c.who, i, m.ID, b, a)
			}
		}
	}
	return ""
}

// block returns a block of formatted text without colours, or "".
func block(h *protocol.HTML, i int) string {
	if i < len(h.Blocks) {
		return highlights.ReplaceAllString(h.Blocks[i], "")
	}
	return ""
}

// encodeMessages returns messages as JSON that can be compared: without HTML, which is
// derived, and without the names that only histories have.
func encodeMessages(messages []protocol.Message) []string {
	all := make([]string, len(messages))
	for i, m := range messages {
		m.HTML, m.Created, m.MediaRefs = nil, 0, nil
		all[i] = string(m.AppendJSON(nil))
	}
	return all
}

// checkLog checks that the log has no gap, that each run in it begins at most once, ends
// exactly once and has no events outside, and that the log folds to the history.
func (s *session) checkLog() (faults []string) {
	if s.log == nil {
		return nil
	}
	tl := timeline.New(s.key)
	runs := map[string]string{} // each run's last event
	for i, f := range s.log {
		if f.Seq != int64(i)+1 {
			return append(faults, fmt.Sprintf("the log has seq %d at place %d", f.Seq, i+1))
		}
		if outcome, _ := tl.Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload}); outcome != timeline.Applied {
			return append(faults, fmt.Sprintf("seq %d cannot be folded: %s %s", f.Seq,
				f.Event, f.Payload))
		}
		if h, ok := digestEvent(f); ok && h.run != "" {
			if was := runs[h.run]; !mayFollow(was, h.kind) {
				faults = append(faults, fmt.Sprintf("run %s: %s after %q at seq %d", h.run,
					h.kind, was, f.Seq))
			}
			runs[h.run] = h.kind
		}
	}
	for run, last := range runs {
		if !isEnd(last) {
			faults = append(faults, fmt.Sprintf("run %s has no end in the log: its last event is %s", run, last))
		}
	}
	if int64(len(s.log)) != s.lastSeq {
		faults = append(faults, fmt.Sprintf("the log has %d events, but its last seq is %d",
			len(s.log), s.lastSeq))
	}
	fold := session{history: s.history, copies: []transcript{{"the log's fold", shownMessages(tl)}}}
	return append(faults, fold.checkCopies()...)
}

func isEnd(kind string) bool {
	return kind == protocol.RunCompleted || kind == protocol.RunFailed ||
		kind == protocol.RunCancelled
}

// mayFollow reports whether an event of a run may come after another one; before is ""
// for the first event.
func mayFollow(before, kind string) bool {
	switch {
	case isEnd(before):
		return false
	case before == "":
		return kind == protocol.RunStarted || kind == protocol.RunFailed ||
			kind == protocol.RunCancelled
	}
	return kind != protocol.RunStarted
}
