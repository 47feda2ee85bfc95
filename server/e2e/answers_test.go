package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// startMoodyModel starts a model server that answers as the last message says. It returns
// a configuration with that model.
func startMoodyModel(t *testing.T) string {
	t.Helper()
	chunk := func(text string) string {
		return `data: {"choices":[{"delta":{"content":` + toJSON(text) + `}}]}` + "\n\n"
	}
	ended := func(reason string) string {
		return `data: {"choices":[{"delta":{},"finish_reason":"` + reason + `"}]}` + "\n\ndata: [DONE]\n\n"
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last := string(body[strings.LastIndex(string(body), `"content":`):])
		var answer []string
		switch {
		case strings.Contains(string(body), "refuse this"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"content_policy"}}`)
			return
		case strings.Contains(last, "reason"):
			answer = []string{chunk("I have to **think**.\n\nTwice."), chunk("\n</think>\n\n"),
				chunk("The answer is *four*."), ended("stop")}
		case strings.Contains(last, "be long"):
			answer = []string{chunk("The first of the"), ended("length")}
		case strings.Contains(last, "be filtered"):
			answer = []string{chunk("The first of the"), ended("content_filter")}
		case strings.Contains(last, "be busy"):
			w.Header().Set("Retry-After", "50")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		default:
			answer = []string{chunk("Well."), ended("stop")}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range answer {
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond) // as from a model
		}
	}))
	t.Cleanup(s.Close)
	return fmt.Sprintf(`{agents: {list: {default: {provider: "openai", model: "m", base_url: %q}}}}`,
		s.URL+"/v1")
}

// TestHowAnswersEnd shows in a browser how answers of real models end, live and after a
// reload.
func TestHowAnswersEnd(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, startMoodyModel(t))
	user, _ := pairedTabs(t, g)
	shown := func(what, selector, text string) {
		t.Helper()
		user.wait(what, `(() => {
			const all = [...document.querySelectorAll("`+lastReply+` `+selector+`")];
			return all.some(e => e.checkVisibility() && e.textContent.includes(`+quote(text)+`));
		})()`)
	}
	reload := func() {
		t.Helper()
		user.open(evaluate[string](user, `location.href`))
		user.waitForClient()
	}
	user.send("reason")
	user.wait("the answer", replyIs(markup.StatusComplete))
	for range 2 {
		shown("the answer without its reasoning", ".message-body", "The answer is four.")
		if text := user.text(lastReply + " .message-body"); strings.Contains(text, "Twice") {
			t.Errorf("the answer is %q", text)
		}
		if text := evaluate[string](user, `document.querySelector("`+lastReply+
			` .thinking-text").textContent`); !strings.Contains(text, "Twice") {
			t.Errorf("the reasoning is %q", text)
		}
		reload()
	}
	for message, sentence := range map[string]string{"be long": "at the model's length limit",
		"be filtered": "at the provider's content filter"} {
		user.send(message)
		user.wait("the answer", replyIs(markup.StatusComplete))
		shown("why it stops", ".message-when", sentence)
		user.screenshot(strings.ReplaceAll(message, " ", "-"))
		reload()
		shown("why it stops, after a reload", ".message-when", sentence)
	}
	user.send("refuse this")
	user.wait("the refusal", replyIs(markup.StatusFailed))
	shown("that the message is left out", ".message-when", "left out of what the model reads")
	user.screenshot("refused")
	user.send("and now?")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.send("be busy")
	shown("why it waits", ".message-when", "the model's rate limit is reached; trying again in 4")
	user.screenshot("waits")
	reload()
	shown("why it waits, after a reload", ".message-when", "the model's rate limit is reached")
	user.click("#" + markup.IDComposer + ` [data-action="` + markup.ActionStopRun + `"]`)
	user.wait("it is stopped", replyIs(markup.StatusAborted))
}
