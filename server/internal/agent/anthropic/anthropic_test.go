package anthropic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event returns a server-sent event of the API. Its data begins with kind, too.
func event(kind, fields string) string {
	return "event: " + kind + "\ndata: " + `{"type":"` + kind + `"` + fields + `}`
}

// word returns the event of a word. Invalid bytes in s stay as they are.
func word(s string) string {
	text := strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(s)
	return event("content_block_delta",
		`,"index":0,"delta":{"type":"text_delta","text":"`+text+`"}`)
}

func thought(s string) string {
	return event("content_block_delta",
		fmt.Sprintf(`,"index":0,"delta":{"type":"thinking_delta","thinking":%q}`, s))
}

func stopped(reason string) string {
	return event("message_delta",
		fmt.Sprintf(`,"delta":{"stop_reason":%q,"stop_sequence":null},"usage":{"output_tokens":34}`,
			reason))
}

func opening() []string {
	return []string{
		event("message_start",
			`,"message":{"id":"m1","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":12,"output_tokens":1}}`),
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
		event("ping", ""),
	}
}

func closing() []string {
	return []string{event("content_block_stop", `,"index":0`), stopped("end_turn"),
		event("message_stop", "")}
}

func api() agenttest.Model {
	return agenttest.Model{
		New: func(t testing.TB, s agenttest.Settings) agent.Agent {
			t.Helper()
			a, err := New(Config{
				Name: "tower", BaseURL: s.BaseURL, Model: "m",
				APIKey:  cmp.Or(s.APIKey, agenttest.Key),
				Timeout: s.Timeout, FirstTimeout: s.First, IdleTimeout: s.Idle,
				Reasoning: s.Reasoning, Temperature: s.Temperature, Transport: s.Transport,
			})
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
		Opening: opening(),
		Word:    word,
		Closing: closing()[1:],
		Thought: func(text string) string {
			return event("content_block_delta",
				`,"index":0,"delta":{"type":"thinking_delta","thinking":"`+text+`"}`)
		},
		Finished: stopped,
		Length:   "max_tokens", Filter: "refusal", Tools: "tool_use",
		ToolCall: []string{event("content_block_start",
			`,"index":1,"content_block":{"type":"tool_use","id":"t1","name":"get_weather","input":{}}`)},
		Whole: func(text string) string {
			return `{"id":"m1","type":"message","role":"assistant","content":[{"type":"text","text":"` + text +
				`"}],"model":"m","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}`
		},
	}
}

func TestModelContract(t *testing.T) {
	t.Parallel()
	agenttest.ModelContract(t, api())
}

func TestContract(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, handler http.HandlerFunc) agent.Agent {
		s := agenttest.NewServer(t, handler)
		return api().New(t, agenttest.Settings{BaseURL: s.URL, Transport: s.Transport})
	}
	agenttest.Contract(t, agenttest.Subject{
		Question: []agent.Message{{Role: agent.User, Text: "Who goes there?"}},
		Answering: func(t *testing.T) (agent.Agent, string) {
			return serve(t, func(w http.ResponseWriter, _ *http.Request) {
				agenttest.Stream(w, opening()...)
				for _, s := range []string{"A ", "friend", " of the", " house."} {
					agenttest.Stream(w, word(s))
				}
				agenttest.Stream(w, closing()...)
			}), "A friend of the house."
		},
		Endless: func(t *testing.T) agent.Agent {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				agenttest.Stream(w, opening()...)
				for r.Context().Err() == nil {
					agenttest.Stream(w, word("and "))
					time.Sleep(time.Second)
				}
			})
		},
		Silent: func(t *testing.T) agent.Agent {
			return serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			})
		},
	})
}

func FuzzStream(f *testing.F) { agenttest.Fuzz(f, api()) }

// run returns the result of a run whose response is a stream of events.
func run(t *testing.T, events ...string) agenttest.Result {
	a, _ := agenttest.Serve(t, api(),
		func(w http.ResponseWriter, _ *http.Request) { agenttest.Stream(w, events...) })
	return agenttest.Ask(t, a)
}

func TestStream(t *testing.T) {
	t.Parallel()
	usage := func(f agent.Finish) agent.Usage {
		return agent.Usage{InputTokens: 12,
			OutputTokens: 34, Finish: f}
	}
	for _, c := range []struct {
		name   string
		events []string
		want   agenttest.Result
	}{
		{"text", append([]string{word("H"), word("i")}, closing()...),
			agenttest.Result{Text: "Hi", Usage: usage(agent.FinishStop)}},
		{"text in the start of a block",
			append([]string{event("content_block_start", `,"index":1,"content_block":{"type":"text","text":"Hi"}`)},
				closing()...),
			agenttest.Result{Text: "Hi", Usage: usage(agent.FinishStop)}},
		{"thinking", append([]string{thought("Hm"), thought("m."), word("Hi")}, closing()...),
			agenttest.Result{Text: "Hi", Thinking: "Hmm.", Usage: usage(agent.FinishStop)}},
		{"signatures and unknown events", append([]string{
			event("content_block_delta",
				`,"index":0,"delta":{"type":"signature_delta","signature":"abc"}`),
			event("content_block_delta", `,"index":0,"delta":{"type":"later_delta","news":1}`),
			event("later_event", `,"news":1`), word("Hi"),
		}, closing()...), agenttest.Result{Text: "Hi", Usage: usage(agent.FinishStop)}},
		{"a block of thinking", append([]string{
			event("content_block_start", `,"index":0,"content_block":{"type":"thinking","thinking":"Hm.","signature":""}`),
			event("content_block_start", `,"index":1,"content_block":{"type":"redacted_thinking","data":"secret"}`),
			word("Hi"),
		}, closing()...), agenttest.Result{Text: "Hi", Thinking: "Hm.", Usage: usage(agent.FinishStop)}},
		{"events without a type of their own", []string{
			strings.TrimPrefix(word("Hi"), "event: content_block_delta\n"),
			strings.TrimPrefix(stopped("end_turn"), "event: message_delta\n"), "data: [DONE]",
		}, agenttest.Result{Text: "Hi", Usage: usage(agent.FinishStop)}},
		{"cut by length", []string{word("Hi"), stopped("max_tokens"), closing()[2]},
			agenttest.Result{Text: "Hi", Usage: usage(agent.FinishLength)}},
		{"cut by the context",
			[]string{word("Hi"), stopped("model_context_window_exceeded"), closing()[2]},
			agenttest.Result{Text: "Hi", Usage: usage(agent.FinishLength)}},
		{"refused in the middle", []string{word("Hi"), stopped("refusal"), closing()[2]},
			agenttest.Result{Text: "Hi", Usage: usage(agent.FinishFilter)}},
		{"no reason", []string{word("Hi"), closing()[2]},
			agenttest.Result{Text: "Hi",
				Usage: agent.Usage{InputTokens: 12, Finish: agent.FinishStop}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := run(t, append(opening(), c.events...)...); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestStreamFailures(t *testing.T) {
	t.Parallel()
	failure := func(kind, message string) string {
		return event("error", fmt.Sprintf(`,"error":{"type":%q,"message":%q}`, kind, message))
	}
	for _, c := range []struct {
		name   string
		events []string
		want   agenttest.Failure
	}{
		{"overloaded", []string{failure("overloaded_error", "Overloaded")},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "overloaded"}},
		{"overloaded in the middle",
			[]string{word("Hi"), failure("overloaded_error", "Overloaded")},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "overloaded"}},
		{"an internal error", []string{failure("api_error", "Internal server error")},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true,
				Message: "a problem of its own"}},
		{"rate limit", []string{failure("rate_limit_error", "slow down")},
			agenttest.Failure{Code: agent.ResourceExhausted, Retryable: true,
				Message: "too many requests"}},
		{"an error without JSON", []string{"event: error\ndata: oops"},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true,
				Message: "a problem of its own"}},
		{"empty", closing(), agenttest.Failure{Code: agent.Unavailable, Retryable: true,
			Message: "empty answer"}},
		{"refused", []string{stopped("refusal"), closing()[2]},
			agenttest.Failure{Code: agent.FailedPrecondition, Message: "content filter"}},
		{"only thinking", []string{thought("Hmm"), stopped("max_tokens"), closing()[2]},
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "agents.list.tower.max_tokens"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.Check(t, run(t, append(opening(), c.events...)...))
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		status        int
		kind, message string
		retryAfter    string
		want          agenttest.Failure
		wait          time.Duration
	}{
		{"wrong key", 401, "authentication_error", "invalid x-api-key", "",
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "The model's API key was refused. An admin has to check " +
					"agents.list.tower.api_key."}, 0},
		{"not permitted", 403, "permission_error", "no", "",
			agenttest.Failure{Code: agent.FailedPrecondition, Message: "API key was refused"}, 0},
		{"unknown model", 404, "not_found_error", "model: m", "",
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: `does not know the model "m"`}, 0},
		{"wrong path", 404, "not_found_error", "Not found", "",
			agenttest.Failure{Code: agent.FailedPrecondition, Message: "not the Anthropic API"}, 0},
		{"rate limit", 429, "rate_limit_error", "slow down", "7",
			agenttest.Failure{Code: agent.ResourceExhausted, Retryable: true, Message: "too many requests"}, 7 * time.Second},
		{"rate limit without a time", 429, "rate_limit_error", "slow down", "",
			agenttest.Failure{Code: agent.ResourceExhausted, Retryable: true, Message: "too many requests"}, 5 * time.Second},
		{"overloaded", 529, "overloaded_error", "Overloaded", "3",
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "overloaded"},
			3 * time.Second},
		{"an internal error", 500, "api_error", "boom", "",
			agenttest.Failure{Code: agent.Unavailable, Retryable: true,
				Message: "a problem of its own"}, 0},
		{"too long", 400, "invalid_request_error",
			"prompt is too long: 210000 tokens > 200000 maximum", "",
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "longer than the model can read"}, 0},
		{"too large", 413, "request_too_large", "Request exceeds the maximum size", "",
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "longer than the model can read"}, 0},
		{"no credit", 400, "invalid_request_error", "Your credit balance is too low", "",
			agenttest.Failure{Code: agent.FailedPrecondition, Message: "no credit left"}, 0},
		{"another bad request", 400, "invalid_request_error", "temperature: too hot", "",
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "did not accept the request"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
				_, _ = fmt.Fprintf(w,
					`{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_1"}`,
					c.kind, c.message)
			})
			f := c.want.Check(t, agenttest.Ask(t, a))
			if want := fmt.Sprintf("HTTP %d: %s", c.status,
				c.message); !strings.Contains(f.Cause.Error(), want) {
				t.Errorf("the cause is %q, want %q in it", f.Cause, want)
			}
			if f.RetryAfter != c.wait {
				t.Errorf("RetryAfter is %v, want %v", f.RetryAfter, c.wait)
			}
		})
	}
}

// sent is a request as the server sees it.
type sent struct {
	header http.Header
	path   string
	body   map[string]any
}

// record answers with a word and keeps the request.
func record(t *testing.T, c Config, messages ...agent.Message) sent {
	t.Helper()
	var got sent
	_, server := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
		got.header, got.path = r.Header, r.URL.String()
		if err := json.NewDecoder(r.Body).Decode(&got.body); err != nil {
			t.Errorf("the request: %v", err)
		}
		agenttest.Stream(w, append(append(opening(), word("Hi")), closing()...)...)
	})
	c.BaseURL, c.Model = server.URL+c.BaseURL, "m"
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c.Transport = transport
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := agenttest.Ask(t, a, messages...); got.Err != nil {
		t.Fatal(got.Err)
	}
	return got
}

func TestRequest(t *testing.T) {
	t.Parallel()
	warm := 0.5
	messages := []agent.Message{
		{Role: agent.System, Text: "The guest is called Ann."},
		{Role: agent.Assistant, Text: "an answer without its question"},
		{Role: agent.User, Text: "one"},
		{Role: agent.User, Text: " \n"},
		{Role: agent.User, Text: "two"},
		{Role: agent.Assistant, Text: "three\n"},
		{Role: agent.System, Text: "four"},
		{Role: agent.User, Text: "five"},
	}
	for _, base := range []string{"", "/", "/v1", "/v1/"} {
		got := record(t, Config{BaseURL: base, APIKey: "k1", SystemPrompt: "Be brief.",
			MaxTokens: 100, Temperature: &warm}, messages...)
		if got.path != "/v1/messages" || got.header.Get("X-Api-Key") != "k1" ||
			got.header.Get("User-Agent") != "Gatehouse" ||
			got.header.Get("Anthropic-Version") == "" {
			t.Errorf("sent to %s with %v", got.path, got.header)
		}
		body, err := json.Marshal(got.body)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"max_tokens":100,"messages":[` +
			`{"content":[{"text":"one\n\ntwo","type":"text"}],"role":"user"},` +
			`{"content":[{"text":"three","type":"text"}],"role":"assistant"},` +
			`{"content":[{"text":"[Note added to the conversation]\nfour\n\nfive","type":"text"}],"role":"user"}],` +
			`"model":"m","stream":true,"system":[{"text":"Be brief.","type":"text"},{"text":"The guest is called Ann.","type":"text"}],"temperature":0.5}`
		if string(body) != want {
			t.Errorf("sent\n%s, want\n%s", body, want)
		}
	}
}

func TestDefaultMaxTokens(t *testing.T) {
	t.Parallel()
	if got := record(t, Config{}).body["max_tokens"]; got != float64(DefaultMaxTokens) {
		t.Errorf("max_tokens is %v, want %d", got, DefaultMaxTokens)
	}
}

func TestEnvironmentIsNotRead(t *testing.T) {
	for _, name := range []string{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL",
		"ANTHROPIC_PROFILE"} {
		t.Setenv(name, "http://from-the-environment.invalid/")
	}
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Custom: from-the-environment")
	got := record(t, Config{})
	for name, values := range got.header {
		if strings.Contains(strings.Join(values, " "), "from-the-environment") ||
			name == "X-Api-Key" || name == "Authorization" {
			t.Errorf("%s is %v", name, values)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	ok := Config{Model: "m", APIKey: agenttest.Key}
	if a, err := New(ok); err != nil || a.(*model).server.BaseURL() != DefaultBaseURL {
		t.Errorf("New(%v) = %v, %v", ok, a, err)
	}
	printed, err := json.Marshal(ok)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s %s", ok, ok, ok, ok.LogValue(), printed); strings.Contains(s,
		agenttest.Key) {
		t.Errorf("the key is in %s", s)
	}
	for name, c := range map[string]Config{
		"model:":      {},
		"max_tokens:": {Model: "m", MaxTokens: -1},
		"api_key:":    {Model: "m", APIKey: agenttest.Key + "\n"},
		"must begin":  {Model: "m", BaseURL: "127.0.0.1"},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) ||
			strings.Contains(err.Error(), agenttest.Key) {
			t.Errorf("New(%+v): %v, want an error with %q", c, err, name)
		}
	}
}
