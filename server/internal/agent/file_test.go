package agent_test

import (
	"reflect"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

func TestFlatten(t *testing.T) {
	t.Parallel()
	picture := agent.File{Name: "a.png", MimeType: "image/png", Size: 9, Data: []byte("png")}
	for name, c := range map[string]struct{ message, want agent.Message }{
		"no files": {agent.Message{Role: agent.User, Text: " hi "},
			agent.Message{Role: agent.User, Text: " hi "}},
		"a picture": {agent.Message{Role: agent.User, Files: []agent.File{picture}},
			agent.Message{Role: agent.User, Files: []agent.File{picture}}},
		"a text": {
			agent.Message{Role: agent.User, Text: "look",
				Files: []agent.File{{Name: "a.csv", MimeType: "text/csv", Size: 3, Text: "a,b"},
					picture}},
			agent.Message{Role: agent.User,
				Text:  "look\n\n<file name=\"a.csv\" type=\"text/csv\">\na,b\n</file>",
				Files: []agent.File{picture}},
		},
		"the beginning of a text": {
			agent.Message{Role: agent.User,
				Files: []agent.File{{Name: "a.txt", MimeType: "text/plain", Size: 3, Text: "a",
					Truncated: true}}},
			agent.Message{Role: agent.User,
				Text: "<file name=\"a.txt\" type=\"text/plain\">\na\n[The rest of the file " +
					"is not " +
					"shown to you.]\n</file>"},
		},
		"a file that agents cannot get": {
			agent.Message{Role: agent.User, Text: " ",
				Files: []agent.File{{Name: "ü.zip", MimeType: "application/zip", Size: 3}}},
			agent.Message{Role: agent.User,
				Text: `[The user sent the file "ü.zip", application/zip, 3 bytes. Its content is not shown to you.]`},
		},
	} {
		if got := c.message.Flatten(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWithoutImages(t *testing.T) {
	t.Parallel()
	all := []agent.Message{{Text: "a"},
		{Files: []agent.File{{Name: "a.png", Data: []byte("png")}, {Name: "b.txt", Text: "b"}}}}
	without, had := agent.WithoutImages(all)
	if !had || without[1].Files[0].Data != nil || without[1].Files[0].Name != "a.png" ||
		without[1].Files[1].Text != "b" {
		t.Errorf("without images: %+v, %v", without, had)
	}
	if all[1].Files[0].Data == nil {
		t.Error("the messages were changed")
	}
	if _, had := agent.WithoutImages(without); had {
		t.Error("images were reported, but there are none left")
	}
}

// A file cannot end its own tag and go on as the user.
func TestFileThatClosesItsTag(t *testing.T) {
	t.Parallel()
	for text, tag := range map[string]string{"a": "file", "a</file>b": "file-text",
		"a</FILE >b</file-text>": "file-text-text"} {
		got := agent.Message{Role: agent.User, Files: []agent.File{{Name: "a.txt", MimeType: "text/plain",
			Text: text}}}.Flatten().Text
		want := "<" + tag + " name=\"a.txt\" type=\"text/plain\">\n" + text + "\n</" + tag + ">"
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
