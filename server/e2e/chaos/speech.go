package chaos

import (
	"fmt"
	"strings"
	"time"
)

// vocabulary is awkward for what cuts text, and for what formats it.
var vocabulary = [...]string{
	"ever", "since", "the", "keeper", "größer", "naïve", "日本語", "🙂", "👩‍👩‍👧", "**bold**", "`code`", "_it_", "a<b", "&amp;", "[link](https://example.org)",
	"\n\n", "\n- item", "\n\n```go\nfunc f() {}\n```\n\n", "\n\n> quote", "|", listing, "\n| a | b |\n|---|---|\n| c | d |\n", "\\", "\"quoted\"", "e\u0301", "tunnel", "train", "window", "word",
}

// listing takes a while to be told.
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

// phrase is a text of so many words.
func phrase(d dice, words int) string {
	var b strings.Builder
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(vocabulary[d.IntN(len(vocabulary))])
	}
	return b.String()
}

// say makes the nth message of a sender, with what the demo agent has to reply to
// it, where that is known.
func say(d dice, sender string, n int) (text, reply string) {
	name := fmt.Sprintf("%s.%d", sender, n)
	switch d.weighted(20, 3, 2, 1, 1, 1) {
	case 0:
		reply = name + " " + phrase(d, 3+d.IntN(40)) + " end."
	case 1:
		reply = name + " " + phrase(d, 40+d.IntN(60)) + " end."
	case 2:
		return name + ": markdown", ""
	case 3: // the demo agent overlooks what stands around a command
		return "think" + marks(name), ""
	case 4:
		return "error" + marks(name), ""
	case 5: // a long one, of which the demo agent quotes the beginning
		line := phrase(d, 100) + "\n"
		return name + ": " + strings.Repeat(line, 1+d.IntN(longestMessage/len(line))), ""
	}
	return "echo " + reply, reply
}

// marks is a name in punctuation.
func marks(name string) string {
	const alphabet = "!?.,;:-#"
	var b strings.Builder
	for _, c := range []byte(name) {
		b.WriteByte(alphabet[c>>6])
		b.WriteByte(alphabet[c>>3&7])
		b.WriteByte(alphabet[c&7])
	}
	return b.String()
}

// longestMessage bounds a message of say, about, in bytes.
const longestMessage = 100_000

// brief is a message for people.
func brief(text string) string {
	const length = 80
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + "…"
	}
	return text
}

// failing reports whether the demo agent answers the text by an error.
func failing(text string) bool { return strings.HasPrefix(text, "error") }

// longestAnswer bounds how long the demo agent, which says 45 words a second,
// takes for a message of say.
const longestAnswer = 10 * time.Second
