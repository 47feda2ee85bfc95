//go:build !js

package app

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// paste puts a text into the composer as the user does.
func (s *harness) paste(text string) {
	s.browser.Get("composer-input").SetValue(text)
	s.do("compose", "composer-input")
}

// takeTexts makes files of the texts that the page attaches, and returns their names and
// contents.
func (s *harness) takeTexts() *[]string {
	var texts []string
	s.browser.attachText = func(name, text string) {
		texts = append(texts, name, text)
		s.app.Files([]protocol.Attachment{{Key: name, Media: protocol.Media{
			Filename: name, MimeType: "text/plain", Size: int64(len(text)),
		}}})
	}
	return &texts
}

var tooLong = strings.Repeat("línea\n", protocol.MaxMessageBytes/7+1)

// TestLongPasteBecomesAFile checks that what was typed beside the pasted text stays.
func TestLongPasteBecomesAFile(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		texts := s.takeTexts()
		s.paste("What is wrong in this log?\n")
		s.paste("What is wrong in this log?\n" + tooLong)
		long := s.browser.Get("composer-long")
		eq(t, "the offer is hidden", long.Flag("hidden"), false)
		s.do("attach-text", "composer-long")
		eq(t, "the composer", s.composerText(), "What is wrong in this log?")
		eq(t, "the offer is hidden", long.Flag("hidden"), true)
		eq(t, "what is attached", s.attached(), "pasted-text.txt uploading")
		if got := *texts; len(got) != 2 || got[1] != tooLong {
			t.Errorf("%d texts were attached: %.40q", len(got)/2, got)
		}

		s.paste("What is wrong in this log?" + tooLong)
		s.do("attach-text", "composer-long")
		eq(t, "the name of the next one", (*texts)[2], "pasted-text-2.txt")
		eq(t, "the composer", s.composerText(), "What is wrong in this log?")
	})
}

// TestLongTextThatWasNotPasted checks that a text of which no part was pasted at once becomes a
// file as a whole: a draft, or a text that was changed after it had become too long.
func TestLongTextThatWasNotPasted(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		texts := s.takeTexts()
		s.paste("before " + tooLong)
		s.paste("before " + tooLong[:100] + "changed" + tooLong[100:])
		s.do("attach-text", "composer-long")
		eq(t, "the composer", s.composerText(), "")
		if got := *texts; len(got) != 2 || !strings.HasPrefix(got[1], "before ") || !strings.Contains(got[1], "changed") {
			t.Errorf("attached: %.40q", got)
		}
	})
}

// TestLongTextStaysUntilItIsAttached checks that nothing is lost if no file can be made.
func TestLongTextStaysUntilItIsAttached(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.paste(tooLong)
		s.do("attach-text", "composer-long") // the browser makes no file
		eq(t, "the composer", s.composerText() == tooLong, true)
		s.attach("a") // another file
		eq(t, "the composer", s.composerText() == tooLong, true)

		s.attach("b", "c", "d", "e", "f", "g", "h", "i", "j")
		texts := s.takeTexts()
		s.do("attach-text", "composer-long")
		eq(t, "texts", len(*texts), 0)
		eq(t, "the notice", s.notices(), "A message takes at most 10 files. Remove one first.")
		eq(t, "the composer", s.composerText() == tooLong, true)
		s.wait(time.Minute)
	})
}

func TestInsertedText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.String().Draw(t, "before"), rapid.String().Draw(t, "after")
		inserted := rapid.StringN(1, 20, -1).Draw(t, "inserted")
		got := insertedText(before+after, before+inserted+after)
		if len(got) != len(inserted) || !utf8.ValidString(got) {
			t.Fatalf("inserted %q, found %q", inserted, got)
		}
		// The position is not unique; without the inserted text, the rest is there.
		rest, found := cutText(before+inserted+after, got)
		if !found || len(rest) != len(before+after) {
			t.Fatalf("%q without %q is %q", before+inserted+after, got, rest)
		}
		other := rapid.String().Draw(t, "other")
		if part := insertedText(before, other); !strings.Contains(other, part) || !utf8.ValidString(part) {
			t.Fatalf("%q is not in %q", part, other)
		}
	})
}
