package format

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasis parses stars, underscores and pairs of tildes. Other than goldmark's parsers it
// knows scripts without spaces, a single tilde is a tilde ("3~5 minutes"), a star between
// digits is a star, names in code keep their underscores, and bold text that ends in
// punctuation ends where the marks are, although a word follows.
type emphasis struct{}

func (emphasis) Trigger() []byte { return []byte{'*', '_', '~'} }

func (emphasis) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, at := block.PeekLine()
	mark := line[0]
	length := 1
	for length < len(line) && line[length] == mark {
		length++
	}
	before := block.PrecendingCharacter()
	if before > utf8.RuneSelf {
		before = precedingRune(block.Source()[:at.Start])
	}
	if mark == '~' && (length != 2 || before == '~') {
		return nil
	}
	after := ' '
	if length < len(line) {
		after, _ = utf8.DecodeRune(line[length:])
	}
	marks := at.WithStop(at.Start + length)
	block.Advance(length)
	opens, closes := flanking(mark, before, after)
	switch {
	case mark == '*' && length == 1 && isDigit(before) && isDigit(after): // "5*3*2"
		opens, closes = false, false
	case mark == '*' && length == 2 && endsPhrase(before) && isLetter(after): // "**Note:**text"
		closes = true
	case mark == '_' && length == 2: // "__init__.py", "super().__init__()"
		opens = opens && !(before == '.' && at.Start > 1 && !util.IsSpace(block.Source()[at.Start-2]))
		closes = closes && !goesOnAsName(line[length:])
	}
	if !opens && !closes {
		return literal(parent, marks)
	}
	run := parser.NewDelimiter(opens, closes, length, mark, emphasisOf(mark))
	run.Segment = marks
	pc.PushDelimiter(run)
	return run
}

// flanking reports whether marks between two characters can open and close emphasis.
func flanking(mark byte, before, after rune) (opens, closes bool) {
	spaceBefore, spaceAfter := util.IsSpaceRune(before), util.IsSpaceRune(after)
	punctBefore, punctAfter := util.IsPunctRune(before), util.IsPunctRune(after)
	loose := spaceless(before) || spaceless(after)
	left := !spaceAfter && (loose || !punctAfter || spaceBefore || punctBefore)
	right := !spaceBefore && (loose || !punctBefore || spaceAfter || punctAfter)
	if mark == '_' { // not inside a word, such as a name in code
		return left && (!right || punctBefore), right && (!left || punctAfter)
	}
	return left, right
}

// endsPhrase reports whether a character ends a phrase, so that the marks after it end
// emphasis rather than start it.
func endsPhrase(r rune) bool { return strings.ContainsRune(`.,:;!?)]%"”’»…`, r) }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// goesOnAsName reports whether the text after underscores shows that they are part of a
// name in code.
func goesOnAsName(rest []byte) bool {
	return len(rest) > 1 && (rest[0] == '.' && util.IsAlphaNumeric(rest[1]) || rest[0] == '(')
}

// literal adds a segment to the text at the end of parent, and returns that text.
func literal(parent ast.Node, segment text.Segment) ast.Node {
	ast.MergeOrAppendTextSegment(parent, segment)
	return parent.LastChild()
}

// emphasisOf makes elements of matching marks.
type emphasisOf byte

func (m emphasisOf) IsDelimiter(b byte) bool { return b == byte(m) }

func (m emphasisOf) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}

func (m emphasisOf) OnMatch(consumed int) ast.Node {
	if m == '~' {
		return extast.NewStrikethrough()
	}
	return ast.NewEmphasis(consumed)
}
