package openai

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const done = "data: [DONE]"

func word(s string) string {
	return fmt.Sprintf(`data: {"id":"c1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`,
		quoted(s))
}

// quoted returns s as a JSON string. Invalid bytes stay as they are.
func quoted(s string) string {
	return `"` + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(s) + `"`
}

func finished(reason string) string {
	return `data: {"choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

const usage = `data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`

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
		Opening: []string{`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`},
		Word:    word,
		Closing: []string{finished("stop"), usage, done},
		Thought: func(text string) string {
			return `data: {"choices":[{"index":0,"delta":{"reasoning_content":` + quoted(text) + `}}]}`
		},
		Finished: finished,
		Length:   "length", Filter: "content_filter", Tools: "tool_calls",
		ToolCall: []string{`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null,` +
			`"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"get_weather","arguments":"{}"}}]}}]}`},
		Whole: func(text string) string {
			return `{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":` +
				quoted(text) + `},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
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
		return api().New(t, agenttest.Settings{BaseURL: s.URL + "/v1", Transport: s.Transport})
	}
	agenttest.Contract(t, agenttest.Subject{
		Question: []agent.Message{{Role: agent.User, Text: "Who goes there?"}},
		Answering: func(t *testing.T) (agent.Agent, string) {
			return serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for _, s := range []string{"A ", "friend", " of the", " house."} {
					agenttest.Stream(w, word(s))
				}
				agenttest.Stream(w, finished("stop"), usage, done)
			}), "A friend of the house."
		},
		Endless: func(t *testing.T) agent.Agent {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
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

// serveEvents answers every request with a stream of events.
func serveEvents(t *testing.T, events ...string) agent.Agent {
	a, _ := agenttest.Serve(t, api(),
		func(w http.ResponseWriter, _ *http.Request) { agenttest.Stream(w, events...) })
	return a
}

func TestStream(t *testing.T) {
	t.Parallel()
	thinking := func(name, text string) string {
		return fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{%q:%q}}]}`, name, text)
	}
	counted := agent.Usage{InputTokens: 12, OutputTokens: 34, Finish: agent.FinishStop}
	for _, c := range []struct {
		name   string
		events []string
		want   agenttest.Result
	}{
		{"usage in a separate event", []string{word("Hi"), finished("stop"), usage, done},
			agenttest.Result{Text: "Hi", Usage: counted}},
		{"usage with the last choice",
			[]string{word("Hi"), strings.Replace(usage, `"choices":[]`,
				`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`, 1), done},
			agenttest.Result{Text: "Hi", Usage: counted}},
		{"usage that is null until the end",
			[]string{strings.Replace(word("Hi"), `"model"`, `"usage":null,"model"`, 1),
				finished("stop"), usage, done},
			agenttest.Result{Text: "Hi", Usage: counted}},
		{"no usage", []string{word("Hi"), finished("stop"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"no DONE", []string{word("Hi"), finished("stop")},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"no reason", []string{word("Hi"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"a reason of the server's own", []string{word("Hi"), finished("eos_token"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"cut by length", []string{word("Hi"), finished("length"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishLength}}},
		{"cut by the filter", []string{word("Hi"), finished("content_filter"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishFilter}}},
		{"reasoning_content",
			[]string{thinking("reasoning_content", "Hm"), thinking("reasoning_content", "m."),
				word("Hi"), finished("stop"), done},
			agenttest.Result{Text: "Hi", Thinking: "Hmm.",
				Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"reasoning", []string{thinking("reasoning", "Hmm."), word("Hi"), finished("stop"), done},
			agenttest.Result{Text: "Hi", Thinking: "Hmm.",
				Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"both names",
			[]string{`data: {"choices":[{"index":0,"delta":{"reasoning":"Hmm.","reasoning_content":"Hmm.","content":"Hi"}}]}`,
				finished("stop"), done},
			agenttest.Result{Text: "Hi", Thinking: "Hmm.",
				Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"reasoning that is null or an object",
			[]string{`data: {"choices":[{"index":0,"delta":{"reasoning":null,"reasoning_content":{"a":1},"content":"Hi"}}]}`,
				finished("stop"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"a refusal in words",
			[]string{`data: {"choices":[{"index":0,"delta":{"refusal":"I won't."}}]}`,
				finished("stop"), done},
			agenttest.Result{Text: "I won't.", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"a second choice", []string{word("Hi"),
			`data: {"choices":[{"index":1,"delta":{"content":"no"}}]}`, finished("stop"), done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
		{"CRLF and comments",
			[]string{": wait", word("Hi") + "\r", "\r", ": wait", finished("stop") + "\r", done},
			agenttest.Result{Text: "Hi", Usage: agent.Usage{Finish: agent.FinishStop}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := agenttest.Ask(t, serveEvents(t, c.events...)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestStreamFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		events []string
		want   agenttest.Failure
	}{
		{"nothing", nil, agenttest.Failure{Code: agent.Unavailable, Retryable: true,
			Message: "closed the connection before it answered"}},
		{"only DONE", []string{done},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "empty answer"}},
		{"empty", []string{word(""), finished("stop"), usage, done},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "empty answer"}},
		{"only thinking", []string{`data: {"choices":[{"index":0,"delta":{"reasoning":"Hm"}}]}`,
			finished("length"), done},
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "agents.list.tower.max_tokens"}},
		{"filtered", []string{finished("content_filter"), done},
			agenttest.Failure{Code: agent.FailedPrecondition, Message: "content filter"}},
		{"an error after a word",
			[]string{word("Hi"),
				`data: {"error":{"message":"engine died","type":"InternalServerError","code":500}}`},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true,
				Message: "a problem of its own"}},
		{"overloaded",
			[]string{`data: {"error":{"message":"Overloaded","code":"overloaded"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`},
			agenttest.Failure{Code: agent.Unavailable, Retryable: true, Message: "overloaded"}},
		{"too long for the model",
			[]string{`data: {"error":{"message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","code":400}}`},
			agenttest.Failure{Code: agent.FailedPrecondition,
				Message: "longer than the model can read"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.Check(t, agenttest.Ask(t, serveEvents(t, c.events...)))
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	failed := func(code agent.Code, message string) agenttest.Failure {
		return agenttest.Failure{Code: code, Retryable: code == agent.Unavailable ||
			code == agent.ResourceExhausted, Message: message}
	}
	const precondition, unavailable, exhausted = agent.FailedPrecondition, agent.Unavailable, agent.ResourceExhausted
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   agenttest.Failure
	}{
		{"OpenAI: wrong key", 401,
			`{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`,
			failed(precondition, "The model's API key was refused. An admin has to check "+
				"agents.list.tower.api_key.")},
		{"forbidden", 403, `{"error":{"message":"Country not supported"}}`,
			failed(precondition, "API key was refused")},
		{"vLLM: wrong key", 401, `{"error":"Unauthorized"}`,
			failed(precondition, "API key was refused")},
		{"OpenAI: unknown model", 404,
			`{"error":{"message":"The model 'm' does not exist","type":"invalid_request_error","code":"model_not_found"}}`,
			failed(precondition,
				`does not know the model "m". An admin has to check agents.list.tower.model.`)},
		{"Ollama: unknown model", 404,
			`{"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error"}}`,
			failed(precondition, "does not know the model")},
		{"vLLM: unknown model", 404,
			`{"object":"error","message":"The model 'm' does not exist.","type":"NotFoundError","code":404}`,
			failed(precondition, "does not know the model")},
		{"OpenRouter: unknown model", 400,
			`{"error":{"message":"m is not a valid model ID","code":400}}`,
			failed(precondition, "does not know the model")},
		{"OpenAI: wrong path", 404,
			`{"error":{"message":"Invalid URL (POST /chat/completions)","type":"invalid_request_error"}}`,
			failed(precondition, "not the OpenAI API. An admin has to check "+
				"agents.list.tower.base_url. It usually ends in /v1.")},
		{"llama.cpp: wrong path", 404,
			`{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}`,
			failed(precondition, "not the OpenAI API")},
		{"OpenAI: rate limit", 429,
			`{"error":{"message":"Rate limit reached for m","type":"requests","code":"rate_limit_exceeded"}}`,
			failed(exhausted, "too many requests")},
		{"OpenAI: no quota", 429,
			`{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`,
			failed(precondition, "no credit left")},
		{"OpenRouter: no credit", 402, `{"error":{"message":"Insufficient credits","code":402}}`,
			failed(precondition, "no credit left")},
		{"OpenAI: context", 400,
			`{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}`,
			failed(precondition, "longer than the model can read")},
		{"llama.cpp: context", 400,
			`{"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size","type":"exceed_context_size_error"}}`,
			failed(precondition, "longer than the model can read")},
		{"a body too large", 413, "", failed(precondition, "longer than the model can read")},
		{"Azure: filter", 400,
			`{"error":{"message":"The response was filtered due to the prompt triggering content management policy","code":"content_filter"}}`,
			failed(precondition, "content filter")},
		{"OpenRouter: flagged", 403, `{"error":{"message":"Input was flagged","code":403}}`,
			failed(precondition, "content filter")},
		{"Gemini: a list", 400,
			`[{"error":{"code":400,"message":"Invalid value","status":"INVALID_ARGUMENT"}}]`,
			failed(precondition, "did not accept the request")},
		{"FastAPI: a field", 422, `{"detail":[{"loc":["body","temperature"],"msg":"too hot"}]}`,
			failed(precondition, "did not accept the request")},
		{"an internal error", 500, `{"error":{"message":"boom"}}`,
			failed(unavailable, "a problem of its own")},
		{"a proxy's page", 502, `<html>Bad Gateway</html>`,
			failed(unavailable, "a problem of its own")},
		{"llama.cpp: loading", 503,
			`{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`,
			failed(unavailable, "overloaded or still starting")},
		{"a proxy's timeout", 504, "", failed(unavailable, "took too long")},
		{"an error with status 200", 200, `{"error":{"message":"boom"}}`,
			failed(unavailable, "a problem of its own")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			f := c.want.Check(t, agenttest.Ask(t, a))
			if !strings.Contains(f.Cause.Error(), fmt.Sprintf("HTTP %d", c.status)) {
				t.Errorf("the cause %q lacks the status", f.Cause)
			}
			if (f.Code == exhausted) != (f.RetryAfter > 0) {
				t.Errorf("RetryAfter is %v", f.RetryAfter)
			}
		})
	}
}

func TestServerAsksForKey(t *testing.T) {
	t.Parallel()
	_, server := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("Authorization is %q without a key", got)
		}
		w.WriteHeader(401)
	})
	a, err := New(Config{BaseURL: server.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	agenttest.Failure{Code: agent.FailedPrecondition,
		Message: "asks for an API key. An admin has to set agents.list.default.api_key."}.Check(t,
		agenttest.Ask(t, a))
}

// sent is a request as the server received it.
type sent struct {
	header http.Header
	path   string
	body   map[string]any
}

// record runs an agent with the config c against a server that answers with a word. It
// returns the request.
func record(t *testing.T, c Config, messages ...agent.Message) sent {
	t.Helper()
	var got sent
	_, server := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
		got.header, got.path = r.Header, r.URL.String()
		if err := json.NewDecoder(r.Body).Decode(&got.body); err != nil {
			t.Errorf("the request: %v", err)
		}
		agenttest.Stream(w, word("Hi"), finished("stop"), done)
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
	got := record(t, Config{BaseURL: "/v1", APIKey: "k1", SystemPrompt: "Be brief.", MaxTokens: 100,
		Temperature: &warm},
		agent.Message{Role: agent.User, Text: "one"},
		agent.Message{Role: agent.User, Text: "two"},
		agent.Message{Role: agent.Assistant, Text: "three"},
		agent.Message{Role: agent.System, Text: "four"},
		agent.Message{Role: agent.User, Text: "five"},
	)
	if got.path != "/v1/chat/completions" || got.header.Get("Authorization") != "Bearer k1" ||
		got.header.Get("User-Agent") != "Gatehouse" {
		t.Errorf("sent to %s with %v", got.path, got.header)
	}
	body, err := json.Marshal(got.body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"max_tokens":100,"messages":[{"content":"Be brief.","role":"system"},{"content":"one\n\ntwo","role":"user"},` +
		`{"content":"three","role":"assistant"},{"content":"four","role":"system"},{"content":"five","role":"user"}],` +
		`"model":"m","stream":true,"stream_options":{"include_usage":true},"temperature":0.5}`
	if string(body) != want {
		t.Errorf("sent\n%s, want\n%s", body, want)
	}
}

func TestMaxTokensAtOpenAI(t *testing.T) {
	t.Parallel()
	p := params(Config{Model: "m", MaxTokens: 7}, "api.openai.com")
	if p.MaxCompletionTokens.Value != 7 || p.MaxTokens.Valid() {
		t.Errorf("params are %+v", p)
	}
}

func TestEnvironmentIsNotRead(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID",
		"OPENAI_PROJECT_ID", "OPENAI_BASE_URL"} {
		t.Setenv(name, "http://from-the-environment.invalid/")
	}
	t.Setenv("OPENAI_CUSTOM_HEADERS", "X-Custom: from-the-environment")
	got := record(t, Config{})
	for name, values := range got.header {
		if strings.Contains(strings.Join(values, " "), "from-the-environment") {
			t.Errorf("%s is %v", name, values)
		}
	}
}

func TestServerWithoutStreamOptions(t *testing.T) {
	t.Parallel()
	withOptions, without := 0, 0
	a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "stream_options") {
			withOptions++
			http.Error(w, `{"detail":"Extra inputs are not permitted: stream_options"}`,
				http.StatusUnprocessableEntity)
			return
		}
		without++
		agenttest.Stream(w, word("Hi"), finished("stop"), done)
	})
	for range 2 {
		if got := agenttest.Ask(t, a); got.Err != nil || got.Text != "Hi" {
			t.Fatalf("got %+v", got)
		}
	}
	if withOptions != 1 || without != 2 {
		t.Errorf("%d requests with stream_options and %d without, want 1 and 2", withOptions,
			without)
	}
}

// A run that begins after Retire leaves no connection open.
func TestRetired(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 9)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		agenttest.Stream(w, word("Hi"), finished("stop"), usage, done)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			ended <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	a := api().New(t, agenttest.Settings{BaseURL: server.URL + "/v1"})
	a.(*model).Retire()
	if got := agenttest.Ask(t, a); got.Err != nil || got.Text != "Hi" {
		t.Fatalf("got %+v", got)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the connection is still open")
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
		"model:":        {},
		"max_tokens:":   {Model: "m", MaxTokens: -1},
		"timeouts":      {Model: "m", IdleTimeout: -1},
		"api_key:":      {Model: "m", APIKey: agenttest.Key + "\n"},
		"must begin":    {Model: "m", BaseURL: "127.0.0.1/v1"},
		"not a URL":     {Model: "m", BaseURL: "http://user:" + agenttest.Key + "@ho st/%zz"},
		"names no host": {Model: "m", BaseURL: "http://:80"},
		"user name": {Model: "m", BaseURL: "http://" +
			strings.ReplaceAll(agenttest.Key, "/", "%2F") + ":pw@host"},
		"a query":          {Model: "m", BaseURL: "http://host/?key=" + agenttest.Key},
		"or a fragment":    {Model: "m", BaseURL: "http://host/#" + agenttest.Key},
		"begin with http:": {Model: "m", BaseURL: "file:///etc/passwd"},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) ||
			strings.Contains(err.Error(), agenttest.Key) {
			t.Errorf("New(%+v): %v, want an error with %q", c, err, name)
		}
	}
}
