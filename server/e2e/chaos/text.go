package chaos

import (
	"fmt"
	"strings"
	"time"
)

// vocabulary has words that are awkward to cut and to format.
var vocabulary = [...]string{
	"ever", "since", "the", "keeper", "größer", "naïve", "日本語", "🙂", "👩‍👩‍👧", "**bold**", "`code`", "_it_", "a<b", "&amp;", "[link](https://example.org)",
	"\n\n", "\n- item", "\n\n```go\nfunc f() {}\n```\n\n", "\n\n> quote", "|", listing, "\n| a | b |\n|---|---|\n| c | d |\n", "\\", "\"quoted\"", "e\u0301", "tunnel", "train", "window", "word",
}

// listing takes a while to stream.
const listing = `

` + "```go" + `
// Admit lets in whom the keeper knows.
func (g *Gate) Admit(v Visitor) error {
	if !g.keeper.Knows(v.Name) {
		return fmt.Errorf("admit %s: not on the list", v.Name)
	}
	return g.open(v)
}
` + "```" + `

`

// randomText returns a text with that many words.
func randomText(d rng, words int) string {
	var b strings.Builder
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(vocabulary[d.IntN(len(vocabulary))])
	}
	return b.String()
}

// composeMessage makes the nth message of a sender, and the demo agent's answer to it
// where that is known.
func composeMessage(d rng, sender string, n int) (text, reply string) {
	name := fmt.Sprintf("%s.%d", sender, n)
	switch d.weighted(20, 3, 2, 1, 1, 1) {
	case 0:
		reply = name + " " + randomText(d, 3+d.IntN(40)) + " end."
	case 1:
		reply = name + " " + randomText(d, 40+d.IntN(60)) + " end."
	case 2:
		return name + ": markdown", ""
	case 3: // the demo agent ignores punctuation around a command
		return "think" + encodeName(name), ""
	case 4:
		return "error" + encodeName(name), ""
	case 5: // a long one; the demo agent quotes its beginning
		line := randomText(d, 100) + "\n"
		return name + ": " + strings.Repeat(line, 1+d.IntN(longestMessage/len(line))), ""
	}
	return "echo " + reply, reply
}

// encodeName writes a name as punctuation.
func encodeName(name string) string {
	const alphabet = "!?.,;:-#"
	var b strings.Builder
	for _, c := range []byte(name) {
		b.WriteByte(alphabet[c>>6])
		b.WriteByte(alphabet[c>>3&7])
		b.WriteByte(alphabet[c&7])
	}
	return b.String()
}

// longestMessage is about the length of the longest message, in bytes.
const longestMessage = 100_000

// shorten cuts a message for a report.
func shorten(text string) string {
	const length = 80
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + "…"
	}
	return text
}

// wantsError reports whether the demo agent answers the text with an error.
func wantsError(text string) bool { return strings.HasPrefix(text, "error") }

// longestAnswer bounds how long the demo agent takes for a message. It writes 45 words a
// second.
const longestAnswer = 10 * time.Second
