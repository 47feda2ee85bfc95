package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(r io.Reader) (events []Event, err error) {
	err = ReadEvents(r, func(e Event) (bool, error) {
		e.Data = bytes.Clone(e.Data)
		events = append(events, e)
		return !e.Done(), nil
	})
	return events, err
}

func show(events []Event) (s string) {
	for _, e := range events {
		s += fmt.Sprintf("%s %q %t; ", e.Type, e.Data, e.Whole)
	}
	return s
}

func TestReadEvents(t *testing.T) {
	t.Parallel()
	data := func(texts ...string) (events []Event) {
		for _, text := range texts {
			events = append(events, Event{Data: []byte(text)})
		}
		return events
	}
	for name, c := range map[string]struct {
		stream string
		want   []Event
	}{
		"nothing":                {"", nil},
		"comments":               {": a\n\n: b\n", nil},
		"two":                    {"data: 1\n\ndata: 2\n\n", data("1", "2")},
		"a type":                 {"event: error\ndata: x\n\n", []Event{{Type: "error", Data: []byte("x")}}},
		"a type without data":    {"event: a\n\ndata: 1\n\n", data("1")},
		"several lines":          {"data: {\ndata: }\n\n", data("{\n}")},
		"lines that are events":  {"data: {}\ndata: {\"a\":1}\ndata: [DONE]\n", data("{}", `{"a":1}`, "[DONE]")},
		"nothing after DONE":     {"data: [DONE]\n\ndata: 1\n\n", data("[DONE]")},
		"only the first space":   {"data:  1\n\n", data(" 1")},
		"a last event, whole":    {"data: {}", data("{}")},
		"a last event, not":      {"data: {", nil},
		"CR and LF":              {"data: 1\r\rdata: 2\r\n\r\ndata: 3\n\n", data("1", "2", "3")},
		"JSON":                   {"\ufeff\n {\"a\":1}\n", []Event{{Data: []byte("{\"a\":1}\n"), Whole: true}}},
		"a list":                 {"[]", []Event{{Data: []byte("[]"), Whole: true}}},
		"text":                   {"hello\n\n", nil},
		"a mark in the middle":   {"data: \ufeff\n\n", data("\ufeff")},
		"fields without a value": {"data\n\ndata: 1\nid\n\n", data("1")},
	} {
		got, err := readAll(strings.NewReader(c.stream))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %s, %v; want %s", name, show(got), err, show(c.want))
		}
	}
}

// An event is passed on with its last line, without waiting for more of the stream.
func TestEventsAreNotDelayed(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		r, w := io.Pipe()
		done := make(chan error, 1)
		got := make(chan Event, 1)
		go func() {
			done <- ReadEvents(r, func(e Event) (bool, error) {
				got <- e
				return true, nil
			})
		}()
		if _, err := io.WriteString(w, "data: 1"+end); err != nil {
			t.Fatal(err)
		}
		<-got // before the next write
		_ = w.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-done; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("ReadEvents returned %v", err)
		}
	}
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]io.Reader{
		"a line": strings.NewReader("data: " + strings.Repeat("x", maxLineBytes+1)),
		"lines":  strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 1<<10)+"\n", 5<<10)),
		"JSON":   strings.NewReader("[" + strings.Repeat(" ", maxWholeBytes)),
	} {
		if _, err := readAll(r); !errors.Is(err, errTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadEvents(f *testing.F) {
	for _, seed := range []string{"data: 1\n\n", "\ufeffevent: a\r\ndata: {\rdata:}\r\n\r", "{}", " [",
		"data: {}\ndata: {}\n\ndata: [DONE]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := readAll(bytes.NewReader(stream))
		cut, cutErr := readAll(iotest.OneByteReader(bytes.NewReader(stream)))
		if !reflect.DeepEqual(whole, cut) || (err == nil) != (cutErr == nil) {
			t.Errorf("at once %s, %v; by bytes %s, %v", show(whole), err, show(cut), cutErr)
		}
	})
}

// FuzzRepair proves that valid JSON stays as it is, and that the rest stays bounded.
func FuzzRepair(f *testing.F) {
	for _, s := range []string{`{"a":"NaN \" x","b":[1,null]}`, `[NaN,-Infinity]`, "\"a\x00\tb\\", `"\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := repair(data)
		if json.Valid(data) && !bytes.Equal(got, data) {
			t.Errorf("%q became %q", data, got)
		}
		if len(got) > len(`\u0000`)*len(data) {
			t.Errorf("%d bytes became %d", len(data), len(got))
		}
	})
}

func TestRepair(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{\"a\":\"x\x00y\tz\"}":    `{"a":"x\u0000y\u0009z"}`,
		`[NaN,Infinity,-Infinity]`: `[null,null,null]`,
		`["NaN","\"NaN"]`:          `["NaN","\"NaN"]`,
	} {
		if got := repair([]byte(in)); string(got) != want {
			t.Errorf("repair(%q) = %q, want %q", in, got, want)
		}
	}
}
