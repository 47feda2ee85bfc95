package conformance

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// TestFailuresShowTheWire tests that a failure shows values as the gateway has sent them,
// and not in Go's syntax.
func TestFailuresShowTheWire(t *testing.T) {
	t.Parallel()
	var none object
	for _, test := range []struct {
		steps func(v *visit)
		want  string
	}{
		{func(v *visit) {
			v.fail("refused: %v, want a payload", object{"code": "INTERNAL", "message": "<b>", "n": 2.0}["code"])
		}, "refused: INTERNAL, want a payload"},
		{func(v *visit) { v.fail("refused: %v", object{"code": "X", "details": object{"a": []any{1.0}}}) },
			`refused: {"code":"X","details":{"a":[1]}}`},
		{func(v *visit) { v.fail("got %v and %v", []any{"a", nil, true}, nil) },
			`got ["a",null,true] and nothing`},
		{func(v *visit) { v.fail("got %v", none) }, "got null"},
		{func(v *visit) { v.fail("got %v", http.Header{"Date": {"x"}}) }, `got {"Date":["x"]}`},
		{func(v *visit) { v.fail("got %s, %q", []byte("text"), []byte("text")) }, `got text, "text"`},
		{func(v *visit) { v.fail("%d of %v, %v", 3, errors.New("an error"), 1e15) },
			"3 of an error, 1000000000000000"},
		{func(v *visit) { v.fail("%v", &rawws.Refusal{Status: 403, Body: []byte("no")}) },
			"handshake: HTTP 403: no"},
		{func(v *visit) { v.want(object{"a": object{"b": 1.5}}, "a", "text") }, `a is {"b":1.5}, want text`},
		{func(v *visit) { v.want(object{}, "a.b", 2) }, "a.b is nothing, want 2"},
		{func(*visit) { _ = get(object{}, "a").(object) },
			"an answer has another shape than the page says: got nothing, want an object"},
		{func(*visit) { _ = get(object{"a": 1.0}, "a").([]any) },
			"an answer has another shape than the page says: got a number, want a list"},
	} {
		err := new(visit).attempt(test.steps)
		if err == nil || err.Error() != test.want {
			t.Errorf("it says %v, want %s", err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "map[") || strings.Contains(err.Error(), "<nil>")) {
			t.Errorf("Go's syntax: %v", err)
		}
	}
}

// TestReportIsSafeForTerminals writes a report of a hostile gateway.
func TestReportIsSafeForTerminals(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b[2J\u009b31m\u202egpj\r\nok    everything\x07\xff"
	table := Table{URL: "http://x/" + hostile, Gateway: hostile, Without: []Offer{Offer(hostile)},
		Rows: []Result{{Section: hostile, Says: hostile, Outcome: Failed,
			Why: hostile + strings.Repeat("long ", 1000)}}, Left: []string{hostile}}
	for how, write := range map[string]func(Table, *bytes.Buffer) error{
		"text": func(t Table, b *bytes.Buffer) error { return t.WriteText(b) },
		"JSON": func(t Table, b *bytes.Buffer) error { return t.WriteJSON(b) },
	} {
		var b bytes.Buffer
		if err := write(table, &b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U is in %q", how, r, b.String())
				break
			}
		}
		for line := range strings.Lines(b.String()) {
			if how == "text" && (strings.HasPrefix(line, "ok ") || len(line) > 500) {
				t.Errorf("a line that the gateway has made: %.80q", line)
			}
		}
	}
}
