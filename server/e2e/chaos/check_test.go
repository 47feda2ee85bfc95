package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const key = "chaos:u0:s0"

// goodEvidence is evidence without a fault: two messages of one sender with an answer
// each, the first of which was interrupted and retried, and a message of another sender
// that was not acknowledged.
func goodEvidence() *evidence {
	e := &evidence{aborted: map[string]bool{},
		codes: map[string]protocol.Code{"r1": protocol.Interrupted}}
	e.sends = []*sentMessage{
		{user: "u0", sender: "a", session: key, text: "echo a.1 words", reply: "a.1 words",
			order: 1, in: key, run: "r1", message: "m1", epoch: "e", seq: 2},
		{user: "u0", sender: "a", session: key, text: "echo a.2 words", reply: "a.2 words",
			order: 2, in: key, run: "r2", message: "m2", epoch: "e", seq: 7},
		{user: "u0", sender: "b", session: key, text: "echo b.1 words", reply: "b.1 words"},
	}
	e.retries = []*retriedRun{{session: key, run: "r3", epoch: "e"}, {session: key}}
	s := session{key: key, epoch: "e"}
	add := func(name, payload string) {
		s.lastSeq++
		s.log = append(s.log, protocol.Frame{Event: name, Seq: s.lastSeq, Payload: []byte(payload)})
	}
	asked := func(id, run, status, text string, seq int64) {
		add("chat", fmt.Sprintf(`{"type":"message","sessionKey":%q,"message":{"id":%q,"role":"user","content":%q,"status":%q,"runId":%q,"seq":%d}}`,
			key, id, text, status, run, seq))
	}
	said := func(run, kind, payload string) {
		add("agent", fmt.Sprintf(`{"type":%q,"sessionKey":%q,"runId":%q,"payload":%s}`, kind,
			key, run, payload))
	}
	add("session.updated", `{"sessionKey":"`+key+`","change":"created","session":{"key":"`+key+`","epoch":"e"}}`)
	asked("m1", "r1", "complete", "echo a.1 words", 2)
	said("r1", "run.started", `{"messageId":"a1","userMessageId":"m1"}`)
	said("r1", "chunk", `{"content":"a.1 "}`)
	said("r1", "run.failed", `{"messageId":"a1","code":"INTERRUPTED","error":"stopped"}`)
	asked("m1", "r3", "complete", "echo a.1 words", 2)
	asked("m2", "r2", "queued", "echo a.2 words", 7)
	said("r3", "run.started", `{"messageId":"a3","userMessageId":"m1"}`)
	said("r3", "chunk", `{"content":"a.1 words"}`)
	said("r3", "run.completed", `{"messageId":"a3","content":"a.1 words"}`)
	said("r2", "run.started", `{"messageId":"a2","userMessageId":"m2"}`)
	said("r2", "run.completed", `{"messageId":"a2","content":"a.2 words"}`)
	s.history = []protocol.Message{
		{ID: "m1", Role: "user", Content: "echo a.1 words", Status: "complete",
			RunID: "r3", Seq: 2},
		{ID: "a1", Role: "assistant", Content: "a.1 ", Status: "failed", Error: "stopped",
			RunID: "r1", Seq: 3, ReplyTo: "m1"},
		{ID: "a3", Role: "assistant", Content: "a.1 words", Status: "complete", RunID: "r3", Seq: 8,
			ReplyTo: "m1"},
		{ID: "m2", Role: "user", Content: "echo a.2 words", Status: "complete",
			RunID: "r2", Seq: 7},
		{ID: "a2", Role: "assistant", Content: "a.2 words", Status: "complete", RunID: "r2",
			Seq: 11, ReplyTo: "m2"},
	}
	for i := range s.history { // what a retry shows once more is unchanged
		if s.history[i].ID == "m1" {
			s.history[i].RunID = "r1"
		}
	}
	s.log[5].Payload = []byte(strings.Replace(string(s.log[5].Payload), `"runId":"r3"`,
		`"runId":"r1"`, 1))
	s.copies = []transcript{{"a client", slices.Clone(s.history)},
		{"another", slices.Clone(s.history)}}
	e.sessions = []session{s}
	return e
}

// everywhere changes the transcript for everybody, so that only the promise in question
// is broken.
func (e *evidence) everywhere(change func([]protocol.Message) []protocol.Message) {
	s := &e.sessions[0]
	s.log = nil
	s.history = change(s.history)
	for i := range s.copies {
		s.copies[i].messages = slices.Clone(s.history)
	}
}

func remove(ids ...string) func([]protocol.Message) []protocol.Message {
	return func(all []protocol.Message) []protocol.Message {
		return slices.DeleteFunc(slices.Clone(all), func(m protocol.Message) bool { return slices.Contains(ids, m.ID) })
	}
}

func change(id string, how func(*protocol.Message)) func([]protocol.Message) []protocol.Message {
	return func(all []protocol.Message) []protocol.Message {
		all = slices.Clone(all)
		for i := range all {
			if all[i].ID == id {
				how(&all[i])
			}
		}
		return all
	}
}

func TestCheckFindsNothingWrong(t *testing.T) {
	t.Parallel()
	for _, f := range goodEvidence().check() {
		t.Errorf("%+v", f)
	}
	there := goodEvidence()
	there.everywhere(func(all []protocol.Message) []protocol.Message {
		return append(slices.Clone(all), protocol.Message{ID: "m3", Role: "user",
			Content: "echo b.1 words", Status: "complete", RunID: "r9", Seq: 20},
			protocol.Message{ID: "a9", Role: "assistant", Content: "b.1 ", Status: "failed",
				RunID: "r9", Seq: 21, ReplyTo: "m3"},
			protocol.Message{ID: "a10", Role: "assistant", Content: "b.1 words", Status: "complete",
				RunID: "r10", Seq: 30, ReplyTo: "m3"})
	})
	there.sessions[0].history[1].HTML = &protocol.HTML{Blocks: []string{`<pre>a <span class="c1">//</span></pre>`}}
	there.sessions[0].copies[0].messages[1].HTML = &protocol.HTML{Blocks: []string{"<pre>a //</pre>"}}
	for _, f := range there.check() {
		t.Errorf("with what nobody acknowledged: %+v", f)
	}
}

// TestCheckFinds breaks one promise at a time.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil           func(*evidence)
		what            string // part of a finding
		losses, doubles int
	}{
		"a lost message": {func(e *evidence) { e.everywhere(remove("m2", "a2")) }, `"echo a.2 words" was acknowledged as seq 7 and is not there`, 1, 0},
		"a lost message of a session opened": {func(e *evidence) {
			e.sends[1].session, e.sends[1].in = "", "agent:default:ws:direct:1"
			e.everywhere(remove("m2", "a2"))
		}, `is not there`, 1, 0},
		"a lost message whose log is another": {func(e *evidence) {
			e.sessions[0].epoch = "f"
			e.everywhere(remove("m2", "a2"))
		}, `is not there`, 1, 0},
		"a doubled message": {func(e *evidence) {
			e.everywhere(func(all []protocol.Message) []protocol.Message {
				again, answer := all[3], all[4]
				again.ID, again.Seq, again.RunID = "m2b", 20, "r8"
				answer.ID, answer.Seq, answer.RunID, answer.ReplyTo = "a2b", 21, "r8", "m2b"
				return append(slices.Clone(all), again, answer)
			})
		}, `"echo a.2 words" is there 2 times`, 0, 1},
		"a doubled message in another session": {func(e *evidence) {
			other := e.sessions[0]
			other.key, other.log, other.copies, other.history = "chaos:u0:s1", nil, nil, other.history[3:]
			e.sessions = append(e.sessions, other)
		}, `is there 2 times`, 0, 1},
		"a doubled message that was not acknowledged": {func(e *evidence) {
			e.sends[1].order = 0
			e.everywhere(func(all []protocol.Message) []protocol.Message {
				again := all[3]
				again.ID, again.Status = "m2b", "withdrawn"
				return append(slices.Clone(all), again)
			})
		}, `is there 2 times`, 0, 1},
		"reordered messages": {func(e *evidence) {
			e.sends[0].order, e.sends[1].order = 2, 1
		}, `"echo a.1 words" stands before "echo a.2 words", which was acknowledged earlier`, 0, 0},
		"another place than was acknowledged": {func(e *evidence) { e.sends[1].seq = 6 }, `was acknowledged as m2 of run r2 at 6`, 0, 0},
		"another run than was acknowledged":   {func(e *evidence) { e.sends[1].run = "r7" }, `was acknowledged as m2 of run r7`, 0, 0},
		"another session than was acknowledged": {func(e *evidence) {
			e.sends[1].in = "chaos:u0:s1"
		}, `in chaos:u0:s1, and is m2`, 0, 0},
		"a message of nobody": {func(e *evidence) { e.everywhere(change("m2", func(m *protocol.Message) { m.Content = "hello" })) }, `a message that nobody sent: "hello"`, 1, 0},
		"what a reset should have removed": {func(e *evidence) {
			e.sessions[0].key, e.sends[1].in, e.sends[1].session, e.sends[1].epoch = "chaos:u0:scratch", "chaos:u0:scratch", "chaos:u0:scratch", "d"
			e.sends = e.sends[1:]
			e.everywhere(remove("m1", "a1", "a3"))
		}, `at 7 of d`, 0, 0},

		"an answer that goes on": {func(e *evidence) {
			e.everywhere(change("a2", func(m *protocol.Message) { m.Status = "streaming" }))
		}, `answer a2 is still streaming`, 0, 0},
		"a message that waits": {func(e *evidence) {
			e.everywhere(change("m2", func(m *protocol.Message) { m.Status = "queued" }))
		}, `message m2 is still queued`, 0, 0},
		"a missing answer": {func(e *evidence) { e.everywhere(remove("a2")) }, `message m2 has no answer`, 0, 0},
		"a second answer of a run": {func(e *evidence) {
			e.retries = e.retries[:1]
			e.everywhere(change("a3", func(m *protocol.Message) { m.RunID = "r1" }))
		}, `answer a3 is of run r1, which nobody asked for`, 0, 0},
		"more retries than asked for": {func(e *evidence) { e.retries = nil }, `answer a3 is of run r3, which nobody asked for`, 0, 0},
		"an answer before its question": {func(e *evidence) {
			e.everywhere(func(all []protocol.Message) []protocol.Message {
				all = slices.Clone(all)
				all[3], all[4] = all[4], all[3]
				return all
			})
		}, `answer a2 stands before what it answers`, 0, 0},
		"a shorter answer": {func(e *evidence) {
			e.everywhere(change("a2", func(m *protocol.Message) { m.Content = "a.2 " }))
		}, `answer a2 (complete) is "a.2 ", which had to be "a.2 words"`, 0, 0},
		"a partial answer of something else": {func(e *evidence) {
			e.everywhere(change("a1", func(m *protocol.Message) { m.Content = "words" }))
		}, `answer a1 (failed) is "words"`, 0, 0},
		"a failure that is no interruption": {func(e *evidence) { e.codes["r1"] = protocol.Internal }, `answer a1 failed: INTERNAL`, 0, 0},
		"a stop that nobody asked for": {func(e *evidence) {
			e.everywhere(change("a2", func(m *protocol.Message) { m.Status = "aborted" }))
		}, `answer a2 was aborted, though nobody asked`, 0, 0},
		"a message taken back by nobody": {func(e *evidence) {
			e.everywhere(change("m2", func(m *protocol.Message) { m.Status = "withdrawn" }))
		}, `message m2 was withdrawn, though nobody asked`, 0, 0},

		"a transcript that misses a message": {func(e *evidence) {
			e.sessions[0].copies[1].messages = remove("a3")(e.sessions[0].history)
		}, `another differs from chat.history at message 2 of 5`, 0, 0},
		"a transcript with a message more": {func(e *evidence) {
			e.sessions[0].copies[0].messages = append(e.sessions[0].copies[0].messages,
				protocol.Message{ID: "m4"})
		}, `a client differs from chat.history at message 5 of 5`, 0, 0},
		"a transcript with other text": {func(e *evidence) {
			e.sessions[0].copies[0].messages = change("a1", func(m *protocol.Message) { m.Content = "a.1" })(e.sessions[0].history)
		}, `a client differs from chat.history at message 1 of 5`, 0, 0},
		"a transcript in another order": {func(e *evidence) {
			c := e.sessions[0].copies[0].messages
			c[1], c[2] = c[2], c[1]
		}, `a client differs from chat.history at message 1 of 5`, 0, 0},

		"a transcript formatted otherwise": {func(e *evidence) {
			e.sessions[0].history[1].HTML = &protocol.HTML{Blocks: []string{"<p>a.1</p>"}}
			e.sessions[0].copies[0].messages[1].HTML = &protocol.HTML{Blocks: []string{"<p>a.</p>"}}
		}, `a client shows block 0 of message a1 as "<p>a.</p>", history as "<p>a.1</p>"`, 0, 0},

		"a gap in the log":         {func(e *evidence) { e.sessions[0].log = slices.Delete(e.sessions[0].log, 3, 4) }, `the log has seq 5 at place 4`, 0, 0},
		"a log that ends early":    {func(e *evidence) { e.sessions[0].lastSeq++ }, `the log has 12 events, but its last seq is 13`, 0, 0},
		"a run that ends twice":    {func(e *evidence) { e.changeEvent(11, "run.failed", "run.completed", "r3") }, `run r3: run.failed after "run.completed"`, 0, 0},
		"a run that begins twice":  {func(e *evidence) { e.changeEvent(3, "run.started", "chunk", "r1") }, `run r1: run.started after "run.started"`, 0, 0},
		"a piece after the end":    {func(e *evidence) { e.changeEvent(11, "chunk", "run.completed", "r3") }, `run r3: chunk after "run.completed"`, 0, 0},
		"a piece before the start": {func(e *evidence) { e.changeEvent(7, "chunk", "run.started", "r3") }, `run r3: chunk after ""`, 0, 0},
		"a run without an end":     {func(e *evidence) { e.changeEvent(11, "activity", "run.completed", "r2") }, `run r2 has no end in the log: its last event is activity`, 0, 0},
		"a log that says other text": {func(e *evidence) {
			e.sessions[0].log[11].Payload = withContent(e.sessions[0].log[11].Payload, "a.2 word")
		}, `the log's fold differs from chat.history`, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goodEvidence()
			tt.spoil(e)
			found := e.check()
			said, losses, doubles := "", 0, 0
			for _, f := range found {
				said += f.what + "\n"
				losses, doubles = losses+f.losses, doubles+f.doubles
			}
			if !strings.Contains(said, tt.what) {
				t.Errorf("found %q, want %q", said, tt.what)
			}
			if losses != tt.losses || doubles != tt.doubles {
				t.Errorf("counted %d losses and %d doubles, want %d and %d", losses, doubles,
					tt.losses, tt.doubles)
			}
		})
	}
}

// changeEvent gives the agent event at an index of the log another kind and run.
func (e *evidence) changeEvent(i int, to, from, run string) {
	frame := &e.sessions[0].log[i]
	var is protocol.AgentEvent
	if err := protocol.Decode(frame.Payload, &is); err != nil || is.Type != from {
		panic(fmt.Sprintf("index %d is %s, not %s", i, is.Type, from))
	}
	is.Type, is.RunID = to, run
	frame.Payload = is.AppendJSON(nil)
}

// withContent returns an agent event's payload with other content.
func withContent(payload []byte, content string) []byte {
	var e map[string]any
	if err := json.Unmarshal(payload, &e); err != nil {
		panic(err)
	}
	e["payload"].(map[string]any)["content"] = content
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return payload
}
