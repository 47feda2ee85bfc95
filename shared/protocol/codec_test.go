package protocol

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
)

// fill draws a value for each field below v.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case jsontext.Raw:
		v.SetBytes([]byte(rapid.SampledFrom([]string{`{}`, `{"a":[1,"x",null]}`, `"s"`, `null`, `-1.5e3`}).Draw(t, "raw")))
		return
	case Time:
		v.SetInt(rapid.Int64Range(0, 4102444800000).Draw(t, "time"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "string"))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "present") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, "len")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e)
			v.SetMapIndex(reflect.ValueOf(rapid.StringMatching(`[A-Za-z0-9._:@-]+`).Draw(t, "key")), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

func fresh(p Payload) Payload { return reflect.New(reflect.TypeOf(p).Elem()).Interface().(Payload) }

func TestCodecsAgreeWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, zero := range wireTypes() {
		t.Run(reflect.TypeOf(zero).Elem().Name(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				v := fresh(zero)
				fill(t, reflect.ValueOf(v).Elem())
				ours := v.AppendJSON(nil)
				theirs, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				for _, text := range [][]byte{ours, theirs} {
					a, b := fresh(v), fresh(v)
					if err := Decode(text, a); err != nil {
						t.Fatalf("our decoder: %v in %s", err, text)
					}
					if err := json.Unmarshal(text, b); err != nil {
						t.Fatalf("encoding/json: %v in %s", err, text)
					}
					if !reflect.DeepEqual(a, b) {
						t.Fatalf("%s reads as\n%+v\nencoding/json has\n%+v", text, a, b)
					}
				}
				var x, y any
				_ = json.Unmarshal(ours, &x)
				_ = json.Unmarshal(theirs, &y)
				if !reflect.DeepEqual(x, y) {
					t.Fatalf("we write\n%s\nencoding/json writes\n%s", ours, theirs)
				}
			})
		})
	}
}

func TestDecodeErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		into Payload
		want string
	}{
		{`{"message":1}`, &ChatSendParams{}, "message must be a string"},
		{`{"media":[{"path":"a"},{"path":true}]}`, &ChatSendParams{}, "media[1].path must be a string"},
		{`{"limit":"ten"}`, &ChatHistoryParams{}, "limit must be a whole number"},
		{`{"limit":1.5}`, &ChatHistoryParams{}, "limit must be a whole number of at most 64 bits"},
		{`{"pinned":"yes"}`, &SessionsPatchParams{}, "pinned must be true or false"},
		{`[]`, &ChatSendParams{}, "must be an object"},
		{`{"media":{}}`, &ChatSendParams{}, "media must be an array"},
		{`{"message":"x"`, &ChatSendParams{}, "unexpected end at byte 14"},
		{`{"message":"x"} x`, &ChatSendParams{}, "unexpected text after the value at byte 16"},
		{`{"message":"x",}`, &ChatSendParams{}, "expected a value after the comma at byte 15"},
		{"{\"message\":\"\xff\"}", &ChatSendParams{}, "text is not valid UTF-8 at byte 12"},
		{`{"expires_at":"yesterday"}`, &PairingStatus{}, "expires_at must be a time such as 2006-01-02T15:04:05Z"},
		{`{"media":[` + strings.Repeat("{},", 10_000) + `{}]}`, &ChatSendParams{}, "media[10000] is too much: at most 10000 are taken"},
		{`{"caps":[` + strings.Repeat(`"",`, 10_000) + `""]}`, &Client{}, "caps[10000] is too much: at most 10000 are taken"},
		{`{"x":` + strings.Repeat("[", 65), &Request{}, "nested deeper than 64 levels at byte 68"},
	} {
		err := Decode([]byte(c.text), c.into)
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%.40s: got %v, want …%s", c.text, err, c.want)
		}
	}
}

// TestWideTextIsPassedOver checks that skipped values do not count against MaxItems.
func TestWideTextIsPassedOver(t *testing.T) {
	t.Parallel()
	wide := "[" + strings.Repeat("{},", 20_000) + "{}]"
	var p ChatSendParams
	if err := Decode([]byte(`{"extra":`+wide+`,"message":"x"}`), &p); err != nil || p.Message != "x" {
		t.Errorf("%q %v", p.Message, err)
	}
	if err := Decode([]byte(`{"media":[`+strings.Repeat("{},", 9_999)+`{}]}`), &p); err != nil || len(p.Media) != 10_000 {
		t.Errorf("%d files %v", len(p.Media), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"req","id":"1","method":"chat.send","params":{"message":"h\u00e9\ud83d\ude00"}}`))
	f.Add([]byte(`{"type":"event","payload":[1,2.5e-3,true,null],"seq":9}`))
	f.Add([]byte(`{"messages":[{"id":"a","html":{"from":0,"blocks":["<p>"]}}],"lastSeq":-0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, zero := range wireTypes() {
			v := fresh(zero)
			err := Decode(text, v)
			if err == nil && !json.Valid(text) {
				t.Fatalf("took %q, which is not JSON", text)
			}
			if err == nil {
				again := v.AppendJSON(nil)
				if !json.Valid(again) {
					t.Fatalf("wrote %q, which is not JSON", again)
				}
			}
			if e, ok := err.(*jsontext.Error); ok && e.Syntax && utf8.Valid(text) &&
				json.Valid(text) && !bytes.Contains(text, []byte("[[")) && e.What != "nested deeper than 64 levels" {
				t.Fatalf("refused %q: %v", text, e)
			}
		}
	})
}

func BenchmarkDecodeRequest(b *testing.B) {
	text := []byte(`{"type":"req","id":"17","method":"chat.send","params":{"message":"What is a gatehouse?","sessionKey":"agent:default:ws:direct:0190"}}`)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r Request
			_ = Decode(text, &r)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r Request
			_ = json.Unmarshal(text, &r)
		}
	})
}
