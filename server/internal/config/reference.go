package config

import (
	"errors"
	"fmt"
	"strings"
)

// The lines between which a document contains Reference.
const (
	referenceBegin = "<!-- config:begin -->"
	referenceEnd   = "<!-- config:end -->"
)

// Reference returns a Markdown table of all keys: what each accepts, its default,
// what it is for, and whether a change needs a reload or a restart.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | takes | default | what | a change needs |\n|---|---|---|---|---|\n")
	for _, k := range schema() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, escapeMarkdown(k.accepts),
			escapeCell(k.defaultText()), escapeCell(k.whatText()), k.changeText())
	}
	return b.String()
}

func (k key) defaultText() string {
	switch {
	case k.defaultDescription != "":
		return k.defaultDescription
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

// escapeCell escapes the bars in s, which would end a table cell.
func escapeCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// escapeMarkdown escapes bars and markup.
func escapeMarkdown(s string) string {
	return escapeCell(strings.NewReplacer("*", `\*`, "_", `\_`, "[", `\[`, "<", `\<`).Replace(s))
}

// EmbedReference returns document with the current Reference between the lines
// <!-- config:begin --> and <!-- config:end -->. It returns an error unless each of
// these lines occurs exactly once, in that order.
func EmbedReference(document string) (string, error) {
	before, rest, begun := strings.Cut(document, referenceBegin+"\n")
	_, after, ended := strings.Cut(rest, referenceEnd)
	once := strings.Count(document, referenceBegin) == 1 &&
		strings.Count(document, referenceEnd) == 1
	if !begun || !ended || !once {
		return "", errors.New("the document must hold the line " + referenceBegin +
			" and after it the line " + referenceEnd + ", each once")
	}
	return before + referenceBegin + "\n" + Reference() + referenceEnd + after, nil
}
