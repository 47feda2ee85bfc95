package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/agenttest"
)

func messagesWithImages() []agent.Message {
	return []agent.Message{
		{Role: agent.User, Text: "first",
			Files: []agent.File{{Name: "a.png", MimeType: "image/png", Data: []byte("png")}}},
		{Role: agent.User, Files: []agent.File{{Name: "b.jpg", MimeType: "image/jpeg",
			Data: []byte("jpg")}, {Name: "c.zip", MimeType: "application/zip", Size: 7}}},
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	got := record(t, Config{BaseURL: "/v1"}, messagesWithImages()...)
	body, err := json.Marshal(got.body["messages"])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"content":[{"text":"first\n\n[The user sent the file \"c.zip\", application/zip, 7 bytes. Its content is not shown to you.]","type":"text"},` +
		`{"image_url":{"url":"data:image/png;base64,cG5n"},"type":"image_url"},` +
		`{"image_url":{"url":"data:image/jpeg;base64,anBn"},"type":"image_url"}],"role":"user"}]`
	if string(body) != want {
		t.Errorf("sent\n%s, want\n%s", body, want)
	}
}

// If a model takes no images, the request is sent again without them.
func TestModelWithoutImages(t *testing.T) {
	t.Parallel()
	for status, refusal := range map[int]string{
		500: `{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"}}`,
		404: `{"error":{"message":"No endpoints found that support image input","code":404}}`,
		400: `{"object":"error","message":"m is not a multimodal model","code":400}`,
		422: `{"error":{"message":"unknown variant image_url, expected text"}}`,
	} {
		requests := 0
		a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
			requests++
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), "image_url") {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, refusal)
				return
			}
			if !strings.Contains(string(body), `a.png`) {
				t.Errorf("the request does not name the image: %s", body)
			}
			agenttest.Stream(w, word("Hi"), finished("stop"), done)
		})
		if got := agenttest.Ask(t, a, messagesWithImages()...); got.Err != nil ||
			got.Text != "Hi" || requests != 2 {
			t.Errorf("%d: got %+v after %d requests", status, got, requests)
		}
	}
}

// After any other refusal, the request is not sent again.
func TestRefusedOtherwise(t *testing.T) {
	t.Parallel()
	requests := 0
	a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"no images for you: wrong key"}}`)
	})
	if got := agenttest.Ask(t, a, messagesWithImages()...); got.Err == nil || requests != 1 {
		t.Errorf("got %+v after %d requests", got, requests)
	}
}
