package hub

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/present/presenttest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// An answer comes in any pieces, and readers join at any moment. Readers who take
// formatted text end with the whole answer formatted; the others never get any.
func TestFormattedTextConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := New(present.NewFormatter())
		log := newLog("k", "ann")
		var readers []*reader
		join := func() {
			r := newReader("ann", rapid.IntRange(0, 3).Draw(t, "html") > 0)
			h.Join(r.member)
			readers = append(readers, r)
		}
		load := func(r *reader) {
			if r.shown == nil {
				r.shown = timeline.New("k")
				r.shown.Load(log.history())
			}
		}
		h.Publish(log.updated(protocol.SessionCreated))
		h.Publish(log.start("r"))
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(presenttest.Fragments()), 0, 60).Draw(t,
			"text"), "")
		for text != "" {
			n := min(len(text), rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(500, 3000)).Draw(t,
				"piece"))
			for n < len(text) && text[n]&0xc0 == 0x80 {
				n++
			}
			switch rapid.IntRange(0, 9).Draw(t, "reader") {
			case 0:
				join()
			case 1:
				join()
				load(readers[len(readers)-1])
			case 2:
				for _, r := range readers {
					load(r)
				}
			case 3:
				if len(readers) > 0 {
					h.Leave(readers[0].member)
					readers = readers[1:]
				}
			}
			h.Publish(log.chunk(text[:n]))
			text = text[n:]
		}
		for _, r := range readers {
			load(r)
		}
		h.Publish(log.end(rapid.SampledFrom([]string{protocol.RunCompleted, protocol.RunFailed,
			protocol.RunCancelled}).Draw(t, "end")))
		for _, r := range readers {
			converged(t, r, log.answer.Content)
		}
	})
}

func converged(t failer, r *reader, text string) {
	t.Helper()
	frames := slices.Clone(r.frames)
	r.read(t)
	m := r.shown.Messages()[0]
	if m.Content != strings.ToValidUTF8(text, "\uFFFD") {
		t.Fatalf("the content is %.99q, want %.99q", m.Content, text)
	}
	if !r.member.HTML {
		for _, f := range frames {
			if strings.Contains(string(f), `"html":`) {
				t.Fatalf("a reader who takes no formatted text got %s", payload(f))
			}
		}
		return
	}
	var got []string
	for _, b := range m.Blocks {
		got = append(got, b.HTML+b.Text)
	}
	if want := format.Blocks(text); !sameButColours(got, want) {
		t.Fatalf("for %q the blocks are\n%q\nwant\n%q", text, got, want)
	}
}

// colours is the markup that highlighting adds, unless its time is up.
var colours = regexp.MustCompile(`</?span[^>]*>`)

func sameButColours(a, b []string) bool {
	return slices.EqualFunc(a, b, func(a, b string) bool {
		return colours.ReplaceAllString(a, "") == colours.ReplaceAllString(b, "")
	})
}

// No frame is too large, whatever the answer is. If the formatted text does not fit,
// the reader has the whole plain text.
func TestFramesAreBounded(t *testing.T) {
	t.Parallel()
	const most = 200 << 10
	for name, unit := range map[string]string{
		"list":       "- a\n",
		"ampersands": "&",
		// highlighting has a time limit
		"code":  "```\n" + strings.Repeat("a <b> &c;\n", 5<<10) + "```\n\n",
		"table": "|||\n",
	} {
		text := strings.Repeat(unit, most/(session.EncodedLen(unit)-2))
		if name == "table" {
			text = "|a|b|c|\n|-|-|-|\n" + text[:len(text)-20*len(unit)]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := New(present.NewFormatter())
			log := newLog("k", "ann")
			var readers []*reader
			join := func(html bool) {
				r := newReader("ann", html)
				r.shown = timeline.New("k")
				r.shown.Load(log.history())
				h.Join(r.member)
				readers = append(readers, r)
			}
			publish := func(e session.Event) {
				h.Publish(e)
				for _, r := range readers {
					r.read(t)
				}
			}
			join(true)
			join(false)
			publish(log.start("r"))
			const piece = 16 << 10
			for rest := text; rest != ""; rest = rest[min(len(rest), piece):] {
				publish(log.chunk(rest[:min(len(rest), piece)]))
				if len(rest) < len(text)/2 && len(readers) < 3 {
					join(true)
				}
			}
			publish(log.end(protocol.RunCompleted))
			want := format.Blocks(text)
			for _, r := range readers {
				m := r.shown.Messages()[0]
				var got []string
				for _, b := range m.Blocks {
					got = append(got, b.HTML+b.Text)
				}
				if m.Content != text || len(got) > 0 && (!r.member.HTML || !slices.Equal(got, want)) {
					t.Errorf("a reader (html: %v) has %d of %d bytes and %d of %d blocks", r.member.HTML,
						len(m.Content), len(text), len(got), len(want))
				}
			}
		})
	}
}
