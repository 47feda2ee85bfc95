package openai

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
)

//go:embed testdata
var cases embed.FS

// serveCase answers with a file of testdata. Its first line may give the content type.
func serveCase(t *testing.T, name string) (agent.Agent, *int) {
	text, err := cases.ReadFile("testdata/" + name + ".sse")
	if err != nil {
		t.Fatal(err)
	}
	kind := "text/event-stream"
	if first, rest, _ := bytes.Cut(text, []byte("\n")); bytes.HasPrefix(first, []byte("#status")) {
		_, kind, _ = strings.Cut(string(first), "Content-Type=")
		text = rest
	}
	requests := new(int)
	a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
		*requests++
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text)
	})
	return a, requests
}

// The responses of real servers that other products have stumbled over.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	stop := agent.Usage{Finish: agent.FinishStop}
	for name, want := range map[string]agenttest.Result{
		"bom":       {Text: "after a byte order mark and on", Usage: stop},
		"magistral": {Text: "The sum is **4**.", Thinking: "Two and two make four.", Usage: stop},
		"nonstream": {Text: "whole answer at once",
			Usage: agent.Usage{InputTokens: 1, OutputTokens: 2, Finish: agent.FinishStop}},
		"surrogate": {Text: "a 😀 b", Usage: stop},
		"think_tag": {Text: "The answer is **4**.", Thinking: "The user wants 2+2. That is 4.",
			Usage: stop},
	} {
		a, _ := serveCase(t, name)
		if got := agenttest.Ask(t, a); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	for name, want := range map[string]agenttest.Failure{
		"err_in_stream0": {Code: agent.ResourceExhausted, Retryable: true,
			Message: "too many requests"},
		"insufficient": {Code: agent.Interrupted, Retryable: true,
			Message: "stopped before the answer was complete"},
		"tool_calls": {Code: agent.FailedPrecondition, Message: `the tool "get_weather"`},
	} {
		a, requests := serveCase(t, name)
		if want.Check(t, agenttest.Ask(t, a)); *requests != 1 {
			t.Errorf("%s: %d requests", name, *requests)
		}
	}
}

func TestContentInParts(t *testing.T) {
	t.Parallel()
	content := func(raw string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":` + raw + `}}]}`
	}
	details := func(raw string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"","reasoning_details":` + raw + `}}]}`
	}
	for name, c := range map[string]struct{ event, thinking, text string }{
		"texts":             {content(`[{"type":"text","text":"a "},{"type":"output_text","text":"b"}]`), "", "a bHi"},
		"strings":           {content(`["a ","b"]`), "", "a bHi"},
		"thinking as text":  {content(`[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"a "}]`), "Hm.", "a Hi"},
		"reasoning":         {content(`[{"type":"reasoning","text":"Hm."}]`), "Hm.", "Hi"},
		"a refusal":         {content(`[{"type":"refusal","refusal":"No. "}]`), "", "No. Hi"},
		"a picture":         {content(`[{"type":"image_url","image_url":{"url":"x"}}]`), "", "Hi"},
		"numbers":           {content(`[1,2]`), "", "Hi"},
		"an object":         {content(`{"text":"x"}`), "", "Hi"},
		"marks in parts":    {content(`[{"type":"text","text":"<think>Hm.</th"},{"type":"text","text":"ink>a "}]`), "Hm.", "a Hi"},
		"reasoning_details": {details(`[{"type":"reasoning.text","text":"Hm."},{"type":"reasoning.encrypted","data":"x"}]`), "Hm.", "Hi"},
		"a summary":         {details(`[{"type":"reasoning.summary","summary":"Hm."}]`), "Hm.", "Hi"},
	} {
		got := agenttest.Ask(t, serveEvents(t, c.event, word("Hi"), finished("stop"), done))
		if got.Err != nil || got.Thinking != c.thinking || got.Text != c.text {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// Streams that differ from OpenAI's in form only.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	hi := word("Hi")
	for name, events := range map[string][]string{
		"usage is a text":        {`data: {"choices":[{"delta":{"content":"Hi"}}],"usage":""}`},
		"tokens are texts":       {`data: {"choices":[{"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":"1","completion_tokens":"2"}}`},
		"choices are an object":  {`data: {"choices":{}}`, hi},
		"no choices, with usage": {`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}`, hi},
		"delta is a text":        {`data: {"choices":[{"delta":""}]}`, hi},
		"message for delta":      {`data: {"choices":[{"message":{"role":"assistant","content":"Hi"}}]}`},
		"message beside delta":   {hi, `data: {"choices":[{"delta":{},"message":{"content":"Hi"}}]}`},
		"the older API":          {`data: {"choices":[{"text":"Hi"}]}`},
		"an index with a point":  {`data: {"choices":[{"index":0.0,"delta":{"content":"Hi"}}]}`},
		"reason in another type": {`data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":false}]}`},
		"reason null in quotes":  {`data: {"choices":[{"delta":{"content":"H"},"finish_reason":"null"}]}`, word("i")},
		"NaN":                    {`data: {"choices":[{"delta":{"content":"Hi"},"logprobs":[NaN,-Infinity]}]}`},
		"a control character":    {"data: {\"choices\":[{\"delta\":{\"content\":\"\x00Hi\"}}]}"},
		"a ping":                 {"event: ping\ndata: still here.", hi},
		"a ping without a type":  {"data: ping", "data: keep-alive", "data: 1733000000", hi},
	} {
		got := agenttest.Ask(t, serveEvents(t, append(events, finished("stop"), done)...))
		if got.Err != nil || got.Text != "Hi" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "empty answer"}.Check(t,
		agenttest.Ask(t, serveEvents(t, word(" \n\n"), finished("stop"), done)))
}

// A legacy call, and a call in an answer that is complete without it.
func TestToolCallForms(t *testing.T) {
	t.Parallel()
	legacy := `data: {"choices":[{"index":0,"delta":{"function_call":{"name":"look_up","arguments":""}}}]}`
	for _, events := range [][]string{
		{legacy, finished("function_call"), done}, {legacy, finished("stop"), done}, {legacy, done},
	} {
		agenttest.Failure{Code: agent.FailedPrecondition, Message: `the tool "look_up"`}.Check(t,
			agenttest.Ask(t, serveEvents(t, events...)))
	}
	strange := strings.Replace(legacy, "look_up", "a name\\n{of} many words", 1)
	agenttest.Failure{Code: agent.FailedPrecondition, Message: "tried to use a tool instead"}.Check(t,
		agenttest.Ask(t, serveEvents(t, strange, done)))
	if got := agenttest.Ask(t, serveEvents(t, word("Hi"), legacy, finished("stop"),
		done)); got.Err != nil || got.Text != "Hi" {
		t.Errorf("a complete answer with a call: %+v", got)
	}
}

// A part of the request that a server refuses is left out, from then on.
func TestRefusedParts(t *testing.T) {
	t.Parallel()
	has := func(name string) func(map[string]any) bool {
		return func(body map[string]any) bool { return body[name] != nil }
	}
	both := func(body map[string]any) bool {
		return body["max_tokens"] != nil || body["max_completion_tokens"] != nil
	}
	hasSystem := func(body map[string]any) bool {
		return strings.Contains(fmt.Sprint(body["messages"]), "role:system")
	}
	for name, c := range map[string]struct {
		refused func(map[string]any) bool
		status  int
		body    string
		tries   int // of the first run
	}{
		"max_tokens":                 {has("max_tokens"), 400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`, 2},
		"both limits":                {both, 422, `{"detail":[{"type":"extra_forbidden","loc":["body","max_tokens"],"msg":"Extra inputs are not permitted","input":{"stream_options":1}},{"loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}`, 3},
		"stream_options":             {has("stream_options"), 400, `{"error":{"message":"Unrecognized request argument supplied: stream_options"}}`, 2},
		"temperature":                {has("temperature"), 400, `{"error":{"message":"Unsupported value","param":"temperature","code":"unsupported_value"}}`, 2},
		"the system role":            {hasSystem, 400, `{"error":{"message":"System role not supported"}}`, 2},
		"the system role, llama.cpp": {hasSystem, 500, `{"error":{"code":500,"message":"Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/..."}}`, 2},
		"instructions":               {hasSystem, 400, `[{"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT"}}]`, 2},
		"in a 200":                   {has("max_tokens"), 200, `{"error":{"message":"max_tokens is not supported","code":400}}`, 2},
		"a stream": {func(body map[string]any) bool { return body["stream"] == true }, 400,
			`{"error":{"message":"Your organization must be verified to stream this model.","param":"stream","code":"unsupported_value"}}`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			var last map[string]any
			_, server := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
				requests++
				last = nil
				if err := json.NewDecoder(r.Body).Decode(&last); err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "application/json")
				switch {
				case c.refused(last):
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
				case last["stream"] == false:
					_, _ = io.WriteString(w, api().Whole("Hi"))
				default:
					agenttest.Stream(w, word("Hi"), finished("stop"), done)
				}
			})
			warm := 0.5
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			a, err := New(Config{BaseURL: server.URL, Model: "m", MaxTokens: 9, Temperature: &warm,
				SystemPrompt: "Be brief.", Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			for run, want := range []int{c.tries, 1} {
				requests = 0
				if got := agenttest.Ask(t, a); got.Err != nil || got.Text != "Hi" || requests != want {
					t.Errorf("run %d: got %+v after %d requests, want %d", run, got, requests, want)
				}
			}
			if !strings.Contains(fmt.Sprint(last["messages"]), "Be brief.") {
				t.Errorf("the system prompt is missing: %v", last["messages"])
			}
		})
	}
}

// A complaint about a value, or about anything else, is not answered by another request.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error":{"message":"max_tokens is too large: 100000. This model supports at most 4096 completion tokens","param":"max_tokens"}}`,
		`{"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 in the messages, 1000 in max_tokens)."}}`,
		`{"error":{"message":"The upstream system had no room"}}`,
		`{"detail":[{"loc":["body","model"],"msg":"unknown","input":{"max_tokens":9,"stream_options":{},"temperature":1}}]}`,
	} {
		requests := 0
		_, server := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
			requests++
			http.Error(w, body, http.StatusBadRequest)
		})
		warm := 0.5
		transport := &http.Transport{}
		a, err := New(Config{BaseURL: server.URL, Model: "m", MaxTokens: 9, Temperature: &warm,
			SystemPrompt: "Be brief.", Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		if got := agenttest.Ask(t, a); got.Err == nil || requests != 1 {
			t.Errorf("%s: got %+v after %d requests", body, got, requests)
		}
		transport.CloseIdleConnections()
	}
}

// Without the role, system messages are a part of the user's.
func TestMessagesWithoutSystemRole(t *testing.T) {
	t.Parallel()
	history := []agent.Message{{Role: agent.User, Text: "one"}, {Role: agent.Assistant, Text: "two"},
		{Role: agent.System, Text: "a note"}, {Role: agent.User, Text: "three"}}
	got, err := json.Marshal(messages("Be brief.", history, true))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"content":"Be brief.\n\none","role":"user"},{"content":"two","role":"assistant"},` +
		`{"content":"a note\n\nthree","role":"user"}]`
	if string(got) != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

// Reasoning that an older version has stored as a part of an answer is in no prompt.
func TestStoredReasoningIsNotSent(t *testing.T) {
	t.Parallel()
	got := record(t, Config{}, agent.Message{Role: agent.User, Text: "<think>one</think>"},
		agent.Message{Role: agent.Assistant, Text: "<think>secret</think>\n\ntwo"},
		agent.Message{Role: agent.User, Text: "three"})
	if sent := fmt.Sprint(got.body["messages"]); strings.Contains(sent, "secret") ||
		!strings.Contains(sent, "two") || !strings.Contains(sent, "<think>one</think>") {
		t.Errorf("sent %s", sent)
	}
}

// The agent's timeouts are those of its configuration.
func TestTimeoutsAreInForce(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	_, server := agenttest.Serve(t, api(), silent)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	a, err := New(Config{BaseURL: server.URL, Model: "m", FirstTimeout: 100 * time.Millisecond,
		Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	agenttest.Failure{Code: agent.Timeout, Retryable: true, Message: "within 100ms"}.Check(t,
		agenttest.Ask(t, a))
}
