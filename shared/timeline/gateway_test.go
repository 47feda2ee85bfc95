package timeline

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const testKey = "agent:demo:ws:direct:1"

// gateway simulates a session at the gateway: its log and, after each event, the transcript
// that chat.history would answer. It derives both from the same commands, the transcript
// independently of the log.
type gateway struct {
	epoch  string
	log    []Event
	states [][]protocol.Message // states[n] is the transcript after n events, in seq order
	runs   []*serverRun
	html   bool
	splits bool  // a page may begin between a message and its answer
	floor  int64 // seq of the last event that was compacted away
}

type serverRun struct {
	id, asked, answer string
	state             string // queued, running, ended
}

func newGateway(epoch string, html bool) *gateway {
	g := &gateway{epoch: epoch, html: html, states: [][]protocol.Message{nil}}
	g.append(protocol.EventSessionUpdated, &protocol.SessionUpdated{
		SessionKey: testKey, Change: protocol.SessionReset, Session: &protocol.Session{Key: testKey, Epoch: epoch},
	}, nil)
	return g
}

func (g *gateway) lastSeq() int64 { return int64(len(g.log)) }

// append stores an event, and applies its effect to the transcript.
func (g *gateway) append(name string, p protocol.Payload, change func(m []protocol.Message) []protocol.Message) {
	g.log = append(g.log, Event{Name: name, Seq: g.lastSeq() + 1, Payload: p.AppendJSON(nil)})
	m := slices.Clone(g.states[len(g.states)-1])
	if change != nil {
		m = change(m)
	}
	g.states = append(g.states, m)
}

func (g *gateway) agent(kind string, run *serverRun, p protocol.Payload, change func(m []protocol.Message) []protocol.Message) {
	var raw jsontext.Raw
	if p != nil {
		raw = p.AppendJSON(nil)
	}
	g.append(protocol.EventAgent, &protocol.AgentEvent{
		Type: kind, SessionKey: testKey, AgentID: "demo", RunID: run.id, UserID: "u", Channel: protocol.ChannelWS, Payload: raw,
	}, change)
}

func edit(id string, f func(m *protocol.Message)) func([]protocol.Message) []protocol.Message {
	return func(ms []protocol.Message) []protocol.Message {
		for i := range ms {
			if ms[i].ID == id {
				f(&ms[i])
			}
		}
		return ms
	}
}

func (g *gateway) say(role protocol.MessageRole, status protocol.MessageStatus, run, text string) string {
	seq := g.lastSeq() + 1
	m := protocol.Message{
		ID: "m" + strconv.FormatInt(seq, 10), Role: role, Status: status, Content: text,
		RunID: run, Seq: seq, CreatedAt: protocol.Time(seq * 1000),
	}
	g.append(protocol.EventChat, &protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: testKey, Message: m},
		func(ms []protocol.Message) []protocol.Message { return append(ms, m) })
	return m.ID
}

func (g *gateway) send(text string) {
	run := &serverRun{id: "r" + strconv.Itoa(len(g.runs)), state: "queued"}
	status := protocol.StatusComplete
	if slices.ContainsFunc(g.runs, func(r *serverRun) bool { return r.state != "ended" }) {
		status = protocol.StatusQueued
	}
	run.asked = g.say(protocol.FromUser, status, run.id, text)
	g.runs = append(g.runs, run)
}

func (g *gateway) retry(run *serverRun) {
	for _, m := range g.states[len(g.states)-1] {
		if m.ID == run.asked {
			g.append(protocol.EventChat, &protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: testKey, Message: m}, nil)
		}
	}
	g.runs = append(g.runs, &serverRun{id: "r" + strconv.Itoa(len(g.runs)), asked: run.asked, state: "queued"})
}

func (g *gateway) start(run *serverRun) {
	seq := g.lastSeq() + 1
	run.state, run.answer = "running", "m"+strconv.FormatInt(seq, 10)
	at := protocol.Time(seq * 1000)
	g.agent(protocol.RunStarted, run, &protocol.RunStartedPayload{MessageID: run.answer, UserMessageID: run.asked, CreatedAt: at},
		func(ms []protocol.Message) []protocol.Message {
			ms = edit(run.asked, func(m *protocol.Message) { m.Status = protocol.StatusComplete })(ms)
			return append(ms, protocol.Message{ID: run.answer, Role: protocol.FromAssistant, Status: protocol.StatusStreaming,
				RunID: run.id, Seq: seq, ReplyTo: run.asked, CreatedAt: at})
		})
}

func (g *gateway) chunk(run *serverRun, text string) {
	p := &protocol.TextPayload{Content: text}
	change := edit(run.answer, func(m *protocol.Message) { m.Content += text })
	if g.html {
		whole := ""
		for _, m := range g.states[len(g.states)-1] {
			if m.ID == run.answer {
				whole = m.Content + text
			}
		}
		was := blocksOf(whole[:len(whole)-len(text)])
		from := max(0, len(was)-1)
		p.HTML = &protocol.HTML{From: int64(from), Blocks: blocksOf(whole)[from:]}
	}
	g.agent(protocol.RunChunk, run, p, change)
}

func (g *gateway) think(run *serverRun, text string) {
	if len(text)%3 == 0 { // the answer so far was reasoning
		p := &protocol.TextPayload{Content: text, TextWasThinking: true}
		if g.html {
			p.HTML = &protocol.HTML{From: -1}
		}
		g.agent(protocol.RunThinking, run, p, edit(run.answer, func(m *protocol.Message) {
			m.Thinking += m.Content + text
			m.Content = ""
		}))
		return
	}
	g.agent(protocol.RunThinking, run, &protocol.TextPayload{Content: text},
		edit(run.answer, func(m *protocol.Message) { m.Thinking += text }))
}

func (g *gateway) busy(run *serverRun) {
	g.agent(protocol.RunActivity, run, &protocol.Activity{Phase: "tool", Tool: "clock"}, nil)
}

func (g *gateway) end(run *serverRun, how string) {
	run.state = "ended"
	switch how {
	case protocol.RunCompleted:
		whole := ""
		for _, m := range g.states[len(g.states)-1] {
			if m.ID == run.answer {
				whole = m.Content + "."
			}
		}
		p := &protocol.RunCompletedPayload{MessageID: run.answer, Content: whole,
			Finish: protocol.FinishLength}
		if g.html {
			p.HTML = &protocol.HTML{Blocks: blocksOf(whole)}
		}
		g.agent(how, run, p, edit(run.answer, func(m *protocol.Message) {
			m.Content, m.Status, m.Finish = whole, protocol.StatusComplete, protocol.FinishLength
		}))
	case protocol.RunFailed:
		g.agent(how, run, &protocol.RunFailedPayload{Error: "the model is gone", Code: protocol.Unavailable, MessageID: run.answer,
			Rejected: true},
			edit(run.answer, func(m *protocol.Message) {
				m.Status, m.Error, m.Rejected = protocol.StatusFailed, "the model is gone", true
			}))
	case protocol.RunCancelled:
		g.agent(how, run, &protocol.RunCancelledPayload{MessageID: run.answer},
			edit(run.answer, func(m *protocol.Message) { m.Status = protocol.StatusAborted }))
	}
}

func (g *gateway) withdraw(run *serverRun) {
	run.state = "ended"
	g.agent(protocol.RunCancelled, run, &protocol.RunCancelledPayload{}, edit(run.asked, func(m *protocol.Message) {
		if m.RunID == run.id {
			m.Status = protocol.StatusWithdrawn
		}
	}))
}

// compact removes the events of ended runs: the messages have the content.
func (g *gateway) compact() {
	ended := map[string]bool{}
	for _, r := range g.runs {
		ended[r.id] = r.state == "ended"
	}
	for _, e := range g.log {
		switch p := parse(e); p.agent.Type {
		case protocol.RunChunk, protocol.RunThinking, protocol.RunActivity:
			if ended[p.agent.RunID] {
				g.floor = max(g.floor, e.Seq)
			}
		}
	}
}

// since returns up to limit events after a seq, or a reset if they were compacted.
func (g *gateway) since(epoch string, after int64, limit int) protocol.ChatReplayResult {
	r := protocol.ChatReplayResult{SessionKey: testKey, Epoch: g.epoch, LastSeq: g.lastSeq()}
	if epoch != "" && epoch != g.epoch || after > g.lastSeq() || after < g.floor {
		r.Reset = true
		return r
	}
	for _, e := range g.log[after:min(g.lastSeq(), after+int64(limit))] {
		r.Events = append(r.Events, protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Seq: e.Seq, Payload: e.Payload})
	}
	return r
}

// resume returns the status of a cursor.
func (g *gateway) resume(c protocol.Cursor) protocol.ResumedCursor {
	r := protocol.ResumedCursor{SessionKey: testKey, Status: protocol.ResumeLive, Epoch: g.epoch, LastSeq: g.lastSeq()}
	if g.since(c.Epoch, c.AfterSeq, 0).Reset {
		r.Status = protocol.ResumeReset
	}
	return r
}

// blocksOf formats a text the simplest way: a block for each line.
func blocksOf(text string) []string {
	var blocks []string
	for line := range slices.Values(splitLines(text)) {
		blocks = append(blocks, "<p>"+line+"</p>")
	}
	return blocks
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	var lines []string
	start := 0
	for i := range s {
		if s[i] == '\n' {
			lines = append(lines, s[start:i])
			start = i + 1
		}
	}
	return append(lines, s[start:])
}

// transcript returns the transcript after a number of events, in the protocol's order.
func (g *gateway) transcript(seq int64) []protocol.Message {
	ms := slices.Clone(g.states[seq])
	anchors := map[string]int64{}
	for _, m := range ms {
		anchors[m.ID] = m.Seq
	}
	anchor := func(m protocol.Message) int64 {
		if a, ok := anchors[m.ReplyTo]; ok {
			return a
		}
		return m.Seq
	}
	slices.SortFunc(ms, func(a, b protocol.Message) int {
		return cmp.Or(cmp.Compare(anchor(a), anchor(b)), cmp.Compare(a.Seq, b.Seq))
	})
	if g.html {
		for i := range ms {
			if ms[i].Role == protocol.FromAssistant {
				ms[i].HTML = &protocol.HTML{Blocks: blocksOf(ms[i].Content)}
			}
		}
	}
	return ms
}

// history returns a page of the transcript after seq events: the last messages before the
// message with seq before, or the last of all if before is 0. Unless splits is set, a page
// may exceed limit so that it does not separate a message from its answers.
func (g *gateway) history(seq, before int64, limit int) protocol.ChatHistoryResult {
	ms := g.transcript(seq)
	if before > 0 {
		if i := slices.IndexFunc(ms, func(m protocol.Message) bool { return m.Seq == before }); i >= 0 {
			ms = ms[:i]
		}
	}
	first := max(0, len(ms)-limit)
	if !g.splits {
		for first > 0 && ms[first].ReplyTo != "" {
			first--
		}
	}
	return protocol.ChatHistoryResult{
		Messages: ms[first:], SessionKey: testKey, Epoch: g.epoch, LastSeq: seq, HasMore: first > 0,
	}
}
