package format

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSegmentsEqualDocument holds the splitter to CommonMark: formatting the
// segments one by one gives what formatting the document at once gives. (White
// space is left out: goldmark keeps more of it than CommonMark in a blank line of
// an indented code block.)
func TestSegmentsEqualDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range perCheck {
			text := markdownText().Draw(t, "text")
			var in input
			clean := in.next(text) + in.end()
			want := withoutSpaces(parse([]byte(clean), textEnds, &highlighter{}, &outline{}))
			if got := withoutSpaces(Blocks(text)); !slices.Equal(got, want) {
				t.Fatalf("%q\n got %q\nwant %q", text, got, want)
			}
		}
	})
}

func withoutSpaces(blocks []string) []string {
	for i, block := range blocks {
		blocks[i] = strings.Join(strings.Fields(block), "")
	}
	return blocks
}
