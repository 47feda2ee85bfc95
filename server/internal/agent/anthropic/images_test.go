package anthropic

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
		{Role: agent.User, Files: []agent.File{{Name: "a.png", MimeType: "image/png",
			Data: []byte("png")}}},
		{Role: agent.User, Text: "look",
			Files: []agent.File{{Name: "c.zip", MimeType: "application/zip", Size: 7}}},
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	got := record(t, Config{}, messagesWithImages()...)
	body, err := json.Marshal(got.body["messages"])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"content":[{"source":{"data":"cG5n","media_type":"image/png","type":"base64"},"type":"image"},` +
		`{"text":"look\n\n[The user sent the file \"c.zip\", application/zip, 7 bytes. Its content is not shown to you.]","type":"text"}],"role":"user"}]`
	if string(body) != want {
		t.Errorf("sent\n%s, want\n%s", body, want)
	}
	// A message may be an image without text.
	got = record(t, Config{}, messagesWithImages()[0])
	if body, err = json.Marshal(got.body["messages"]); err != nil ||
		strings.Contains(string(body), `"text"`) || !strings.Contains(string(body), "cG5n") {
		t.Errorf("sent %s, %v", body, err)
	}
}

// If the API cannot read an image, the request is sent again without images.
func TestImageRefused(t *testing.T) {
	t.Parallel()
	requests := 0
	a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
		requests++
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"base64"`) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w,
				`{"type":"error","error":{"type":"invalid_request_error","message":"Could not process image"}}`)
			return
		}
		agenttest.Stream(w, append(append(opening(), word("Hi")), closing()...)...)
	})
	if got := agenttest.Ask(t, a, messagesWithImages()...); got.Err != nil || got.Text != "Hi" ||
		requests != 2 {
		t.Errorf("got %+v after %d requests", got, requests)
	}
}
