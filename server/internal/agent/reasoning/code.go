package reasoning

import "strings"

// codeTracker knows whether a text that grows ends inside code: in a fenced block, or
// between the backticks of its last line.
type codeTracker struct {
	line    []byte // the last line, or its beginning
	some    bool   // whether there was any text
	inFence bool
	fence   byte // the character of the fence
}

// maxTrackedLine limits how much of a line is kept.
const maxTrackedLine = 4 << 10

func (c *codeTracker) empty() bool { return !c.some }

func (c *codeTracker) text() string { return string(c.line) }

func (c *codeTracker) write(text string) {
	c.some = c.some || text != ""
	for i := range len(text) {
		switch {
		case text[i] == '\n':
			c.endLine()
		case len(c.line) < maxTrackedLine:
			c.line = append(c.line, text[i])
		}
	}
}

// endLine handles the line's fence, if it is one.
func (c *codeTracker) endLine() {
	trimmed := strings.TrimLeft(string(c.line), " ")
	c.line = c.line[:0]
	if !strings.HasPrefix(trimmed, "```") && !strings.HasPrefix(trimmed, "~~~") {
		return
	}
	switch {
	case !c.inFence:
		c.inFence, c.fence = true, trimmed[0]
	case trimmed[0] == c.fence:
		c.inFence = false
	}
}

func (c *codeTracker) inCode() bool {
	return c.inFence || c.backtickRuns()%2 == 1
}

// backtickRuns counts the runs of backticks in the last line.
func (c *codeTracker) backtickRuns() int {
	runs := 0
	for i, b := range c.line {
		if b == '`' && (i == 0 || c.line[i-1] != '`') {
			runs++
		}
	}
	return runs
}
