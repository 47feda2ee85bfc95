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

// failWord makes the model say that it is unknown.
const failWord = "fail"

// parrot is a model server that says what it is told, in thinking and as its
// answer, a few letters at a time. It gives its address.
func parrot(t *testing.T) string {
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
		said := ""
		for _, m := range asked.Messages {
			if m.Role == "user" && json.Unmarshal(m.Content, &said) != nil {
				said = "a file"
			}
		}
		if said == failWord {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"message":"unknown model","code":"model_not_found"}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"reasoning_content\":%s}}]}\n\n", script(said))
		for piece := range letters(said, 3) {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%s}}]}\n\n", script(piece))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond) // as they would come
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// letters cuts a text into pieces of n characters.
func letters(text string, n int) func(func(string) bool) {
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

// parrotConfig has that model as the default agent, and again under the name and
// with the model's name of each attack that may be one.
func parrotConfig(t *testing.T, all []attack) string {
	t.Helper()
	address := parrot(t)
	agent := func(label, model string) map[string]any {
		return map[string]any{"provider": "openai", "base_url": address, "model": model, "label": label}
	}
	list := map[string]any{"default": agent("Parrot", "parrot")}
	for _, a := range all {
		if validLabel(a.text) {
			list[a.name("agent")] = agent(a.text, a.text)
		}
	}
	return script(map[string]any{
		"gateway": map[string]any{"trusted_proxies": []string{"127.0.0.1"}},
		"agents":  map[string]any{"list": list},
	})
}

// validLabel reports whether a config takes the text as the name of an agent.
func validLabel(text string) bool {
	return len([]rune(text)) <= 64 && strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0
	})
}
