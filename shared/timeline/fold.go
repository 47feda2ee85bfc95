package timeline

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// fold applies one event to a Timeline; see The fold in the package documentation.
type fold struct {
	t       *Timeline
	seq     int64    // of the event
	changes []Change // so far
}

func (f *fold) change(kind Kind, m *Message) {
	f.changes = append(f.changes, Change{Kind: kind, MessageID: m.ID})
}

// markApplied notes that the event is applied to m. It reports false if there is no m, or if
// m includes the event already, because m came from a page newer than the transcript.
func (f *fold) markApplied(m *Message) bool {
	if m == nil || f.seq <= m.through {
		return false
	}
	m.through = f.seq
	return true
}

// add adds a message, or replaces the one with the same id.
func (f *fold) add(p protocol.Message) *Message {
	old := f.t.byID[p.ID]
	if old != nil && !f.markApplied(old) {
		return old
	}
	if p.Seq <= 0 {
		p.Seq = f.seq
		if old != nil {
			p.Seq = old.Seq
		}
	}
	m := newMessage(p, f.seq)
	if old != nil {
		m.anchor = old.anchor
	}
	f.t.put(m)
	f.t.sort()
	if old != nil {
		f.change(Replaced, m)
		return m
	}
	f.changes = append(f.changes, Change{Kind: Added, MessageID: m.ID, After: f.t.before(m)})
	return m
}

func (f *fold) status(m *Message, s protocol.MessageStatus, sentence string) {
	if m.Status == s && m.Error == sentence {
		return
	}
	m.Status, m.Error = s, sentence
	f.change(Status, m)
}

func (f *fold) chat(e *protocol.ChatEvent) {
	m := e.Message
	switch {
	case e.Type != protocol.ChatMessage || m.ID == "":
	case f.t.byID[m.ID] == nil && f.t.more && m.Seq > 0 && m.Seq < f.seq:
		// An old message that was sent again, from a page that is not loaded: see Oldest.
	default:
		f.add(m)
	}
}

// agent reports whether the event could be read.
func (f *fold) agent(e *protocol.AgentEvent) (ok bool) {
	switch e.Type {
	case protocol.RunStarted:
		var p protocol.RunStartedPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.started(e.RunID, &p)
		}
	case protocol.RunActivity:
		var p protocol.Activity
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.activity(e.RunID, &p)
		}
	case protocol.RunChunk:
		var p protocol.TextPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.chunk(f.t.streaming[e.RunID], &p)
		}
	case protocol.RunThinking:
		var p protocol.TextPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.thinking(f.t.streaming[e.RunID], &p)
		}
	case protocol.RunCompleted:
		var p protocol.RunCompletedPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.completed(e.RunID, &p)
		}
	case protocol.RunFailed:
		var p protocol.RunFailedPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.failed(e.RunID, &p)
		}
	case protocol.RunCancelled:
		var p protocol.RunCancelledPayload
		if ok = decode(e.Payload, p.DecodeJSON); ok {
			f.cancelled(e.RunID, &p)
		}
	default:
		ok = true
	}
	return ok
}

func (f *fold) started(run string, p *protocol.RunStartedPayload) {
	f.answer(run, p.MessageID, f.completeQuestion(run, p.UserMessageID), p.CreatedAt)
}

// completeQuestion makes the user message that a run answers complete, if it was queued. It
// returns the message's id, even if the message is not loaded. id is "" if the event did not
// name the message.
func (f *fold) completeQuestion(run, id string) string {
	var m *Message
	if id != "" {
		m = f.t.byID[id]
	} else if m = f.t.userMessageOf(run); m != nil {
		id = m.ID
	}
	if m != nil && m.Status == protocol.StatusQueued && f.markApplied(m) {
		f.status(m, protocol.StatusComplete, "")
	}
	return id
}

// userMessageOf returns the user message that began a run, or nil.
func (t *Timeline) userMessageOf(run string) *Message {
	for i := len(t.messages) - 1; i >= 0 && run != ""; i-- {
		if m := t.messages[i]; m.RunID == run && m.Role == protocol.FromUser {
			return m
		}
	}
	return nil
}

// hasAnswer reports whether the run has an answer.
func (t *Timeline) hasAnswer(run string) bool {
	for _, m := range t.messages {
		if m.RunID == run && m.Role == protocol.FromAssistant {
			return true
		}
	}
	return false
}

// answer adds an empty answer of a run.
func (f *fold) answer(run, id, replyTo string, at protocol.Time) *Message {
	return f.add(protocol.Message{
		ID:        answerID(run, id),
		Role:      protocol.FromAssistant,
		Status:    protocol.StatusStreaming,
		CreatedAt: at,
		RunID:     run,
		Seq:       f.seq,
		ReplyTo:   replyTo,
	})
}

func answerID(run, id string) string {
	if id == "" {
		return "run:" + run
	}
	return id
}

func (f *fold) activity(run string, p *protocol.Activity) {
	if f.t.streaming[run] == nil {
		return
	}
	f.t.activity, f.t.activityRun = p, run
	f.changes = append(f.changes, Change{Kind: Activity})
}

// clearActivity clears the activity if it is that of the run.
func (f *fold) clearActivity(run string) {
	if f.t.activity != nil && f.t.activityRun == run {
		f.t.activity, f.t.activityRun = nil, ""
		f.changes = append(f.changes, Change{Kind: Activity})
	}
}

func (f *fold) thinking(m *Message, p *protocol.TextPayload) {
	s := p.Content
	if s == "" && !p.TextWasThinking || !f.markApplied(m) {
		return
	}
	if p.TextWasThinking {
		s = m.Content + s
		m.Content, m.Blocks = "", nil
		f.change(Content, m)
		f.change(Markup, m)
	}
	appendTo(&m.thinking, &m.Thinking, s)
	f.changes = append(f.changes, Change{Kind: Thinking, MessageID: m.ID, Text: s})
}

func (f *fold) chunk(m *Message, p *protocol.TextPayload) {
	if !f.markApplied(m) {
		return
	}
	if p.Content != "" {
		appendTo(&m.content, &m.Content, p.Content)
		f.changes = append(f.changes, Change{Kind: Text, MessageID: m.ID, Text: p.Content})
	}
	h := p.HTML
	if h == nil && len(m.Blocks) > 0 && p.Content != "" {
		h = &protocol.HTML{From: int64(len(m.Blocks)), Append: p.Content}
	}
	f.markup(m, h)
}

// markup applies a patch of the formatted text, if there is one.
func (f *fold) markup(m *Message, h *protocol.HTML) {
	if h == nil {
		return
	}
	hadBlocks := len(m.Blocks) > 0
	if m.applyPatch(h) {
		f.changes = append(f.changes, Change{Kind: Markup, MessageID: m.ID, HTML: h})
	} else if hadBlocks {
		f.change(Markup, m)
	}
}

// end ends an answer: it applies the last patch and sets the status.
func (f *fold) end(m *Message, h *protocol.HTML, s protocol.MessageStatus, sentence string) {
	f.t.closeAnswer(m)
	f.markup(m, h)
	f.status(m, s, sentence)
}

func (f *fold) completed(run string, p *protocol.RunCompletedPayload) {
	f.clearActivity(run)
	m := f.t.streaming[run]
	if !f.markApplied(m) {
		return
	}
	if m.Content != p.Content {
		m.Content = p.Content
		f.change(Content, m)
		if p.HTML == nil && len(m.Blocks) > 0 {
			m.Blocks = nil
			f.change(Markup, m)
		}
	}
	m.Finish = p.Finish
	f.end(m, p.HTML, protocol.StatusComplete, "")
}

func (f *fold) failed(run string, p *protocol.RunFailedPayload) {
	f.clearActivity(run)
	m := f.t.streaming[run]
	switch {
	case m == nil && f.t.more && f.t.userMessageOf(run) == nil:
		return // its answer is on a page that is not loaded: see Oldest
	case m == nil && f.t.byID[answerID(run, p.MessageID)] == nil:
		m = f.answer(run, p.MessageID, f.completeQuestion(run, ""), 0)
	case !f.markApplied(m):
		return
	}
	m.Rejected = p.Rejected
	f.end(m, p.HTML, protocol.StatusFailed, p.Error)
}

func (f *fold) cancelled(run string, p *protocol.RunCancelledPayload) {
	f.clearActivity(run)
	if m := f.t.streaming[run]; m != nil {
		if f.markApplied(m) {
			f.end(m, p.HTML, protocol.StatusAborted, "")
		}
		return
	}
	if p.MessageID != "" {
		return
	}
	m := f.t.userMessageOf(run)
	if m == nil {
		f.t.withdrawnSeq = f.seq
	} else if !f.t.hasAnswer(run) && f.markApplied(m) {
		f.status(m, protocol.StatusWithdrawn, "")
	}
}
