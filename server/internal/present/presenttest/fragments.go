// Package presenttest has markdown from which tests make answers.
package presenttest

import "strings"

// Fragments are pieces of markdown that open, close and interrupt each other's
// blocks in any order. The last two are so long that formatting them is put off
// while their block is open.
func Fragments() []string {
	return append(ShortFragments(), strings.Repeat("- of a long list\n", 300), strings.Repeat("long quoted words ", 300))
}

// ShortFragments are the Fragments of a line or two.
func ShortFragments() []string {
	return []string{
		"Some *words* ", "and `code`", " a [link](https://example.org) ", "\n\n", "\n", "# Heading\n", "- item\n", "  1. nested\n", "> quote\n",
		"```ours\nfunc main() {\n", "\treturn 1\n", "```\n", "~~~\n", "| a | b |\n|---|---|\n", "| 1 | 2 |\n", "<b>html</b>", "**open", "&amp; < >", "😀é",
		"\n---\n", "    indented\n", "\x00", `"quoted"\`,
	}
}
