package reasoning

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// split is what a Splitter makes of an answer.
type split struct{ thinking, text string }

func (s *split) add(pieces []agent.Piece) {
	for _, p := range pieces {
		if p.TextWasThinking {
			s.thinking, s.text = s.thinking+s.text, ""
		}
		s.thinking += p.Thinking
		s.text += p.Text
	}
}

// inPieces splits an answer that comes in pieces.
func inPieces(s *Splitter, pieces ...string) (got split) {
	for _, p := range pieces {
		got.add(s.Write(p))
	}
	got.add(s.End(true))
	return got
}

func defaultTags(t testing.TB) []Tag {
	tags, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, thinking, answer string
	}{
		"no reasoning":              {"Four.", "", "Four."},
		"white space stays":         {"\n Four.\n", "", "\n Four.\n"},
		"an empty answer":           {"", "", ""},
		"white space alone":         {" \n", "", " \n"},
		"reasoning":                 {"<think>\nTwo and two.\n</think>\n\nFour.", "Two and two.", "Four."},
		"after white space":         {" \n<think>Two.</think>Four.", "Two.", "Four."},
		"in capitals":               {"<Think>Two.</THINK>Four.", "Two.", "Four."},
		"with attributes":           {"<think lang=\"en\"\n>Two.</think>Four.", "Two.", "Four."},
		"with an endless attribute": {"<think " + strings.Repeat("x", 200) + ">Four.", "", "<think " + strings.Repeat("x", 200) + ">Four."},
		"in brackets":               {"[THINK]Two.[/THINK]Four.", "Two.", "Four."},
		"closed twice":              {"<think>Two.</think>\n</think>\nFour.", "Two.", "Four."},
		"another name":              {"<thought>Two.</thought>Four.", "Two.", "Four."},
		"empty reasoning":           {"<think>\n\n</think>\n\nFour.", "", "Four."},
		"twice":                     {"<think>Two.</think>\n<think>Three.</think>\nFour.", "Two.Three.", "Four."},
		"never closed":              {"<think>Two.", "Two.", ""},
		"another mark inside":       {"<think>Two </thought> and two.</think>Four.", "Two </thought> and two.", "Four."},
		"a mark begins inside":      {"<think>1 < 2 </thin k></think>Four.", "1 < 2 </thin k>", "Four."},
		"the tag without its end":   {"<think", "", "<think"},
		"a longer name":             {"<thinker>Four.", "", "<thinker>Four."},
		"in the middle":             {"Write <think>x</think> there.", "", "Write <think>x</think> there."},
		"in a code block":           {"Look:\n```\n<think>\nx\n</think>\n```\n", "", "Look:\n```\n<think>\nx\n</think>\n```\n"},
		"in a code block, alone":    {"Look:\n```\nx\n</think>\n```\n", "", "Look:\n```\nx\n</think>\n```\n"},
		"in a code span":            {"The mark `</think>` ends it.", "", "The mark `</think>` ends it."},
		"in quotes":                 {"The mark \"</think>\" ends it.", "", "The mark \"</think>\" ends it."},
		"in a sentence":             {"The mark </think> ends it.", "", "The mark </think> ends it."},
		"at the end of a sentence":  {"It ends with </think>.", "", "It ends with </think>."},
		"later marks are text":      {"<think>Two.</think>It was </think> and\n</think>\n.", "Two.", "It was </think> and\n</think>\n."},
		"only closed":               {"Two and two.\n</think>\n\nFour.", "Two and two.\n", "Four."},
		"only closed, in a line":    {"Two and two.</think>Four.", "Two and two.", "Four."},
		"only closed, after spaces": {"Two and two. </think> Four.", "Two and two. ", "Four."},
		"only closed, at the end":   {"Two and two.\n</think>", "Two and two.\n", ""},
		"closed at the beginning":   {"\n</think>\n\nFour.", "", "Four."},
		"only closed, after code":   {"```go\nx\n```\nSo.\n</think>\nFour.", "```go\nx\n```\nSo.\n", "Four."},
		"only closed, Chinese":      {"二加二。</think>四。", "二加二。", "四。"},
	} {
		for _, size := range []int{1, 2, 3, 5, 100} {
			var pieces []string
			for rest := c.text; rest != ""; {
				n := min(size, len(rest))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			s := New(defaultTags(t), false)
			if got := inPieces(s, pieces...); got != (split{c.thinking, c.answer}) {
				t.Errorf("%s, in pieces of %d: %+q, want thinking %q and the answer %q", name, size,
					got, c.thinking, c.answer)
			}
			if want := strings.HasPrefix(name, "only closed"); s.LoneClose != want {
				t.Errorf("%s: LoneClose is %t", name, s.LoneClose)
			}
		}
	}
}

// A piece is passed on as soon as it is clear what it is.
func TestSplitterHoldsNothingBack(t *testing.T) {
	t.Parallel()
	s := New(defaultTags(t), false)
	for _, c := range []struct{ piece, thinking, answer string }{
		{"<think>Two", "Two", ""}, {" and", " and", ""}, {" two. ", " two.", ""}, {"</thi", "", ""},
		{"nk>\n", "", ""}, {"Four", "", "Four"}, {" < ", "", " < "}, {"<", "", "<"},
	} {
		var got split
		if got.add(s.Write(c.piece)); got != (split{c.thinking, c.answer}) {
			t.Errorf("%q gives %+q", c.piece, got)
		}
	}
}

// A model whose earlier answer had only the closing mark begins with reasoning.
func TestSplitterFromStart(t *testing.T) {
	t.Parallel()
	s := New(defaultTags(t), true)
	var got split
	if got.add(s.Write("Two and")); got != (split{"Two and", ""}) {
		t.Errorf("the first piece gives %+q", got)
	}
	got.add(s.Write(" two.\n</think>\nFour."))
	if got.add(s.End(true)); got != (split{"Two and two.", "Four."}) || !s.LoneClose || s.NoClose {
		t.Errorf("got %+q", got)
	}
	s = New(defaultTags(t), true)
	if got := inPieces(s, "<think>Two.</think>", "Four."); got != (split{"Two.", "Four."}) ||
		s.LoneClose || s.NoClose {
		t.Errorf("with both marks: %+q", got)
	}
	s = New(defaultTags(t), true)
	if got := inPieces(s, "Four", " it is."); got.text != "Four it is." || !s.NoClose {
		t.Errorf("without a mark: %+q, NoClose %t", got, s.NoClose)
	}
	s = New(defaultTags(t), true)
	s.Write("Two and")
	if got := s.End(false); len(got) != 0 || s.NoClose {
		t.Errorf("cut off while it reasoned: %+v", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for setting, text := range map[string]string{
		"[THINK] [/THINK]": "[THINK]Two.[/THINK]Four.", "a, seed:think": "<seed:think>Two.</seed:think>Four.",
		"<why>": "<why>Two.</why>Four.", "◁think▷ ◁/think▷": "◁think▷Two.◁/think▷Four.",
	} {
		tags, err := Parse(setting)
		if err != nil {
			t.Errorf("Parse(%q): %v", setting, err)
		}
		if got := inPieces(New(tags, false), text); got != (split{"Two.", "Four."}) {
			t.Errorf("%q: %+q", setting, got)
		}
	}
	if tags, err := Parse("off"); tags != nil || err != nil {
		t.Errorf("off is %v, %v", tags, err)
	}
	const whole = "<think>Two.</think>Four."
	if got := inPieces(New(nil, false), whole); got != (split{"", whole}) {
		t.Errorf("off: %+q", got)
	}
	for _, bad := range []string{",", "a,,b", "a b c", "x x", "[THINK]", "a/b", strings.Repeat("a", 65),
		"a,b,c,d,e,f,g,h,i"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) gave no error", bad)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Four.": "Four.", "<think>Two.</think>\n\nFour.": "Four.", "<think>Two.": "",
		"The mark\n</think>\nends it.": "The mark\n</think>\nends it.",
	} {
		if got := Without(defaultTags(t), text); got != want {
			t.Errorf("Without(%q) = %q, want %q", text, got, want)
		}
	}
}

// However a text is cut, it is split the same way, and no word is lost.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{"<think>a</think>b", "a</think>b", "`</think>`", "</think>",
		"a </think>\n b", "<think></think><thought>x</thought>\n```\n</think>", "◁think"} {
		f.Add(seed, uint8(3), false)
		f.Add(seed, uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, text string, size uint8, fromStart bool) {
		if len(text) > maxSpace {
			t.Skip("more white space than is held back may be cut")
		}
		tags := defaultTags(t)
		whole := inPieces(New(tags, fromStart), text)
		var pieces []string
		for rest := text; rest != ""; {
			n := min(int(size)+1, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if cut := inPieces(New(tags, fromStart), pieces...); cut != whole {
			t.Errorf("whole %+q, in pieces of %d %+q", whole, size+1, cut)
		}
		if !strings.Contains(text, "<") && whole != (split{"", text}) && !fromStart {
			t.Errorf("%q became %+q", text, whole)
		}
		if len(whole.text) > len(text) || len(whole.thinking) > len(text) {
			t.Errorf("%q grew to %+q", text, whole)
		}
	})
}
