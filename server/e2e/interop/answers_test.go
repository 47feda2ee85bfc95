package interop

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// piece returns an event with a part of an answer.
func piece(text string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", text)
}

// ending returns the events that end an answer.
func ending(reason string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"delta\":{},\"finish_reason\":%q}]}\n\ndata: [DONE]\n\n",
		reason)
}

// bodyHeader is the header in which answer finds the body of the request.
const bodyHeader = "X-Test-Body"

// startModel starts a model server, and a gateway whose agent asks it with more settings.
// It returns the gateway and a client that has signed in.
func startModel(t *testing.T, settings string, answer http.HandlerFunc) (*rig.Gateway, *rig.Client) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // to the end, so that the server notices a lost client
		r.Header.Set(bodyHeader, string(body))
		w.Header().Set("Content-Type", "text/event-stream")
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	g := rig.StartGateway(t, fmt.Sprintf(`{agents: {list: {default: {provider: "openai",
		model: "m", base_url: %q, %s}}}}`, s.URL+"/v1", settings))
	return g, connectAs(t, g, "anna")
}

// says answers with fixed events.
func says(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, e := range events {
			_, _ = io.WriteString(w, e)
		}
		_ = http.NewResponseController(w).Flush()
	}
}

// cutOff ends the connection to the gateway in the middle of the answer.
func cutOff(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		says(events...)(w, r)
		panic(http.ErrAbortHandler)
	}
}

// silentAfter sends events, and then nothing.
func silentAfter(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		says(events...)(w, r)
		<-r.Context().Done()
	}
}

// ends sends a message, and returns the event that ends its run.
func ends(k *rig.Client, message string) rig.Frame {
	id := k.Request("chat.send", fmt.Sprintf(`{"sessionKey":"k","message":%q,"ack":"accepted"}`, message))
	run := k.Answer(id).Payload.RunID
	return k.Await("the end of the answer to "+message, func(f rig.Frame) bool {
		return f.Payload.RunID == run && strings.HasPrefix(f.Payload.Type, "run.") &&
			f.Payload.Type != "run.started"
	})
}

// failure sends a message whose answer fails, and returns what its reader is told.
func failure(t *testing.T, k *rig.Client) string {
	t.Helper()
	f := ends(k, "Hello")
	if f.Payload.Type != "run.failed" {
		t.Errorf("the answer ends with %s", f.Payload.Type)
	}
	return f.Payload.Payload.Error
}

func neverBegins(t *testing.T) string {
	_, k := startModel(t, `first_token_timeout: "1s"`, silentAfter())
	seen := failure(t, k)
	if !strings.Contains(seen, "did not begin to answer within a second") {
		t.Errorf("the reader is told %s", seen)
	}
	return seen
}

func goesSilent(t *testing.T) string {
	_, k := startModel(t, `idle_timeout: "1s"`, silentAfter(piece("One, ")))
	return failure(t, k)
}

func unknownReason(t *testing.T) string {
	g, k := startModel(t, "", says(piece("One, "), ending("insufficient_system_resource")))
	seen := failure(t, k)
	g.AwaitLog("run failed", "insufficient_system_resource")
	return seen
}

func answerCutOff(t *testing.T) string {
	_, k := startModel(t, "", cutOff(piece("One, ")))
	return failure(t, k)
}

func callsTool(t *testing.T) string {
	_, k := startModel(t, "", says(`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1",`+
		`"type":"function","function":{"name":"search","arguments":"{}"}}]}}]}`+"\n\n",
		ending("tool_calls")))
	seen := failure(t, k)
	if !strings.Contains(seen, `"search"`) {
		t.Errorf("the reader is told %s", seen)
	}
	return seen
}

// otherTags has a model whose tags are not the usual ones. With the setting that the row
// names, its reasoning is not in the answer.
func otherTags(t *testing.T) string {
	events := says(piece("<ponder>Two and two.</ponder>Four."), ending("stop"))
	_, k := startModel(t, "", events)
	if seen := k.Must("chat.send", `{"message":"Hello"}`).Payload.Content; !strings.Contains(seen, "Two and two.") {
		t.Errorf("without the setting, the answer is %q", seen)
	}
	_, k = startModel(t, `reasoning: "ponder"`, events)
	seen := k.Must("chat.send", `{"message":"Hello"}`).Payload.Content
	if seen != "Four." {
		t.Errorf("with the setting, the answer is %q", seen)
	}
	return seen
}

func messageRefused(t *testing.T) string {
	_, k := startModel(t, "", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get(bodyHeader), "Hello") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"No."}}`)
			return
		}
		says(piece("Well."), ending("stop"))(w, r)
	})
	seen := failure(t, k)
	if f := ends(k, "And now?"); f.Payload.Type != "run.completed" {
		t.Errorf("the next message ends with %s", f.Payload.Type)
	}
	return seen
}

func usedUpByReasoning(t *testing.T) string {
	_, k := startModel(t, "max_tokens: 10", says(
		`data: {"choices":[{"delta":{"reasoning_content":"Two and"}}]}`+"\n\n", ending("length")))
	return failure(t, k)
}

func overProvidersLimit(t *testing.T) string {
	_, k := startModel(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	seen := failure(t, k)
	if !strings.Contains(seen, "10 minutes") {
		t.Errorf("the reader is told %s", seen)
	}
	return seen
}
