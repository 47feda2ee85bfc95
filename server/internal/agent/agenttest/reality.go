package agenttest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// This file holds the tests of what model servers really send.

// testSlowFirstToken proves that a long first timeout is in force as it is written: no
// timeout of an HTTP client or an SDK is shorter.
func testSlowFirstToken(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{Timeout: time.Hour, First: 20 * time.Minute},
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(15 * time.Minute)
			Stream(w, m.answer("Who goes there?")...)
			Stream(w, m.Closing...)
		})
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes there?" {
		t.Errorf("got %+v", got)
	}
}

// Comments do not extend the wait for the first token.
func testOnlyComments(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{First: 90 * time.Second},
		func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				Stream(w, ": PROCESSING")
				time.Sleep(7 * time.Second)
			}
		})
	start := time.Now()
	Failure{agent.Timeout, true, "did not begin to answer within 90 seconds"}.Check(t, Ask(t, a))
	wantDuration(t, start, 90*time.Second)
}

// After the finish reason, the rest of the stream is awaited for 5 seconds, whatever
// comes.
func testLingering(t *testing.T, m Model) {
	a := inBubble(t, m, Settings{}, func(w http.ResponseWriter, r *http.Request) {
		Stream(w, append(m.answer("Who ", "goes"), m.Closing[0])...)
		for r.Context().Err() == nil {
			Stream(w, ": still here")
			time.Sleep(3 * time.Second)
		}
	})
	start := time.Now()
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes" ||
		got.Usage.Finish != agent.FinishStop {
		t.Errorf("got %+v", got)
	}
	wantDuration(t, start, 5*time.Second)
}

// write writes the text of a response at once.
func write(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
	}
}

func testStreamForms(t *testing.T, m Model) {
	whole := string(m.completeAnswer())
	for name, stream := range map[string]string{
		"a byte order mark":     "\ufeff" + whole,
		"CRLF":                  strings.ReplaceAll(whole, "\n", "\r\n"),
		"CR":                    strings.ReplaceAll(whole, "\n", "\r"),
		"no space":              strings.ReplaceAll(whole, "data: ", "data:"),
		"empty lines first":     "\r\n\n" + whole,
		"comments between":      strings.ReplaceAll(whole, "\n\n", "\n\n: PROCESSING\n\n"),
		"ids and retries":       "retry: 10\nid: 1\n" + whole,
		"no end of the last":    strings.TrimRight(whole, "\n"),
		"data of several lines": strings.ReplaceAll(whole, "data: {", "data: {\ndata: "),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := Serve(t, m, write(stream))
			if got := Ask(t, a); got.Err != nil || got.Text != "Who goes" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func testCutCharacters(t *testing.T, m Model) {
	for _, pieces := range [][]string{
		{`a \ud83d`, `\ude00 b`}, {`a \uD83D`, ``, `\uDE00 b`}, {"a \xf0\x9f\x98", "\x80 b"},
		{"a \xf0", "\x9f", "\x98", "\x80 b"},
	} {
		for _, thinking := range []bool{false, true} {
			a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				events := slices.Clone(m.Opening)
				for _, p := range pieces {
					if thinking {
						events = append(events, m.Thought(p))
					} else {
						events = append(events, m.Word(p))
					}
				}
				Stream(w, append(append(events, m.Word(" end")), m.Closing...)...)
			})
			got := Ask(t, a)
			want := Result{Text: "a 😀 b end", Usage: got.Usage}
			if thinking {
				want.Text, want.Thinking = " end", "a 😀 b"
			}
			if got != want {
				t.Errorf("%q: got %+q and %+q, %v", pieces, got.Text, got.Thinking, got.Err)
			}
		}
	}
}

func testWholeAnswer(t *testing.T, m Model) {
	for _, kind := range []string{"application/json", "application/json; charset=utf-8",
		"text/event-stream", "text/plain", ""} {
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, "\n"+m.Whole("Who goes there?"))
		})
		if got := Ask(t, a); got.Err != nil || got.Text != "Who goes there?" ||
			got.Usage.Finish != agent.FinishStop || got.Usage.OutputTokens == 0 {
			t.Errorf("%q: got %+v", kind, got)
		}
	}
	a, _ := Serve(t, m, write(m.Whole(`<think>Hm.</think>Four.`)))
	if got := Ask(t, a); got.Text != "Four." || got.Thinking != "Hm." {
		t.Errorf("with reasoning: got %+v", got)
	}
	a, _ = Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json") // of a stream
		_, _ = w.Write(m.completeAnswer())
	})
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes" {
		t.Errorf("a stream that says it is JSON: got %+v", got)
	}
}

// testReasoning cuts an answer with marks at every place.
func testReasoning(t *testing.T, m Model) {
	const whole = "<think>Two and two.</think>Four."
	var a agent.Agent
	cut := 0
	a, _ = Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer(whole[:cut], whole[cut:])...)
		Stream(w, m.Closing...)
	})
	for cut = range len(whole) {
		if got := Ask(t, a); got.Err != nil || got.Text != "Four." || got.Thinking != "Two and two." {
			t.Errorf("cut at %d: got %+v", cut, got)
		}
	}
	serve := func(reasoning, text string) Result {
		_, server := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			Stream(w, append(m.answer(text), m.Closing...)...)
		})
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		return Ask(t, m.New(t, Settings{BaseURL: server.URL + "/v1", Transport: transport,
			Reasoning: reasoning}))
	}
	if got := serve("off", whole); got.Text != whole || got.Thinking != "" {
		t.Errorf("switched off: got %+v", got)
	}
	if got := serve("why", "<why>Hm.</why>Four."); got.Text != "Four." || got.Thinking != "Hm." {
		t.Errorf("another tag: got %+v", got)
	}
}

// testLoneClose proves that reasoning which only a closing mark ends is taken back from
// the answer, and that the agent expects it after three such answers.
func testLoneClose(t *testing.T, m Model) {
	answer := []string{"Two and", " two.\n</th", "ink>\n\nFour."}
	a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		Stream(w, m.answer(answer...)...)
		Stream(w, m.Closing...)
	})
	taken, pieces := 0, ""
	ask := func() Result {
		var got Result
		taken, pieces = 0, ""
		got.Usage, got.Err = a.Run(t.Context(), agent.Request{
			Messages: []agent.Message{{Role: agent.User, Text: "?"}}},
			func(p agent.Piece) error {
				if p.TextWasThinking {
					taken++
					got.Thinking, got.Text = got.Thinking+got.Text, ""
				}
				pieces += p.Text
				got.Text += p.Text
				got.Thinking += p.Thinking
				return nil
			})
		return got
	}
	for range 3 {
		if got := ask(); got.Err != nil || got.Text != "Four." ||
			!strings.HasPrefix(got.Thinking, "Two and two.") || taken != 1 {
			t.Errorf("one of the first answers: %+v, taken back %d times", got, taken)
		}
	}
	if got := ask(); got.Err != nil || got.Text != "Four." || got.Thinking != "Two and two." ||
		taken != 0 || pieces != "Four." {
		t.Errorf("the fourth answer: %+v, taken back %d times, with the text %q", got, taken, pieces)
	}
	answer = []string{"Just ", "four."}
	for range 2 {
		if got := ask(); got.Err != nil || got.Text != "Just four." {
			t.Errorf("without reasoning: %+v", got)
		}
	}
	if pieces != "Just four." || taken != 0 {
		t.Errorf("an answer without reasoning is still expected to have some: %q", pieces)
	}
}

func testFinishReasons(t *testing.T, m Model) {
	serve := func(reason string, words ...string) Result {
		requests := 0
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			Stream(w, append(m.answer(words...), m.Finished(reason))...)
			Stream(w, m.Closing[1:]...)
		})
		got := Ask(t, a)
		if requests != 1 {
			t.Errorf("%s: %d requests", reason, requests)
		}
		return got
	}
	for reason, want := range map[string]agent.Finish{
		m.Length: agent.FinishLength, m.Filter: agent.FinishFilter, "stop": agent.FinishStop,
		"stop_sequence": agent.FinishStop, "SAFETY": agent.FinishFilter,
		"MAX_TOKENS": agent.FinishLength, "model_length": agent.FinishLength,
		"max-tokens": agent.FinishLength, "endTurn": agent.FinishStop, "done": agent.FinishStop,
		"FINISH_REASON_STOP": agent.FinishStop, "ContentFilter": agent.FinishFilter,
	} {
		if got := serve(reason, "Who ", "goes"); got.Err != nil || got.Text != "Who goes" ||
			got.Usage.Finish != want {
			t.Errorf("%s: got %+v, want %s", reason, got, want)
		}
	}
	for _, reason := range []string{"insufficient_system_resource", "error", "pause_turn",
		"network_error", "abort", "what_comes_next"} {
		got := serve(reason, "Who ", "goes")
		f := Failure{agent.Interrupted, true, "stopped before the answer was complete"}.Check(t, got)
		if got.Text != "Who goes" || !strings.Contains(f.Cause.Error(), reason) {
			t.Errorf("%s: got %+v", reason, got)
		}
	}
	f := Failure{agent.FailedPrecondition, false, "content filter"}.Check(t, serve(m.Filter))
	if !f.Rejected {
		t.Error("an answer that the filter stopped before its first word is not rejected")
	}
}

func testToolCalls(t *testing.T, m Model) {
	requests := 0
	for _, words := range [][]string{nil, {"Let me look."}} {
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			Stream(w, m.answer(words...)...)
			Stream(w, append(slices.Clone(m.ToolCall), m.Finished(m.Tools))...)
			Stream(w, m.Closing[1:]...)
		})
		Failure{agent.FailedPrecondition, false,
			`The model tried to use the tool "get_weather" instead of answering`}.Check(t, Ask(t, a))
	}
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

func testStreamErrors(t *testing.T, m Model) {
	for name, c := range map[string]struct {
		event string
		want  Failure
		wait  time.Duration
	}{
		"a wrong key": {`data: {"error":{"message":"No auth credentials found","code":401}}`,
			Failure{agent.FailedPrecondition, false, "API key was refused"}, 0},
		"a wrong key, by its type": {"event: error\ndata: " +
			`{"type":"error","error":{"type":"authentication_error","message":"no"}}`,
			Failure{agent.FailedPrecondition, false, "API key was refused"}, 0},
		"a limit": {`data: {"error":{"message":"Provider returned error","code":429,` +
			`"metadata":{"headers":{"Retry-After":"17"}}}}`,
			Failure{agent.ResourceExhausted, true, "too many requests"}, 17 * time.Second},
		"a limit that is over": {`data: {"error":{"message":"Rate limit exceeded","code":"429",` +
			`"metadata":{"headers":{"X-RateLimit-Reset":"1741305600000"}}}}`,
			Failure{agent.ResourceExhausted, true, "too many requests"}, 5 * time.Second},
		"a bad request": {`data: {"error":{"message":"bad","code":400}}`,
			Failure{agent.FailedPrecondition, false, "did not accept the request"}, 0},
		"no credit": {`data: {"error":{"message":"more credits needed","code":402}}`,
			Failure{agent.FailedPrecondition, false, "no credit left"}, 0},
		"an overload": {`data: {"error":{"message":"busy","code":503}}`,
			Failure{agent.Unavailable, true, "overloaded"}, 0},
		"an event without an object": {"event: error\ndata: " +
			`{"code":429,"message":"slow down"}`,
			Failure{agent.ResourceExhausted, true, "too many requests"}, 5 * time.Second},
		"JSON alone": {`{"error":{"message":"No auth credentials found","code":401}}`,
			Failure{agent.FailedPrecondition, false, "API key was refused"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, words := range [][]string{nil, {"Who "}} {
				a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
					if len(words) > 0 {
						Stream(w, m.answer(words...)...)
					}
					if Stream(w, c.event); !strings.HasPrefix(c.event, "{") {
						Stream(w, "data: [DONE]")
					}
				})
				if words != nil && strings.HasPrefix(c.event, "{") {
					continue // JSON does not follow events
				}
				got := Ask(t, a)
				if f := c.want.Check(t, got); f.RetryAfter != c.wait {
					t.Errorf("RetryAfter is %v, want %v", f.RetryAfter, c.wait)
				}
				if got.Text != strings.Join(words, "") {
					t.Errorf("got the text %q", got.Text)
				}
			}
		})
	}
}

// testRejected proves for which refusals the conversation is to blame.
func testRejected(t *testing.T, m Model) {
	for status, want := range map[int]bool{400: true, 413: true, 415: true, 422: true, 451: true,
		401: false, 402: false, 403: false, 404: false, 405: false, 408: false, 409: false,
		410: false, 425: false, 429: false, 500: false, 503: false, 529: false} {
		for _, body := range []string{`{"error":{"message":"no","type":"x"}}`, "no"} {
			a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, body, status)
			})
			got := Ask(t, a)
			failure, _ := got.Err.(*agent.Error)
			if failure == nil || failure.Rejected != want {
				t.Errorf("HTTP %d, %s: %+v, want rejected: %t", status, body, failure, want)
			}
			if failure != nil && failure.Rejected && failure.Retryable {
				t.Errorf("HTTP %d: retried although it was rejected", status)
			}
		}
	}
}

func testRetryAfter(t *testing.T, m Model) {
	for name, c := range map[string]struct {
		header, value string
		text          string
		least, most   time.Duration
	}{
		"seconds": {"Retry-After", "40", "no", 40 * time.Second, 40 * time.Second},
		"a date": {"Retry-After", time.Now().Add(40 * time.Second).UTC().Format(http.TimeFormat),
			"no", 30 * time.Second, 40 * time.Second},
		"since 1970": {"X-RateLimit-Reset", fmt.Sprint(time.Now().Add(40 * time.Second).Unix()), "no",
			30 * time.Second, 40 * time.Second},
		"milliseconds since 1970": {"X-RateLimit-Reset",
			fmt.Sprint(time.Now().Add(40 * time.Second).UnixMilli()), "no", 30 * time.Second,
			40 * time.Second},
		"in the text": {"X-None", "", "Please try again in 1m3.5s. Visit us.", 63500 * time.Millisecond,
			63500 * time.Millisecond},
		"in words": {"X-None", "", "Please retry after 20 seconds.", 20 * time.Second, 20 * time.Second},
	} {
		a, _ := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(c.header, c.value)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = fmt.Fprintf(w, `{"error":{"message":%q,"type":"rate_limit_error"}}`, c.text)
		})
		f := Failure{agent.ResourceExhausted, true, "too many requests"}.Check(t, Ask(t, a))
		if f.RetryAfter < c.least || f.RetryAfter > c.most {
			t.Errorf("%s: RetryAfter is %v", name, f.RetryAfter)
		}
	}
}

// testEncodings proves that an answer is read although it is compressed unasked, and what
// is said about an encoding that cannot be read.
func testEncodings(t *testing.T, m Model) {
	a, _ := Serve(t, m, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("the request accepts %q", got)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = zip.Write(m.completeAnswer())
		_ = zip.Close()
	})
	if got := Ask(t, a); got.Err != nil || got.Text != "Who goes" {
		t.Errorf("gzip: got %+v", got)
	}
	a, _ = Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		_, _ = w.Write([]byte{0x8b, 0x01, 0x80, 3, 3})
	})
	Failure{agent.FailedPrecondition, false, "sends compressed answers (br)"}.Check(t, Ask(t, a))
}

// testRefusalsInWords proves that refusals are understood for which each server has its own
// words, and that the message is blamed only where it is at fault.
func testRefusalsInWords(t *testing.T, m Model) {
	const tooLong, key, model = "longer than the model can read", "API key was refused",
		"does not know the model"
	for body, want := range map[string]string{
		`[{"error":{"code":400,"message":"The input token count (12) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}]`: tooLong,
		`{"code":"x","error":"This model's maximum prompt length is 8 but the request contains 12 tokens."}`:                                            tooLong,
		`{"object":"error","message":"The decoder prompt (length 12) is longer than the maximum model length of 8."}`:                                   tooLong,
		`{"message":"too many tokens: total number of tokens in the prompt cannot exceed 8."}`:                                                          tooLong,
		"{\"error\":\"`inputs` tokens + `max_new_tokens` must be <= 8.\"}":                                                                              tooLong,
		`[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]`:                                                          key,
		`{"code":"Client specified an invalid argument","error":"Incorrect API key provided: ab***cd."}`:                                                key,
		`{"error":{"message":"Model Not Exist","code":"invalid_request_error"}}`:                                                                        model,
		`{"error":{"message":"No models loaded.","param":"model"}}`:                                                                                     model,
		`{"error":{"code":"model_decommissioned","message":"It has been decommissioned."}}`:                                                             model,
		`{"error":{"code":"DeploymentNotFound","message":"It does not exist."}}`:                                                                        model,
	} {
		_, server := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		})
		a := m.New(t, Settings{BaseURL: server.URL + "/v1", APIKey: "secret-key"})
		f := Failure{agent.FailedPrecondition, false, want}.Check(t, Ask(t, a))
		if f.Rejected != (want == tooLong) {
			t.Errorf("%s: rejected: %t", body, f.Rejected)
		}
	}
}

// testShortKey proves that our own sentences stay whole, whatever the key is.
func testShortKey(t *testing.T, m Model) {
	for _, key := range []string{"k", "server", "ollama", "API"} {
		_, server := Serve(t, m, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"no"}}`, http.StatusUnauthorized)
		})
		a := m.New(t, Settings{BaseURL: server.URL + "/v1", APIKey: key})
		f := Failure{agent.FailedPrecondition, false, "The model's API key was refused. " +
			"An admin has to check agents.list.tower.api_key."}.Check(t, Ask(t, a))
		if strings.Contains(f.Error(), "[redacted]") {
			t.Errorf("the key %q was redacted out of %q", key, f.Error())
		}
	}
}

// testTemperature proves that a refused temperature is left out from then on.
func testTemperature(t *testing.T, m Model) {
	with, without := 0, 0
	_, server := Serve(t, m, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "temperature") {
			with++
			http.Error(w, `{"error":{"message":"Unsupported value: 'temperature' does not support 0.5 `+
				`with this model. Only the default (1) value is supported."}}`, http.StatusBadRequest)
			return
		}
		without++
		Stream(w, append(m.answer("Hi"), m.Closing...)...)
	})
	warm := 0.5
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	a := m.New(t, Settings{BaseURL: server.URL + "/v1", Temperature: &warm, Transport: transport})
	for range 2 {
		if got := Ask(t, a); got.Err != nil || got.Text != "Hi" {
			t.Errorf("got %+v", got)
		}
	}
	if with != 1 || without != 2 {
		t.Errorf("%d requests with a temperature and %d without, want 1 and 2", with, without)
	}
}
