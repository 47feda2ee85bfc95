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

func pictures() []agent.Message {
	return []agent.Message{
		{Role: agent.User, Text: "first", Files: []agent.File{{Name: "a.png", MimeType: "image/png", Data: []byte("png")}}},
		{Role: agent.User, Files: []agent.File{{Name: "b.jpg", MimeType: "image/jpeg", Data: []byte("jpg")}, {Name: "c.zip", MimeType: "application/zip", Size: 7}}},
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	got := record(t, Config{BaseURL: "/v1"}, pictures()...)
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

// A model that takes no images is asked again without.
func TestModelWithoutImages(t *testing.T) {
	t.Parallel()
	for status, refusal := range map[int]string{
		500: `{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"}}`,
		404: `{"error":{"message":"No endpoints found that support image input","code":404}}`,
		400: `{"object":"error","message":"m is not a multimodal model","code":400}`,
		422: `{"error":{"message":"unknown variant image_url, expected text"}}`,
	} {
		asked := 0
		a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, r *http.Request) {
			asked++
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), "image_url") {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, refusal)
				return
			}
			if !strings.Contains(string(body), `a.png`) {
				t.Errorf("the picture is not named: %s", body)
			}
			agenttest.Stream(w, word("Hi"), finished("stop"), done)
		})
		if h := agenttest.Ask(t, a, pictures()...); h.Err != nil || h.Text != "Hi" || asked != 2 {
			t.Errorf("%d: heard %+v after %d requests", status, h, asked)
		}
	}
}

// Another refusal is no reason to ask again.
func TestRefusedOtherwise(t *testing.T) {
	t.Parallel()
	asked := 0
	a, _ := agenttest.Serve(t, api(), func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"no images for you: wrong key"}}`)
	})
	if h := agenttest.Ask(t, a, pictures()...); h.Err == nil || asked != 1 {
		t.Errorf("heard %+v after %d requests", h, asked)
	}
}
