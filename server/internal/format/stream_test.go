package format

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// apply is what a browser does with a patch.
func apply(t interface{ Fatalf(string, ...any) }, blocks []string, p Patch) []string {
	if p.From > len(blocks) || p.Empty() && p.From != len(blocks) {
		t.Fatalf("patch %+v for %d blocks", p, len(blocks))
	}
	if p.Append == "" {
		return append(slices.Clone(blocks[:p.From]), p.Blocks...)
	}
	if p.From != len(blocks) || len(p.Blocks) > 0 {
		t.Fatalf("append %+v for %d blocks", p, len(blocks))
	}
	blocks = slices.Clone(blocks)
	last := &blocks[len(blocks)-1]
	if strings.Count(*last, "</code>") != 1 {
		t.Fatalf("append %+v to %q", p, *last)
	}
	*last = strings.Replace(*last, "</code>", escape(p.Append)+"</code>", 1)
	return blocks
}

var tokenMark = regexp.MustCompile(`<span class="[a-z0-9]+">|</span>`)

// unhighlighted takes the highlighting out of the last block.
func unhighlighted(blocks []string) []string {
	blocks = slices.Clone(blocks)
	if n := len(blocks); n > 0 {
		blocks[n-1] = tokenMark.ReplaceAllString(blocks[n-1], "")
	}
	return blocks
}

// checkLaw streams text, cut at the given places, and fails unless what is
// shown is right all the time, for those there from the start and for one who
// joins after the join-th piece. With exact, no change may be left to a later
// patch.
func checkLaw(t interface{ Fatalf(string, ...any) }, text string, cuts []int, join int, exact bool) {
	var s Stream
	var shown, joined []string
	written := 0
	for i, cut := range append(slices.Clone(cuts), len(text)) {
		p := s.Write(text[written:cut])
		shown = apply(t, shown, p)
		if i > join {
			joined = apply(t, joined, p)
		}
		written = cut
		if i == join {
			joined = Blocks(whole(text[:cut]))
		}
		if !exact {
			continue
		}
		want := unhighlighted(Blocks(whole(text[:cut])))
		if got := unhighlighted(shown); !slices.Equal(got, want) {
			t.Fatalf("after %q (cuts %v)\n got %q\nwant %q", text[:cut], cuts, got, want)
		}
		if got := unhighlighted(joined); i >= join && !slices.Equal(got, want) {
			t.Fatalf("joined at %d, after %q (cuts %v)\n got %q\nwant %q", join, text[:cut], cuts, got, want)
		}
	}
	p := s.Close()
	want := Blocks(text)
	if got := apply(t, shown, p); !slices.Equal(got, want) {
		t.Fatalf("after %q (cuts %v)\n got %q\nwant %q", text, cuts, got, want)
	}
	if got := apply(t, joined, p); join <= len(cuts) && !slices.Equal(got, want) {
		t.Fatalf("joined at %d, after %q (cuts %v)\n got %q\nwant %q", join, text, cuts, got, want)
	}
	for _, block := range want {
		if _, err := checkBlock(block); err != nil {
			t.Fatalf("%v\nof %q", err, text)
		}
	}
}

// whole returns s without the rune that it breaks off in, as a stream holds
// that back.
func whole(s string) string { return s[:len(s)-text.PartialRune(s)] }

var fragments = []string{
	"# ", "## ", "- ", "* ", "+ ", "1. ", "2) ", "14. ", " ", "  ", "   ", "    ", "\t", "> ", ">",
	"```", "~~~", "````", "```go\n", "```\n", "  ```\n", "   ~~~ js\n", "\n```\n", "\n\n```\n",
	"\n", "\n", "\n", "\n\n", "\n\n", "\r\n", "\r", "\n- ", "\n\n1. ", "\n  ", "\n    ",
	"a", "b c", "foo bar", "func main() {}", "if x == \"\" {", "// c", "é", "日本", "\x00", "\xff", "\xe6", "0", "1",
	"|", "| a | b |\n|---|:-:|\n", "|-", " | ", "\\|", "---", "===", "***", "=", "-", "\n---\n", "\n===",
	"*", "**", "_", "~~", "`", "``", "[", "]", "(", ")", "![", "](https://x.org)", "](/rel)", "[x] ", "[ ] ",
	"[a]: https://b.org\n", "[a]", "<b>", "<!--", "-->", "<div>\n", "<https://c.org>", "<javascript:x>", "&amp;", "&", "&#0;", "\\", "\\\n", "  \n",
	"\\(", "\\)", "\\[", "\\]", "$", "$$", "\\[\n", "\n\\]\n", "$$\n", "\n$$\n", "a_1 * b_2", "\\frac{a}{b}", "x^2", "```math\n", "\\begin{align}", "\\end{align}", "\\unknown", "$5",
	"，", "（", "）", "“", "중요", "<br>", "<sub>", "</sub>", "### ", "- [ ] ", "看https://a.org。",
	"https://a.org", "www.b.org", "x@y.org", "javascript:x", "\"", "'", "<", ">",
}

// perCheck is how many texts a check of a property takes: they are short.
const perCheck = 10

func markdownText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 40).Draw(t, "fragments"), "")
	})
}

func cutsOf(t *rapid.T, text string) []int {
	cuts := rapid.SliceOfN(rapid.IntRange(0, len(text)), 0, 12).Draw(t, "cuts")
	slices.Sort(cuts)
	return cuts
}

func TestStreamEqualsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range perCheck {
			text := markdownText().Draw(t, "text")
			cuts := cutsOf(t, text)
			checkLaw(t, text, cuts, rapid.IntRange(0, len(cuts)).Draw(t, "join"), true)
		}
	})
}

// TestStreamByteByByte cuts everywhere, which shows every state on the way.
func TestStreamByteByByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range perCheck {
			text := markdownText().Draw(t, "text")
			cuts := make([]int, len(text))
			for i := range cuts {
				cuts[i] = i
			}
			checkLaw(t, text, cuts, rapid.IntRange(0, len(cuts)).Draw(t, "join"), true)
		}
	})
}

// TestMathFenceGoesOn is about lines that close a formula until more of them arrives.
func TestMathFenceGoesOn(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"```math\n- \n  ```math\n", "```math\nx\n```y\nz\n```\nend", "~~~math\nx\n~~~ ~\n",
	} {
		cuts := make([]int, len(text))
		for i := range cuts {
			cuts[i] = i
		}
		for join := range len(text) + 1 {
			checkLaw(t, text, cuts, join, true)
		}
	}
}

// TestLargeStreamEqualsWhole is about blocks that are too large to be formatted
// with every piece.
func TestLargeStreamEqualsWhole(t *testing.T) {
	t.Parallel()
	large := []string{"- a `b` c\n", "1. a\n\n   b\n\n", "a *b* c\n", "> a\n", "    a\n", "- a\n  ```\n  b\n  ```\n", "- a\n\n ```\n b\n"}
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom(large).Draw(t, "start")
		start = strings.Repeat(start, rapid.IntRange(alwaysFormat-100, alwaysFormat+100).Draw(t, "size")/len(start))
		text := start + markdownText().Draw(t, "text")
		var cuts []int
		for at := len(start); at < len(text); at += rapid.IntRange(1, 9).Draw(t, "piece") {
			cuts = append(cuts, at)
		}
		checkLaw(t, text, cuts, rapid.IntRange(0, len(cuts)).Draw(t, "join"), false)
	})
}
