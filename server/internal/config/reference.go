package config

import (
	"errors"
	"fmt"
	"strings"
)

// The lines between which a document holds Reference.
const (
	referenceBegin = "<!-- config:begin -->"
	referenceEnd   = "<!-- config:end -->"
)

// Reference returns a Markdown table of every key: what it takes, its default
// and what it is for, from the description that also validates.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | takes | default | what | a change needs |\n|---|---|---|---|---|\n")
	for _, k := range schema() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, plain(k.accepts), cell(k.defaultText()), cell(k.whatText()), k.changeText())
	}
	return b.String()
}

func (k key) defaultText() string {
	switch {
	case k.shown != "":
		return k.shown
	case k.literal == "":
		return "none"
	}
	return "`" + k.literal + "`"
}

func (k key) changeText() string {
	if k.isLive || k.ofAgent() {
		return "reload"
	}
	return "restart"
}

func (k key) whatText() string {
	var also []string
	if k.env != "" {
		also = append(also, "`"+k.env+"`")
	}
	if k.flag != "" {
		also = append(also, "`-"+k.flag+"`")
	}
	if also == nil {
		return k.what
	}
	return k.what + " Overridden by " + strings.Join(also, " and ") + "."
}

// cell escapes what would end a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// plain escapes what would read as markup, too.
func plain(s string) string {
	return cell(strings.NewReplacer("*", `\*`, "_", `\_`, "[", `\[`, "<", `\<`).Replace(s))
}

// EmbedReference returns document with the current Reference between the lines
// <!-- config:begin --> and <!-- config:end -->. A document that is up to date
// comes back unchanged. It fails unless each line occurs once, in that order.
func EmbedReference(document string) (string, error) {
	before, rest, begun := strings.Cut(document, referenceBegin+"\n")
	_, after, ended := strings.Cut(rest, referenceEnd)
	if !begun || !ended || strings.Count(document, referenceBegin) != 1 || strings.Count(document, referenceEnd) != 1 {
		return "", errors.New("the document must hold the line " + referenceBegin + " and after it the line " + referenceEnd + ", each once")
	}
	return before + referenceBegin + "\n" + Reference() + referenceEnd + after, nil
}
