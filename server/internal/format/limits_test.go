package format

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// maxMessage is what a message may hold (protocol.md, chat.send).
const maxMessage = 256 << 10

func messageSize() int {
	if raceDetector {
		return maxMessage / 8
	}
	return maxMessage
}

// fill repeats pattern to the size of a large message.
func fill(pattern string) string { return strings.Repeat(pattern, messageSize()/len(pattern)+1) }

// steps returns what grows line by line: f(0), f(1), … to the size of a large message.
func steps(f func(i int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < messageSize(); i++ {
		b.WriteString(f(i))
	}
	return b.String()
}

func bombs() map[string]string {
	bombs := map[string]string{
		"backticks":      steps(func(i int) string { return strings.Repeat("`", i) + " " }),
		"backtick lines": steps(func(i int) string { return strings.Repeat("`", i%500) + "\na\n" }),
		"staircase":      steps(func(i int) string { return strings.Repeat("  ", i) + "- a\n" }),
		"quoted stairs":  steps(func(i int) string { return strings.Repeat("> ", i) + "a\n" }),
		"wide table":     strings.Repeat("|a", 20000) + "\n" + strings.Repeat("|-", 20000) + "\n" + strings.Repeat("a\n", 60000),
		"table of bars":  "|a|b|\n|-|-|\n" + fill("`\\|`|`\\|`\n"),
		"bars in lists":  fill("- a|b\n  -|-\n  `\\|`|`\\|`\n\n"),
		"quoted tables":  fill("> |a|b|c|d|e|f|g|h|\n> |-|-|-|-|-|-|-|-|\n> a\n>\n"),
		"one line":       fill("a"),
		"doubtful list":  "- a\n  ```\n  ```\n" + fill("\n ```\n\na\n"),
		"unclosed fence": "- a\n\n ```\n" + fill("\na\n"),
	}
	for _, pattern := range []string{
		">", "> ", ">\n", "- ", "-\n", "- a\n\n", "1. ", "1.\n", "* ", "+ a\n", "\t", "\n", "\r", " ", "a\n\n", "a\n", "# ", "#\n", "=\n", "a\n=\n", "---\n",
		"[", "]", "(", "![", "[]", "[](", "](", "]([", "[a](b", "[a](<b", "[a](b \"", "[a](b 'c", "[a][", "[[a](b)](c)", "[a](https://b.c)", "![a](https://b.c) ",
		"*", "_", "**", "~", "~~", "*a ", "a* ", "*a", "a*", "_a", "a_ *a ", "*a _b ", "**a *b", "a**b", "***a**b*", "*_", "~_a", "**_a~~",
		"`", "``a`", "` ``", "\\", "\\`", "&", "&amp;", "&#", "<", "<a", "<a:", "<https://a.b>", "<!--", "<div>\n",
		"http://", "http://a", "http://a.b/(", "(http://a.b", " www.a.b", " a@b.c", "a@", "a@b.", "|", "|\n", "|-", "|-\n", "-|-\n", "a|\n-|\n", "\x00", "\xff", "é",
		"```\n", "```\n```\n", "~~~\n", "- ```\n", "    a\n", "[ ] ", "- [ ] ", "[a]: b\n", "[a]: b 'c\n",
		"$", "$a", "$$", "$$\n", "$a$ ", "\\(", "\\(a\\)", "\\[", "\\[\n", "\\[\n\\]\n", "\\[a", "\\begin{align}", "\\begin{align}\n", "\\(\\frac{", "$$\n\n", "\\[\n\n", "$\\sqrt{", "<br>", "<sub>", "<sub></sub>", "看http://a.b/", ":", "a.b@",
	} {
		bombs[fmt.Sprintf("%q", pattern)] = fill(pattern)
		// The same in as large pieces as are still formatted.
		bombs[fmt.Sprintf("%q in paragraphs", pattern)] = fill(strings.Repeat(pattern, (maxInline-100)/len(pattern)) + "\n\n")
	}
	return bombs
}

// TestBombs bounds what hostile text costs: a second for a large message, on a
// processor that has nothing else to do.
func TestBombs(t *testing.T) {
	runtime.LockOSThread() // see cpuTime
	defer runtime.UnlockOSThread()
	limit := time.Second
	if raceDetector {
		limit *= 10
	}
	for name, text := range bombs() {
		best := time.Hour
		var blocks []string
		for try := 0; try < 5 && best > limit; try++ {
			start := cpuTime(t)
			blocks = Blocks(text)
			best = min(best, cpuTime(t)-start)
		}
		if best > limit {
			t.Errorf("%s took %v", name, best)
		}
		size := 0
		for _, block := range blocks {
			size += len(block)
			if depth, err := checkBlock(block); err != nil || depth > maxMarks {
				t.Errorf("%s: %d elements deep, %.200v", name, depth, err)
				break
			}
		}
		t.Logf("%-24s %6.1f ms, %6d blocks, %5.1f bytes for each", name, best.Seconds()*1000, len(blocks), float64(size)/float64(len(text)))
	}
}

// longAnswers are answers much larger than what is formatted with every piece,
// and how many bytes may be sent for each of theirs.
func longAnswers() map[string]struct {
	text    string
	traffic float64
} {
	long := func(pattern string) string { return strings.Repeat(pattern, maxMessage/4/len(pattern)) }
	const line = "the quick *brown* fox `jumps` over the lazy dog"
	const large = 2 * creditPerByte // of a large block it is what is earned, and HTML is longer
	return map[string]struct {
		text    string
		traffic float64
	}{
		"paragraphs":      {long(line + " " + line + "\n" + line + "\n\n"), 15},
		"one list":        {long("- " + line + "\n"), large},
		"one loose list":  {long("1. " + line + "\n\n   " + line + "\n\n"), large},
		"one table":       {"| a | b |\n|---|---|\n" + long("| "+line+" | b |\n"), large},
		"one paragraph":   {long(line + "\n"), large},
		"one line":        {long(line + " "), large},
		"one quote":       {long("> " + line + "\n"), large},
		"one code block":  {"```go\n" + long("\tx := \""+line+"\"\n"), 3},
		"plain code":      {"```\n" + long(line+"\n") + "```\n", 3},
		"open code":       {"~~~go\n" + long("~~~go\n"), large},
		"indented code":   {long("    " + line + "\n"), large},
		"beyond credit":   {strings.Repeat("    "+line+"\n", 2*maxCredit/len(line)), large},
		"code in a list":  {"- a\n  ```go\n" + long("  x := \""+line+"\"\n"), large},
		"list of code":    {long("1. a\n   ```go\n   x := \"" + line + "\"\n\n   ```\n\n"), 3 * large},
		"doubtful list":   {"- a\n\n ```\n" + long(line+"\n\n"), large},
		"almost a fence":  {long("a\n```a`\n"), large},
		"almost no fence": {"- a\n ```\n" + long("\n```\na\n"), 3 * large},
	}
}

// TestStreamIsLinear bounds what a long answer costs when it comes in small
// pieces: the traffic, which grows as the work does, and how far behind it is.
func TestStreamIsLinear(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine, and ten times as slow")
	}
	for name, answer := range longAnswers() {
		text := answer.text
		var shown []string
		var s Stream
		traffic, behind, shownAt := 0, 0, 0
		take := func(p Patch, at int) {
			shown = apply(t, shown, p)
			if p.Empty() {
				behind = max(behind, at-shownAt)
				return
			}
			shownAt = at
			traffic += len(strings.Join(p.Blocks, "")) + len(p.Append)
		}
		start := time.Now()
		for at := 0; at < len(text); at += 19 {
			end := min(at+19, len(text))
			take(s.Write(text[at:end]), end)
		}
		took := time.Since(start)
		take(s.Close(), len(text))
		if want := Blocks(text); !slices.Equal(shown, want) {
			t.Errorf("%s: the patches do not give the whole", name)
		}
		ratio := float64(traffic) / float64(len(text))
		t.Logf("%-15s %5.0f ms, traffic %5.1f times the text, at most %4d bytes behind", name, took.Seconds()*1000, ratio, behind)
		if ratio > answer.traffic {
			t.Errorf("%s: traffic %.1f times the text", name, ratio)
		}
		if behind > len(text)/creditPerByte+19 {
			t.Errorf("%s: %d bytes behind", name, behind)
		}
	}
}

// TestHighlightingEnds bounds what hostile code costs: chroma's expressions
// would need minutes for this.
func TestHighlightingEnds(t *testing.T) {
	text := fill("```c\n" + strings.Repeat("\n", maxHighlight-100) + "int x;\n```\n")
	start := time.Now()
	blocks := Blocks(text)
	if took, limit := time.Since(start), 10*maxHighlightTime; took > limit {
		t.Errorf("took %v", took)
	}
	if last := blocks[len(blocks)-1]; !strings.Contains(last, "int x;") {
		t.Errorf("the code is lost: %.300q", last)
	}
}

// TestPagesOfHostileCodeEnd bounds what many small texts cost that are made up to
// take long: together they have the time of one.
func TestPagesOfHostileCodeEnd(t *testing.T) { // alone: it measures time
	text := "```c\n" + strings.Repeat("\n", 2000) + "int x;\n```\n"
	Blocks(text) // compiles the lexer
	var p Page
	start := time.Now()
	for range 200 {
		if blocks := p.Blocks(text); !strings.Contains(blocks[len(blocks)-1], " x;") {
			t.Fatal("the code is lost")
		}
	}
	if took := time.Since(start); took > 4*maxHighlightTime {
		t.Errorf("200 took %v", took)
	}
}
