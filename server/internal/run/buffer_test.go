package run

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

func TestCutAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    string
		n    int
		want int
	}{
		{"", 4, 0}, {"abc", 4, 3}, {"abcd", 4, 4}, {"abcde", 4, 4}, {"abcé", 4, 3}, {"abé", 4, 4},
		{"ab€", 4, 2}, {"a😀", 4, 1}, {"😀a", 4, 4},
		{"\x80\x80\x80\x80\x80\x80", 4, 4}, // not UTF-8: any length, but not 0
	} {
		if got := prefixLen(c.s, c.n); got != c.want {
			t.Errorf("prefixLen(%q, %d) = %d, want %d", c.s, c.n, got, c.want)
		}
	}
}

// The buffer returns what was added, in the same order, in pieces that fit an event and
// end between two characters.
func TestBufferKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newBuffer(1 << 30)
		text := rapid.Custom(func(t *rapid.T) string {
			unit := rapid.SampledFrom([]string{"a", "é", "😀\n", "\x80"}).Draw(t, "unit")
			return strings.Repeat(unit,
				rapid.SampledFrom([]int{0, 1, 3, 1000, maxPiece/2 - 1, maxPiece}).Draw(t, "times"))
		})
		var added, taken strings.Builder
		take := func() {
			for _, q := range p.take() {
				switch {
				case q.Activity != nil:
					taken.WriteString("[" + q.Activity.Phase + "]")
				case q.Thinking != "":
					taken.WriteString(strings.ToUpper(q.Thinking))
				default:
					taken.WriteString(q.Text)
				}
				if len(q.Text) > maxPiece || len(q.Thinking) > maxPiece {
					t.Fatalf("a piece has %d bytes", len(q.Text)+len(q.Thinking))
				}
				if !strings.Contains(q.Text+q.Thinking, "\x80") &&
					!utf8.ValidString(q.Text+q.Thinking) {
					t.Fatal("a character was cut")
				}
			}
		}
		for i := range rapid.IntRange(1, 12).Draw(t, "adds") {
			if p.size > maxBuffered || rapid.Bool().Draw(t, "take") {
				take()
			}
			a := agent.Piece{Text: text.Draw(t, "text")}
			if rapid.Bool().Draw(t, "think") {
				a.Thinking = text.Draw(t, "thinking")
			}
			if i%3 == 0 {
				a.Activity = "x"
				take() // else two activities in a row would become one
			}
			if err := p.add(a); err != nil {
				t.Fatalf("add: %v", err)
			}
			if a.Activity != "" {
				added.WriteString("[x]")
			}
			added.WriteString(strings.ToUpper(a.Thinking) + a.Text)
		}
		take()
		if added.String() != taken.String() {
			t.Fatalf("added %d bytes, taken %d", added.Len(), taken.Len())
		}
		if len(p.take()) != 0 {
			t.Fatal("something was taken twice")
		}
	})
}

func TestBufferIsBounded(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]agent.Piece{
		"text":       {Text: strings.Repeat("x", 1000)},
		"many kinds": {Text: "x", Thinking: "y", Activity: "z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newBuffer(1 << 30)
				added := 0
				var last error
				go func() {
					for last == nil {
						if last = p.add(flood); last == nil {
							added++
						}
					}
				}()
				synctest.Wait() // until add blocks
				if p.size > maxBuffered+len(flood.Text) || len(p.pending) > maxBufferedPieces+3 {
					t.Errorf("the buffer holds %d bytes in %d pieces", p.size, len(p.pending))
				}
				before := added
				p.take()
				synctest.Wait()
				if added <= before {
					t.Error("add is still blocked after take")
				}
				p.close()
				synctest.Wait()
				if !errors.Is(last, errClosed) {
					t.Errorf("after close: %v", last)
				}
			})
		})
	}
}

// The limit counts the length of the text in JSON, in however many pieces it was added. Of
// the piece that exceeds the limit, the beginning is kept.
func TestBufferLimit(t *testing.T) {
	t.Parallel()
	for text, times := range map[string]int{"ab": 50, "\x01": 16, "é": 50,
		strings.Repeat("x", 30): 3} {
		p := newBuffer(100)
		added := 0
		for p.add(agent.Piece{Text: text}) == nil {
			added++
		}
		if added != times {
			t.Errorf("%q was added %d times, want %d", text, added, times)
		}
		if err := p.add(agent.Piece{Text: "x"}); !errors.Is(err, errTooLong) {
			t.Errorf("after the limit: %v", err)
		}
		var whole string
		for _, q := range p.take() {
			whole += q.Text
		}
		all := strings.Repeat(text, times+1)
		if next := all[:min(len(whole)+2, len(all))]; !strings.HasPrefix(all, whole) ||
			session.EncodedLen(whole) > 102 || session.EncodedLen(next) <= 102 {
			t.Errorf("kept %q", whole)
		}
		if !p.close() {
			t.Error("close does not report that the limit was exceeded")
		}
	}
}
