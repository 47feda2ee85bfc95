package agenttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// Key is the API key of the adapters under test. No error, log line or printed value may
// contain it.
const Key = "sk-not-to-be-seen/by+anyone"

// Settings are the parts of a model adapter's configuration that the tests vary.
type Settings struct {
	BaseURL   string            // the address of the model server
	Transport http.RoundTripper // nil stands for the adapter's own
	// The adapter's Timeout, FirstTimeout and IdleTimeout; zero is its default.
	Timeout, First, Idle time.Duration
	Reasoning            string   // the adapter's Reasoning
	APIKey               string   // "" stands for Key
	Temperature          *float64 // the adapter's Temperature
}

// Model describes an adapter of a model API to [ModelContract].
type Model struct {
	// New returns an adapter for the agent "tower" with the API key [Key].
	New func(t testing.TB, s Settings) agent.Agent
	// Opening are the API's events before the first word of an answer.
	Opening []string
	// Word returns the event that adds a word to the answer.
	Word func(word string) string
	// Closing are the API's events after the last word.
	Closing []string
	// Thought returns the event that adds to the model's reasoning.
	Thought func(text string) string
	// Finished returns the event that says why the answer ended.
	Finished func(reason string) string
	// Length and Filter are the API's reasons of an answer that stops early, and Tools that
	// of an answer that is a call of a tool.
	Length, Filter, Tools string
	// ToolCall are the events that call the tool get_weather.
	ToolCall []string
	// Whole returns an answer that is not a stream.
	Whole func(text string) string
}

// answer returns the events of an answer, without its closing.
func (m Model) answer(words ...string) []string {
	events := append([]string(nil), m.Opening...)
	for _, w := range words {
		events = append(events, m.Word(w))
	}
	return events
}

// Result is what one run has emitted and returned.
type Result struct {
	Text, Thinking string // of all pieces, concatenated
	Usage          agent.Usage
	Err            error
}

// Ask runs a on messages, or on a greeting if there are none. If the run fails, Ask also
// checks what holds for every error: its sentence, Emitted, and that the key is not
// printed.
func Ask(t testing.TB, a agent.Agent, messages ...agent.Message) Result {
	t.Helper()
	if len(messages) == 0 {
		messages = []agent.Message{{Role: agent.User, Text: "Who goes there?"}}
	}
	var got Result
	got.Usage, got.Err = a.Run(t.Context(), agent.Request{Messages: messages},
		func(p agent.Piece) error {
			if p.TextWasThinking {
				got.Thinking, got.Text = got.Thinking+got.Text, ""
			}
			got.Text += p.Text
			got.Thinking += p.Thinking
			return nil
		})
	if got.Err != nil {
		checkError(t, a, got)
	}
	return got
}

func checkError(t testing.TB, a agent.Agent, got Result) {
	t.Helper()
	var failure *agent.Error
	if !errors.As(got.Err, &failure) {
		t.Fatalf("Run returned %v (%T), want an *agent.Error", got.Err, got.Err)
	}
	if failure.Emitted != (got.Text+got.Thinking != "") {
		t.Errorf("Emitted is %t after text %q and thinking %q", failure.Emitted, got.Text,
			got.Thinking)
	}
	if failure.Message == "" || strings.ContainsAny(failure.Message, "\n{}") ||
		!utf8.ValidString(failure.Message) {
		t.Errorf("%q is not a sentence for a user", failure.Message)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("run failed", "error", failure, "any",
		any(got.Err), "agent", a)
	printed := fmt.Sprintf("%s %v %+v %#v %v %+v %#v", got.Err, got.Err, failure, failure, a, a, a)
	for err := got.Err; err != nil; err = errors.Unwrap(err) {
		printed += fmt.Sprintf("%v %+v %#v", err, err, err)
	}
	if strings.Contains(log.String()+printed, Key) {
		t.Errorf("the key is in an error: %s %s", log.String(), printed)
	}
}

// Failure is the error that a test expects.
type Failure struct {
	Code      agent.Code
	Retryable bool
	Message   string // the error's message contains this text
}

// Check fails the test unless r's error is the expected one. It returns that error.
func (want Failure) Check(t testing.TB, got Result) *agent.Error {
	t.Helper()
	var failure *agent.Error
	if !errors.As(got.Err, &failure) {
		t.Fatalf("Run returned %v after %q, want an *agent.Error", got.Err, got.Text)
	}
	if failure.Code != want.Code || failure.Retryable != want.Retryable ||
		!strings.Contains(failure.Message, want.Message) {
		t.Errorf("the failure is %+v, want %+v", failure, want)
	}
	return failure
}

// ModelContract runs the tests that every model adapter passes in addition to [Contract].
// Tests of timeouts run in synthetic time, the others against servers on real sockets.
func ModelContract(t *testing.T, m Model) {
	for name, test := range map[string]func(*testing.T, Model){
		"stalled":             testStalled,
		"never answering":     testNeverAnswering,
		"never a first piece": testNoFirstPiece,
		"keep-alive comments": testKeepAlive,
		"overrun":             testOverrun,
		"a slow emit":         testSlowEmit,
		"a slow first token":  testSlowFirstToken,
		"only comments":       testOnlyComments,
		"a lingering stream":  testLingering,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, m) })
		})
	}
	for name, test := range map[string]func(*testing.T, Model){
		"normal":                      testNormal,
		"not running":                 testRefused,
		"no such name":                testNoName,
		"certificate not trusted":     testCertificate,
		"plain HTTP behind https":     testPlainHTTP,
		"redirect":                    testRedirect,
		"not the API":                 testNotTheAPI,
		"cut off":                     testCut,
		"malformed":                   testMalformed,
		"too large":                   testTooLarge,
		"text made valid":             testValidText,
		"cancel closes the upstream":  testCancelCloses,
		"cancel with buffered words":  testCancelBuffered,
		"no retries":                  testNoRetries,
		"errors do not quote the key": testKeyEcho,
		"a short key":                 testShortKey,
		"forms of streams":            testStreamForms,
		"cut characters":              testCutCharacters,
		"an answer without a stream":  testWholeAnswer,
		"reasoning in the text":       testReasoning,
		"only the closing mark":       testLoneClose,
		"finish reasons":              testFinishReasons,
		"calls of tools":              testToolCalls,
		"errors in a stream":          testStreamErrors,
		"rejected conversations":      testRejected,
		"times to wait":               testRetryAfter,
		"encodings":                   testEncodings,
		"refusals in words":           testRefusalsInWords,
		"temperature refused":         testTemperature,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// Serve starts a model server on a real socket. It returns the server and an adapter that
// calls it.
func Serve(t testing.TB, m Model, handler http.HandlerFunc) (agent.Agent, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(handler)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return m.New(t, Settings{BaseURL: server.URL + "/v1", Transport: transport}), server
}

func testNormal(t *testing.T, m Model) {
	a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer("Who ", "goes", " there?\n")...)
		Stream(w, m.Closing...)
	})
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes there?\n" ||
		got.Usage.Finish != agent.FinishStop {
		t.Errorf("got %+v", got)
	}
}

// inBubble returns an adapter that calls a server in the bubble.
func inBubble(t *testing.T, m Model, s Settings, handler http.HandlerFunc) agent.Agent {
	server := NewServer(t, handler)
	s.BaseURL, s.Transport = server.URL+"/v1", server.Transport
	return m.New(t, s)
}

// wantDuration fails unless the run that began at start has just ended after want.
func wantDuration(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("the run ended after %v, want %v", got, want)
	}
}

func testStalled(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{}, func(w http.ResponseWriter, r *http.Request) {
		Stream(w, m.answer("Who ", "goes")...)
		<-r.Context().Done()
	})
	start := time.Now()
	Failure{agent.Timeout, true, "sent nothing for a minute"}.Check(t, Ask(t, a))
	wantDuration(t, start, time.Minute)
}

func testNeverAnswering(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{First: 90 * time.Second},
		func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
	start := time.Now()
	Failure{agent.Timeout, true,
		"http://model.test did not begin to answer within 90 seconds"}.Check(t, Ask(t, a))
	wantDuration(t, start, 90*time.Second)
}

func testNoFirstPiece(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{}, func(w http.ResponseWriter, r *http.Request) {
		Stream(w, append([]string{": hello"}, m.Opening...)...)
		<-r.Context().Done()
	})
	start := time.Now()
	Failure{agent.Timeout, true, "did not begin to answer within 3 minutes"}.Check(t, Ask(t, a))
	wantDuration(t, start, 3*time.Minute)
}

func testKeepAlive(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer("Who ")...)
		for range 8 {
			time.Sleep(50 * time.Second)
			Stream(w, ": keep-alive")
		}
		Stream(w, m.Word("goes there?"))
		Stream(w, m.Closing...)
	})
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes there?" {
		t.Errorf("got %+v", got)
	}
}

func testOverrun(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{Timeout: 5 * time.Minute},
		func(w http.ResponseWriter, r *http.Request) {
			Stream(w, m.Opening...)
			for r.Context().Err() == nil {
				Stream(w, m.Word("word "))
				time.Sleep(time.Second)
			}
		})
	start := time.Now()
	Failure{agent.Timeout, false, "took longer than 5 minutes"}.Check(t, Ask(t, a))
	wantDuration(t, start, 5*time.Minute)
}

func testSlowEmit(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer("Who ", "goes")...)
		Stream(w, m.Closing...)
	})
	_, err := a.Run(t.Context(),
		agent.Request{Messages: []agent.Message{{Role: agent.User, Text: "?"}}},
		func(agent.Piece) error {
			time.Sleep(2 * time.Minute)
			return nil
		})
	if err != nil {
		t.Errorf("Run: %v: the time that emit takes is not the server's", err)
	}
}

func testRefused(t *testing.T, m Model) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	a := m.New(t, Settings{BaseURL: url + "/v1"})
	f := Failure{agent.Unavailable, true, "The model server at " + url +
		" can't be reached. Is it running?"}.Check(t, Ask(t, a))
	if strings.Contains(f.Cause.Error(), "/v1") {
		t.Errorf("the cause %q quotes the request's URL", f.Cause)
	}
}

func testNoName(t *testing.T, m Model) {
	resolver := &net.Resolver{PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no name server")
		}}
	transport := &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
	a := m.New(t, Settings{BaseURL: "http://tower.example.invalid:8000/v1", Transport: transport})
	Failure{agent.Unavailable, true,
		"name tower.example.invalid can't be found. An admin has to check " +
			"agents.list.tower.base_url"}.Check(t, Ask(t, a))
}

func testCertificate(t *testing.T, m Model) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	a := m.New(t, Settings{BaseURL: server.URL})
	Failure{agent.FailedPrecondition, false, "No trusted TLS connection to the model server at " +
		server.URL}.Check(t, Ask(t, a))
}

func testPlainHTTP(t *testing.T, m Model) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	a := m.New(t, Settings{BaseURL: strings.Replace(server.URL, "http:", "https:", 1)})
	Failure{agent.FailedPrecondition, false, "No trusted TLS connection"}.Check(t, Ask(t, a))
}

func testRedirect(t *testing.T, m Model) {
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with %v", r.Header)
	}))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		a, server := Serve(t, m, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL+"/v1?key="+Key, status)
		})
		failure := Failure{agent.FailedPrecondition, false, server.URL +
			" redirects to another address"}.Check(t, Ask(t, a))
		if want := fmt.Sprintf("HTTP %d to %s", status, target.URL); failure.Cause.Error() != want {
			t.Errorf("the cause is %q, want %q", failure.Cause, want)
		}
	}
}

func testNotTheAPI(t *testing.T, m Model) {
	const page = "<!doctype html><title>Welcome</title>"
	for _, c := range []struct {
		name, kind, text string
		status           int
	}{
		{"a page", "text/html; charset=utf-8", page, 200},
		{"an error page", "text/html", page, 404},
		{"a plain 404", "text/plain", "404 page not found\n", 404},
		{"a 404 of a framework", "application/json", `{"detail":"Not Found"}`, 404},
		{"another method wanted", "text/plain", "", 405},
		{"other JSON", "application/json", `{"hello":"world"}`, 200},
		{"other lines", "application/x-ndjson", `{"response":"hi","done":true}`, 200},
		{"other text", "text/plain", "hello", 200},
		{"other events", "text/event-stream", "data: {\"hello\":1}\n\n", 200},
		{"no content", "", "", 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, server := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.text)
			})
			f := Failure{agent.FailedPrecondition, false, "The server at " + server.URL +
				" answered something that is not "}.Check(t, Ask(t, a))
			if !strings.Contains(f.Message, "agents.list.tower.base_url") {
				t.Errorf("%q does not say what to check", f.Message)
			}
		})
	}
}

// closeConnection closes the connection without ending the response.
func closeConnection(t *testing.T, w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	_ = c.Close()
}

func testCut(t *testing.T, m Model) {
	for _, c := range []struct {
		name   string
		events []string
		tail   string
		close  bool
		code   agent.Code
		want   string
	}{
		{"before the response", nil, "", true, agent.Unavailable, "can't be reached"},
		{"before the first word", append([]string{": wait"}, m.Opening...), "", true,
			agent.Unavailable, "closed the connection before it answered"},
		{"after the first word", m.answer("Who"), "", true, agent.Interrupted,
			"The model's answer was cut off."},
		{"ended early", m.answer("Who ", "goes"), "", false, agent.Interrupted,
			"The model's answer was cut off."},
		{"within an event", m.answer("Who "), "data: {\"type\":\"cont", true, agent.Interrupted,
			"The model's answer was cut off."},
		{"ended within an event", m.answer("Who "), m.Word("goes"), false, agent.Interrupted,
			"The model's answer was cut off."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				if len(c.events) > 0 {
					Stream(w, c.events...)
					_, _ = io.WriteString(w, c.tail)
					_ = http.NewResponseController(w).Flush()
				}
				if c.close {
					closeConnection(t, w)
				}
			})
			Failure{c.code, true, c.want}.Check(t, Ask(t, a))
		})
	}
	t.Run("after the ending", func(t *testing.T) {
		t.Parallel()
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			Stream(w, append(m.answer("Who?"), m.Closing[0])...)
			closeConnection(t, w)
		})
		if got := Ask(t, a); got.Err != nil || got.Text != "Who?" {
			t.Errorf("got %+v, want the whole answer without an error", got)
		}
	})
}

func testMalformed(t *testing.T, m Model) {
	eventLine, _, _ := strings.Cut(m.Word("x"), "data:")
	for _, c := range []struct {
		name string
		data string
	}{
		{"broken JSON", eventLine + `data: {"choices":[{"delta"`},
		{"no JSON", eventLine + `data: <oops>`},
		{"JSON twice", eventLine + `data: {} {}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, server := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				Stream(w, append(m.answer("Who "), c.data, m.Word("goes"))...)
				Stream(w, m.Closing...)
			})
			got := Ask(t, a)
			Failure{agent.Unavailable, true, server.URL +
				" sent something that can't be read"}.Check(t, got)
			if got.Text != "Who " {
				t.Errorf("got %q", got.Text)
			}
		})
	}
}

func testTooLarge(t *testing.T, m Model) {
	line := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name, part string
		size       int // bytes; far more than the limit and the sockets' buffers
	}{
		{"an endless line", line, 24 << 20},
		{"endless events", ": " + line[:1<<19] + "\n\n", 64 << 20},
		{"one event's lines", "data: " + line[:1<<19] + "\n", 64 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				Stream(w, m.Opening...)
				for range c.size / len(c.part) {
					if _, err := io.WriteString(w, c.part); err != nil {
						return
					}
				}
				t.Error("everything was read")
			})
			Failure{agent.FailedPrecondition, false, "sent a response that is too large"}.Check(t,
				Ask(t, a))
		})
	}
	t.Run("an endless error page", func(t *testing.T) {
		t.Parallel()
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			for range 64 {
				if _, err := io.WriteString(w, line); err != nil {
					return
				}
			}
			t.Error("64 MiB were read")
		})
		f := Failure{agent.Unavailable, true, "had a problem of its own"}.Check(t, Ask(t, a))
		if n := len(f.Error()); n > 1000 {
			t.Errorf("the error is %d bytes long", n)
		}
	})
}

func testValidText(t *testing.T, m Model) {
	a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer("a\xffb", "cd")...)
		Stream(w, strings.Replace(m.Word("QQ"), "QQ", `e\u0000f\ud83d`, 1))
		Stream(w, m.Closing...)
	})
	if got := Ask(t, a); got.Err != nil || got.Text != "a\uFFFDbcdef\uFFFD" {
		t.Errorf("got %+q, %v", got.Text, got.Err)
	}
}

func testCancelCloses(t *testing.T, m Model) {
	closed := make(chan struct{})
	a, _ := Serve(t, m, func(w http.ResponseWriter, r *http.Request) {
		defer close(closed)
		_, _ = io.Copy(io.Discard, r.Body)
		Stream(w, m.answer("Who ")...)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := a.Run(ctx, agent.Request{Messages: []agent.Message{{Role: agent.User, Text: "?"}}},
		func(agent.Piece) error {
			cancel()
			return nil
		})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection to the model server was not closed")
	}
}

func testCancelBuffered(t *testing.T, m Model) {
	a := m.New(t, Settings{BaseURL: "http://model.test", Transport: m.completeAnswer()})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	_, err := a.Run(ctx, agent.Request{Messages: []agent.Message{{Role: agent.User, Text: "?"}}},
		func(agent.Piece) error {
			calls++
			cancel()
			return nil
		})
	if calls != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d calls of emit, then %v; want one, then context.Canceled", calls, err)
	}
}

func testNoRetries(t *testing.T, m Model) {
	for _, status := range []int{408, 409, 429, 500, 503, 529} {
		requests := 0
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("X-Should-Retry", "true")
			http.Error(w, `{"error":{"message":"no"}}`, status)
		})
		if Ask(t, a); requests != 1 {
			t.Errorf("HTTP %d: %d requests, want 1", status, requests)
		}
	}
}

func testKeyEcho(t *testing.T, m Model) {
	long := strings.Repeat("x", 290) + Key // the limit on quotes ends in the middle of the key
	for name, handler := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"Incorrect API key: `+Key+`"}}`,
				http.StatusUnauthorized)
		},
		"refused at length": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"`+long+`"}}`, http.StatusUnauthorized)
		},
		"as a page": func(w http.ResponseWriter,
			_ *http.Request) {
			http.Error(w, "<p>"+Key, 500)
		},
		"in a stream": func(w http.ResponseWriter,
			_ *http.Request) {
			Stream(w, append(m.answer(), m.errorEvent(Key))...)
		},
		"as text": func(w http.ResponseWriter, _ *http.Request) { Stream(w, "data: "+Key) },
		"in a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+Key+"@tower.example/"+Key)
			w.WriteHeader(307)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := Serve(t, m, handler)
			if got := Ask(t, a); got.Err == nil || strings.Contains(got.Err.Error(), Key[:10]) {
				t.Errorf("Run returned %v", got.Err)
			}
		})
	}
}

// errorEvent returns an error event, which has the same form in both APIs.
func (m Model) errorEvent(message string) string {
	return `event: error` + "\n" + `data: {"type":"error","error":{"type":"api_error","message":"` +
		message + `"}}`
}

// Fuzz gives arbitrary bytes to the adapter as the stream of a response. Whatever the
// bytes, the run must end as the contract says.
func Fuzz(f *testing.F, m Model) {
	whole := string(m.completeAnswer())
	for _, seed := range []string{
		"", "\n", ":", "data:", "data: [DONE]\n\n", "data: null\n\n", "data: []\n\n",
		"data: {}\n\n", "event: error\n\n",
		"data: {\"error\":null}\n\n", whole, whole[:len(whole)/2],
		strings.ReplaceAll(whole, "\n", "\r\n"), m.errorEvent("no") + "\n\n", m.Whole("x"),
		strings.Join(append(m.answer("<think>", "x\n</th", "ink>", `\\ud83d`), m.ToolCall...), "\n\n"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		a := m.New(t, Settings{BaseURL: "http://model.test", Transport: cannedResponse(stream)})
		got := Ask(t, a)
		if got.Err == nil && got.Text == "" {
			t.Error("an empty answer without an error")
		}
		if !utf8.ValidString(got.Text+got.Thinking) ||
			strings.ContainsRune(got.Text+got.Thinking, 0) {
			t.Errorf("got %+q", got.Text)
		}
	})
}

// completeAnswer returns the bytes of a complete answer.
func (m Model) completeAnswer() cannedResponse {
	return cannedResponse(strings.Join(append(m.answer("Who ", "goes"), m.Closing...),
		"\n\n") + "\n\n")
}

// cannedResponse is a transport that answers every request with these bytes.
type cannedResponse []byte

func (c cannedResponse) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body:   io.NopCloser(bytes.NewReader(c)),
	}, nil
}
