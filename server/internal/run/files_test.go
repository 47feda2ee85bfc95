package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// fakeFiles implements Files. Every file has that size; the first letter of its path is
// its kind: p is an image, t a text, x cannot be read.
type fakeFiles struct{ size int }

func (s fakeFiles) Image(_ context.Context, path string) ([]byte, string, error) {
	switch path[0] {
	case 'p':
		return []byte(strings.Repeat("x", s.size)), "image/jpeg", nil
	case 'x':
		return nil, "", errors.New("gone")
	}
	return nil, "", nil
}

func (s fakeFiles) Text(_ context.Context, path string, limit int) (string, bool, error) {
	switch path[0] {
	case 't':
		return strings.Repeat("y", min(s.size, limit)), s.size > limit, nil
	case 'x':
		return "", false, errors.New("gone")
	}
	return "", false, nil
}

// messageWith returns a user's message with attachments.
func messageWith(text string, paths ...string) session.Message {
	m := session.Message{Message: protocol.Message{Role: protocol.FromUser, Content: text}}
	for _, p := range paths {
		m.Media = append(m.Media,
			protocol.Media{Path: p, Filename: "name of " + p, MimeType: "image/png", Size: 1})
	}
	return m
}

// loaded returns what the agent gets of each file in history.
func loaded(t *testing.T, size int, images bool, history ...session.Message) (lines []string) {
	t.Helper()
	r := &Runner{files: fakeFiles{size}}
	messages := prompt(history, 99)
	r.loadFiles(t.Context(), messages, images, slog.New(slog.DiscardHandler))
	for _, m := range messages {
		for _, f := range m.Files {
			what := "name only"
			switch {
			case len(f.Data) > 0:
				what = fmt.Sprintf("%s of %d", f.MimeType, len(f.Data))
			case f.Text != "":
				what = fmt.Sprintf("text of %d, truncated %v", len(f.Text), f.Truncated)
			}
			lines = append(lines, f.Path+": "+what)
		}
	}
	return lines
}

func TestLoadFiles(t *testing.T) {
	t.Parallel()
	ten := strings.Split("p0 p1 p2 p3 p4 p5 p6 p7 p8 p9", " ")
	for name, c := range map[string]struct {
		size    int
		images  bool
		history []session.Message
		want    string
	}{
		"all kinds": {7, true, []session.Message{messageWith("", "p", "t", "z")},
			"p: image/jpeg of 7, t: text of 7, truncated false, z: name only"},
		"no images": {7, false, []session.Message{messageWith("look", "p", "t")},
			"p: name only, t: text of 7, truncated false"},
		"what cannot be read": {7, true, []session.Message{messageWith("", "x", "p")},
			"x: name only, p: image/jpeg of 7"},
		"a long text": {100 << 10, true, []session.Message{messageWith("", "t")},
			"t: text of 65536, truncated true"},
		"long texts, the newest first": {100 << 10, true,
			[]session.Message{messageWith("", "t1"), messageWith("", "t2", "t3"),
				messageWith("", "t4", "t5")},
			"t1: name only, t2: text of 65536, truncated true, t3: text of 65536, truncated " +
				"true, " +
				"t4: text of 65536, truncated true, t5: text of 65536, truncated true"},
		"many images, those of the newest message": {7, true,
			[]session.Message{messageWith("", "p"), messageWith("", ten[:8]...)},
			"p: name only, p0: image/jpeg of 7, p1: image/jpeg of 7, p2: image/jpeg of 7, p3: " +
				"image/jpeg of 7, p4: image/jpeg of 7, p5: image/jpeg of 7, p6: image/jpeg of 7, " +
				"p7: image/jpeg of 7"},
		"large images": {3 << 20, true,
			[]session.Message{messageWith("", "p1"), messageWith("", "p2"), messageWith("", "p3")},
			"p1: name only, p2: image/jpeg of 3145728, p3: image/jpeg of 3145728"},
	} {
		if got := strings.Join(loaded(t, c.size, c.images, c.history...), ", "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A message may consist of files alone.
func TestPromptOfFiles(t *testing.T) {
	t.Parallel()
	got := prompt([]session.Message{messageWith("", "p")}, 9)
	if len(got) != 1 || got[0].Role != agent.User || len(got[0].Files) != 1 ||
		got[0].Files[0].Name != "name of p" {
		t.Errorf("the prompt is %+v", got)
	}
}
