package agent

import (
	"fmt"
	"slices"
	"strings"
)

// File is a file that came with a message, with as much of its content as an agent is given.
type File struct {
	Path     string // tells it apart inside the gateway; agents do not send it anywhere
	Name     string // safe to show: without quotes, angle brackets and control characters
	MimeType string // of Data, where there is some
	Size     int64  // bytes
	Data     []byte // of an image, for models that take images
	Text     string // of a text, or its beginning
	Cut      bool   // Text is not all of it
}

// Flat is the message with its files put into words, save for images with Data: these are its Files then.
func (m Message) Flat() Message {
	if len(m.Files) == 0 {
		return m
	}
	parts := []string{}
	if strings.TrimSpace(m.Text) != "" {
		parts = append(parts, m.Text)
	}
	flat := Message{Role: m.Role}
	for _, f := range m.Files {
		if len(f.Data) > 0 {
			flat.Files = append(flat.Files, f)
			continue
		}
		parts = append(parts, f.words())
	}
	flat.Text = strings.Join(parts, "\n\n")
	return flat
}

// words are what is said of a file instead of showing it.
func (f File) words() string {
	if f.Text == "" {
		return fmt.Sprintf("[The user sent the file %q, %s, %d bytes. Its content is not shown to you.]", f.Name, f.MimeType, f.Size)
	}
	cut := ""
	if f.Cut {
		cut = "\n[The rest of the file is not shown to you.]"
	}
	return fmt.Sprintf("<file name=%q type=%q>\n%s%s\n</file>", f.Name, f.MimeType, f.Text, cut)
}

// Join is two messages of one role in one, both Flat.
func (m Message) Join(next Message) Message {
	switch {
	case m.Text == "":
		m.Text = next.Text
	case next.Text != "":
		m.Text += "\n\n" + next.Text
	}
	m.Files = slices.Concat(m.Files, next.Files)
	return m
}

// Blind copies messages without the Data of their files, for models that turn out to take no images. It reports
// whether there was some.
func Blind(messages []Message) (blind []Message, had bool) {
	blind = slices.Clone(messages)
	for i := range blind {
		blind[i].Files = slices.Clone(blind[i].Files)
		for j := range blind[i].Files {
			had = had || len(blind[i].Files[j].Data) > 0
			blind[i].Files[j].Data = nil
		}
	}
	return blind, had
}
