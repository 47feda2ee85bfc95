package agent

import (
	"fmt"
	"slices"
	"strings"
)

// File is an attachment of a message. Data or Text hold its content, as far as the agent
// gets it. If both are empty, the agent only learns that the file exists.
type File struct {
	Path      string // identifies the file inside the gateway; agents do not send it anywhere
	Name      string // the file's name, without quotes, angle brackets and control characters
	MimeType  string // the type of Data, if there is any, otherwise of the file
	Size      int64  // the size of the whole file, in bytes
	Data      []byte // an image, for models that take images
	Text      string // the beginning of a text file, or all of it
	Truncated bool   // whether Text is only the beginning
}

// Flatten returns the message with its files described in Text. Images with Data are not
// described: they stay in Files.
func (m Message) Flatten() Message {
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
		parts = append(parts, f.describe())
	}
	flat.Text = strings.Join(parts, "\n\n")
	return flat
}

// describe returns the file's Text in a tag, or a sentence about a file without Text.
func (f File) describe() string {
	if f.Text == "" {
		return fmt.Sprintf("[The user sent the file \"%s\", %s, %d bytes. Its content is not shown "+
			"to you.]", f.Name, f.MimeType, f.Size)
	}
	note := ""
	if f.Truncated {
		note = "\n[The rest of the file is not shown to you.]"
	}
	tag := f.tag()
	return fmt.Sprintf("<%s name=\"%s\" type=\"%s\">\n%s%s\n</%s>", tag, f.Name, f.MimeType, f.Text,
		note, tag)
}

// tag returns the name of the tag around Text: one that Text does not close, so that no
// part of a file looks like words of the user.
func (f File) tag() string {
	tag := "file"
	for lower := strings.ToLower(f.Text); strings.Contains(lower, "</"+tag); {
		tag += "-text"
	}
	return tag
}

// Join returns m with the text and the files of next appended. Both are flattened and
// have the same role.
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

// WithoutImages returns a copy of messages whose files have no Data, and whether any file
// had some. It is for models that turn out to take no images.
func WithoutImages(messages []Message) (copied []Message, had bool) {
	copied = slices.Clone(messages)
	for i := range copied {
		copied[i].Files = slices.Clone(copied[i].Files)
		for j := range copied[i].Files {
			had = had || len(copied[i].Files[j].Data) > 0
			copied[i].Files[j].Data = nil
		}
	}
	return copied, had
}
