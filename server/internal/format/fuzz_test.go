package format

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzBlocks looks for text that breaks the parser or out of its element.
func FuzzBlocks(f *testing.F) {
	for _, text := range append(slices.Clone(attacks), fragments...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, block := range Blocks(text) {
			if _, err := checkBlock(block); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			if !utf8.ValidString(block) {
				t.Errorf("%q: %q is not UTF-8", text, block)
			}
		}
		var in input
		parse([]byte(in.next(text)+in.end()), textIsOpen, &highlighter{}, &outline{}) // must not panic
	})
}

// FuzzStream looks for text and cuts with which a stream ends elsewhere than
// the whole. Each byte of cuts is the length of a piece.
func FuzzStream(f *testing.F) {
	for _, text := range append(slices.Clone(attacks), fragments...) {
		f.Add(text, []byte{1, 3, 2}, 1)
	}
	f.Add("- a\n\n ```\n b\n\nc\n ```\n\nd", []byte("\x01\x01\x01\x01\x01\x01\x01"), 3)
	f.Add("```go\na\n``\n```\n\nb\n===\n", []byte{5, 3, 2, 2, 1, 4}, 2)
	f.Add("| a |\n|---|\n| b |\n\n1. a\n\n   b\n2. c", []byte{6, 2, 9, 9}, 0)
	f.Fuzz(func(t *testing.T, text string, pieces []byte, join int) {
		var cuts []int
		at := 0
		for _, n := range pieces {
			if at += int(n); at > len(text) {
				break
			}
			cuts = append(cuts, at)
		}
		exact := len(text) <= alwaysFormat
		checkLaw(t, text, cuts, max(0, join)%(len(cuts)+1), exact)
	})
}
