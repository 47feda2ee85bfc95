package format

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// autoLinks parses addresses that stand bare in a text, as GitHub does: http and https
// URLs, host names that start with "www.", and e-mail addresses. Other than goldmark's
// parser it finds them beside any letter that is not ASCII, since most of the world's
// scripts that have no spaces are not, and an address ends before the punctuation of
// those scripts.
//
// The parser is called for the first sign of an address that is no letter; what precedes
// the sign is in the parent's last text already and is taken back.
type autoLinks struct{}

const (
	// letter is a letter or digit that can be anywhere in an address. The scripts are
	// those with spaces between words: with others nobody knows where the address ends.
	letter = `a-zA-Z0-9\x{C0}-\x{24F}\x{1E00}-\x{1EFF}\p{Greek}\p{Cyrillic}`
	// word is a word in one of the other scripts. It belongs to an address if it is a
	// whole part of it: "例え.jp", "/wiki/日本語", "?q=中文". After letters or at the start
	// of the path it is the text that goes on.
	word     = `[\p{Lo}\p{Lm}\p{M}][\p{L}\p{M}\p{N}]*`
	hostName = `(?:[` + letter + `_-]+\.)*[` + letter + `-]+`
	wordHost = `(?:(?:[` + letter + `_-]+|` + word + `)\.)*` + word + `(?:\.` + word + `|(?:\.[` + letter + `-]+)+)`
	pathPart = `(?:[/?#=&._-]` + word + `|[` + letter + `!#$%&'()*+,./:;=?@\[\]_{}~^-])*`
	urlPath  = `(?:[/?#]` + pathPart + `)?`
	wordPath = `(?:[/?#](?:` + word + `)?` + pathPart + `)?`
)

var (
	afterScheme = regexp.MustCompile(`^://(?:[a-zA-Z0-9!$%&'*+,.:;=_~-]+@)?(?:` +
		wordHost + `(?::[0-9]+)?` + wordPath + `|` + hostName + `(?::[0-9]+)?` + urlPath + `)`)
	afterWWW  = regexp.MustCompile(`^\.` + hostName + `\.[a-zA-Z]+(?::[0-9]+)?` + urlPath)
	afterName = regexp.MustCompile(`^@[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?` +
		`(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?)+`)
)

// maxAddress bounds the length of an address, in bytes.
const maxAddress = 4 << 10

func (autoLinks) Trigger() []byte { return []byte{':', '.', '@'} }

func (autoLinks) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	last, ok := parent.LastChild().(*ast.Text)
	line, at := block.PeekLine()
	if !ok || last.SoftLineBreak() || last.HardLineBreak() || last.Segment.Stop != at.Start ||
		pc.IsInLinkLabel() {
		return nil
	}
	line = line[:min(len(line), maxAddress)]
	kind, start, end := address(last.Segment.Value(block.Source()), line)
	start += last.Segment.Start
	if end == 0 || !mayPrecede(block.Source()[:start], line[0]) {
		return nil
	}
	block.Advance(end)
	link := ast.NewAutoLink(kind, ast.NewTextSegment(text.NewSegment(start, at.Start+end)))
	if line[0] == '.' {
		link.Protocol = []byte("http")
	}
	if last.Segment = last.Segment.WithStop(start); last.Segment.IsEmpty() {
		parent.RemoveChild(parent, last)
	}
	return link
}

// address looks for an address that the text before a sign and the line from the sign on
// make together, and returns where it starts in before and ends in line; 0 if there is
// none.
func address(before, line []byte) (kind ast.AutoLinkType, start, end int) {
	var match []byte
	kind = ast.AutoLinkURL
	start = len(before) - nameLength(before)
	switch name := before[start:]; line[0] {
	case ':':
		for _, scheme := range []string{"https", "http"} {
			if n := len(name) - len(scheme); n >= 0 && bytes.EqualFold(name[n:], []byte(scheme)) {
				start, match = start+n, afterScheme.Find(line)
				break
			}
		}
	case '.':
		if n := len(name) - len("www"); n >= 0 && bytes.EqualFold(name[n:], []byte("www")) {
			start, match = start+n, afterWWW.Find(line)
		}
	case '@':
		kind = ast.AutoLinkEmail
		first := 0
		for first < len(name) && !util.IsAlphaNumeric(name[first]) {
			first++
		}
		if first == len(name) {
			return kind, 0, 0
		}
		start += first
		match = afterName.Find(line)
		if rest := line[len(match):]; len(rest) > 0 && (rest[0] == '-' || rest[0] == '_') {
			match = nil
		}
		return kind, start, len(match)
	}
	return kind, start, withoutTail(match)
}

// maxName bounds the part of an e-mail address before the "@" (RFC 5321).
const maxName = 64

// nameLength returns how many bytes at the end of text can be the name in an e-mail
// address.
func nameLength(text []byte) (n int) {
	for n < min(len(text), maxName) {
		if c := text[len(text)-n-1]; !util.IsAlphaNumeric(c) && bytes.IndexByte([]byte("._+-"), c) < 0 {
			break
		}
		n++
	}
	return n
}

// mayPrecede reports whether an address may start after a text.
func mayPrecede(text []byte, sign byte) bool {
	if len(text) == 0 {
		return true
	}
	last := text[len(text)-1]
	switch {
	case last >= utf8.RuneSelf: // a byte of another script's character
		return true
	case sign == ':':
		return !util.IsAlphaNumeric(last)
	}
	return util.IsSpace(last) || bytes.IndexByte([]byte(`*_~([{<>"':;,|!?`), last) >= 0
}

// withoutTail returns the length of an address without the punctuation at its end, which
// belongs to the sentence. A closing bracket belongs to the address if that opens it.
func withoutTail(address []byte) int {
	for n := len(address); n > 0; n-- {
		switch c := address[n-1]; c {
		case '?', '!', '.', ',', ':', '*', '_', '~', '\'', '^':
		case ';':
			if start := bytes.LastIndexByte(address[:n], '&'); start >= 0 &&
				entityName.Match(address[start+1:n-1]) {
				n = start + 1 // "&amp;" is a sign of the text
			}
		case ')', ']', '}':
			open := map[byte]byte{')': '(', ']': '[', '}': '{'}[c]
			if bytes.Count(address[:n], []byte{c}) <= bytes.Count(address[:n], []byte{open}) {
				return n
			}
		case '(', '[', '{':
		default:
			return n
		}
	}
	return 0
}

var entityName = regexp.MustCompile(`^#?[a-zA-Z0-9]+$`)
