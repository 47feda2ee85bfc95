package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// modelServer answers the last message of each request as its text says.
type modelServer struct {
	*httptest.Server

	// mu guards the following fields.
	mu      sync.Mutex
	prompts []string // the messages of each request, as JSON
	limited bool     // whether a request was refused because of a rate limit
}

func (m *modelServer) prompt() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.prompts[len(m.prompts)-1]
}

// chunks are the contents of pieces, and then why the answer ended.
func chunks(w io.Writer, pieces ...string) {
	for i, p := range pieces {
		if i == len(pieces)-1 {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\n", p)
			break
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", p)
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

func (m *modelServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Messages []struct{ Content string }
	}
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &request) != nil || len(request.Messages) == 0 {
		http.Error(w, "no messages", http.StatusTeapot)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prompts = append(m.prompts, string(body))
	refuse := func(status int, message string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":{"message":%q}}`, message)
	}
	if slices.ContainsFunc(request.Messages, func(m struct{ Content string }) bool {
		return strings.Contains(m.Content, "poison")
	}) {
		refuse(http.StatusBadRequest, "the request was blocked by our content_policy")
		return
	}
	switch last := request.Messages[len(request.Messages)-1].Content; {
	case strings.HasSuffix(last, "tagged"):
		chunks(w, "<think>\nsecret ", "thought\n</th", "ink>\n\nFour.", "stop")
	case strings.HasSuffix(last, "closed"):
		chunks(w, "secret thought", " two\n</think>\n\nFive.", "stop")
	case strings.HasSuffix(last, "long"):
		chunks(w, "The first of the", "length")
	case strings.HasSuffix(last, "filtered"):
		chunks(w, "The first of the", "content_filter")
	case strings.HasSuffix(last, "unlucky"):
		chunks(w, "The first of the", "insufficient_system_resource")
	case strings.HasSuffix(last, "busy") && !m.limited:
		m.limited = true
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "slow down")
	case strings.HasSuffix(last, "exhausted"):
		w.Header().Set("Retry-After", "40")
		refuse(http.StatusTooManyRequests, "slow down")
	default:
		chunks(w, "ok", "stop")
	}
}

// TestModelsAsTheyAre talks to a model server that does what real ones do, through the
// whole gateway.
func TestModelsAsTheyAre(t *testing.T) {
	t.Parallel()
	m := &modelServer{}
	m.Server = httptest.NewServer(m)
	defer m.Close()
	c := startConfigured(t, `{agents: {list: {default: {provider: "openai", model: "m", base_url: "`+m.URL+`/v1"}}}}`)
	user := c.admin()
	send := func(text string) (answer protocol.ChatSendResult) {
		user.Read(user.OK(protocol.MethodChatSend, `{"sessionKey":"k","message":"`+text+`"}`), &answer)
		return answer
	}
	last := func() protocol.Message {
		var h protocol.ChatHistoryResult
		user.Read(user.OK(protocol.MethodChatHistory, `{"sessionKey":"k"}`), &h)
		return h.Messages[len(h.Messages)-1]
	}
	for _, text := range []string{"tagged", "closed", "closed"} {
		got, want := send(text), map[string]string{"tagged": "Four.", "closed": "Five."}[text]
		stored := last()
		if *got.Content != want || stored.Content != want || got.Finish != protocol.FinishStop ||
			!strings.HasPrefix(stored.Thinking, "secret thought") {
			t.Errorf("%s: answered %q, stored %+v", text, *got.Content, stored)
		}
	}
	if send("plain"); strings.Contains(m.prompt(), "secret") || strings.Contains(m.prompt(), "think>") {
		t.Errorf("reasoning is in the prompt %s", m.prompt())
	}
	for text, finish := range map[string]protocol.Finish{"long": protocol.FinishLength,
		"filtered": protocol.FinishFilter} {
		got, stored := send(text), last()
		if *got.Content != "The first of the" || got.Finish != finish ||
			stored.Status != protocol.StatusComplete || stored.Finish != finish {
			t.Errorf("%s: answered %+v, stored %+v", text, got, stored)
		}
	}
	user.Refused(protocol.Interrupted, "stopped before the answer was complete", protocol.MethodChatSend,
		`{"sessionKey":"k","message":"unlucky"}`)
	if got := last(); got.Status != protocol.StatusFailed || got.Content != "The first of the" {
		t.Errorf("interrupted, the answer is %+v", got)
	}
	user.Refused(protocol.FailedPrecondition, "left out of what the model reads",
		protocol.MethodChatSend, `{"sessionKey":"k","message":"poison"}`)
	if got := last(); got.Status != protocol.StatusFailed || !got.Rejected {
		t.Errorf("refused, the answer is %+v", got)
	}
	if got := send("and on"); *got.Content != "ok" || strings.Contains(m.prompt(), "poison") ||
		!strings.Contains(m.prompt(), "unlucky") {
		t.Errorf("after a refusal: %+v to %s", got, m.prompt())
	}
	if got := send("busy"); *got.Content != "ok" {
		t.Errorf("after the wait: %+v", got)
	}
	testStopWhileWaiting(t, user)
}

// testStopWhileWaiting stops a run that waits for a rate limit.
func testStopWhileWaiting(t *testing.T, user *httpdtest.Client) {
	var sent protocol.ChatSendResult
	user.Read(user.OK(protocol.MethodChatSend,
		`{"sessionKey":"k","message":"exhausted","ack":"accepted"}`), &sent)
	var told protocol.Activity
	for told.Until == 0 {
		var e protocol.AgentEvent
		if user.Read(user.Event(protocol.EventAgent), &e); e.RunID == sent.RunID &&
			e.Type == protocol.RunActivity {
			if err := protocol.Decode(e.Payload, &told); err != nil {
				t.Fatal(err)
			}
		}
	}
	var status protocol.ChatStatusResult
	user.Read(user.OK(protocol.MethodChatStatus, `{"sessionKey":"k"}`), &status)
	var h protocol.ChatHistoryResult
	user.Read(user.OK(protocol.MethodChatHistory, `{"sessionKey":"k"}`), &h)
	if told.Reason != protocol.WaitRateLimit || status.Activity == nil || *status.Activity != told ||
		h.Activity == nil || *h.Activity != told {
		t.Errorf("told %+v, the status has %+v, the history %+v", told, status.Activity, h.Activity)
	}
	user.OK(protocol.MethodChatAbort, `{"sessionKey":"k"}`)
	for {
		var e protocol.AgentEvent
		if user.Read(user.Event(protocol.EventAgent), &e); e.RunID == sent.RunID &&
			e.Type == protocol.RunCancelled {
			return
		}
	}
}
