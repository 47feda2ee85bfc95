package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// failMessage makes the model server answer that the model is unknown.
const failMessage = "fail"

// startEchoModel starts a model server that repeats the last message, as thinking and as
// its answer, a few letters at a time. It returns the server's address.
func startEchoModel(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Messages []struct {
				Role    string
				Content json.RawMessage
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &asked) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		last := ""
		for _, m := range asked.Messages {
			if m.Role == "user" && json.Unmarshal(m.Content, &last) != nil {
				last = "a file"
			}
		}
		if last == failMessage {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"message":"unknown model","code":"model_not_found"}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"reasoning_content\":%s}}]}\n\n",
			toJSON(last))
		for piece := range splitText(last, 3) {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%s}}]}\n\n",
				toJSON(piece))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond) // as from a model
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// splitText cuts a text into pieces of n characters.
func splitText(text string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		all := []rune(text)
		for len(all) > n {
			if !yield(string(all[:n])) {
				return
			}
			all = all[n:]
		}
		yield(string(all))
	}
}

// echoModelConfig has that model as the default agent. Each attack that is a valid label
// has an agent too, with the attack as its label and as its model.
func echoModelConfig(t *testing.T, all []attack) string {
	t.Helper()
	address := startEchoModel(t)
	agent := func(label, model string) map[string]any {
		return map[string]any{"provider": "openai", "base_url": address, "model": model,
			"label": label}
	}
	list := map[string]any{"default": agent("Parrot", "parrot")}
	for _, a := range all {
		if validLabel(a.text) {
			list[a.name("agent")] = agent(a.text, a.text)
		}
	}
	return toJSON(map[string]any{
		"gateway": map[string]any{"trusted_proxies": []string{"127.0.0.1"}},
		"agents":  map[string]any{"list": list},
	})
}

// validLabel reports whether a configuration accepts the text as an agent's label.
func validLabel(text string) bool {
	return len([]rune(text)) <= 64 && strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0
	})
}
